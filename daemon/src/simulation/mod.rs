//! A simulated day: twins at every gate, people with their bands, and a clock that goes on only
//! when all requests are answered.

mod day;
pub(crate) mod month;
mod play;
mod twins;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use devices::pin::PinKey;
use domain::time::{Clock, Timestamp};
use store::{place::Place, verify};
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{Exit, RunArgs, SimulateArgs},
    clock::{RealClock, SimulatedClock, SiteClock},
    commands::run::recorder,
    config::Installation,
    data, pins,
    print::Printer,
    running::{self, Options},
};

use play::{Outside, Tally};
pub(crate) use twins::Twins;

/// Plays a day on a daemon of its own, whose database is made new each time.
pub(crate) async fn run(
    installation: &Installation,
    args: &RunArgs,
    json: bool,
) -> anyhow::Result<Exit> {
    // Its gates are twins, which have no accounts.
    let links = installation.links.clone().simulated();
    let installation = &Installation { links, ..installation.clone() };
    let folder = fresh_folder(&installation.state)?;
    let site = &installation.site;
    let rows =
        data::read(&installation.data(), site, (args.seed, &PinKey::default()), RealClock.now())?
            .rows;
    let today = domain::windows::local_date(RealClock.now(), &site.time_zone);
    let date = day::busiest(&rows, today);
    let guests = day::guests(site, &rows, date, args.seed);
    let dawn = site.time_zone.to_timestamp(date.at(6, 0, 0, 0))?;
    let clock = SimulatedClock::new(Timestamp::from(dawn));

    // Boards of the simulation stand before the daemon looks for them.
    let gates: Arc<dyn Clock> = Arc::new(clock.clone());
    let mut twins = Twins::boards(installation).await?;
    let options = Options {
        database: Place::file(folder.join("kari.db")),
        state: folder,
        clock: SiteClock::Simulated(clock.clone()),
        seed: args.seed,
        prometheus: recorder()?,
        ended: CancellationToken::new(),
        new_database: false,
        waits: false,
    };
    let running = running::start(installation, options).await?;
    twins.connect(installation, running.hub.broker_address(), gates).await?;
    let printing = (!args.quiet).then(|| {
        let printer = Printer::new(site, running.reader.clone(), json);
        tokio::spawn(printer.run(running.feed.subscribe()))
    });
    tell!(
        "kari: {} on {date}, {} people; live on http://{}/; Ctrl-C ends the day",
        site.name,
        guests.len(),
        installation.admin
    );
    let day = play::Day {
        clock,
        speed: args.speed,
        twins: &twins,
        feed: running.feed.subscribe(),
        seed: args.seed,
    };
    let tally = tokio::select! {
        tally = day.play(&guests) => tally?,
        _ = tokio::signal::ctrl_c() => Tally::default(),
    };
    twins.stop().await;
    let reader = running.reader.clone();
    running.stop().await?;
    if let Some(printing) = printing {
        // What the feed still holds is printed before the summary.
        drop(printing.await);
    }
    let verified = verify::chain(&reader).await?;
    tally.print(&verified, json)?;
    Ok(Exit::Done)
}

/// The folder of a simulation, without what the last one left; PINs count in it as at the site.
fn fresh_folder(state: &Path) -> anyhow::Result<PathBuf> {
    let folder = state.join("simulation");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| {
            format!("cannot remove the last simulation in `{}`", folder.display())
        })?;
    }
    pins::lend(state, &folder)?;
    Ok(folder)
}

/// Sends people to a daemon that runs elsewhere, in real time.
pub(crate) async fn outside(
    installation: &Installation,
    args: &SimulateArgs,
) -> anyhow::Result<Tally> {
    let site = &installation.site;
    anyhow::ensure!(
        installation.links.accounts.current().is_empty(),
        "the gates of this site have accounts, and simulated ones have none; try it on a copy of \
         the site without `accounts.toml`"
    );
    let rows =
        data::read(&installation.data(), site, (args.seed, &PinKey::default()), RealClock.now())?
            .rows;
    let today = domain::windows::local_date(RealClock.now(), &site.time_zone);
    let mut guests = day::guests(site, &rows, today, args.seed);
    let mut rng = fastrand::Rng::with_seed(args.seed);
    rng.shuffle(&mut guests);
    guests.truncate(usize::try_from(args.people)?);
    let mut twins = Twins::boards(installation).await?;
    let broker = installation.links.broker_address();
    twins.connect(installation, broker, Arc::new(RealClock)).await?;
    let outside = Outside { twins: &twins, pause: std::time::Duration::from_millis(args.pause_ms) };
    let tally = outside.play(&guests).await;
    twins.stop().await;
    Ok(tally)
}

//! `kari run`: the daemon, until it is told to stop.

use anyhow::Context;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    cli::{Exit, RunArgs},
    clock::{RealClock, SiteClock},
    commands::doctor::door,
    config::Installation,
    pins,
    print::Printer,
    running::{self, Options, Running},
    simulation, spool,
};

/// Runs a site, real or simulated.
pub(crate) async fn run(args: RunArgs, json: bool) -> anyhow::Result<Exit> {
    let installation = Installation::open(args.site.site.as_deref())?;
    if args.simulate {
        return simulation::run(&installation, &args, json).await;
    }
    spool::detach().context("cannot start the thread that prints")?;
    if let Some(warning) = door::open_door(&installation) {
        tracing::warn!("{warning}");
    }
    if args.new_pin_key {
        pins::begin_anew(&installation.state)?;
    }
    let options = Options {
        state: installation.state.clone(),
        database: installation.database.clone(),
        clock: SiteClock::Real(RealClock),
        seed: seed(),
        prometheus: recorder()?,
    };
    let mut running = running::start(&installation, options).await?;
    let printing = (!args.quiet).then(|| {
        let printer = Printer::new(&installation.site, running.reader.clone(), json);
        tokio::spawn(printer.run(running.feed.subscribe()))
    });
    tell!(
        "kari: {} is open; health, metrics and the live feed on http://{}/; Ctrl-C stops",
        installation.site.name,
        installation.admin
    );
    wait(&mut running).await?;
    tell!("kari: stopping");
    running.stop().await?;
    if let Some(printing) = printing {
        printing.abort();
    }
    Ok(Exit::Done)
}

/// Waits for a signal to stop, or for a fault; SIGHUP reads the rules again.
async fn wait(running: &mut Running) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = interrupt.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
            _ = hangup.recv() => {
                if running.reload.try_send(()).is_err() {
                    tracing::debug!("a reload is on its way already");
                }
            }
            () = running.ended() => return Ok(()),
        }
    }
}

/// The recorder of metrics, which a process has one of.
pub(crate) fn recorder() -> anyhow::Result<PrometheusHandle> {
    PrometheusBuilder::new().install_recorder().context("cannot start the metrics")
}

/// What the ids of a real site depend on.
pub(crate) fn seed() -> u64 {
    fastrand::u64(..)
}

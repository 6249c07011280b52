//! `kari run`: the daemon, until it is told to stop.

use std::time::Duration;

use anyhow::Context;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

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

/// How long a start may take to end by itself once a stop is asked for.
const START_GRACE: Duration = Duration::from_secs(5);
/// How long a stop may take in all.
const STOP_MAX: Duration = Duration::from_secs(9);

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
    let stop = CancellationToken::new();
    obey(stop.clone())?;
    let options = Options {
        state: installation.state.clone(),
        database: installation.database.clone(),
        clock: SiteClock::Real(RealClock),
        seed: seed(),
        prometheus: recorder()?,
        ended: stop.clone(),
        new_database: args.new_database,
        waits: true,
    };
    let started = tokio::select! {
        started = running::start(&installation, options) => started,
        () = after(&stop, START_GRACE) => return Ok(Exit::Done),
    };
    let mut running = match started {
        Ok(running) => running,
        Err(error) if stop.is_cancelled() => {
            tell!("kari: stopped before it was open: {error:#}");
            return Ok(Exit::Done);
        }
        Err(error) => return Err(error),
    };
    let printing = (!args.quiet).then(|| {
        let printer = Printer::new(&installation.site, running.reader.clone(), json);
        tokio::spawn(printer.run(running.feed.subscribe()))
    });
    tell!(
        "kari: {} is open; health, metrics and the live feed on http://{}/; Ctrl-C stops",
        installation.site.name,
        installation.admin
    );
    wait(&mut running, &stop).await?;
    tell!("kari: stopping");
    running.stop().await?;
    if let Some(printing) = printing {
        printing.abort();
    }
    Ok(Exit::Done)
}

/// Waits for a stop, or for a fault; SIGHUP reads the rules again.
async fn wait(running: &mut Running, stop: &CancellationToken) -> anyhow::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = hangup.recv() => {
                if running.reload.try_send(()).is_err() {
                    tracing::debug!("a reload is on its way already");
                }
            }
            () = running.ended() => return Ok(()),
        }
    }
}

/// Waits for a stop and some time more.
async fn after(stop: &CancellationToken, grace: Duration) {
    stop.cancelled().await;
    tokio::time::sleep(grace).await;
}

/// Obeys SIGTERM and Ctrl-C, on a thread that nothing else can hold up: the first one asks for the
/// end, and what has not ended by then is ended. What was acknowledged is durable.
fn obey(stop: CancellationToken) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(async {
            let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
            let (Ok(mut interrupt), Ok(mut terminate)) = signals else {
                tracing::error!("the system gives no signals; the run ends by SIGKILL alone");
                return;
            };
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            stop.cancel();
            tokio::time::sleep(STOP_MAX).await;
            tracing::error!("it did not end by itself in time; it is ended now");
            std::process::exit(i32::from(Exit::Failed.code()));
        });
    })?;
    Ok(())
}

/// The recorder of metrics, which a process has one of.
pub(crate) fn recorder() -> anyhow::Result<PrometheusHandle> {
    PrometheusBuilder::new().install_recorder().context("cannot start the metrics")
}

/// What the ids of a real site depend on.
pub(crate) fn seed() -> u64 {
    fastrand::u64(..)
}

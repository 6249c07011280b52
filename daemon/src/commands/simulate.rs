//! `kari simulate`: people at the gates of a daemon that runs, from outside and in real time.

use crate::{
    cli::{Exit, SimulateArgs},
    config::Installation,
    simulation,
    socket::{self, Question},
};

/// Sends people to the gates.
pub(crate) async fn simulate(args: SimulateArgs, json: bool) -> anyhow::Result<Exit> {
    let installation = Installation::open(args.site.site.as_deref())?;
    if socket::ask_daemon(&installation.socket(), &Question::Status).await?.is_none() {
        tell!(
            "kari: no daemon runs at `{}`; start it by `kari run {}`, or say `kari run --simulate`",
            installation.socket().display(),
            installation.folder.display()
        );
        return Ok(Exit::Unreachable);
    }
    let tally = simulation::outside(&installation, &args).await?;
    if json {
        let told = serde_json::json!({
            "people": tally.people,
            "answers": tally.outcomes,
            "passages": tally.passages,
        });
        say!("{}", serde_json::to_string(&told)?);
    } else {
        say!("{} people came", tally.people);
        for (outcome, count) in &tally.outcomes {
            say!("  {count:>6}  {outcome}");
        }
        say!("  {:>6}  passages", tally.passages);
    }
    Ok(Exit::Done)
}

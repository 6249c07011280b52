//! The Unix socket of a running daemon: one JSON line asks, one answers. Its file is for the owner
//! alone.

use std::{os::unix::fs::PermissionsExt, path::Path, sync::Arc, time::Duration};

use admin_api::health::Health;
use domain::{
    decision::Decision,
    ids::DecisionId,
    rows::Person,
    state::{Answer, Input},
};
use serde::{Deserialize, Serialize};
use store::reader::Reader;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::{Semaphore, mpsc, oneshot},
};
use tokio_util::sync::CancellationToken;

use crate::site_loop::Ask;

/// The longest line of a question.
const LINE_MAX: u64 = 16 * 1024;
/// How many callers are served at once.
const CALLERS_MAX: usize = 16;
/// How long one caller may take.
const CALL_MAX: Duration = Duration::from_secs(10);

/// Between two tries while the system gives no more connections.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What can be asked of a running daemon.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(crate) enum Question {
    /// How it is.
    Status,
    /// One decision, or the latest.
    Explain {
        /// Which.
        decision: Option<DecisionId>,
    },
    /// End an emergency.
    ResetEmergency {
        /// Two names.
        operators: [String; 2],
    },
}

/// What it answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub(crate) enum Reply {
    /// How it is.
    Status {
        /// The version that runs.
        version: String,
        /// What keeps it from being ready.
        missing: Vec<String>,
        /// The hash of the live rule set.
        rule_set: Option<String>,
        /// Why the last change was refused.
        refused: Option<String>,
    },
    /// A decision, and the name of the person, where one is known.
    Decision {
        /// The record.
        decision: Box<Decision>,
        /// The person.
        person: Option<Person>,
    },
    /// It is done.
    Done,
    /// It is not done, and why.
    Refused {
        /// Why, and what to do.
        why: String,
    },
}

/// What a caller may reach.
#[derive(Clone)]
pub(crate) struct Desk {
    /// The loop.
    pub(crate) administration: mpsc::Sender<Ask>,
    /// The health.
    pub(crate) health: Arc<Health>,
    /// The records.
    pub(crate) reader: Reader,
}

/// Opens the socket at `path`, which is replaced: the daemon holds the site's lock.
///
/// # Errors
/// The folder cannot be written.
pub(crate) fn listen(path: &Path) -> std::io::Result<UnixListener> {
    if path.exists() {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves callers until the run ends.
pub(crate) async fn serve(listener: UnixListener, desk: Desk, ended: CancellationToken) {
    let places = Arc::new(Semaphore::new(CALLERS_MAX));
    loop {
        let accepted = tokio::select! {
            () = ended.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "the socket takes no caller; it is tried again");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let desk = desk.clone();
        tokio::spawn(async move {
            let _place = place;
            match tokio::time::timeout(CALL_MAX, call(stream, &desk)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, "a caller of the socket went away"),
                Err(_) => tracing::warn!("a caller of the socket took too long"),
            }
        });
    }
}

async fn call(mut stream: UnixStream, desk: &Desk) -> std::io::Result<()> {
    let (read, mut write) = stream.split();
    let mut line = String::new();
    BufReader::new(read.take(LINE_MAX)).read_line(&mut line).await?;
    let reply = match serde_json::from_str::<Question>(&line) {
        Ok(question) => answer(question, desk).await,
        Err(error) => Reply::Refused { why: format!("the question cannot be read: {error}") },
    };
    let mut text = serde_json::to_string(&reply)?;
    text.push('\n');
    write.write_all(text.as_bytes()).await
}

async fn answer(question: Question, desk: &Desk) -> Reply {
    match question {
        Question::Status => {
            let health = desk.health.look();
            Reply::Status {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                missing: health.missing(),
                rule_set: health.rules.live.map(|(hash, _)| hash),
                refused: health.rules.refused.map(|(message, _)| message),
            }
        }
        Question::Explain { decision } => explain(&desk.reader, decision).await,
        Question::ResetEmergency { operators } => {
            ask(&desk.administration, Input::ResetEmergency { operators }).await
        }
    }
}

/// Asks the loop, and waits until the answer is durable.
async fn ask(administration: &mpsc::Sender<Ask>, input: Input) -> Reply {
    let (reply, answer) = oneshot::channel();
    if administration.send(Ask { input, policy: None, reply }).await.is_err() {
        return ended();
    }
    match answer.await {
        Ok(Answer::Taken) => Reply::Done,
        Ok(Answer::Refused(why)) => Reply::Refused { why },
        Err(_) => ended(),
    }
}

fn ended() -> Reply {
    Reply::Refused { why: "the daemon is stopping; try again once it runs".to_owned() }
}

/// Finds a decision and the person behind it.
pub(crate) async fn explain(reader: &Reader, id: Option<DecisionId>) -> Reply {
    let found = match id {
        Some(id) => reader.decision(id).await,
        None => {
            reader.latest(1, None).await.map(|list| list.into_iter().next().map(|(_, one)| one))
        }
    };
    let decision = match found {
        Ok(Some(decision)) => decision,
        Ok(None) => return Reply::Refused { why: not_there(reader, id).await },
        Err(error) => return Reply::Refused { why: error.to_string() },
    };
    let person = match decision.member {
        Some(member) => reader.person(member).await.ok().flatten(),
        None => None,
    };
    Reply::Decision { decision: Box::new(decision), person }
}

/// Why there is no decision to explain.
async fn not_there(reader: &Reader, id: Option<DecisionId>) -> String {
    let remains = match id {
        Some(id) => reader.remains(id).await.ok().flatten(),
        None => None,
    };
    match remains {
        Some((at, outcome, reason)) => format!(
            "the decision of {at} is older than `audit.retention` keeps who it was about; what \
             remains is {outcome}, {reason}"
        ),
        None => "there is no such decision; `kari explain DIR` shows the latest one".to_owned(),
    }
}

/// Asks the daemon behind `path`; `None` where none runs.
///
/// # Errors
/// A daemon that does not answer as it should.
pub(crate) async fn ask_daemon(path: &Path, question: &Question) -> anyhow::Result<Option<Reply>> {
    let Ok(mut stream) = UnixStream::connect(path).await else { return Ok(None) };
    let mut text = serde_json::to_string(question)?;
    text.push('\n');
    stream.write_all(text.as_bytes()).await?;
    let mut line = String::new();
    tokio::time::timeout(CALL_MAX, BufReader::new(stream).read_line(&mut line)).await??;
    Ok(Some(serde_json::from_str(&line)?))
}

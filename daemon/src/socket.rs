//! The Unix socket of a running daemon: one JSON line asks, one answers. Its file is for the owner
//! alone.

pub(crate) mod near;
mod places;

use std::{
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use admin_api::health::Health;
use devices::pin::PinKey;
use domain::{
    decision::Decision,
    ids::DecisionId,
    money::Money,
    order::{OverrideReason, What},
    reasons::Reason,
    remedy::Remedy,
    rows::Person,
    state::{Answer, Entry, Input, Noted},
    time::Clock,
};
use serde::{Deserialize, Serialize};
use store::reader::Reader;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::{mpsc, oneshot},
};
use tokio_util::sync::CancellationToken;

use self::places::{Places, Served};

use crate::{
    cli::{registry::Change, till::TillOrder},
    import as imports,
    intake::Ask,
    registry::{
        Surroundings,
        show::{Done, ExemptionLine, HeldLine, Line, Shown},
    },
    remedies::Remedies,
    values::Checks,
};

/// The longest line of a question: a basket of the most lines fits.
pub(crate) const LINE_MAX: u64 = 64 * 1024;
/// How long a caller may take to ask.
const ASK_MAX: Duration = Duration::from_secs(5);
/// How long one caller may take.
const CALL_MAX: Duration = Duration::from_secs(10);

/// Between two tries while the system gives no more connections.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// A cause that lasts is told this often.
const TELL_AGAIN: Duration = Duration::from_secs(60);

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
    /// An operator's order.
    Order {
        /// Where.
        terminal: String,
        /// Who.
        operator: String,
        /// The proof.
        pin: String,
        /// What.
        what: What,
    },
    /// Lifting the reasons of a decision.
    Override {
        /// Where.
        terminal: String,
        /// Who.
        operator: String,
        /// The proof.
        pin: String,
        /// Which decision.
        decision: DecisionId,
        /// The reasons.
        codes: Vec<Reason>,
        /// Why.
        reason: OverrideReason,
        /// Why, in words.
        text: String,
        /// What is waived of the debt.
        waived: Money,
    },
    /// A change of people, or of what they carry.
    Change {
        /// Where.
        terminal: String,
        /// Who.
        operator: String,
        /// The proof.
        pin: String,
        /// What tells it from another one, where it may be sent again.
        key: Option<String>,
        /// What.
        what: Box<Change>,
    },
    /// An order at a till.
    Till {
        /// Where.
        terminal: String,
        /// Who.
        operator: String,
        /// The proof.
        pin: String,
        /// What tells it from another one, where it may be sent again.
        key: Option<String>,
        /// What.
        what: Box<TillOrder>,
    },
    /// The member of a number.
    Member {
        /// Which.
        number: u32,
    },
    /// Members who are found by a text.
    Find {
        /// The text.
        text: String,
    },
    /// What became of a credential.
    History {
        /// Which.
        uid: String,
    },
    /// All exemptions.
    Exemptions,
    /// What waits at a terminal for a second person.
    Waits {
        /// The terminal where it was ordered.
        ordered_at: String,
    },
    /// A second person's confirmation.
    Confirm {
        /// The terminal where it was ordered.
        ordered_at: String,
        /// The decision that was seen.
        decision: Option<DecisionId>,
        /// Where.
        terminal: String,
        /// Who.
        operator: String,
        /// The proof.
        pin: String,
    },
    /// An import; its rows follow, a line each, and what is told of it comes back so.
    Import {
        /// What is asked.
        order: imports::Order,
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
        /// What would have opened it.
        remedy: Option<Remedy>,
        /// What became of its commands, where one failed.
        #[serde(default)]
        failed: Vec<String>,
    },
    /// What became of a change.
    Changed {
        /// It.
        done: Box<Done>,
    },
    /// A member.
    Member {
        /// Who.
        shown: Box<Shown>,
    },
    /// Members who were found.
    Found {
        /// Them.
        members: Vec<Line>,
    },
    /// The history of a credential.
    History {
        /// The oldest line first.
        lines: Vec<HeldLine>,
    },
    /// All exemptions.
    Exemptions {
        /// Them.
        list: Vec<ExemptionLine>,
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
    /// What would open.
    pub(crate) remedies: Remedies,
    /// The key of the PINs.
    pub(crate) pins: PinKey,
    /// The checks of a value.
    pub(crate) checks: Checks,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// What takes imports.
    pub(crate) importer: imports::Importer,
    /// What the desk's words depend on.
    pub(crate) site: Surroundings,
}

/// Opens the socket at `path`, which is replaced: the daemon holds the site's lock.
///
/// # Errors
/// The folder cannot be written.
pub(crate) fn listen(path: &Path) -> std::io::Result<UnixListener> {
    if path.exists() {
        std::fs::remove_file(path)?;
    }
    let listener = near::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves callers until the run ends.
pub(crate) async fn serve(listener: UnixListener, desk: Desk, ended: CancellationToken) {
    let places = Places::default();
    let mut told = None;
    loop {
        let accepted = tokio::select! {
            () = ended.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                if is_due(&mut told) {
                    tracing::warn!(%error, "the socket takes no caller; it is tried again");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(place) = places.take().await else {
            metrics::counter!("kari_socket_callers_refused_total").increment(1);
            continue;
        };
        let desk = desk.clone();
        tokio::spawn(async move {
            let dropped = place.dropped.clone();
            tokio::select! {
                () = dropped.cancelled() => {}
                called = call(stream, &desk, place) => if let Err(error) = called {
                    tracing::debug!(%error, "a caller of the socket went away");
                },
            }
        });
    }
}

/// Whether what happens again and again may be told: once a minute.
fn is_due(told: &mut Option<Instant>) -> bool {
    let due = told.is_none_or(|told| told.elapsed() >= TELL_AGAIN);
    if due {
        *told = Some(Instant::now());
    }
    due
}

async fn call(mut stream: UnixStream, desk: &Desk, place: Served) -> std::io::Result<()> {
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(read.take(LINE_MAX));
    let mut line = String::new();
    let Ok(read) = tokio::time::timeout(ASK_MAX, lines.read_line(&mut line)).await else {
        tracing::debug!("a caller of the socket said nothing");
        return Ok(());
    };
    read?;
    place.speaks();
    let brief = async {
        let reply = match serde_json::from_str::<Question>(&line) {
            Ok(Question::Import { order }) => return Ok(Some(order)),
            Ok(question) => answer(question, desk).await,
            Err(error) => Reply::Refused { why: format!("the question cannot be read: {error}") },
        };
        let mut text = serde_json::to_string(&reply)?;
        text.push('\n');
        write.write_all(text.as_bytes()).await?;
        Ok::<_, std::io::Error>(None)
    };
    match tokio::time::timeout(CALL_MAX, brief).await {
        Ok(Ok(Some(order))) => {
            // Each of its lines has a bound of its own.
            lines.get_mut().set_limit(u64::MAX);
            imports::wire::serve(lines, write, (desk.importer.clone(), order)).await;
        }
        Ok(brief) => drop(brief?),
        Err(_) => tracing::warn!("a caller of the socket took too long"),
    }
    Ok(())
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
        Question::Explain { decision } => explain(&desk.reader, &desk.remedies, decision).await,
        Question::Order { terminal, operator, pin, what } => {
            desk.order((terminal, operator, pin), what).await
        }
        Question::Override { terminal, operator, pin, decision, codes, reason, text, waived } => {
            let lifts = (codes, reason, text, waived);
            match desk.lifts(decision, lifts).await {
                Ok(lifts) => desk.order((terminal, operator, pin), What::Override(lifts)).await,
                Err(why) => Reply::Refused { why },
            }
        }
        Question::Change { terminal, operator, pin, key, what } => {
            desk.change((terminal, operator, pin), (key, *what)).await
        }
        Question::Till { terminal, operator, pin, key, what } => {
            desk.at_till((terminal, operator, pin), (key, *what)).await
        }
        Question::Member { number } => desk.show(number).await,
        Question::Find { text } => desk.find(&text).await,
        Question::History { uid } => desk.history(&uid).await,
        Question::Exemptions => desk.exemptions().await,
        Question::Waits { ordered_at } => {
            desk.ask(Input::Waits { ordered_at: ordered_at.into() }).await
        }
        Question::Confirm { ordered_at, decision, terminal, operator, pin } => {
            let Some(pin) = desk.pins.digest(&operator, &pin) else { return no_pin() };
            let (terminal, ordered_at) = (terminal.into(), ordered_at.into());
            let operator = operator.as_str().into();
            desk.ask(Input::Confirm { terminal, ordered_at, decision, operator, pin }).await
        }
        Question::Import { .. } => ended(),
    }
}

impl Desk {
    /// Asks the loop, and waits until the answer is durable.
    async fn ask(&self, input: Input) -> Reply {
        let answer = self.answer(input).await;
        self.reply(answer).await
    }

    /// The loop's answer once it is durable; nothing where the daemon stops.
    pub(crate) async fn answer(&self, input: Input) -> Option<Answer> {
        let (reply, answer) = oneshot::channel();
        self.administration.send(Ask { input, policy: None, reply }).await.ok()?;
        answer.await.ok()
    }

    /// What a caller is told.
    pub(crate) async fn reply(&self, answer: Option<Answer>) -> Reply {
        match answer {
            Some(Answer::Taken | Answer::Looked(_)) => Reply::Done,
            Some(Answer::Decided(id)) => explain(&self.reader, &self.remedies, Some(id)).await,
            Some(Answer::Refused(why)) => Reply::Refused { why },
            None => ended(),
        }
    }
}

/// What whoever gives none is told.
pub(crate) const NO_PIN: &str = "a PIN has 4 to 12 digits";

fn no_pin() -> Reply {
    Reply::Refused { why: NO_PIN.to_owned() }
}

fn ended() -> Reply {
    Reply::Refused { why: "the daemon is stopping; try again once it runs".to_owned() }
}

/// Finds a decision, the person behind it, and what would have opened it.
pub(crate) async fn explain(reader: &Reader, remedies: &Remedies, id: Option<DecisionId>) -> Reply {
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
    let remedy = remedies.look(&decision).await;
    let failed = match reader.failed_commands(&decision).await {
        Ok(lines) => lines.iter().filter_map(why_failed).collect(),
        Err(error) => return Reply::Refused { why: error.to_string() },
    };
    Reply::Decision { decision: Box::new(decision), person, remedy, failed }
}

/// What a line says of a command that failed.
fn why_failed(entry: &Entry) -> Option<String> {
    match &entry.noted {
        Noted::Condition { detail, .. } => Some(detail.clone()),
        _ => None,
    }
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
    let Ok(mut stream) = near::connect(path).await else { return Ok(None) };
    let mut text = serde_json::to_string(question)?;
    text.push('\n');
    stream.write_all(text.as_bytes()).await?;
    let mut line = String::new();
    tokio::time::timeout(CALL_MAX, BufReader::new(stream).read_line(&mut line)).await??;
    Ok(Some(serde_json::from_str(&line)?))
}

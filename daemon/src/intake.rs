//! What comes to the loop: its channels, one for each class, and the order in which a batch takes
//! what waits in them.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use devices::{
    arrival::{Ack, Arrival, Inlets},
    queue,
};
use domain::{
    clock::turn,
    facts::Policy,
    state::{Answer, Input},
    time::Span,
};
use store::news::{Changed, NewsError};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// The most inputs of one batch: a larger one saves little more, and lets all gates wait in step.
pub(crate) const BATCH_MAX: usize = 64;
/// The most inputs of one device in a batch, so that another one's exit waits for few of them.
const OF_ONE_DEVICE: usize = 16;
/// Operators' requests that may wait.
const ASKS_WAITING: usize = 64;

/// An input of an operator, a reload or an import, and who waits for the answer.
pub(crate) struct Ask {
    /// The input.
    pub(crate) input: Input,
    /// The policy that is in force from this input on.
    pub(crate) policy: Option<Arc<dyn Policy>>,
    /// Who waits.
    pub(crate) reply: oneshot::Sender<Answer>,
}

/// The loop's ends of the channels.
pub(crate) struct Inbox {
    /// Life-safety inputs.
    pub(crate) emergency: queue::Receiver,
    /// Gates.
    pub(crate) gates: queue::Receiver,
    /// Operators and reloads.
    pub(crate) administration: mpsc::Receiver<Ask>,
    /// Imports.
    pub(crate) bulk: mpsc::Receiver<Ask>,
    /// What other daemons of the database changed.
    pub(crate) elsewhere: mpsc::Receiver<Result<Changed, NewsError>>,
    /// The end of the run.
    pub(crate) shutdown: CancellationToken,
}

/// The loop's own ends of its channels, and everybody else's.
pub(crate) struct Doors {
    /// Of links.
    pub(crate) inlets: Inlets,
    /// Of operators and reloads.
    pub(crate) administration: mpsc::Sender<Ask>,
    /// Of imports.
    pub(crate) bulk: mpsc::Sender<Ask>,
    /// Of what other daemons changed.
    pub(crate) elsewhere: mpsc::Sender<Result<Changed, NewsError>>,
    /// The loop's own.
    pub(crate) inbox: Inbox,
}

/// The channels of a loop that ends with `ended`.
pub(crate) fn doors(ended: &CancellationToken) -> Doors {
    let (emergency, emergency_in) = queue::of_a_site();
    let (gates, gates_in) = queue::of_a_site();
    let (administration, administration_in) = mpsc::channel(ASKS_WAITING);
    let (bulk, bulk_in) = mpsc::channel(2);
    let (elsewhere, elsewhere_in) = mpsc::channel(1);
    Doors {
        inlets: Inlets { emergency, gates },
        administration,
        bulk,
        elsewhere,
        inbox: Inbox {
            emergency: emergency_in,
            gates: gates_in,
            administration: administration_in,
            bulk: bulk_in,
            elsewhere: elsewhere_in,
            shutdown: ended.clone(),
        },
    }
}

/// One input on its way through a batch, and what is owed for it afterwards.
pub(crate) struct Taken {
    /// The input.
    pub(crate) input: Input,
    /// The policy that is in force from it on.
    pub(crate) policy: Option<Arc<dyn Policy>>,
    /// What is owed.
    pub(crate) owed: Owed,
}

/// What is owed for an input once it is durable.
pub(crate) enum Owed {
    /// A device waits for its acknowledgement.
    Ack(Ack),
    /// The same, where the spill journal may be earlier than the database.
    Early(EarlyAck),
    /// Somebody waits for an answer.
    Reply(oneshot::Sender<Answer>),
    /// Nobody waits.
    Nothing,
}

impl Owed {
    /// The acknowledgement, for the spill journal to give as well.
    pub(crate) fn early(&mut self) -> Option<EarlyAck> {
        *self = match std::mem::replace(self, Self::Nothing) {
            Self::Ack(ack) => Self::Early(EarlyAck(Arc::new(Mutex::new(Some(ack))))),
            owed => owed,
        };
        match self {
            Self::Early(early) => Some(early.clone()),
            _ => None,
        }
    }
}

/// An acknowledgement that two may give, whoever is first.
#[derive(Clone)]
pub(crate) struct EarlyAck(Arc<Mutex<Option<Ack>>>);

impl EarlyAck {
    /// What it is for is durable.
    pub(crate) fn done(&self) {
        let ack = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ack) = ack {
            ack.done();
        }
    }

    /// Whether it was given.
    pub(crate) fn is_given(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }
}

/// Takes what waits, in the order of the classes, up to a bound. A change of policy is a batch of
/// its own.
pub(crate) fn drain(inbox: &mut Inbox, held: &mut VecDeque<Taken>, inputs: &mut Vec<Taken>) {
    if inputs.iter().any(|taken| taken.policy.is_some()) {
        return;
    }
    let room = |inputs: &Vec<Taken>| inputs.len() < BATCH_MAX;
    while room(inputs)
        && let Some(arrival) = inbox.emergency.try_recv()
    {
        inputs.push(taken(arrival));
    }
    while room(inputs)
        && let Some(next) = held.pop_front()
    {
        inputs.push(next);
    }
    let places = BATCH_MAX.saturating_sub(inputs.len());
    inputs.extend(inbox.gates.take(places, OF_ONE_DEVICE).into_iter().map(taken));
    take_asks(inbox, held, inputs);
}

/// Takes what operators and reloads ask for. A change of policy is a batch of its own.
pub(crate) fn take_asks(inbox: &mut Inbox, held: &mut VecDeque<Taken>, inputs: &mut Vec<Taken>) {
    while inputs.len() < BATCH_MAX
        && let Ok(ask) = inbox.administration.try_recv()
    {
        let ask = asked(ask);
        let alone = ask.policy.is_some();
        if alone && !inputs.is_empty() {
            held.push_front(ask);
            return;
        }
        inputs.push(ask);
        if alone {
            return;
        }
    }
}

/// Puts what waits into the order in which the loop takes it.
pub(crate) fn order(inputs: &mut [Taken], drift: Span) {
    inputs.sort_by(|left, right| turn(&left.input, &right.input, drift));
}

/// What a link handed over.
pub(crate) fn taken(arrival: Arrival) -> Taken {
    Taken { input: arrival.input, policy: None, owed: Owed::Ack(arrival.ack) }
}

/// What somebody asked for.
pub(crate) fn asked(ask: Ask) -> Taken {
    Taken { input: ask.input, policy: ask.policy, owed: Owed::Reply(ask.reply) }
}

/// The batch is durable: devices are acknowledged, callers answered.
pub(crate) fn settle(inputs: Vec<Taken>, answers: Vec<Answer>) {
    for (taken, said) in inputs.into_iter().zip(answers) {
        match taken.owed {
            Owed::Ack(ack) => ack.done(),
            Owed::Early(early) => early.done(),
            Owed::Reply(reply) => answer(reply, said),
            Owed::Nothing => {}
        }
    }
}

/// A caller that has gone away misses nothing: what it asked for is durable.
pub(crate) fn answer(reply: oneshot::Sender<Answer>, said: Answer) {
    drop(reply.send(said));
}

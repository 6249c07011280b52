//! Acknowledgements leave in the order in which messages came (MQTT-4.6.0-2 and 4.6.0-3), though
//! messages become durable in another one.

use std::{collections::VecDeque, num::NonZeroU16};

use rmqtt_codec::{types::QoS, v5::PublishAckReason};
use tokio::sync::mpsc;

use super::packet::Outgoing;

/// The place of a message among those of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(u64);

/// The loop is done with a message of this connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    /// Where somebody waits for an acknowledgement.
    pub(crate) place: Option<Place>,
    pub(crate) fire: bool,
    pub(crate) durable: bool,
}

/// The loop's word about a message. Where it is dropped instead, nobody will make the message
/// durable.
pub(crate) struct Promise {
    pub(crate) acks: mpsc::Sender<Done>,
    pub(crate) done: Done,
}

impl Promise {
    pub(crate) fn keep(mut self) {
        self.done.durable = true;
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        // There is a place for each that was handed over; of a connection that has ended it is
        // nobody's.
        _ = self.acks.try_send(self.done);
    }
}

/// What becomes of a message's acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is not durable yet.
    Waits,
    /// It may be acknowledged once those before it are.
    Ready(PublishAckReason),
    /// Nobody will make it durable. It is passed over here, and its client says it again on the
    /// next connection.
    LetGo,
}

#[derive(Debug)]
struct Owed {
    id: NonZeroU16,
    qos: QoS,
    fate: Fate,
}

/// The messages of one connection that it has not acknowledged, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Order {
    owed: VecDeque<Owed>,
    /// How many are not there any more.
    gone: u64,
    let_go: bool,
    /// Whether the loop has taken others since it let one go.
    takes_again: bool,
}

impl Order {
    /// How many wait, bounded by whoever reads the next message.
    pub(crate) fn len(&self) -> usize {
        self.owed.len()
    }

    /// A message came that waits to be durable.
    pub(crate) fn waits(&mut self, id: NonZeroU16, qos: QoS) -> Place {
        self.push(id, qos, Fate::Waits)
    }

    /// A message came that waits for nothing but those before it.
    pub(crate) fn ready(&mut self, id: NonZeroU16, qos: QoS, reason: PublishAckReason) {
        self.push(id, qos, Fate::Ready(reason));
    }

    fn push(&mut self, id: NonZeroU16, qos: QoS, fate: Fate) -> Place {
        let place = Place(self.gone + self.owed.len() as u64);
        self.owed.push_back(Owed { id, qos, fate });
        place
    }

    /// The message at `place` is durable, or it never will be; its packet id and quality.
    pub(crate) fn settle(&mut self, place: Place, durable: bool) -> Option<(NonZeroU16, QoS)> {
        let at = place.0.checked_sub(self.gone).and_then(|at| usize::try_from(at).ok())?;
        let owed = self.owed.get_mut(at).filter(|owed| owed.fate == Fate::Waits)?;
        owed.fate = if durable { Fate::Ready(PublishAckReason::Success) } else { Fate::LetGo };
        self.let_go |= !durable;
        self.takes_again = durable;
        Some((owed.id, owed.qos))
    }

    /// The next acknowledgement that may leave.
    pub(crate) fn next(&mut self) -> Option<Outgoing> {
        loop {
            let fate = self.owed.front()?.fate;
            if fate == Fate::Waits {
                return None;
            }
            let Owed { id, qos, .. } = self.owed.pop_front()?;
            self.gone += 1;
            match (fate, qos) {
                (Fate::Ready(reason), QoS::ExactlyOnce) => {
                    return Some(Outgoing::Receive(id, reason));
                }
                (Fate::Ready(reason), _) => return Some(Outgoing::Acknowledge(id, reason)),
                (Fate::Waits | Fate::LetGo, _) => {}
            }
        }
    }

    /// Whether a message was let go, the loop takes others again, and all of them are acknowledged:
    /// only another connection brings that one again. Before, it would come in vain.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.let_go && self.takes_again && self.owed.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: PublishAckReason = PublishAckReason::QuotaExceeded;
    const SUCCESS: PublishAckReason = PublishAckReason::Success;

    fn id(number: u16) -> NonZeroU16 {
        NonZeroU16::new(number).unwrap()
    }

    /// The packet ids that leave now.
    fn leave(order: &mut Order) -> Vec<(u16, bool)> {
        let mut left = Vec::new();
        while let Some(next) = order.next() {
            match next {
                Outgoing::Acknowledge(id, reason) => left.push((id.get(), reason == SUCCESS)),
                Outgoing::Receive(id, _) => left.push((id.get() + 1000, true)),
                other => panic!("{other:?}"),
            }
        }
        left
    }

    #[test]
    fn they_leave_as_their_messages_came() {
        let mut order = Order::default();
        let first = order.waits(id(7), QoS::AtLeastOnce);
        let second = order.waits(id(3), QoS::ExactlyOnce);
        order.ready(id(5), QoS::AtLeastOnce, QUOTA);
        let last = order.waits(id(7), QoS::AtLeastOnce);
        assert_eq!(order.settle(last, true), Some((id(7), QoS::AtLeastOnce)));
        assert_eq!(order.settle(second, true), Some((id(3), QoS::ExactlyOnce)));
        assert_eq!((leave(&mut order), order.len()), (vec![], 4));
        assert!(order.settle(first, true).is_some());
        assert_eq!(leave(&mut order), [(7, true), (1003, true), (5, false), (7, true)]);
        assert_eq!((order.settle(first, true), order.settle(last, true)), (None, None));
        let next = order.waits(id(1), QoS::AtLeastOnce);
        assert!(order.settle(next, true).is_some() && !order.is_incomplete());
        assert_eq!(leave(&mut order), [(1, true)]);
    }

    #[test]
    fn one_that_is_let_go_keeps_nobody_waiting_and_is_not_forgotten() {
        let mut order = Order::default();
        let lost = order.waits(id(1), QoS::AtLeastOnce);
        let kept = order.waits(id(2), QoS::AtLeastOnce);
        assert!(order.settle(lost, false).is_some());
        assert!(order.settle(kept, true).is_some());
        assert!(!order.is_incomplete(), "another one is still to be acknowledged");
        assert_eq!(leave(&mut order), [(2, true)]);
        assert!(order.is_incomplete());
        let lost = order.waits(id(3), QoS::AtLeastOnce);
        assert!(order.settle(lost, false).is_some());
        assert_eq!(leave(&mut order), []);
        assert!(!order.is_incomplete(), "it would be let go again");
    }
}

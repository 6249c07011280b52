//! One door into the loop, as a link sees it: it takes what comes without ever waiting.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use metrics::counter;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::arrival::Arrival;

/// A door with a bounded overflow behind it.
///
/// The straight way is the loop's own channel. While that is full, arrivals go round through the
/// overflow, in order. A link whose peer limits what is in flight sizes the overflow so that it
/// never fills; beyond it an arrival is dropped unacknowledged and so comes again.
#[derive(Clone)]
pub(crate) struct Inlet {
    straight: mpsc::Sender<Arrival>,
    overflow: mpsc::Sender<Arrival>,
    waiting: Arc<AtomicUsize>,
}

impl Inlet {
    /// A door to `straight` with `bound` places behind it. Its forwarder ends with `stop`.
    pub(crate) fn new(
        straight: mpsc::Sender<Arrival>,
        bound: usize,
        stop: CancellationToken,
    ) -> Self {
        let (overflow, mut behind) = mpsc::channel::<Arrival>(bound);
        let waiting = Arc::new(AtomicUsize::new(0));
        let (onward, count) = (straight.clone(), Arc::clone(&waiting));
        tokio::spawn(async move {
            while let Some(Some(arrival)) = stop.run_until_cancelled(behind.recv()).await {
                let sent = stop.run_until_cancelled(onward.send(arrival)).await;
                count.fetch_sub(1, Ordering::AcqRel);
                if !matches!(sent, Some(Ok(()))) {
                    return;
                }
            }
        });
        Self { straight, overflow, waiting }
    }

    /// Hands `arrival` over; `false` where both ways are full or the loop has gone.
    pub(crate) fn put(&self, arrival: Arrival) -> bool {
        let arrival = if self.waiting.load(Ordering::Acquire) == 0 {
            match self.straight.try_send(arrival) {
                Ok(()) => return true,
                Err(mpsc::error::TrySendError::Full(arrival)) => arrival,
                Err(mpsc::error::TrySendError::Closed(_)) => return false,
            }
        } else {
            arrival
        };
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let kept = self.overflow.try_send(arrival).is_ok();
        if !kept {
            self.waiting.fetch_sub(1, Ordering::AcqRel);
            counter!("kari_device_messages_dropped_total", "why" => "queue_full").increment(1);
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use domain::state::Input;

    use super::*;
    use crate::arrival::Ack;

    fn numbered(n: u16) -> Arrival {
        let input = Input::Unreadable { device: "gate-1".into(), why: n.to_string() };
        Arrival { input, ack: Ack::none() }
    }

    #[tokio::test]
    async fn a_full_loop_costs_no_order_and_no_message_within_the_bound() {
        let (sender, mut loop_end) = mpsc::channel(2);
        let inlet = Inlet::new(sender, 5, CancellationToken::new());
        let taken: Vec<bool> = (0..20).map(|n| inlet.put(numbered(n))).collect();
        let kept = taken.iter().filter(|taken| **taken).count();
        assert!((7..=8).contains(&kept), "two straight, five behind: {kept}");
        for n in 0..kept {
            let Input::Unreadable { why, .. } = loop_end.recv().await.unwrap().input else {
                panic!("another input")
            };
            assert_eq!(why, n.to_string());
        }
        tokio::task::yield_now().await;
        assert!(inlet.put(numbered(99)), "the straight way is free again");
    }
}

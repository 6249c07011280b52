//! The queue between the links and the loop: fair between devices, bounded for each and in all.
//!
//! Devices take turns: whatever one of them sends, what another says is taken with the next batch.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use domain::{ids::DeviceId, state::Input};
use metrics::counter;
use tokio::sync::Notify;

use crate::arrival::Arrival;

/// What one device may have in the queue: all that a broker hands out unacknowledged, and a board's
/// events of some minutes.
const EACH: usize = 4096;
/// What all devices may have in it.
const ALL: usize = 16 * 1024;

/// A new queue; `each` and `all` bound what waits, of one device and of all.
#[must_use]
pub fn bounded(each: usize, all: usize) -> (Sender, Receiver) {
    let shared = Arc::new(Shared {
        waiting: Mutex::new(Waiting::default()),
        news: Notify::new(),
        senders: AtomicUsize::new(1),
        each,
        all,
    });
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

/// A queue with the bounds of a site.
#[must_use]
pub fn of_a_site() -> (Sender, Receiver) {
    bounded(EACH, ALL)
}

/// The links' end.
#[derive(Debug)]
pub struct Sender(Arc<Shared>);

/// The loop's end.
#[derive(Debug)]
pub struct Receiver(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    waiting: Mutex<Waiting>,
    news: Notify,
    senders: AtomicUsize,
    each: usize,
    all: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    of: HashMap<DeviceId, VecDeque<Arrival>>,
    /// Devices that have something in the queue, in the order of their turns.
    turns: VecDeque<DeviceId>,
    count: usize,
    closed: bool,
}

impl Sender {
    /// Hands `arrival` over without waiting.
    ///
    /// # Errors
    /// Gives it back where there is no place for it, or no loop.
    #[expect(clippy::result_large_err, reason = "it is the arrival itself that comes back")]
    pub fn put(&self, arrival: Arrival) -> Result<(), Arrival> {
        let mut waiting = self.0.lock();
        let device = device_of(&arrival.input);
        let of_device = device.and_then(|device| waiting.of.get(device)).map_or(0, VecDeque::len);
        if waiting.closed || of_device >= self.0.each || waiting.count >= self.0.all {
            return Err(arrival);
        }
        let device = device.cloned().unwrap_or_else(|| DeviceId::from(""));
        waiting.count += 1;
        if of_device == 0 {
            waiting.turns.push_back(device.clone());
        }
        waiting.of.entry(device).or_default().push_back(arrival);
        drop(waiting);
        self.0.news.notify_one();
        Ok(())
    }

    /// As [`Self::put`]; what finds no place is dropped unacknowledged, and counted.
    pub(crate) fn put_or_drop(&self, arrival: Arrival) -> bool {
        let taken = self.put(arrival).is_ok();
        if !taken {
            counter!("kari_device_messages_dropped_total", "why" => "queue_full").increment(1);
        }
        taken
    }
}

impl Clone for Sender {
    fn clone(&self) -> Self {
        self.0.senders.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(&self.0))
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        if self.0.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.news.notify_one();
        }
    }
}

impl Receiver {
    /// The next arrival; `None` when nobody is left who could send one.
    pub async fn recv(&mut self) -> Option<Arrival> {
        loop {
            let news = self.0.news.notified();
            if let Some((_, arrival)) = self.0.lock().pop() {
                return Some(arrival);
            }
            if self.0.senders.load(Ordering::Acquire) == 0 {
                return None;
            }
            news.await;
        }
    }

    /// The next arrival, if one waits.
    pub fn try_recv(&mut self) -> Option<Arrival> {
        self.0.lock().pop().map(|(_, arrival)| arrival)
    }

    /// Up to `most` arrivals, of one device `each` at the most.
    pub fn take(&mut self, most: usize, each: usize) -> Vec<Arrival> {
        let mut waiting = self.0.lock();
        let mut taken = Vec::new();
        // Every device has one turn in each round.
        for _ in 0..each {
            for _ in 0..waiting.turns.len() {
                if taken.len() >= most {
                    return taken;
                }
                taken.extend(waiting.pop().map(|(_, arrival)| arrival));
            }
        }
        taken
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.lock().count == 0
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        *waiting = Waiting { closed: true, ..Waiting::default() };
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn pop(&mut self) -> Option<(DeviceId, Arrival)> {
        let device = self.turns.pop_front()?;
        let of_device = self.of.get_mut(&device)?;
        let arrival = of_device.pop_front()?;
        if of_device.is_empty() {
            self.of.remove(&device);
        } else {
            self.turns.push_back(device.clone());
        }
        self.count -= 1;
        Some((device, arrival))
    }
}

/// The device that an input is of; a link brings nothing that is of none.
const fn device_of(input: &Input) -> Option<&DeviceId> {
    match input {
        Input::Device(event) | Input::Unanswered(event) => Some(&event.device),
        Input::Unreadable { device, .. } => Some(device),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrival::Ack;

    fn said(device: &str, n: usize) -> Arrival {
        let input = Input::Unreadable { device: device.into(), why: n.to_string() };
        Arrival { input, ack: Ack::none() }
    }

    fn read(arrival: &Arrival) -> (String, String) {
        let Input::Unreadable { device, why } = &arrival.input else { panic!("another input") };
        (device.to_string(), why.clone())
    }

    #[test]
    fn devices_take_turns_and_each_keeps_its_order() {
        let (sender, mut receiver) = bounded(100, 1000);
        for n in 0..50 {
            sender.put(said("mad", n)).unwrap();
        }
        sender.put(said("quiet", 0)).unwrap();
        assert_eq!(read(&receiver.try_recv().unwrap()).0, "mad");
        let batch = receiver.take(64, 16);
        let of = |name| batch.iter().map(read).filter(|(device, _)| device == name).count();
        assert_eq!((of("quiet"), of("mad")), (1, 16));
        let order: Vec<_> = batch.iter().map(read).filter(|one| one.0 == "mad").collect();
        assert!(order.windows(2).all(|pair| {
            pair[0].1.parse::<u32>().unwrap() + 1 == pair[1].1.parse::<u32>().unwrap()
        }));
        assert_eq!(receiver.take(5, 16).len(), 5);
        assert_eq!(receiver.take(64, 64).len(), 50 - 1 - 16 - 5);
        assert!(receiver.is_empty() && receiver.take(64, 64).is_empty());
    }

    #[test]
    fn one_device_fills_its_own_part_and_no_other() {
        let (sender, mut receiver) = bounded(3, 5);
        let put = |device, n| sender.put(said(device, n)).is_ok();
        assert!((0..3).all(|n| put("mad", n)) && !put("mad", 3));
        assert!(put("quiet", 0) && put("other", 0) && !put("third", 0), "five in all");
        receiver.try_recv().unwrap();
        assert!(put("mad", 4));
        drop(receiver);
        assert!(!put("quiet", 1), "nobody is there any more");
    }

    #[tokio::test]
    async fn the_end_of_all_links_is_the_end_of_the_queue() {
        let (sender, mut receiver) = bounded(3, 5);
        let second = sender.clone();
        sender.put(said("gate-1", 0)).unwrap();
        drop(sender);
        assert!(receiver.recv().await.is_some());
        let end = tokio::spawn(async move { receiver.recv().await.is_none() });
        tokio::task::yield_now().await;
        drop(second);
        assert!(end.await.unwrap());
    }
}

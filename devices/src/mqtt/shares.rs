//! What one device may have of the road through a broker, where everybody shares one connection.
//!
//! The broker hands out so many messages unacknowledged, in the order in which they came, whoever
//! sent them. Nobody can hold back one device there; so where the loop cannot keep up, what a
//! device sends beyond its bound is dropped, and all others go on.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use domain::{ids::DeviceId, state::Input};
use metrics::counter;
use tokio::time::Instant;

use super::session::RECEIVE_MAXIMUM;
use crate::{arrival::Ack, rate::Bucket, seldom::Seldom};

/// Messages a second of one device. A gate sends ten.
const RATE: u32 = 200;
/// How many at once: all that a device keeps while it has no connection.
const BURST: u32 = 4096;
/// With so many messages on their way the loop does not keep up; the other half of what the broker
/// hands out is for those who keep within their bound.
const CROWDED: usize = RECEIVE_MAXIMUM as usize / 2;

/// The shares of all devices behind one connection.
pub(crate) struct Shares {
    of: HashMap<DeviceId, Bucket>,
    /// Messages that are handed over and not durable.
    on_their_way: Arc<AtomicUsize>,
    said: Seldom,
}

/// A message on its way.
struct OnItsWay(Arc<AtomicUsize>);

impl Drop for OnItsWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Shares {
    pub(crate) fn new() -> Self {
        Self { of: HashMap::new(), on_their_way: Arc::default(), said: Seldom::new(1) }
    }

    /// Whether there is a place for what a device says.
    pub(crate) fn have_place(&mut self, input: &Input, now: Instant) -> bool {
        let Input::Device(event) = input else { return true };
        let crowded = self.on_their_way.load(Ordering::Acquire) >= CROWDED;
        let device = &event.device;
        if !self.of.contains_key(device) {
            self.of.insert(device.clone(), Bucket::new(RATE, BURST, now));
        }
        let Some(bucket) = self.of.get_mut(device) else { return true };
        if bucket.has_some(now) {
            bucket.take(1);
            return true;
        }
        if crowded {
            self.dropped(device, now);
        }
        !crowded
    }

    fn dropped(&self, device: &DeviceId, now: Instant) {
        let why = "too_many_of_one_device";
        counter!("kari_device_messages_dropped_total", "why" => why).increment(1);
        if let Some(more) = self.said.happened(device.as_str(), now.into_std()) {
            tracing::warn!(
                %device,
                more,
                "a device sends more than {RATE} messages a second through the broker, and the \
                 daemon cannot keep up: what is too much is dropped"
            );
        }
    }

    /// Counts a message as on its way until it is durable, or is let go.
    pub(crate) fn count(&self, ack: Ack) -> Ack {
        self.on_their_way.fetch_add(1, Ordering::AcqRel);
        let on_its_way = OnItsWay(Arc::clone(&self.on_their_way));
        Ack::new(move || {
            drop(on_its_way);
            ack.done();
        })
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        event::{DeviceEvent, Happening, Transit},
        time::Timestamp,
    };

    use super::*;

    fn said(device: &str) -> Input {
        Input::Device(DeviceEvent {
            device: device.into(),
            boot: 1,
            seq: 1,
            device_time: None,
            received: Timestamp::default(),
            transit: Transit::Straight,
            happening: Happening::Door { open: true },
        })
    }

    #[test]
    fn a_device_beyond_its_bound_has_no_place_in_a_crowd_and_others_have() {
        let (mut shares, mut acks, now) = (Shares::new(), Vec::new(), Instant::now());
        for number in 0..BURST {
            assert!(shares.have_place(&said("mad"), now), "{number}: what it kept in an outage");
        }
        for _ in 0..CROWDED - 1 {
            acks.push(shares.count(Ack::none()));
        }
        assert!(shares.have_place(&said("mad"), now), "the loop keeps up");
        acks.push(shares.count(Ack::none()));
        assert!(!shares.have_place(&said("mad"), now) && shares.have_place(&said("quiet"), now));
        let now = now + std::time::Duration::from_secs(1);
        let again = (0..1000).filter(|_| shares.have_place(&said("mad"), now)).count();
        assert_eq!(again, RATE as usize, "so many a second");
        // One is durable, one was let go.
        acks.pop().unwrap().done();
        assert!(shares.have_place(&said("mad"), now));
        acks.push(shares.count(Ack::none()));
        assert!(!shares.have_place(&said("mad"), now));
        drop(acks.pop());
        assert!(shares.have_place(&said("mad"), now));
    }
}

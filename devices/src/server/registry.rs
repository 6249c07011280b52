//! How many connections there are, and which gives way when there is no place.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::Arc,
};

use metrics::{counter, gauge};

use super::{
    handle::{Ending, Handle},
    limits::{HALF_OPEN, PER_ADDRESS},
};

/// All connections, the oldest of each kind first.
#[derive(Debug)]
pub(crate) struct Registry {
    most: usize,
    last: u64,
    half_open: BTreeMap<u64, Arc<Handle>>,
    strangers: BTreeMap<u64, Arc<Handle>>,
    known: BTreeMap<u64, Arc<Handle>>,
    addresses: HashMap<IpAddr, usize>,
}

impl Registry {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            last: 0,
            half_open: BTreeMap::new(),
            strangers: BTreeMap::new(),
            known: BTreeMap::new(),
            addresses: HashMap::new(),
        }
    }

    fn count(&self) -> usize {
        self.half_open.len() + self.strangers.len() + self.known.len()
    }

    /// A connection comes from `address`. Where there is no place the oldest that has not said who
    /// it is gives way, then the oldest stranger; `None` where all are known.
    pub(crate) fn enter(&mut self, address: IpAddr) -> Option<Arc<Handle>> {
        let from_there = self.addresses.get(&address).copied().unwrap_or(0);
        if !address.is_loopback() && from_there >= PER_ADDRESS {
            refused("address");
            return None;
        }
        if self.half_open.len() >= HALF_OPEN {
            self.give_way(|registry| registry.half_open.keys().next().copied());
        }
        if self.count() >= self.most {
            let oldest = |registry: &Self| {
                let stranger = registry.strangers.keys().next();
                stranger.or_else(|| registry.half_open.keys().next()).copied()
            };
            self.give_way(oldest);
        }
        if self.count() >= self.most {
            refused("full");
            return None;
        }
        self.last += 1;
        let handle = Arc::new(Handle::new(self.last, address));
        self.half_open.insert(self.last, Arc::clone(&handle));
        *self.addresses.entry(address).or_default() += 1;
        self.measure();
        Some(handle)
    }

    fn give_way(&mut self, which: impl FnOnce(&Self) -> Option<u64>) {
        let Some(number) = which(self) else { return };
        if let Some(handle) = self.take(number) {
            handle.end(Ending::GivesWay);
            counter!("kari_mqtt_connections_gave_way_total").increment(1);
        }
    }

    /// A client has said who it is.
    pub(crate) fn introduced(&mut self, number: u64, known: bool) {
        if let Some(handle) = self.half_open.remove(&number) {
            let among = if known { &mut self.known } else { &mut self.strangers };
            among.insert(number, handle);
        }
    }

    /// A client speaks for a device.
    pub(crate) fn is_useful(&mut self, number: u64) {
        if let Some(handle) = self.strangers.remove(&number) {
            self.known.insert(number, handle);
        }
    }

    /// A connection has ended.
    pub(crate) fn leave(&mut self, number: u64) {
        self.take(number);
        self.measure();
    }

    fn take(&mut self, number: u64) -> Option<Arc<Handle>> {
        let half_open = self.half_open.remove(&number);
        let handle = half_open.or_else(|| self.strangers.remove(&number));
        let handle = handle.or_else(|| self.known.remove(&number))?;
        if let Some(count) = self.addresses.get_mut(&handle.address) {
            *count -= 1;
            if *count == 0 {
                self.addresses.remove(&handle.address);
            }
        }
        Some(handle)
    }

    /// Ends all.
    pub(crate) fn end_all(&self) {
        let all = self.half_open.values().chain(self.strangers.values());
        all.chain(self.known.values()).for_each(|handle| handle.end(Ending::Stop));
    }

    fn measure(&self) {
        let count = u32::try_from(self.count()).unwrap_or(u32::MAX);
        gauge!("kari_mqtt_connections").set(f64::from(count));
    }
}

fn refused(why: &'static str) {
    counter!("kari_mqtt_connections_refused_total", "why" => why).increment(1);
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn who_says_nothing_gives_way_and_a_gate_stays() {
        let mut registry = Registry::new(300);
        let gate = registry.enter(HERE).unwrap();
        registry.introduced(gate.number, false);
        registry.is_useful(gate.number);
        let silent: Vec<_> = (0..2000).map(|_| registry.enter(HERE).unwrap()).collect();
        assert_eq!(registry.count(), 1 + HALF_OPEN);
        assert_eq!(silent[0].ending(), Ending::GivesWay);
        let idle: Vec<_> = (0..2060).map(|_| registry.enter(HERE).unwrap()).collect();
        for handle in &idle {
            registry.introduced(handle.number, false);
        }
        let second = registry.enter(HERE).expect("a gate still gets in");
        registry.introduced(second.number, true);
        assert!(registry.count() <= 300);
        assert_eq!((gate.ending(), second.ending()), (Ending::None, Ending::None));
        registry.leave(gate.number);
        registry.leave(second.number);
        registry.leave(second.number);
        let there = IpAddr::from([192, 0, 2, 1]);
        let mut wide = Registry::new(2048);
        let enter = |_| {
            let handle = wide.enter(there);
            handle.iter().for_each(|it| wide.introduced(it.number, true));
            handle
        };
        assert_eq!((0..2000).filter_map(enter).count(), PER_ADDRESS);
    }

    #[test]
    fn where_all_are_known_nobody_gives_way() {
        let mut registry = Registry::new(10);
        for _ in 0..10 {
            let handle = registry.enter(HERE).unwrap();
            registry.introduced(handle.number, true);
        }
        assert!(registry.enter(HERE).is_none());
    }
}

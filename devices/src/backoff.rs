//! How long to wait before the next try: full jitter between 0.2 s and at most 10 s.

use std::time::Duration;

const FLOOR_MS: u64 = 200;
const CEILING_MS: u64 = 10_000;

/// Waits that grow with every failure and differ from peer to peer.
#[derive(Debug)]
pub(crate) struct Backoff {
    rng: fastrand::Rng,
    failures: u32,
}

impl Backoff {
    /// Jitter from `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self { rng: fastrand::Rng::with_seed(seed), failures: 0 }
    }

    /// The peer answered: the next wait is short again.
    pub(crate) const fn reset(&mut self) {
        self.failures = 0;
    }

    /// The wait after one more failure.
    pub(crate) fn next(&mut self) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let top = (FLOOR_MS << self.failures.min(10)).min(CEILING_MS);
        Duration::from_millis(self.rng.u64(FLOOR_MS..=top))
    }
}

/// A seed for `name` in the run `epoch`.
pub(crate) fn seed(name: &str, epoch: u64) -> u64 {
    name.bytes().fold(epoch ^ 0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_within_their_bounds_and_differ_between_peers() {
        let waits = |name| {
            let mut backoff = Backoff::new(seed(name, 7));
            (0..40).map(|_| backoff.next().as_millis()).collect::<Vec<_>>()
        };
        let one = waits("gate-1");
        assert!(one.iter().all(|wait| (200..=10_000).contains(wait)), "{one:?}");
        assert!(one[..2].iter().all(|wait| *wait <= 800) && one.iter().any(|wait| *wait > 3_000));
        assert_ne!(one, waits("gate-2"));
    }
}

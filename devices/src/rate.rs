//! How many messages and bytes a second.

use tokio::time::Instant;

/// One unit in a bucket: a millionth would be of no use.
const UNIT: u64 = 1_000_000;

/// A bucket that fills at a steady rate; what is taken out may go below its ground once.
#[derive(Debug)]
pub(crate) struct Bucket {
    /// In millionths of what is counted.
    level: i64,
    rate: u32,
    most: i64,
    at: Instant,
}

impl Bucket {
    /// A full one of `rate` a second and `burst` at once.
    pub(crate) fn new(rate: u32, burst: u32, now: Instant) -> Self {
        let most = i64::try_from(u64::from(burst) * UNIT).unwrap_or(i64::MAX);
        Self { level: most, rate, most, at: now }
    }

    /// Whether something may be taken out.
    pub(crate) fn has_some(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.at).as_micros();
        self.at = now;
        let more = passed.saturating_mul(u128::from(self.rate));
        let more = i64::try_from(more).unwrap_or(i64::MAX);
        self.level = self.level.saturating_add(more).min(self.most);
        self.level > 0
    }

    /// Takes so much out.
    pub(crate) fn take(&mut self, cost: u32) {
        let cost = i64::try_from(u64::from(cost) * UNIT).unwrap_or(i64::MAX);
        self.level = self.level.saturating_sub(cost);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(100, 10, start);
        let mut taken = |at: Duration| {
            let mut count = 0;
            while bucket.has_some(start + at) {
                bucket.take(1);
                count += 1;
            }
            count
        };
        assert_eq!(taken(Duration::ZERO), 10);
        assert_eq!(taken(Duration::from_millis(50)), 5);
        assert_eq!(taken(Duration::from_secs(60)), 10, "no more than a burst");
        bucket.take(60);
        assert!(!bucket.has_some(start + Duration::from_millis(60_500)));
    }
}

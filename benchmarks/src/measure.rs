//! Rounds of several engines in turn, so that what else the machine does falls on all of them.

use anyhow::Result;
use rustix::time::{ClockId, clock_gettime};

/// Short rounds, many of them: what else the machine does falls on few. The median counts.
const ROUNDS: usize = 101;
const WARM: usize = 10;

/// The time that the processor has spent on this thread, in nanoseconds: what other programs take
/// from it is not counted.
pub(crate) fn spent() -> u128 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let part = |part: i64| u128::try_from(part).unwrap_or_default();
    part(time.tv_sec) * 1_000_000_000 + part(time.tv_nsec)
}

/// Something that answers the case of a number.
pub(crate) type Asked<'a> = Box<dyn Fn(usize) -> Result<()> + 'a>;

/// The median of each of `engines`, in nanoseconds for one of `cases` cases.
pub(crate) fn interleaved(engines: &[Asked<'_>], cases: usize) -> Result<Vec<u128>> {
    let mut rounds = vec![Vec::with_capacity(ROUNDS); engines.len()];
    for round in 0..WARM + ROUNDS {
        for (engine, times) in engines.iter().zip(&mut rounds) {
            let start = spent();
            for case in 0..cases {
                engine(case)?;
            }
            // The first ones only warm up.
            if round >= WARM {
                times.push((spent() - start) / cases.max(1) as u128);
            }
        }
    }
    Ok(rounds.iter_mut().map(|times| median(times)).collect())
}

/// The one in the middle.
pub(crate) fn median(times: &mut [u128]) -> u128 {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

//! The seeds of tests that try things by chance.

/// The seeds that a random test runs: those that failed once, and a fresh one that nobody ran
/// before; or the one that the environment names.
///
/// Which seed is fresh is printed, so that a failure can be repeated and its seed be kept.
#[must_use]
pub fn seeds(variable: &str, kept: &[u64]) -> Vec<u64> {
    let kept = if std::env::var_os(variable).is_some() { &[] } else { kept };
    kept.iter().copied().chain([fresh(variable)]).collect()
}

/// A seed that nobody ran before, or the one that the environment names.
#[must_use]
pub fn fresh(variable: &str) -> u64 {
    let drawn = || u64::from(fastrand::u32(..));
    let seed = std::env::var(variable).map_or_else(|_| drawn(), |asked| asked.parse().unwrap());
    println!("{variable}={seed} repeats this run");
    seed
}

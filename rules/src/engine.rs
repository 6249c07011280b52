//! The script engine, built in one place with every limit stated.

use std::{
    cell::Cell,
    sync::LazyLock,
    time::{Duration, Instant},
};

use rhai::{
    Dynamic, Engine, OptimizationLevel,
    module_resolvers::DummyModuleResolver,
    packages::{
        ArithmeticPackage, BasicArrayPackage, BasicIteratorPackage, BasicMapPackage,
        BasicMathPackage, BasicStringPackage, LogicPackage, MoreStringPackage, Package as _,
    },
};

use crate::host;

/// The most operations of one event.
pub(crate) const OPERATIONS_MAX: u64 = 200_000;
/// The longest that the checks of one event may take.
pub(crate) const DEADLINE: Duration = Duration::from_millis(20);
/// How many operations go by between two looks at the clock; a power of two. One operation can
/// take milliseconds, such as looking for a nested list in a long one.
const OPERATIONS_PER_LOOK: u64 = 4;
/// The most that counts between two looks: when the machine pauses, it is not the checks that are
/// slow.
const LOOK_MAX: Duration = Duration::from_millis(5);

/// Words of the language that rule files do without: they reach other files, hide a failed check,
/// or hide from the load check which function is called.
pub(crate) const REFUSED_WORDS: &[&str] = &[
    "eval",
    "import",
    "export",
    "try",
    "catch",
    "throw",
    "Fn",
    "call",
    "curry",
    "is_def_fn",
    "is_def_var",
    "is_shared",
    "this",
    "print",
    "debug",
];

/// Functions of the language that rule files do without: the engine looks at the size of what they
/// make only when it is made.
pub(crate) const REFUSED_FUNCTIONS: &[&str] = &["pad", "replace"];

/// Compiles for the check: nothing is pruned, so that every branch is looked at.
pub(crate) static CHECKING: LazyLock<Engine> = LazyLock::new(|| harden(OptimizationLevel::None));
/// Compiles for each kind of event, with dead branches pruned, and runs.
pub(crate) static RUNNING: LazyLock<Engine> = LazyLock::new(|| harden(OptimizationLevel::Simple));

thread_local! {
    /// When the clock was looked at last, and how long the run has taken so far.
    static CLOCK: Cell<Option<(Instant, Duration)>> = const { Cell::new(None) };
}

/// Starts the clock of one run on this thread.
pub(crate) fn start_deadline() {
    CLOCK.set(Some((Instant::now(), Duration::ZERO)));
}

/// Looks at the clock, and says whether the run on this thread takes too long.
fn is_late() -> bool {
    let Some((last, so_far)) = CLOCK.get() else { return false };
    let now = Instant::now();
    let so_far = so_far + now.duration_since(last).min(LOOK_MAX);
    CLOCK.set(Some((now, so_far)));
    so_far > DEADLINE
}

fn harden(level: OptimizationLevel) -> Engine {
    let mut engine = Engine::new_raw();
    engine.set_optimization_level(level);
    // One by one: the core package holds `sleep` and `exit`, the time package a clock, the function
    // package calls by name.
    ArithmeticPackage::new().register_into_engine(&mut engine);
    BasicArrayPackage::new().register_into_engine(&mut engine);
    BasicIteratorPackage::new().register_into_engine(&mut engine);
    BasicMapPackage::new().register_into_engine(&mut engine);
    BasicMathPackage::new().register_into_engine(&mut engine);
    BasicStringPackage::new().register_into_engine(&mut engine);
    LogicPackage::new().register_into_engine(&mut engine);
    MoreStringPackage::new().register_into_engine(&mut engine);

    engine.set_module_resolver(DummyModuleResolver::new());
    for word in REFUSED_WORDS {
        engine.disable_symbol(*word);
    }
    engine.set_allow_anonymous_fn(false);
    engine.set_strict_variables(true);
    engine.set_fail_on_invalid_map_property(true);
    engine.set_max_operations(OPERATIONS_MAX);
    engine.set_max_call_levels(24);
    engine.set_max_expr_depths(64, 32);
    // Lists in lists count with all they hold, so these bound how deep they lie: showing, comparing
    // and dropping such a list takes stack for each level.
    engine.set_max_array_size(128);
    engine.set_max_map_size(64);
    engine.set_max_string_size(16 * 1024);
    engine.set_max_variables(512);
    engine.set_max_functions(256);
    engine.set_max_modules(0);
    engine.on_print(|_| {});
    engine.on_debug(|_, _, _| {});
    engine.on_progress(|operations| {
        (operations % OPERATIONS_PER_LOOK == 0 && is_late()).then_some(Dynamic::UNIT)
    });
    host::register(&mut engine);
    engine
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_of_the_machine_is_not_taken_for_slow_checks() {
        start_deadline();
        let pause = || {
            let (last, so_far) = CLOCK.get().unwrap();
            CLOCK.set(Some((last.checked_sub(Duration::from_secs(9)).unwrap(), so_far)));
        };
        for _ in 0..3 {
            pause();
            assert!(!is_late(), "one pause, however long, takes no more than its share");
        }
        (0..2).for_each(|_| {
            pause();
            is_late();
        });
        assert!(is_late(), "what is slow all the time is stopped");
    }
}

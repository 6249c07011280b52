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
/// How many operations go by between two looks at the clock; a power of two.
const OPERATIONS_PER_LOOK: u64 = 256;

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

/// Compiles for the check: nothing is pruned, so that every branch is looked at.
pub(crate) static CHECKING: LazyLock<Engine> = LazyLock::new(|| harden(OptimizationLevel::None));
/// Compiles for each kind of event, with dead branches pruned, and runs.
pub(crate) static RUNNING: LazyLock<Engine> = LazyLock::new(|| harden(OptimizationLevel::Simple));

thread_local! {
    static DEADLINE_AT: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Starts the clock of one run on this thread.
pub(crate) fn start_deadline() {
    DEADLINE_AT.set(Some(Instant::now() + DEADLINE));
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
    engine.set_max_string_size(64 * 1024);
    engine.set_max_array_size(4096);
    engine.set_max_map_size(1024);
    engine.set_max_variables(512);
    engine.set_max_functions(256);
    engine.set_max_modules(0);
    engine.on_print(|_| {});
    engine.on_debug(|_, _, _| {});
    engine.on_progress(|operations| {
        let late = operations % OPERATIONS_PER_LOOK == 0
            && DEADLINE_AT.get().is_some_and(|end| Instant::now() > end);
        late.then_some(Dynamic::UNIT)
    });
    host::register(&mut engine);
    engine
}

//! The rules of a sequence: checks out of a pool, the shipped ones and hostile ones, with settings
//! that are drawn anew each time.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, LazyLock},
};

use domain::{
    facts::{EventKind, NoPolicy, Policy, PolicyFault, Question},
    params::{Param, ParamMask, Value},
    reasons::{Class, REASONS},
    scope::{ParamTable, Scope},
    verdict::Finding,
};
use fastrand::Rng;
use tests::world::{Given, file, load_files, shipped, site};

const HOURS: &str = "set(\"time.access_windows\", \"always\");\n";

/// What hostile files try, each by a name for the reader. What fails lies in wait for debtors: the
/// check at loading asks with people who owe nothing.
const HOSTILE: &[(&str, &str)] = &[
    ("nothing", ""),
    (
        "money holds everybody",
        "if exit { hold(\"DEBT_EXIT_HOLD\", #{ amount: 99999.00 }); \
         hold(\"LOCKER_OCCUPIED_AT_EXIT\"); hold(\"CREDENTIAL_NOT_RETURNED\"); }",
    ),
    ("everybody is a child", "if exit { hold(\"PICKUP_NOT_AUTHORISED\"); }"),
    ("everybody is unknown", "if exit || entry { deny(\"CREDENTIAL_UNKNOWN\"); }"),
    ("every card is stolen", "hold(\"CREDENTIAL_LOST_STOLEN\"); deny(\"CREDENTIAL_UNKNOWN\");"),
    (
        "divides by zero on the way out",
        "let none = 0; if exit && debt > 0.00 { if 1 / none == 1 { warn(\"DEBT_WARNING\"); } }",
    ),
    ("calls itself for ever", "fn f(n) { f(n + 1) } if debt > 0.00 { f(0); }"),
    (
        "finds thousands of reasons",
        "if debt > 0.00 { for n in 0..5000 { deny(\"ZONE_FULL\", #{ \"n\": n }); } }",
    ),
    (
        "charges what it likes",
        "charge(\"OVERSTAY_CHARGED\", #{ amount: 99999999.00, units: -1, overstay: span(-9) });",
    ),
    (
        "absurd details",
        "if exit { hold(\"DEBT_EXIT_HOLD\", #{ amount: -1.00, \"until\": span(9223372036854), \
         alarm: true, gate: \"<script>\" }); } else { warn(\"VISITS_LOW\", #{ left: -99 }); }",
    ),
    ("leaves a value behind", "if exit { hold(\"DEBT_EXIT_HOLD\") } else { deny(\"ZONE_FULL\") }"),
];

/// A check that loops until it is stopped: it costs time, so that few sequences have it.
const ENDLESS: &str = "if exit && debt > 0.00 { let n = 0; while true { n += 1; } }";

/// Every reason that `class` can raise, so many at once as an event may have.
fn every_reason(class: Class, function: &str) -> String {
    let mut text = String::new();
    for spec in REASONS.iter().filter(|spec| spec.by_rule.contains(&class)) {
        writeln!(text, "{function}(\"{}\", #{{ amount: 7.00, alarm: true }});", spec.code).unwrap();
    }
    text
}

/// A site with checks loaded, by a name for the reader.
struct Pool {
    shipped: Vec<(String, Arc<dyn Policy>)>,
    hostile: Vec<(String, Arc<dyn Policy>)>,
    endless: (String, Arc<dyn Policy>),
}

static POOL: LazyLock<Pool> = LazyLock::new(|| {
    let mut texts: Vec<(String, String)> =
        HOSTILE.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    for (class, function) in [
        (Class::Deny, "deny"),
        (Class::Hold, "hold"),
        (Class::Warn, "warn"),
        (Class::Grant, "note"),
    ] {
        texts.push((format!("every reason by {function}"), every_reason(class, function)));
    }
    let mut hostile: Vec<(String, Arc<dyn Policy>)> =
        vec![("no set at all".to_owned(), Arc::new(NoPolicy::default()))];
    for (name, text) in &texts {
        hostile.push((format!("alone: {name}"), checks(text, false)));
        if !text.is_empty() {
            hostile.push((format!("beside the shipped: {name}"), checks(text, true)));
        }
    }
    Pool {
        shipped: vec![("shipped".to_owned(), checks("", true))],
        hostile,
        endless: ("loops for ever".to_owned(), checks(ENDLESS, false)),
    }
});

/// The checks of `text`, beside the shipped ones or alone.
fn checks(text: &str, beside: bool) -> Arc<dyn Policy> {
    let given = given();
    let own = [file("00_hours.rhai", HOURS), file("95_hostile.rhai", text)];
    let files = shipped().filter(|_| beside).chain(own);
    Arc::new(load_files(given, &site(given), files))
}

/// The site of all sequences.
pub(crate) fn given() -> &'static Given {
    static GIVEN: LazyLock<Given> =
        LazyLock::new(|| toml::from_str(include_str!("site.toml")).unwrap());
    &GIVEN
}

/// Checks with settings.
pub(crate) struct Drawn {
    pub(crate) name: String,
    hash: String,
    checks: Arc<dyn Policy>,
    table: ParamTable,
    /// What was set, by parameter and place.
    set: BTreeMap<(&'static str, &'static str), &'static str>,
}

impl Policy for Drawn {
    fn hash(&self) -> &str {
        &self.hash
    }
    fn values(&self) -> &ParamTable {
        &self.table
    }
    fn consulted(&self, kind: EventKind) -> ParamMask {
        self.checks.consulted(kind)
    }
    fn judge(&self, question: &Question<'_>) -> Result<Vec<Finding>, PolicyFault> {
        self.checks.judge(question)
    }
}

/// What may be set: a parameter, its places (nothing is the site), its values, and of how many
/// draws one sets it.
type Choice = (&'static str, &'static [&'static str], &'static [&'static str], usize);

const GATES: &[&str] = &["", "FRONT", "SIDE", "NARROW", "BARE"];
const CHOICES: &[Choice] = &[
    ("debt.exit_policy", GATES, &["hold", "hold", "hold", "warn", "allow"], 1),
    ("debt.exit_hold_max", GATES, &["PT30M", "PT10M", "PT1M", "PT30M", "PT2S"], 2),
    ("locker.exit_check", GATES, &["hold", "warn", "off"], 1),
    ("credential.return_at_exit", GATES, &["hold", "hold", "warn", "off"], 2),
    ("guardian.pickup_under_age", &[""], &["12", "12", "18", "120"], 3),
    ("gate.mode", &["FRONT", "SIDE", "NARROW"], &["locked", "out_of_service", "free"], 4),
    ("emergency.release_category", GATES, &["C", "C", "B", "A"], 1),
    ("anti_passback.mode", &[""], &["off", "soft", "timed", "hard"], 1),
    ("anti_passback.confirm_by", &["", "FRONT"], &["passage", "grant"], 3),
    ("presence.duplicate_read_window", &[""], &["PT0S", "PT3S", "PT60S"], 2),
    ("device.event_max_age", &[""], &["PT0S", "PT10S", "PT1H"], 3),
    ("clock.max_drift", &[""], &["PT0S", "PT5S", "PT1H"], 3),
    ("gate.passage_timeout", &["FRONT", "SIDE", "DEEP"], &["PT1S", "PT10S", "PT60S"], 3),
    ("tariff.included_duration", &["HOUR", "GUEST"], &["PT1M", "PT30M", "PT2H"], 1),
    ("tariff.overstay_mode", &["HOUR", "GUEST"], &["per_unit", "next_tier", "fixed", "warn"], 1),
    ("tariff.overstay_rate", &["HOUR", "GUEST"], &["0.20/PT1M", "9.00/PT1S"], 1),
    ("tariff.overstay_cap", &["HOUR"], &["12.00", "0.01"], 3),
    ("tariff.overstay_grace", &[""], &["PT0S", "PT5M", "P1D"], 2),
    ("tariff.reentry_window", &["HOUR", "TEN"], &["PT10M", "P7D"], 2),
    ("debt.auto_settle", &[""], &["off", "partial", "full_only"], 2),
    ("debt.entry_block_amount", &[""], &["1000.00", "1000.00", "5.00", "0.00"], 1),
    ("wallet.min_balance", &[""], &["-100.00", "-20.00", "0.00"], 1),
    ("wallet.shared_with", &["family"], &["family", "member"], 1),
    ("zone.surcharge", &["POOL", "SAUNA"], &["2.00", "5.00"], 2),
    ("zone.max_occupancy", &["HALL", "POOL"], &["1", "3", "100"], 4),
    ("zone.supervised_under_age", &["POOL"], &["8", "18"], 3),
    ("credential.authentication_mode", &["FRONT"], &["card_and_photo_check"], 6),
    ("locker.max_duration", &["bank"], &["PT1M", "PT1H"], 2),
    ("locker.overstay_action", &["bank"], &["charge", "charge", "block"], 1),
    ("device.offline_policy", &[""], &["entry allow, locker allow, sale allow"], 3),
];

/// What every draw has unless it sets it itself: a tariff that costs more by the minute, and the
/// rights of operators, which these sequences are not about.
const BASE: &[(&str, &str, &str)] = &[
    ("tariff.included_duration", "HOUR", "PT10M"),
    ("tariff.overstay_mode", "HOUR", "per_unit"),
    ("tariff.overstay_rate", "HOUR", "0.20/PT1M"),
    ("tariff.reentry_window", "HOUR", "PT10M"),
    ("debt.entry_block_amount", "", "1000.00"),
    ("wallet.min_balance", "", "-100.00"),
    (
        "operator.allowed_actions",
        "manager",
        "sale, topup, refund, override, emergency_reset, block_member, unblock_member, \
         release_locker",
    ),
    ("operator.allowed_actions", "cashier", "sale, topup, refund, override, emergency_reset"),
    ("operator.allowed_terminals", "manager", "desk-1, till-1"),
    ("operator.allowed_terminals", "cashier", "desk-1, till-1"),
    ("terminal.allowed_actions", "desk-1", "override, emergency_reset, block_member, sale, topup"),
    ("terminal.allowed_actions", "till-1", "sale, topup, refund, override"),
];

/// The scope that a place of [`CHOICES`] and [`BASE`] is.
fn scope(place: &str) -> Scope {
    match place {
        "" => Scope::Site,
        "HALL" | "POOL" | "SAUNA" => Scope::Zone(place.into()),
        "HOUR" | "GUEST" | "TEN" => Scope::Tariff(place.into()),
        "family" => Scope::Group(place.into()),
        "manager" | "cashier" => Scope::Role(place.into()),
        "desk-1" | "till-1" => Scope::Terminal(place.into()),
        _ => Scope::Device(place.into()),
    }
}

impl Drawn {
    /// The rules that `seed` stands for.
    pub(crate) fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let pool = &*POOL;
        let (name, checks) = match rng.usize(..100) {
            0 => &pool.endless,
            1..50 => &pool.shipped[0],
            _ => &pool.hostile[rng.usize(..pool.hostile.len())],
        };
        let mut set = BTreeMap::new();
        let mut table = ParamTable::default();
        for (param, places, values, one_of) in CHOICES {
            if rng.usize(..*one_of) == 0 {
                for _ in 0..=rng.usize(..2) {
                    let place = places[rng.usize(..places.len())];
                    set.insert((*param, place), values[rng.usize(..values.len())]);
                }
            }
        }
        let codes: Vec<_> = REASONS.iter().filter(|one| one.reason.is_overridable()).collect();
        let codes: Vec<_> = codes.iter().map(|one| one.code).collect();
        let base = BASE.iter().map(|(param, place, text)| (*param, *place, *text));
        let lifts = codes.join(", ");
        let lifts =
            ["manager", "cashier"].map(|role| ("operator.override_codes", role, lifts.as_str()));
        let drawn = set.iter().map(|((param, place), text)| (*param, *place, *text));
        for (param, place, text) in base.chain(lifts).chain(drawn) {
            let known = Param::of(param).unwrap_or_else(|| panic!("{param}"));
            let value = Value::parse(known, text);
            table.set(known, scope(place), value.unwrap_or_else(|why| panic!("{param}: {why:?}")));
        }
        let (name, checks) = (name.clone(), checks.clone());
        Self { name, hash: format!("{seed:x}"), checks, table, set }
    }

    /// The longest that holds of a visit may last in all at a gate, in seconds: the stricter of
    /// what is set for the site and for the gate.
    pub(crate) fn hold_max(&self, gate: &str) -> i64 {
        let at = |place| self.set.get(&("debt.exit_hold_max", place)).copied();
        let here = GATES.iter().find(|known| **known == gate).and_then(|known| at(known));
        let seconds = |text| match text {
            "PT30M" => 1800,
            "PT1M" => 60,
            "PT2S" => 2,
            _ => 600,
        };
        [at(""), here].into_iter().flatten().map(seconds).min().unwrap_or(600)
    }

    /// The mode of a gate.
    pub(crate) fn mode(&self, gate: &str) -> &'static str {
        let found = self.set.iter().find(|((param, at), _)| *param == "gate.mode" && *at == gate);
        found.map_or("controlled", |(_, mode)| mode)
    }

    /// What was drawn, for the reader.
    pub(crate) fn told(&self) -> String {
        let mut text = self.name.clone();
        for ((param, place), value) in &self.set {
            write!(text, "\n    {param} = {value} {place}").unwrap();
        }
        text
    }
}

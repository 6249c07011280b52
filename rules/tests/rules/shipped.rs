//! The shipped rule files as a whole.

use std::sync::LazyLock;

use domain::{
    combine::combine,
    facts::{EVENT_KINDS, EventKind, FACTS, FactKind, FactSpec, Facts, Policy as _, Question},
    money::Money,
    params::{CATALOGUE, Param},
    reasons::{Class, Reason},
    scope::Place,
    time::{Span, Timestamp},
    verdict::{Detail, Origin, Outcome},
};
use proptest::prelude::*;
use rules::{load::load, set::RuleSet, shipped::SHIPPED};

use crate::common::{file, judge, names, ordinary, shipped, shown, values};

#[test]
fn the_shipped_rules_load_without_a_warning() {
    let checked = load(&shipped(), &names()).unwrap_or_else(|all| panic!("{}", shown(&all)));
    assert_eq!(checked.warnings, [], "{}", shown(&checked.warnings));
    assert_eq!(checked.set.hash(), shipped().hash());
    assert_eq!(checked.set.texts().len(), SHIPPED.len());
}

#[test]
fn every_file_of_the_folder_is_shipped_and_every_topic_has_cases() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/shipped");
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, SHIPPED.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for name in names.iter().filter(|name| name.ends_with(".rhai") && *name != "00_site.rhai") {
        let cases = name.replace(".rhai", ".cases.toml");
        assert!(names.contains(&cases), "{cases}");
    }
}

#[test]
fn every_reason_that_a_rule_may_raise_is_raised_by_a_shipped_check() {
    let all: String = SHIPPED.iter().map(|(_, text)| *text).collect();
    for spec in domain::reasons::REASONS.iter().filter(|spec| !spec.by_rule.is_empty()) {
        assert!(all.contains(&format!("(\"{}\"", spec.code)), "{}", spec.code);
    }
}

#[test]
fn the_examples_of_the_settings_file_are_good_settings() {
    let (name, text) = SHIPPED.first().unwrap();
    let on: String = text
        .lines()
        .filter_map(|line| line.strip_prefix("// set("))
        .map(|rest| format!("set({rest}\n"))
        .collect();
    assert!(on.lines().count() >= 8);
    let mut known = names();
    known.devices.insert("gate-3".to_owned());
    let bundle = rules::bundle::Bundle::of([file(name, text), file("05_examples.rhai", &on)]);
    let checked = load(&bundle, &known).unwrap_or_else(|all| panic!("{}", shown(&all)));
    let place = Place { device: Some(&"gate-3".into()), ..Place::default() };
    let mode = checked.set.values().resolve(Param::GateMode, &place);
    assert_eq!(mode.value.written(Param::GateMode), "locked");
}

#[test]
fn a_debtor_is_told_how_much_since_when_and_by_which_line() {
    let set = load(&shipped(), &names()).unwrap().set;
    let mut facts = ordinary();
    (facts.debt, facts.debt_age) = (Money(320), 90_000);
    let found = judge(&set, EventKind::Entry, &facts).unwrap();
    let [debt] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((debt.reason, debt.class), (Reason::DebtEntryBlocked, Class::Deny));
    let details = [
        ("amount".to_owned(), Detail::Money(Money(320))),
        ("since".to_owned(), Detail::Span(Span::seconds(90_000))),
    ];
    assert_eq!(debt.details, details);
    let Origin::Rule { file, line } = &debt.origin else { panic!("{debt:?}") };
    let (_, text) = SHIPPED.iter().find(|(name, _)| name == file).unwrap();
    let named = text.lines().nth(usize::from(*line) - 1).unwrap();
    assert!(named.contains("deny(\"DEBT_ENTRY_BLOCKED\""), "{named}");
}

#[test]
fn the_next_opening_and_the_alarm_are_handed_on() {
    let set = load(&shipped(), &names()).unwrap().set;
    let mut facts = ordinary();
    facts.site_open = false;
    facts.opens_at = Some(Timestamp::from_micros(5));
    let found = judge(&set, EventKind::Entry, &facts).unwrap();
    assert_eq!(
        found[0].details,
        [("opens_at".to_owned(), Detail::Time(Timestamp::from_micros(5)))]
    );
    facts.credential_state = "unknown".to_owned();
    for (value, alarm) in [("deny", false), ("deny_and_alarm", true)] {
        let values = values(&[(Param::CredentialUnknownAction, value)]);
        let question = Question { kind: EventKind::Exit, facts: &facts, values: &values };
        let found = set.judge(&question).unwrap();
        assert_eq!((found.len(), found[0].alarm), (1, alarm), "{value}");
        assert_eq!(combine(EventKind::Exit, found, &[]).outcome, Outcome::Hold);
    }
}

#[test]
fn an_exit_consults_little_and_an_entry_what_its_checks_and_facts_need() {
    let set = load(&shipped(), &names()).unwrap().set;
    let exit: Vec<_> = set.consulted(EventKind::Exit).iter().collect();
    for param in [Param::CredentialUnknownAction, Param::TariffOverstayRate, Param::DebtExitPolicy]
    {
        assert!(exit.contains(&param), "{param}");
    }
    for param in &exit {
        assert!(param.spec().events.contains(&EventKind::Exit.letter()), "{param}");
    }
    let entry = set.consulted(EventKind::Entry);
    for param in [
        Param::DebtEntryBlockAge,
        Param::ZoneOccupancyMode,
        Param::TimeAccessWindows,
        Param::MembershipAllowedStates,
        Param::AntiPassbackResetAfter,
    ] {
        assert!(entry.contains(param), "{param}");
    }
    for param in [Param::GateMode, Param::GatePassageTimeout, Param::DeviceEventMaxAge] {
        assert!(!entry.contains(param), "{param}");
    }
}

type Change = fn(&mut Facts);
type Row = (Param, &'static str, &'static str, &'static [(Param, &'static str)], Change);

fn full(facts: &mut Facts) {
    facts.zone_people = 5;
}
fn inside(facts: &mut Facts) {
    facts.inside = true;
}
fn owing(facts: &mut Facts) {
    (facts.debt, facts.debt_age) = (Money(300), 90_000);
}

/// A parameter, two values of it, other values, and the facts to which the two answer differently.
const ROWS: &[Row] = &[
    (Param::CredentialUnknownAction, "deny", "deny_and_alarm", &[], |facts| {
        facts.credential_state = "unknown".to_owned();
    }),
    (Param::CredentialLostStolenAction, "deny", "deny_and_capture", &[], |facts| {
        facts.credential_state = "lost".to_owned();
    }),
    (Param::MembershipVisitsWarning, "2", "1", &[], |facts| {
        (facts.counts_visits, facts.visits_left) = (true, 3);
    }),
    (Param::AntiPassbackMode, "soft", "hard", &[], inside),
    (Param::DebtEntryBlockAmount, "0.00", "3.00", &[], owing),
    (Param::DebtEntryBlockAge, "P1D", "P2D", &[], owing),
    (Param::WalletMinBalance, "0.00", "-5.00", &[], |facts| facts.entry_price = Money(500)),
    (Param::TariffOverstayMode, "off", "warn", &[], |facts| facts.overstay = 301),
    (Param::TariffOverstayGrace, "PT5M", "PT6M", &[], |facts| facts.overstay = 301),
    (Param::DebtExitPolicy, "allow", "warn", &[], owing),
    (Param::CredentialAuthenticationMode, "card", "card_and_pin", &[], |_| {}),
    (Param::CredentialDuressAction, "off", "deny_silent_alarm", &[], |facts| {
        facts.duress = true;
    }),
    (Param::CredentialReturnAtExit, "off", "hold", &[], |facts| facts.returnable = true),
    (Param::GuardianPickupUnderAge, "8", "9", &[], |facts| facts.member_age = 8),
    (Param::WalletDailySpendLimit, "5.00", "4.99", &[], |facts| {
        (facts.entry_price, facts.wallet_balance) = (Money(500), Money(500));
    }),
    (Param::ZoneSupervisedUnderAge, "8", "9", &[], |facts| facts.member_age = 8),
    (Param::ZoneMaxChildrenPerAdult, "2", "3", &[(Param::ZoneSupervisedUnderAge, "8")], |facts| {
        (facts.member_age, facts.adults_present, facts.children_present) = (7, 1, 3);
    }),
    (Param::LockerMaxPerCredential, "1", "2", &[], |facts| facts.lockers_held = 1),
    (Param::LockerOverstayAction, "warn", "block", &[], |facts| facts.locker_over = 1),
    (Param::WalletMaxBalance, "4.99", "5.00", &[], |facts| facts.costs = Money(500)),
    (Param::SaleMaxDiscountPercent, "10", "11", &[], |facts| facts.discount_percent = 11),
    (Param::SaleRefundMaxAmount, "4.99", "5.00", &[], |facts| facts.costs = Money(500)),
    (Param::CashDrawerMax, "300.00", "200.00", &[], |facts| {
        (facts.pays_cash, facts.drawer_after) = (true, Money(30_000));
    }),
    (Param::LockerExitCheck, "off", "hold", &[], |facts| facts.lockers_occupied = 1),
    (Param::ZoneMaxOccupancy, "5", "6", &[], full),
    (Param::DocumentMedicalCertificate, "off", "warn", &[], |facts| {
        facts.certificate = "missing".to_owned();
    }),
    (Param::ZoneMinAge, "12", "13", &[], |facts| facts.member_age = 12),
    (Param::ZoneOccupancyMode, "hard", "soft", &[(Param::ZoneMaxOccupancy, "5")], full),
];

#[test]
fn each_parameter_of_a_shipped_check_changes_an_answer() {
    let set = load(&shipped(), &names()).unwrap().set;
    for (param, one, other, also, change) in ROWS {
        let mut facts = ordinary();
        change(&mut facts);
        let ask = |value: &str, kind: EventKind| {
            let mut set_to = also.to_vec();
            set_to.push((*param, value));
            let values = values(&set_to);
            set.judge(&Question { kind, facts: &facts, values: &values }).unwrap()
        };
        let about = |kind: &&EventKind| param.spec().events.contains(&kind.letter());
        let mut kinds = EVENT_KINDS.iter().copied().filter(|kind| about(&kind));
        assert!(kinds.any(|kind| ask(one, kind) != ask(other, kind)), "{param}");
    }
    let read_directly = CATALOGUE.iter().filter(|spec| {
        let name = rules::vocabulary::variable(spec.param);
        SHIPPED.iter().any(|(file, text)| file.ends_with(".rhai") && text.contains(name))
    });
    for spec in read_directly {
        assert!(ROWS.iter().any(|row| row.0 == spec.param), "{} has no row", spec.name);
    }
}

/// A value of a fact as a record has it; words are those of the fact, or anything.
fn any_value(spec: &FactSpec) -> BoxedStrategy<serde_json::Value> {
    let words = |words: &'static [&'static str]| {
        proptest::sample::select(words).prop_map(serde_json::Value::from).boxed()
    };
    match (spec.kind, spec.name) {
        (FactKind::Bool, _) => any::<bool>().prop_map(Into::into).boxed(),
        (FactKind::Int, _) => any::<i64>().prop_map(|count| (count / 2).into()).boxed(),
        (FactKind::Money, _) => any::<i64>().prop_map(|minor| (minor / 1000).into()).boxed(),
        (FactKind::Time, _) => any::<Option<i64>>().prop_map(Into::into).boxed(),
        (_, "credential_state") => {
            words(&["unknown", "active", "lost", "stolen", "blocked", "returned"])
        }
        (_, "membership_state") => words(domain::params::MEMBERSHIP_STATES),
        (_, "certificate") => words(&["missing", "valid", "ended"]),
        (FactKind::Word, _) => "\\PC{0,64}".prop_map(Into::into).boxed(),
    }
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let values: Vec<_> = FACTS.iter().map(any_value).collect();
    values.prop_map(|values| {
        let named = FACTS.iter().zip(values).map(|(spec, value)| (spec.name.to_owned(), value));
        serde_json::from_value(serde_json::Value::Object(named.collect())).unwrap()
    })
}

proptest! {
    #[test]
    fn whatever_the_facts_are_the_shipped_rules_answer(facts in any_facts()) {
        static SET: LazyLock<RuleSet> = LazyLock::new(|| load(&shipped(), &names()).unwrap().set);
        for kind in EVENT_KINDS {
            let found = judge(&SET, *kind, &facts);
            prop_assert!(found.is_ok(), "{:?}", found);
            for one in found.unwrap() {
                prop_assert!(one.reason.spec().by_rule.contains(&one.class), "{:?}", one);
                prop_assert!(one.details.len() <= 8);
                let identity = one.reason.spec().phase == 3;
                let refuses = one.class == Class::Deny;
                prop_assert!(*kind != EventKind::Exit || identity || !refuses, "{:?}", one);
            }
        }
    }
}

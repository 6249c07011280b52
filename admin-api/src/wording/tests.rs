use std::collections::{BTreeMap, BTreeSet};

use domain::{
    decision::Decision,
    event::Direction,
    facts::{EventKind, Facts},
    ids::{DecisionId, DeviceId, GroupId, IdMaker, MemberId},
    money::{Currency, Money},
    params::{Param, ParamMask, Value},
    reasons::{Class, REASONS, Reason},
    remedy::{Change, Remedy},
    scope::{Scope, Supplied},
    time::{Span, Timestamp},
    verdict::{Detail, Finding, HoldCondition, Origin, Outcome, Verdict},
};
use jiff::tz::{TimeZone, offset};

use super::{
    Wording,
    language::{self, LANGUAGES, Language},
    texts::{self, Texts},
};

/// 15.09.2026 09:14:03 in Tbilisi.
const MORNING: i64 = 1_789_449_243_000;

/// An id of nobody.
pub(crate) const NIL: &str = "00000000-0000-0000-0000-000000000000";

pub(crate) fn tbilisi() -> TimeZone {
    TimeZone::fixed(offset(4))
}

fn wording(language: Language) -> Wording {
    Wording::new(language, Currency::of("GEL").unwrap(), tbilisi())
}

/// A decision at nine in the morning with these findings; each consulted value comes from a group.
pub(crate) fn decision(outcome: Outcome, reasons: Vec<Finding>) -> Decision {
    let at = Timestamp::from_millis(MORNING);
    let mut ids = IdMaker::new(7);
    let consulted: ParamMask =
        [Param::DebtEntryBlockAmount, Param::DebtEntryBlockAge].into_iter().collect();
    let values = vec![
        Supplied {
            param: Param::DebtEntryBlockAmount,
            value: Value::Money(Money(500)),
            scope: Some(Scope::Group(GroupId::from("students"))),
        },
        Supplied {
            param: Param::DebtEntryBlockAge,
            value: Param::DebtEntryBlockAge.spec().default().clone(),
            scope: None,
        },
    ];
    let verdict = Verdict {
        outcome,
        reasons,
        also: Vec::new(),
        missing: Vec::new(),
        consulted,
        tripped: ParamMask::default(),
        values,
    };
    Decision {
        id: DecisionId(ids.make(at)),
        at,
        received: at,
        kind: EventKind::Entry,
        device: DeviceId::from("gate-1"),
        direction: Some(Direction::Entry),
        member: Some(MemberId(ids.make(at))),
        credential: None,
        unknown_uid: None,
        verdict,
        facts: Some(Facts { device: "gate-1".into(), debt: Money(1250), ..Facts::default() }),
        seen: None,
        facts_version: 1,
        rule_set: "a3f9c2".into(),
    }
}

/// A finding of a shipped rule.
pub(crate) fn finding(reason: Reason, class: Class, details: &[(&str, Detail)]) -> Finding {
    Finding {
        reason,
        class,
        origin: Origin::Rule { file: "40-debt.rhai".into(), line: 12 },
        alarm: false,
        details: details.iter().map(|(name, detail)| ((*name).into(), detail.clone())).collect(),
    }
}

fn every_detail() -> Vec<(&'static str, Detail)> {
    let noon = Detail::Time(Timestamp::from_millis(MORNING + 3_600_000));
    vec![
        ("amount", Detail::Money(Money(1250))),
        ("since", noon.clone()),
        ("available", Detail::Money(Money(100))),
        ("needed", Detail::Money(Money(1200))),
        ("opens_at", noon.clone()),
        ("state", Detail::Word("expired".into())),
        ("left", Detail::Count(2)),
        ("zone", Detail::Word("pool".into())),
        ("people", Detail::Count(40)),
        ("limit", Detail::Count(40)),
        ("until", noon),
        ("age", Detail::Count(7)),
        ("days", Detail::Count(5)),
        ("children", Detail::Count(3)),
        ("adults", Detail::Count(1)),
        ("overstay", Detail::Span(Span::seconds(2427))),
        ("units", Detail::Count(41)),
        ("max_acceptable", Detail::Money(Money(15413))),
        ("remaining", Detail::Money(Money(400))),
        ("percent", Detail::Count(15)),
        ("category", Detail::Word("alcohol".into())),
        ("locker", Detail::Word("12".into())),
        ("lockers", Detail::Count(2)),
        ("operator", Detail::Word("nino".into())),
        ("action", Detail::Word("debt_write_off".into())),
        ("code", Detail::Word("ZONE_FULL".into())),
        ("line", Detail::Count(2)),
    ]
}

/// The ids and attributes of one language with the blanks of each.
fn keys(language: Language) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    let (mut id, mut key) = (String::new(), String::new());
    for line in Texts::sources(language).iter().flat_map(|source| source.lines()) {
        if line.starts_with(|c: char| c.is_ascii_alphabetic() || c == '-') {
            id = line.split(" =").next().unwrap().to_owned();
            key.clone_from(&id);
            assert!(found.insert(key.clone(), BTreeSet::new()).is_none(), "{id} stands twice");
        } else if let Some(rest) = line.trim_start().strip_prefix('.') {
            key = format!("{id}.{}", rest.split(" =").next().unwrap());
            found.insert(key.clone(), BTreeSet::new());
        }
        for blank in line.split('$').skip(1) {
            let name =
                blank.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap();
            found.get_mut(&key).unwrap().insert(name.to_owned());
        }
    }
    found
}

#[test]
fn the_four_languages_have_the_same_messages_and_blanks() {
    let english = keys(Language::En);
    assert!(english.len() > 150, "{}", english.len());
    for language in LANGUAGES {
        assert_eq!(keys(language), english, "{language:?}");
    }
}

#[test]
fn the_files_parse_without_an_error() {
    for language in LANGUAGES {
        for source in Texts::sources(language) {
            let read = fluent_bundle::FluentResource::try_new((*source).to_owned());
            assert!(read.is_ok(), "{language:?}: {:?}", read.err().map(|(_, errors)| errors));
        }
    }
}

#[test]
fn an_attribute_names_the_blanks_that_it_fills() {
    let always = ["gate", "direction"];
    for (key, blanks) in keys(Language::En) {
        let Some((id, attribute)) = key.split_once('.') else { continue };
        let named: BTreeSet<String> = attribute.split('-').map(str::to_owned).collect();
        let filled: BTreeSet<String> =
            blanks.into_iter().filter(|name| !always.contains(&name.as_str())).collect();
        assert_eq!(named, filled, "{id}");
        let known = every_detail();
        assert!(named.iter().all(|name| known.iter().any(|(detail, _)| detail == name)), "{id}");
    }
}

#[test]
fn every_reason_has_words_for_guest_and_desk_with_and_without_details() {
    for language in LANGUAGES {
        let words = wording(language);
        for spec in REASONS {
            for outcome in [Outcome::Deny, Outcome::GrantWithWarning] {
                for details in [every_detail(), Vec::new()] {
                    let found = finding(spec.reason, Class::Deny, &details);
                    let asked = decision(outcome, vec![found]);
                    let mut texts = words.desk(&asked);
                    texts.push(words.guest(&asked));
                    for text in texts {
                        assert!(!text.contains(['{', '}', '$']), "{language:?}: {text}");
                        assert!(!text.contains(spec.code), "{language:?}: {text}");
                    }
                }
            }
        }
    }
}

#[test]
fn every_word_of_the_vocabulary_has_its_message() {
    let mut ids: Vec<String> = Vec::new();
    for outcome in ["grant", "grant_with_warning", "hold", "deny", "ignore", "release"] {
        ids.push(format!("outcome-{outcome}"));
    }
    for state in domain::params::MEMBERSHIP_STATES {
        ids.push(format!("state-{state}"));
    }
    for why in [
        HoldCondition::EgressAlternative,
        HoldCondition::DeskOrPayPoint,
        HoldCondition::CalmExit,
        HoldCondition::TimeLeft,
    ] {
        ids.push(format!("missing-{}", texts::code(&why)));
    }
    // The list of conditions has no table: it is read from where it is declared.
    let declared = include_str!("../../../domain/src/reasons.rs");
    let body = declared.split("pub enum Condition {").nth(1).unwrap().split('}').next().unwrap();
    let variants = body.lines().map(str::trim).filter(|line| line.ends_with(','));
    for variant in variants {
        let quoted = format!("\"{}\"", screaming(variant.trim_end_matches(',')));
        let condition: domain::reasons::Condition = serde_json::from_str(&quoted).unwrap();
        ids.push(format!("condition-{}", texts::code(&condition)));
    }
    assert!(ids.len() > 28, "{ids:?}");
    let english = keys(Language::En);
    for id in ids {
        assert!(english.contains_key(&id), "{id} has no message");
    }
}

/// One of each.
fn changes() -> Vec<Change> {
    let roles = || vec!["manager".into(), "owner".into()];
    let account = NIL.parse().unwrap();
    let amount = Money(1250);
    let all = vec![
        Change::Wait { until: Timestamp::from_millis(1_789_449_600_000) },
        Change::EnterPin,
        Change::ReturnBand,
        Change::FreeLockers { lockers: vec!["12".into(), "14".into()] },
        Change::BringAdults { adults: 1 },
        Change::BringAdults { adults: 3 },
        Change::FetchGuardian,
        Change::ShowDocument { age: 18 },
        Change::LoadAtMost { amount },
        Change::PayOtherwise { amount },
        Change::Pay { account, amount },
        Change::TopUp { account, amount },
        Change::BuyPass { like: NIL.parse().unwrap() },
        Change::CheckPhoto,
        Change::RecordCertificate,
        Change::ReleaseLocker { locker: "12".into() },
        Change::PickUpCash,
        Change::OtherOperator { roles: roles() },
        Change::SecondPerson { roles: roles() },
        Change::Lift { reason: Reason::SiteClosed, roles: roles() },
        Change::Lift { reason: Reason::ZoneFull, roles: roles() },
        Change::CheckIdentity { reason: Reason::CredentialUnknown },
    ];
    let kinds: std::collections::BTreeSet<_> = all
        .iter()
        .map(|change| serde_json::to_value(change).unwrap()["change"].to_string())
        .collect();
    assert_eq!(kinds.len(), 20, "one of each");
    all
}

#[test]
fn an_order_is_carried_out_and_no_passage_is_allowed_by_it() {
    let mut order = decision(Outcome::Grant, vec![finding(Reason::Granted, Class::Grant, &[])]);
    assert_eq!(wording(Language::En).summary(&order), "Passage allowed");
    (order.kind, order.direction) = (EventKind::Operator, None);
    (order.member, order.unknown_uid) = (None, Some("".into()));
    assert_eq!(wording(Language::En).summary(&order), "The order is carried out");
    assert_eq!(wording(Language::En).who(&order), "Nobody known");
}

#[test]
fn every_change_that_would_open_has_its_sentence() {
    let refused = decision(Outcome::Deny, vec![finding(Reason::SiteClosed, Class::Deny, &[])]);
    for language in LANGUAGES {
        let words = wording(language);
        let remedy = Remedy { changes: changes(), stuck: Vec::new() };
        let told = words.would_open(&refused, &remedy);
        let distinct: std::collections::BTreeSet<_> = told.iter().collect();
        assert_eq!(distinct.len(), 22, "{told:?}");
        for (sentence, change) in told.iter().zip(changes()) {
            let unfilled = sentence.starts_with("opens-") || sentence.contains(['{', '}']);
            assert!(!unfilled, "{language:?} {change:?}: {sentence}");
        }
        let stuck = vec![Reason::AgeBelowMinimum];
        let nothing = words.would_open(&refused, &Remedy { changes: Vec::new(), stuck });
        assert!(nothing[0].contains("AGE_BELOW_MINIMUM"), "{nothing:?}");
    }
    let told = wording(Language::En).change(&refused, &changes()[10]);
    assert_eq!(told, "Pay 12,50\u{a0}₾ of what is owed");
}

fn screaming(variant: &str) -> String {
    let mut out = String::new();
    for letter in variant.chars() {
        if letter.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_uppercase());
    }
    out
}

#[test]
fn a_guest_with_a_debt_is_not_told_of_it_at_the_gate() {
    let debt = [("amount", Detail::Money(Money(1250)))];
    let asked =
        decision(Outcome::Deny, vec![finding(Reason::DebtEntryBlocked, Class::Deny, &debt)]);
    for language in LANGUAGES {
        let text = wording(language).guest(&asked);
        assert!(!text.contains("12"), "{text}");
        for word in ["debt", "owe", "დავალ", "պարտք", "долг"] {
            assert!(!text.to_lowercase().contains(word), "{text}");
        }
    }
    assert_eq!(wording(Language::En).guest(&asked), "Please come to the front desk.");
    assert_eq!(wording(Language::Ka).guest(&asked), "გთხოვთ, მიმართოთ ადმინისტრატორს.");
}

#[test]
fn what_would_refuse_an_entry_wishes_well_at_an_exit() {
    let mut asked = decision(
        Outcome::GrantWithWarning,
        vec![finding(Reason::MembershipNotActive, Class::Warn, &[])],
    );
    asked.direction = Some(Direction::Exit);
    assert_eq!(wording(Language::En).guest(&asked), "Please go through.");
    asked.verdict.reasons = vec![finding(Reason::Granted, Class::Grant, &[])];
    assert_eq!(wording(Language::Hy).guest(&asked), "Ցտեսություն։");
}

#[test]
fn plurals_follow_each_language() {
    let left = |language, n: i64| {
        let found = finding(Reason::VisitsLow, Class::Warn, &[("left", Detail::Count(n))]);
        let asked = decision(Outcome::GrantWithWarning, vec![found]);
        let line = wording(language).desk(&asked).remove(0);
        line.split(';').next().unwrap().to_owned()
    };
    for (language, n, text) in [
        (Language::En, 0, "Last visit of the pass"),
        (Language::En, 1, "1 visit left"),
        (Language::En, 2, "2 visits left"),
        (Language::Ka, 2, "დარჩა 2 ვიზიტი"),
        (Language::Hy, 2, "Մնացել է 2 այց"),
        (Language::Ru, 1, "Осталось 1 посещение"),
        (Language::Ru, 3, "Осталось 3 посещения"),
        (Language::Ru, 5, "Осталось 5 посещений"),
        (Language::Ru, 21, "Осталось 21 посещение"),
    ] {
        assert_eq!(left(language, n), text);
    }
}

#[test]
fn the_desk_reads_the_sentence_the_values_with_their_scope_and_the_rule() {
    let since = Timestamp::from_millis(MORNING - 86_400_000);
    let details = [("amount", Detail::Money(Money(1250))), ("since", Detail::Time(since))];
    let asked =
        decision(Outcome::Deny, vec![finding(Reason::DebtEntryBlocked, Class::Deny, &details)]);
    assert_eq!(
        wording(Language::En).desk(&asked),
        [concat!(
            "Overdue debt of 12,50\u{a0}₾ since 14.09.2026 09:14; ",
            "debt.entry_block_amount = 5,00\u{a0}₾, from group students; ",
            "debt.entry_block_age = PT0S, the default; rule 40-debt.rhai:12"
        )]
    );
    let amount_alone = finding(Reason::DebtEntryBlocked, Class::Deny, &details[..1]);
    let asked = decision(Outcome::Deny, vec![amount_alone]);
    assert!(wording(Language::En).desk(&asked)[0].starts_with("Overdue debt of 12,50\u{a0}₾; "));
}

#[test]
fn warnings_beside_a_refusal_and_missing_conditions_have_their_lines() {
    let mut asked = decision(
        Outcome::GrantWithWarning,
        vec![finding(Reason::CredentialUnknown, Class::Warn, &[])],
    );
    asked.verdict.also = vec![finding(Reason::VisitsLow, Class::Warn, &[])];
    asked.verdict.missing = vec![HoldCondition::TimeLeft];
    let lines = wording(Language::En).desk(&asked);
    assert_eq!(lines[1], "Also: Few visits left; rule 40-debt.rhai:12");
    assert_eq!(lines[2], "Not held, because the time of the hold is used up");
}

#[test]
fn a_span_or_seconds_become_the_instant_that_they_mean() {
    for since in [Detail::Span(Span::seconds(3600)), Detail::Count(3600)] {
        let details = [("amount", Detail::Money(Money(5))), ("since", since)];
        let asked = decision(
            Outcome::GrantWithWarning,
            vec![finding(Reason::DebtWarning, Class::Warn, &details)],
        );
        let line = wording(Language::Ru).desk(&asked).remove(0);
        assert!(line.starts_with("Долг 0,05\u{a0}₾ с 15.09.2026 08:14;"), "{line}");
    }
    let limit = [("limit", Detail::Span(Span::seconds(90)))];
    let asked =
        decision(Outcome::Ignore, vec![finding(Reason::DuplicateRead, Class::Ignore, &limit)]);
    let line = wording(Language::Ka).desk(&asked).remove(0);
    assert!(line.starts_with("განმეორებით წაიკითხეს 1 წთ 30 წმ ინტერვალში"), "{line}");
}

#[test]
fn a_guest_reads_the_time_alone_on_the_same_day_and_the_date_on_another() {
    let closed = |hours: i64| {
        let opens = Timestamp::from_millis(MORNING).plus(Span::seconds(hours * 3600));
        let found = finding(Reason::SiteClosed, Class::Deny, &[("opens_at", Detail::Time(opens))]);
        decision(Outcome::Deny, vec![found])
    };
    let words = wording(Language::En);
    assert_eq!(words.guest(&closed(2)), "We are closed now. We open at 11:14.");
    assert_eq!(words.guest(&closed(24)), "We are closed now. We open at 16.09.2026 09:14.");
}

#[test]
fn amounts_are_written_as_people_write_them() {
    let gel = wording(Language::En);
    let amd = Wording::new(Language::Hy, Currency::of("AMD").unwrap(), tbilisi());
    for (words, minor, text) in [
        (&gel, 1250, "12,50 ₾"),
        (&gel, -123_456_705, "-1 234 567,05 ₾"),
        (&gel, 10_000, "100,00 ₾"),
        (&amd, 150_000, "1 500 ֏"),
    ] {
        assert_eq!(words.money(Money(minor)).replace('\u{a0}', " "), text);
    }
}

#[test]
fn a_line_for_the_terminal_has_time_gate_outcome_and_sentence() {
    let asked = decision(Outcome::Grant, vec![finding(Reason::Granted, Class::Grant, &[])]);
    assert_eq!(
        wording(Language::En).line(&asked, Some("Nino")),
        "09:14:03  gate-1 entry    grant    Nino · Passage allowed"
    );
    let key = asked.member.unwrap().to_string();
    let end = format!("წევრი {} · გავლა ნებადართულია", &key[key.len() - 6..]);
    assert!(wording(Language::Ka).line(&asked, None).ends_with(&end));
}

#[test]
fn an_auditor_reads_every_fact_and_value() {
    let mut asked =
        decision(Outcome::Deny, vec![finding(Reason::DebtEntryBlocked, Class::Deny, &[])]);
    for language in LANGUAGES {
        let text = wording(language).auditor(&asked);
        for spec in domain::facts::FACTS {
            assert!(text.contains(&format!("{} = ", spec.name)), "{language:?}: {}", spec.name);
        }
        for part in ["a3f9c2", "DEBT_ENTRY_BLOCKED", "40-debt.rhai:12", "debt.entry_block_age"] {
            assert!(text.contains(part), "{language:?}: {part}");
        }
    }
    asked.facts = None;
    assert!(wording(Language::En).auditor(&asked).contains("not gathered"));
}

#[test]
fn a_language_is_found_by_tags_locales_and_headers() {
    for (tag, language) in [
        ("ka", Some(Language::Ka)),
        ("hy-AM", Some(Language::Hy)),
        ("ru_RU.UTF-8", Some(Language::Ru)),
        ("EN", Some(Language::En)),
        ("de", None),
        ("", None),
    ] {
        assert_eq!(language::parse(tag), language, "{tag}");
    }
    assert_eq!(language::accepted("de-DE, ka;q=0.8, en"), Some(Language::Ka));
}

//! Comparisons that can never be true are refused; no other one is.

use domain::{
    facts::{EventKind, Facts, Policy as _, Question},
    money::Money,
    params::Param,
};

use crate::common::{Wrong, judge, load_text, ordinary, refused_at, set_of, shown, values};

const NEVER: &[Wrong] = &[
    (
        "if entry && member_age < \"99\" { deny(\"AGE_BELOW_MINIMUM\"); }",
        "1:24",
        "`member_age` is a number and is compared with a text",
        "write 99 without quotes",
    ),
    ("if debt > \"5.00\" {}", "1:9", "`debt` is a number", "write 5.00 without quotes"),
    ("if \"5.00\" < debt {}", "1:11", "`debt` is a number", "write 5.00 without quotes"),
    ("if debt == \"a lot\" {}", "1:9", "`debt` is a number", "of its own kind"),
    ("if has_pass == 1 {}", "1:13", "`has_pass` is a yes or no", "of its own kind"),
    ("if has_pass == \"yes\" {}", "1:13", "`has_pass` is a yes or no", "never equal"),
    ("if zone > 5 {}", "1:9", "`zone` is a text and is compared with a number", ""),
    ("if visits_left in [\"1\", \"2\"] {}", "1:16", "`visits_left` is a number", ""),
    ("if zone in 1..5 {}", "1:9", "`zone` is a text", ""),
    ("let old = member_age; if old > \"64\" {}", "1:30", "`old` is a number", "write 64 without"),
    ("if -member_age < \"3\" {}", "1:16", "a number is compared with a text", "write 3 without"),
    ("if debt + costs > \"5\" {}", "1:17", "a number is compared with a text", "write 5 without"),
    ("if opens_at > 5 {}", "1:13", "compares an instant", "only handed on"),
    ("if opens_at == 5 {}", "1:13", "`opens_at` is an instant", ""),
    ("fn f(a) { a == 1 } if f(1) && site_open < \"x\" {}", "1:41", "`site_open` is a yes", ""),
    ("if debt_exit_hold_max > \"PT5M\" {}", "1:23", "`debt_exit_hold_max` is a number", ""),
    ("if credential_state == \"Active\" {}", "1:24", "never \"Active\"", "did you mean `active`?"),
    ("if \"lst\" != credential_state {}", "1:4", "never \"lst\"", "did you mean `lost`?"),
    ("if zone == \"pol\" {}", "1:12", "`zone` is never \"pol\"", "did you mean `pool`?"),
    ("if zone_name in [\"pool\", \"spa\"] {}", "1:26", "never \"spa\"", "`sauna`"),
    ("if device == \"gate-9\" {}", "1:14", "never \"gate-9\"", "`gate-"),
    ("if membership_state == \"ended\" {}", "1:24", "never \"ended\"", "`expired`"),
    ("if certificate == \"expired\" {}", "1:19", "never \"expired\"", "`ended`"),
    ("if action == \"refunds\" {}", "1:14", "never \"refunds\"", "did you mean `refund`?"),
    ("if debt_exit_policy == \"block\" {}", "1:24", "never \"block\"", "`hold`"),
    ("if \"sales\" in operator_two_person_actions {}", "1:4", "never lists \"sales\"", "`sale`"),
    (
        "switch credential_state { \"lost\" | \"stolne\" => (), _ => () }",
        "1:36",
        "`credential_state` is never \"stolne\"",
        "did you mean `stolen`?",
    ),
    ("switch visits_left { 1 => (), \"2\" => () }", "1:31", "`visits_left` is a number", "write 2"),
    ("switch has_pass { true => (), \"no\" => () }", "1:31", "`has_pass` is a yes or no", "kind"),
    ("switch has_pass { 0 => (), _ => () }", "1:19", "compared with a number", "of its own kind"),
    ("switch zone { \"pool\" => {} 5 => {} }", "1:28", "`zone` is a text", "of its own kind"),
    (
        "switch zone { \"pool\" => `A ${member_age}, \"x\" => x`, \"nope\" => ``, _ => `` }",
        "1:54",
        "`zone` is never \"nope\"",
        "it is one of",
    ),
    ("let s = `x ${zone}`; switch zone { \"pol\" => {}, _ => {} }", "1:36", "never \"pol\"", ""),
    ("switch zone { (\"pol\") => {} }", "1:16", "never \"pol\"", "did you mean `pool`?"),
    ("switch zone { 'p' => {}, _ => {} }", "1:15", "compared with a letter", "double quotes"),
    ("switch debt { 0 => {}, _ => {} }", "1:15", "`debt` is an amount", "such as 5.0"),
    ("switch visits_left { 0.0 => {}, 1 => {} }", "1:22", "is a whole number", "without a point"),
    ("if gate_mode == \"fre\" {}", "1:17", "never \"fre\"", "did you mean `free`?"),
    (
        "if visits_left == () {}",
        "1:16",
        "`visits_left` is a number and is compared with nothing",
        "",
    ),
    ("if membership_state != () {}", "1:21", "is compared with nothing", "of its own kind"),
    ("const W = \"Active\"; if credential_state == W {}", "1:11", "never \"Active\"", "`active`"),
    ("let s = [\"lst\"]; if credential_state in s {}", "1:10", "never \"lst\"", "`lost`"),
    ("let z = zone; switch z { \"pool\" => {}, true => {} }", "1:40", "`z` is a text", ""),
    ("switch zone { 1..5 => (), _ => () }", "1:15", "`zone` is a text", ""),
    // a letter is the text that it makes, and no zone is called so
    ("if zone == 'p' {}", "1:12", "`zone` is never \"p\"", "it is one of"),
    ("if zone in ['p', \"pool\"] {}", "1:13", "`zone` is never \"p\"", ""),
    // names for facts, and for names
    ("let q = zone; if q == \"pol\" {}", "1:23", "`q` is never \"pol\"", "did you mean `pool`?"),
    ("const Q = zone; let r = Q; if r in [\"pol\"] {}", "1:37", "`r` is never \"pol\"", "`pool`"),
    ("let q = zone; switch q { \"pol\" => (), _ => () }", "1:26", "`q` is never \"pol\"", "`pool`"),
    ("const A = \"pol\"; const B = A; if zone == B {}", "1:11", "`zone` is never \"pol\"", ""),
    ("let l = [\"pol\"]; let m = l; if zone in m {}", "1:10", "`zone` is never \"pol\"", ""),
    ("let q = zone; deny(q); if q == \"pol\" {}", "1:32", "`q` is never \"pol\"", ""),
    ("let q = debt; switch q { 5 => (), _ => () }", "1:26", "`q` is an amount", "such as 5.0"),
    // what operators and functions give
    (
        "if (debt > 5.00) == \"yes\" {}",
        "1:18",
        "a yes or no is compared with a text",
        "never equal",
    ),
    ("let late = overstay > 0; if late == 1 {}", "1:34", "`late` is a yes or no", ""),
    ("if !inside == 0 {}", "1:12", "a yes or no is compared with a number", ""),
    ("let both = zone + device; if both == 1 {}", "1:35", "`both` is a text", ""),
    ("if zone.len() == \"4\" {}", "1:15", "a number is compared with a text", "write 4 without"),
    ("let n = len(zone); if n == \"4\" {}", "1:25", "`n` is a number", "write 4 without quotes"),
    ("let m = #{ a: 1 }; if m == \"a\" {}", "1:25", "`m` is a map and is compared with a text", ""),
    // whole numbers
    ("if member_age == 18.5 {}", "1:18", "is a whole number and is compared with 18.5", "whole"),
    ("const A = 1.5; if A != visits_left {}", "1:11", "`visits_left` is a whole number", ""),
    ("if visits_left in [1, 2.5] {}", "1:23", "`visits_left` is a whole number", ""),
    ("if debt_exit_hold_max == 0.5 {}", "1:26", "`debt_exit_hold_max` is a whole number", ""),
    // lists
    ("if membership_allowed_states == [\"x\"] {}", "1:34", "never lists \"x\"", "`active`"),
    (
        "let l = [\"sale\", \"sell\"]; if l == terminal_allowed_actions {}",
        "1:18",
        "\"sell\"",
        "`sale`",
    ),
    ("if operator_allowed_actions == \"sales\" {}", "1:29", "is a list and is compared with a", ""),
    ("if \"sales\" in operator_allowed_actions {}", "1:4", "never lists \"sales\"", "mean `sale`?"),
    ("if \"!sale\" in operator_allowed_actions {}", "1:4", "never lists \"!sale\"", "mean `sale`?"),
    ("let l = operator_allowed_actions; if \"sell\" in l {}", "1:38", "never lists \"sell\"", ""),
    ("if \"desk-9\" in operator_allowed_terminals {}", "1:4", "never lists", "mean `desk-1`?"),
    ("if \"ZONE_FUL\" in operator_override_codes {}", "1:4", "never lists", "mean `ZONE_FULL`?"),
    ("if 5 in terminal_allowed_actions {}", "1:4", "lists texts, and never a number", "quotes"),
    ("if membership_allowed_states == [true] {}", "1:34", "never a yes or no", "quotes"),
    // a switch
    ("switch zone { \"pool\" => {} 1..=5 => {} }", "1:28", "compared with a number", ""),
    ("switch inside { true => (), 0..2 => () }", "1:29", "`inside` is a yes or no", ""),
    ("switch debt { 0..5 => (), _ => () } switch debt { 7 => () }", "1:51", "amount", ""),
];

#[test]
fn what_is_never_true_is_told_with_its_place_and_what_to_do() {
    refused_at(NEVER);
}

#[test]
fn what_may_be_true_is_compared_as_before() {
    for text in [
        "if entry && member_age < 99 { deny(\"AGE_BELOW_MINIMUM\"); }",
        "if debt > 5 || debt > 5.00 || visits_left == 0 {}",
        "if zone == \"\" || zone in [\"pool\", \"sauna\"] || device == \"gate-1\" {}",
        "if zone != \"pool\" && locker == \"17\" && category == \"beer\" {}",
        "if opens_at == () {}",
        "if member_age in 5..10 {}",
        "let word = zone; word = certificate; if word == \"anything\" {}",
        "let mixed = 1; mixed = \"a\"; if mixed == \"a\" {}",
        "fn same(what, word) { what == word } if same(zone, \"pool\") {}",
        "switch credential_state { \"lost\" | \"stolen\" => (), \"\" => (), _ => () }",
        "switch member_age { 1 => (), 5..10 => (), _ => () }",
        "if \"sale\" in operator_two_person_actions {}",
        "if tariff_overstay_cap == () || tariff_overstay_cap == 5.00 {}",
        "if gate_mode == \"free\" {}",
    ] {
        let loaded = load_text(text);
        assert!(loaded.is_ok(), "{text}: {}", shown(&loaded.unwrap_err()));
    }
}

/// Checks that are asked with a debt of 7.00, at the age of 30, in locker 7, with 3 visits left.
const FIRES: &[&str] = &[
    // ranges over amounts
    "switch debt { 0..10 => deny(\"ZONE_FULL\"), _ => () }",
    "switch debt { 0..=3 => (), 4..8 => deny(\"ZONE_FULL\"), _ => () }",
    "let d = debt; switch d { (0..10) => deny(\"ZONE_FULL\"), _ => () }",
    "switch member_age { 18 => (), 20..40 => deny(\"ZONE_FULL\"), _ => () }",
    // functions and methods that change what they are called on
    "let w = \"po\"; append(w, \"ol\"); if zone == w { deny(\"ZONE_FULL\"); }",
    "let w = \"po\"; w.append(\"ol\"); if zone == w { deny(\"ZONE_FULL\"); }",
    "let w = \" pool \"; trim(w); if zone == w { deny(\"ZONE_FULL\"); }",
    "let w = \"POOL\"; make_lower(w); if zone == w { deny(\"ZONE_FULL\"); }",
    "let w = \"xpool\"; remove(w, 'x'); if zone == w { deny(\"ZONE_FULL\"); }",
    "let w = \"swimming pool\"; crop(w, 9, 4); if zone in [w] { deny(\"ZONE_FULL\"); }",
    "let l = [\"gim\"]; push(l, \"pool\"); if zone in l { deny(\"ZONE_FULL\"); }",
    "let l = [\"gim\"]; insert(l, 0, \"pool\"); if zone in l { deny(\"ZONE_FULL\"); }",
    "let l = [\"po\"]; l[0].append(\"ol\"); if zone in l { deny(\"ZONE_FULL\"); }",
    "let l = [\"active\", \"grace\", \"x\"]; l.pop(); \
     if l == membership_allowed_states { deny(\"ZONE_FULL\"); }",
    "let l = [\"gim\"]; l += \"pool\"; if zone in l { deny(\"ZONE_FULL\"); }",
    "let w = \"po\"; w += \"ol\"; if zone == w { deny(\"ZONE_FULL\"); }",
    "let q = zone; append(q, \"x\"); if q == \"poolx\" { deny(\"ZONE_FULL\"); }",
    "let q = zone; q += \"x\"; if q == \"poolx\" { deny(\"ZONE_FULL\"); }",
    "let q = zone; if entry { q = \"x\"; } if q == \"x\" { deny(\"ZONE_FULL\"); }",
    "let n = visits_left; n += 0.5; if n == 3.5 { deny(\"ZONE_FULL\"); }",
    // names that stand for several values
    "let w = \"x\"; if entry { let w = \"pool\"; if zone == w { deny(\"ZONE_FULL\"); } }",
    "let w = \"x\"; for w in [\"a\", \"pool\"] { if zone == w { deny(\"ZONE_FULL\"); } }",
    "fn f(w) { w == \"odd\" } let w = zone; if f(\"odd\") { deny(\"ZONE_FULL\"); }",
    "fn f(z) { let w = z; w == \"odd\" } if f(\"odd\") { deny(\"ZONE_FULL\"); }",
    // a variable that becomes another kind of value further down in a loop
    "let a = 1; let n = 0; while n < 2 { let b = a; if b == \"x\" { deny(\"ZONE_FULL\"); break; } \
     a = \"x\"; n += 1; }",
    "let a = 1; let c = 1; for i in 0..4 { let b = a; \
     if b == \"x\" { deny(\"ZONE_FULL\"); break; } a = c; c = \"x\"; }",
    "let a = 1; loop { if a == \"x\" { deny(\"ZONE_FULL\"); break; } a = \"x\"; }",
    "let a = 1; do { if a == \"x\" { deny(\"ZONE_FULL\"); break; } a = \"x\"; } while true",
    // letters, and numbers of two sorts
    "let c = 'x'; switch c { 'x' => deny(\"ZONE_FULL\"), _ => () }",
    "if locker == '7' { deny(\"ZONE_FULL\"); }",
    "if member_age == 30.00 && debt == 7 && debt in [7] { deny(\"ZONE_FULL\"); }",
    "if \"a\" + 'b' == \"ab\" && 'a' + 'b' == \"ab\" { deny(\"ZONE_FULL\"); }",
    "let t = zone + 5; if t == \"pool5\" { deny(\"ZONE_FULL\"); }",
    // lists, which hold texts
    "if membership_allowed_states == [\"active\", \"grace\"] { deny(\"ZONE_FULL\"); }",
    "let l = operator_two_person_actions; l.push(\"x\"); if \"x\" in l { deny(\"ZONE_FULL\"); }",
    "if operator_allowed_actions == [] { deny(\"ZONE_FULL\"); }",
    "let m = #{ a: 1 }; if m == #{ a: 1 } && m.len() == 1 && m.a == 1 { deny(\"ZONE_FULL\"); }",
];

#[test]
fn what_can_be_true_is_accepted_and_comes_true() {
    let facts = Facts {
        debt: Money(700),
        member_age: 30,
        locker: "7".to_owned(),
        visits_left: 3,
        ..ordinary()
    };
    for text in FIRES {
        let found = judge(&set_of(text), EventKind::Entry, &facts).unwrap();
        assert_eq!(found.len(), 1, "{text}: {found:?}");
    }
}

#[test]
fn what_operators_may_do_is_a_list_of_words_for_a_check() {
    let set = set_of(
        "if \"sale\" in operator_allowed_actions && !(\"refund\" in operator_allowed_actions) \
         && \"desk-1\" in operator_allowed_terminals && \"ZONE_FULL\" in operator_override_codes \
         && operator_allowed_actions.len() == 2 { deny(\"OPERATOR_NOT_PERMITTED\"); }",
    );
    let given = [
        (Param::OperatorAllowedActions, "sale, refund_over_limit, refund, !refund"),
        (Param::OperatorAllowedTerminals, "desk-1"),
        (Param::OperatorOverrideCodes, "ZONE_FULL"),
    ];
    let (facts, values) = (ordinary(), values(&given));
    let question = Question { kind: EventKind::Operator, facts: &facts, values: &values };
    assert_eq!(set.judge(&question).unwrap().len(), 1);
}

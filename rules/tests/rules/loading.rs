//! Loading: what is wrong is told with file, line, column and help; what is right has its effect.

use domain::{
    facts::{EventKind, Policy as _},
    params::Param,
    scope::{Place, Scope},
    verdict::Origin,
};
use rules::{
    bundle::Bundle,
    load::{Names, load},
};

use crate::common::{
    HOURS, Wrong, file, judge, load_text, names, ordinary, refused_at, set_of, shown,
};

const WRONG: &[Wrong] = &[
    // settings
    (
        "set(\"gate.mod\", \"free\", zone(\"pool\"));",
        "1:5",
        "no parameter is called `gate.mod`",
        "`gate.mode`",
    ),
    (
        "set(\"gate.mode\", \"fre\", zone(\"pool\"));",
        "1:18",
        "`fre` is not one of free",
        "`gate.mode`: the mode",
    ),
    ("set(\"gate.mode\", \"free\");", "1:1", "cannot be set for site", "zone, device"),
    (
        "set(\"gate.mode\", \"free\", tariff(\"morning\"));",
        "1:26",
        "cannot be set for tariff morning",
        "zone, device",
    ),
    ("set(\"gate.mode\", \"free\", zone(\"pol\"));", "1:31", "no zone is called `pol`", "`pool`"),
    (
        "set(\"gate.mode\", \"free\", device(\"x\"));",
        "1:33",
        "no device is called `x`",
        "gate-1, gate-2",
    ),
    (
        "set(\"gate.mode\", \"free\", zone(\"gate-1\"));",
        "1:31",
        "no zone is called `gate-1`",
        "`gate-1` is a device, not a zone",
    ),
    ("set(\"gate.mode\", \"free\", \"pool\");", "1:26", "is not a scope", "zone(\"pool\")"),
    ("set(\"gate.mode\", \"free\", zone(debt));", "1:26", "is not a scope", "zone(\"pool\")"),
    (
        "set(\"membership.expiry_grace\", \"P1D\", member(\"7\"));",
        "1:46",
        "`7` is not the id",
        "member's page",
    ),
    ("set(\"wallet.min_balance\", 5.00);", "1:27", "from -100000000.00 to 0.00", "lowest balance"),
    ("set(\"zone.max_occupancy\", 1.5);", "1:27", "not a whole number", "people"),
    (
        "set(\"zone.max_occupancy\", true);",
        "1:27",
        "not a text, a whole number",
        "depends on nothing",
    ),
    (
        "set(\"debt.entry_block_amount\", debt);",
        "1:32",
        "not a text, a whole number",
        "depends on nothing",
    ),
    (
        "set(\"debt.entry_block_age\", \"3 days\");",
        "1:29",
        "not a duration such as PT5M",
        "older than this",
    ),
    (
        "set(\"time.access_windows\", \"2027-01-01 closed\", zone(\"pool\"));",
        "1:28",
        "never open",
        "write \"never\"",
    ),
    (
        "set(\"time.access_windows\", \"Mon 07:00-25:00\", zone(\"pool\"));",
        "1:28",
        "`07:00-25:00` are not hours",
        "when an entry is allowed",
    ),
    (
        "set(\"time.access_windows\", \"2027-01-01 closed; 2027-01-01 09:00-12:00\");",
        "1:28",
        "2027-01-01 is closed in one part and open in another",
        "when an entry is allowed",
    ),
    (
        "set(\"gate.mode\", \"locked 2027-01-01 closed else controlled\", zone(\"pool\"));",
        "1:18",
        "never open",
        "leave the part out",
    ),
    (
        "set(\"gate.mode\", \"free always else controlled\", zone(\"pool\"));",
        "1:18",
        "never counts",
        "write the word alone",
    ),
    (
        "set(\"debt.exit_hold_max\", \"PT31M\");",
        "1:27",
        "`PT31M` is longer than PT30M",
        "`debt.exit_hold_max`",
    ),
    // the site's gates
    (
        "\nset(\"debt.exit_policy\", \"hold\", device(\"gate-1\"));",
        "2:1",
        "`debt.exit_policy` holds people at gate-1, and no other exit stands beside it",
        "set the hold for the site",
    ),
    (
        "set(\"credential.return_at_exit\", \"hold\", device(\"gate-1\"));",
        "1:1",
        "`credential.return_at_exit` holds people at gate-1",
        "egress_alternative",
    ),
    (
        "set(\"locker.exit_check\", \"hold\", device(\"gate-1\"));",
        "1:1",
        "`locker.exit_check` holds people at gate-1",
        "write \"warn\"",
    ),
    (
        "set(\"guardian.pickup_under_age\", 10);",
        "1:1",
        "`guardian.pickup_under_age` for site reaches gate-1, which has no desk",
        "name each such gate in `gates`",
    ),
    (
        "set(\"guardian.pickup_under_age\", 10, group(\"students\"));",
        "1:1",
        "for group students reaches gate-1",
        "site.toml",
    ),
    ("set(\"time.access_windows\", \"Monday 07:00-22:00\");", "1:28", "`Monday` is not a day", ""),
    ("set(entry, 1);", "1:5", "not a parameter's name", "gate.mode"),
    ("set(\"gate.mode\");", "1:1", "`set` is given 1 argument", "set(parameter, value, scope)"),
    ("sett(\"gate.mode\", \"free\");", "1:1", "no function is called `sett`", "`set`"),
    // checks
    ("\n\nif dept > 0.00 { }", "3:4", "called `dept`", "`debt`"),
    ("if entry {\n    denny(\"ZONE_FULL\");\n}", "2:5", "no function is called `denny`", "`deny`"),
    ("deny();", "1:1", "`deny` is given 0 arguments", "deny(code, details)"),
    ("deny(\"ZONE_FULL\", #{}, 1);", "1:1", "`deny` is given 3 arguments", "deny(code, details)"),
    ("deny(\"ZONE_FUL\");", "1:6", "no reason has the code `ZONE_FUL`", "`ZONE_FULL`"),
    ("if exit { warn(\"DEBT_ENTRY_BLOCKED\"); }", "1:16", "`warn` cannot raise", "`deny`"),
    ("deny(\"GRANTED\");", "1:6", "`deny` cannot raise `GRANTED`", "only Kari itself"),
    ("hold(\"DEBT_WARNING\");", "1:6", "`hold` cannot raise", "`warn`"),
    ("\"ZONE_FULL\".deny();", "1:13", "written as a method", "deny(code, details)"),
    ("fn f(a) { a }\nlet x = f(1, 2);", "2:9", "`f` is given 2 arguments", "takes 1"),
    ("fn f() { debt }", "1:10", "a function does not see `debt`", ""),
    ("let x = \"abc\".lenn();", "1:15", "no function is called `lenn`", "`len`"),
    ("let x = max(1);", "1:9", "`max` is given 1 argument", "takes 2"),
];

#[test]
fn what_is_wrong_is_told_with_its_place_and_what_to_do() {
    refused_at(WRONG);
}

#[test]
fn everything_that_is_wrong_is_told_at_once_in_order() {
    let text = "deny(\"ZONE_FUL\");\nlet debt = 1;\nif entry { wran(\"VISITS_LOW\"); }";
    let bundle = Bundle::of([
        file("00_site.rhai", HOURS),
        file("10_a.rhai", text),
        file("20_b.rhai", "if entry {"),
    ]);
    let problems = load(&bundle, &names()).unwrap_err();
    let places: Vec<_> = problems.iter().map(|one| (one.file.as_str(), one.line)).collect();
    assert_eq!(
        places,
        [("10_a.rhai", 1), ("10_a.rhai", 2), ("10_a.rhai", 3), ("20_b.rhai", 1)],
        "{}",
        shown(&problems)
    );
}

#[test]
fn a_set_without_hours_for_the_site_is_refused() {
    let windows = "set(\"time.access_windows\", \"Mon 07:00-09:00\", zone(\"pool\"));";
    for bundle in [Bundle::default(), Bundle::of([file("a.rhai", windows)])] {
        let problems = load(&bundle, &names()).unwrap_err();
        assert!(shown(&problems).contains("no file sets `time.access_windows` for the site"));
    }
    let never = "set(\"time.access_windows\", \"never\");";
    assert!(load(&Bundle::of([file("a.rhai", never)]), &names()).is_ok(), "never is a decision");
}

#[test]
fn holds_and_pickups_are_taken_where_the_gates_can_do_them() {
    for text in [
        "set(\"debt.exit_policy\", \"hold\");",
        "set(\"debt.exit_policy\", \"hold\", zone(\"pool\"));",
        "set(\"debt.exit_policy\", \"hold\", device(\"gate-2\"));",
        "set(\"debt.exit_policy\", \"warn\", device(\"gate-1\"));",
        "set(\"guardian.pickup_under_age\", 10, zone(\"sauna\"));",
        "set(\"guardian.pickup_under_age\", 0);",
        "set(\"debt.exit_hold_max\", \"PT30M\");",
    ] {
        let loaded = load_text(text);
        assert!(loaded.is_ok(), "{text}: {}", shown(&loaded.unwrap_err()));
    }
}

#[test]
fn hours_that_never_meet_the_site_s_are_refused_and_both_are_named() {
    let refused = |hours: &str, more: &str| {
        let text = format!("set(\"time.access_windows\", \"{hours}\", tariff(\"morning\"));{more}");
        let problems = load_text(&text).err()?;
        assert!(shown(&problems).contains("never meet"), "{}", shown(&problems));
        Some(shown(&problems))
    };
    let told = refused("Mon-Sun 05:00-07:00", "").unwrap();
    assert!(told.starts_with("50_own.rhai:1:1: the hours of tariff morning"), "{told}");
    assert!(told.contains("Mon,Tue,Wed,Thu,Fri,Sat,Sun 07:00-23:00"), "{told}");
    assert!(told.contains("00_site.rhai:1"), "{told}");
    assert_eq!(refused("Mon-Sun 05:00-07:01", ""), None);
    let margin = "\nset(\"time.early_entry_margin\", \"PT10M\");";
    assert_eq!(refused("Mon-Sun 05:00-07:00", margin), None, "with the margin they meet");
    assert_eq!(refused("never", ""), None, "never is a decision");
}

#[test]
fn names_of_one_file_do_not_collide_with_another_s_and_functions_are_shared() {
    let bundle = |a: &str, b: &str| {
        Bundle::of([file("00.rhai", HOURS), file("10_a.rhai", a), file("20_b.rhai", b)])
    };
    for (a, b) in [
        ("let limit = 5;", "let limit = 6;"),
        ("const LIMIT = 5;", "let LIMIT = 6;"),
        ("fn f(x) { x }", "fn f(y) { y + 1 }"),
    ] {
        let problems = load(&bundle(a, b), &names()).unwrap_err();
        assert_eq!(problems[0].file, "20_b.rhai", "{a} {b}");
        assert!(shown(&problems).contains("another file"), "{}", shown(&problems));
    }
    let shared = bundle(
        "fn many(count) { count > 5 }",
        "let few = 1;\nif entry && many(zone_people) { warn(\"ZONE_FULL\"); }\nlet last = few;",
    );
    let set = load(&shared, &names()).unwrap_or_else(|all| panic!("{}", shown(&all))).set;
    let mut facts = ordinary();
    facts.zone_people = 6;
    let found = judge(&set, EventKind::Entry, &facts).unwrap();
    let origin = Origin::Rule { file: "20_b.rhai".to_owned(), line: 2 };
    assert_eq!(found.iter().map(|one| &one.origin).collect::<Vec<_>>(), [&origin]);
}

#[test]
fn variables_of_a_file_keep_their_values_beside_those_of_others() {
    let bundle = Bundle::of([
        file("00.rhai", HOURS),
        file(
            "10.rhai",
            "const A = 1; let b = 2; let c = A + b; if c != 3 { deny(\"ZONE_FULL\"); }",
        ),
        file("20.rhai", "let d = 4; let e = d + 1; if e == 5 { warn(\"ZONE_FULL\"); }"),
    ]);
    let set = load(&bundle, &names()).unwrap().set;
    let found = judge(&set, EventKind::Exit, &ordinary()).unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn a_setting_is_in_force_at_its_scope_and_the_later_file_wins() {
    let text = "const FIVE = 5.00;\n\
        set(\"debt.entry_block_amount\", FIVE);\n\
        set(\"debt.entry_block_amount\", 7, group(\"staff\"));\n\
        set(\"wallet.min_balance\", -2.50, site());\n\
        set(\"debt.entry_block_amount\", 6.00);";
    let checked = load_text(text).unwrap_or_else(|all| panic!("{}", shown(&all)));
    let table = checked.set.values();
    let of = |param: Param, place: &Place<'_>| {
        let found = table.resolve(param, place);
        (found.value.written(param), found.scope)
    };
    let everywhere = Place::default();
    assert_eq!(of(Param::DebtEntryBlockAmount, &everywhere), ("6.00".into(), Some(Scope::Site)));
    assert_eq!(of(Param::WalletMinBalance, &everywhere).0, "-2.50");
    let groups = ["staff".into()];
    let staff = Place { groups: &groups, ..Place::default() };
    assert_eq!(of(Param::DebtEntryBlockAmount, &staff).0, "7.00");
    let twice: Vec<_> =
        checked.warnings.iter().filter(|one| one.message.contains("second time")).collect();
    assert_eq!(twice.iter().map(|one| one.line).collect::<Vec<_>>(), [5]);
    assert!(twice[0].help.contains("the value at 50_own.rhai:2 has no effect"), "{}", twice[0]);

    let at = |param, scope: Scope| checked.set.set_at(param, &scope);
    let amount = Param::DebtEntryBlockAmount;
    assert_eq!(at(amount, Scope::Site), Some(("50_own.rhai", 5)), "the later one");
    assert_eq!(at(amount, Scope::Group("staff".into())), Some(("50_own.rhai", 3)));
    assert_eq!(at(Param::TimeAccessWindows, Scope::Site), Some(("00_site.rhai", 1)));
    assert_eq!(at(amount, Scope::Group("students".into())), None);
}

#[test]
fn a_parameter_that_nothing_reads_is_warned_of() {
    let checked = load_text("if entry && debt > debt_entry_block_amount { }").unwrap();
    let all = shown(&checked.warnings);
    assert!(all.contains("no check reads `zone.max_occupancy`"), "{all}");
    assert!(!all.contains("`gate.mode`"), "the floor reads it: {all}");
    assert!(!all.contains("`debt.entry_block_amount`"), "{all}");
}

#[test]
fn each_kind_of_event_runs_only_its_own_branches() {
    let set = set_of(
        "if entry { if debt > 0.00 { warn(\"DEBT_WARNING\"); } }\n\
         if exit && inside { warn(\"VISITS_LOW\"); }\n\
         if entry { warn(\"ZONE_FULL\"); } else { warn(\"ANTI_PASSBACK_SOFT\"); }",
    );
    let mut facts = ordinary();
    (facts.debt, facts.inside) = (domain::money::Money(1), true);
    let codes = |kind| {
        let found = judge(&set, kind, &facts).unwrap();
        found.iter().map(|one| one.reason.code()).collect::<Vec<_>>()
    };
    assert_eq!(codes(EventKind::Entry), ["DEBT_WARNING", "ZONE_FULL"]);
    assert_eq!(codes(EventKind::Exit), ["VISITS_LOW", "ANTI_PASSBACK_SOFT"]);
}

#[test]
fn every_fact_and_every_parameter_can_be_read() {
    let mut text = String::new();
    for (name, _) in rules::vocabulary::terms() {
        text.push_str(&format!("let copy_of_{name} = {name};\n"));
    }
    text.push_str(
        "if \"grace\" in membership_allowed_states && opens_at == () { warn(\"VISITS_LOW\"); }\n",
    );
    text.push_str("if time_access_windows != \"always\" { deny(\"SITE_CLOSED\"); }\n");
    text.push_str("if anti_passback_reset_after != 43200 { deny(\"ANTI_PASSBACK\"); }\n");
    let set = set_of(&text);
    let mut facts = ordinary();
    assert_eq!(judge(&set, EventKind::Entry, &facts).unwrap().len(), 1);
    facts.opens_at = Some(domain::time::Timestamp::from_micros(1));
    assert_eq!(judge(&set, EventKind::Entry, &facts), Ok(Vec::new()));
}

/// What `HEAD` stands for in the rows.
const HEAD: &str = "[[case]]\nname = \"n\"\nevent = \"entry\"\noutcome = \"deny\"\n";

/// Text of the cases file, line, part of the message.
const BAD_CASES: &[(&str, u16, &str)] = &[
    (
        "[[case]]\nname = \"n\"\nevent = \"entry\"\noutcome = \"grant\"",
        1,
        "expected grant; got deny for ZONE_FULL",
    ),
    (
        "\nHEAD reasons = [\"SITE_CLOSED\"]",
        2,
        "expected deny for SITE_CLOSED; got deny for ZONE_FULL",
    ),
    ("HEAD also = [\"VISITS_LOW\"]", 1, "beside VISITS_LOW; got deny for ZONE_FULL beside nothing"),
    (
        "[[case]]\nname = \"n\"\nevent = \"enter\"\noutcome = \"deny\"",
        1,
        "no event is called `enter`",
    ),
    (
        "[[case]]\nname = \"n\"\nevent = \"entry\"\noutcome = \"release\"",
        1,
        "no outcome of rules is called `release`",
    ),
    ("HEAD reasons = [\"FULL\"]", 1, "no reason has the code `FULL`"),
    ("HEAD facts = { dept = \"1.00\" }", 1, "no fact is called `dept`"),
    (
        "HEAD facts = { credential_state = \"Active\" }",
        1,
        "never \"Active\"\n  help: did you mean `active`",
    ),
    ("HEAD facts = { membership_state = \"expird\" }", 1, "did you mean `expired`"),
    ("HEAD facts = { certificate = \"ok\" }", 1, "it is one of `ended`, `missing`, `valid`"),
    ("[base]\nfacts = { action = \"sales\" }\nHEAD ", 3, "case `n`: `action` is never \"sales\""),
    ("HEAD facts = { debt = 1.5 }", 1, "not a value of the fact `debt`"),
    ("HEAD set = { \"gate.mod\" = \"free\" }", 1, "no parameter is called `gate.mod`"),
    ("HEAD set = { \"gate.mode\" = \"fre\" }", 1, "is not one of"),
    ("[[case]]\nname = \"n\"\nevent = \"entry\"\noutcom = \"deny\"", 4, "unknown field `outcom`"),
    ("[[case]]\nname = \"n", 2, ""),
];

#[test]
fn a_case_that_fails_or_cannot_be_read_refuses_the_set() {
    for (cases, line, message) in BAD_CASES {
        let cases = cases.replace("HEAD ", HEAD);
        let bundle = Bundle::of([
            file("a.rhai", HOURS),
            file("b.rhai", "if entry { deny(\"ZONE_FULL\"); }"),
            file("b.cases.toml", &cases),
        ]);
        let problems = load(&bundle, &names()).unwrap_err();
        let [only] = problems.as_slice() else { panic!("{cases}: {}", shown(&problems)) };
        assert_eq!((only.file.as_str(), only.line), ("b.cases.toml", *line), "{cases}: {only}");
        assert!(only.to_string().contains(message), "{cases}: {only}");
    }
}

#[test]
fn a_case_about_a_zone_or_a_gate_of_another_site_is_warned_of() {
    let cases = format!(
        "[base]\nfacts = {{ device = \"gate-2\", credential_state = \"\" }}\n\
         {HEAD}facts = {{ zone = \"pol\" }}\n{HEAD}facts = {{ zone = \"pool\", device = \"\" }}"
    );
    let bundle = Bundle::of([
        file("a.rhai", HOURS),
        file("b.rhai", "if entry { deny(\"ZONE_FULL\"); }"),
        file("b.cases.toml", &cases),
    ]);
    let warned = |names: &Names| {
        let warnings = load(&bundle, names).unwrap().warnings;
        shown(&warnings.into_iter().filter(|one| one.file == "b.cases.toml").collect::<Vec<_>>())
    };
    let told = "b.cases.toml:3:1: case `n`: `zone` is never \"pol\"\n  help: did you mean `pool`?";
    assert_eq!(warned(&names()), told);
    assert_eq!(warned(&Names::default()), "", "a site whose zones nobody knows");
}

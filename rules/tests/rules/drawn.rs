//! Checks drawn by chance: what is refused as never true never comes true, whoever asks.

use domain::{
    facts::{EventKind, FACTS, Facts, Policy as _, Question, Words},
    money::Money,
    params::Param,
};
use proptest::prelude::*;
use rules::load::recorded;

use crate::common::{HOURS, load_text, names, ordinary, shown, values};

/// What a comparison is refused with that can never be true.
const NEVER: &[&str] =
    &["is compared with", "is never", "never lists", "lists texts", "this case", "an instant"];

/// What is chosen, in order; when it is used up, the first of everything.
struct Draw<'a>(std::slice::Iter<'a, u8>);

impl Draw<'_> {
    fn below(&mut self, most: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or_default()) % most
    }

    fn of<'b>(&mut self, from: &[&'b str]) -> &'b str {
        from[self.below(from.len())]
    }

    fn text(&mut self) -> String {
        match self.below(12) {
            0..3 => self.of(&["zone", "device", "credential_state", "certificate"]).to_owned(),
            3 => self.of(&["locker", "gate_mode", "zone_name", "debt_exit_policy"]).to_owned(),
            4..7 => self.of(&["\"pool\"", "\"po\"", "\"ol\"", "\"x\"", "\"gate-1\""]).to_owned(),
            7 => {
                self.of(&["\"active\"", "\" Active\"", "\"free\"", "\"valid\"", "\"\""]).to_owned()
            }
            8 => self.of(&["'p'", "'7'", "'x'"]).to_owned(),
            9 => format!("{} + {}", self.of(&["t0", "\"po\""]), self.of(&["\"ol\"", "t1", "'x'"])),
            _ => self.of(&["t0", "t1", "t2"]).to_owned(),
        }
    }

    fn number(&mut self) -> String {
        match self.below(8) {
            0 | 1 => self.of(&["member_age", "debt", "visits_left", "debt_exit_hold_max"]).into(),
            2 | 3 => self.of(&["5", "7", "18.5", "7.0", "1.5", "600"]).to_owned(),
            4 => format!("{} + {}", self.of(&["n0", "debt"]), self.of(&["1", "0.5", "n1"])),
            5 => self.of(&["len(t0)", "t1.len()", "l0.len()"]).to_owned(),
            _ => self.of(&["n0", "n1"]).to_owned(),
        }
    }

    /// A list that is written out has one value: of several each is judged by itself.
    fn list(&mut self) -> String {
        match self.below(5) {
            0 => format!("[{}]", self.text()),
            1 => format!("[{}]", self.number()),
            2 => self.of(&["membership_allowed_states", "operator_allowed_actions"]).to_owned(),
            3 => self.of(&["operator_allowed_terminals", "operator_override_codes"]).to_owned(),
            _ => "l0".to_owned(),
        }
    }

    fn any(&mut self) -> String {
        match self.below(8) {
            0..3 => self.text(),
            3..6 => self.number(),
            6 => self.of(&["inside", "true", "()", "opens_at", "#{}", "!inside"]).to_owned(),
            _ => self.list(),
        }
    }

    /// Two values, most often of one kind.
    fn pair(&mut self) -> [String; 2] {
        match self.below(8) {
            0..3 => [self.text(), self.text()],
            3..6 => [self.number(), self.number()],
            6 => [self.list(), self.list()],
            _ => [self.any(), self.any()],
        }
    }

    fn change(&mut self) -> String {
        let (t, n) = (self.of(&["t0", "t1", "t2"]), self.of(&["n0", "n1"]));
        match self.below(12) {
            0 => format!("append({t}, {});", self.text()),
            1 => format!("{t} += {};", self.text()),
            2 => format!("{t} = {};", self.text()),
            3 => format!("trim({t}); {}({t});", self.of(&["make_lower", "len", "clear"])),
            4 => format!("{n} = {};", self.number()),
            5 => format!("{n} += {};", self.number()),
            6 => format!("push(l0, {});", self.any()),
            7 => format!("l0.push({});", self.text()),
            8 => format!("l0[0].append({});", self.text()),
            9 => format!("l0 = {};", self.list()),
            10 => format!("t1 = t0; n1 = n0; t0 = {};", self.any()),
            _ => format!("{} = {};", self.of(&[t, n, "l0"]), self.any()),
        }
    }

    /// A check with one comparison, which raises a reason where it is true.
    fn check(&mut self) -> String {
        let then = "{ deny(\"ZONE_FULL\"); }";
        match self.below(12) {
            // What a change is most likely to make true.
            8.. => {
                let one = self.of(&["t0", "t1", "n0", "n1", "t2"]);
                let other = self.of(&["zone", "\"x\"", "\"7\"", "5", "18.5", "zone_name"]);
                format!("if {} {then}", self.of(&[&format!("{one} == {other}"), "zone in l0"]))
            }
            0..3 => {
                let [one, other] = self.pair();
                format!("if {one} == {other} {then}")
            }
            3 => {
                let [one, other] = self.pair();
                format!("if !({one} != {other}) {then}")
            }
            4 => {
                let [one, other] = self.pair();
                format!("if {one} {} {other} {then}", self.of(&["<", ">=", ">"]))
            }
            5 => format!("if {} in {} {then}", self.any(), self.list()),
            _ => {
                let subject = self.of(&["t0", "n0", "zone", "debt", "member_age", "t1", "n1"]);
                let cases = ["5", "\"pool\"", "0..10", "7.0", "\"x\"", "'x'", "true", "3..=7"];
                format!("switch {subject} {{ {} => {then} _ => () }}", self.of(&cases))
            }
        }
    }

    /// A file of one check, behind some variables and what happens to them.
    fn file(&mut self) -> String {
        let mut text = String::new();
        for (name, part) in [("t0", 0), ("n0", 1), ("l0", 2), ("t1", 3), ("n1", 4), ("t2", 3)] {
            let value = match part {
                0 => self.of(&["zone", "\"po\"", "\"pool\"", "\" POOL\"", "device", "'x'"]).into(),
                1 => self.of(&["5", "debt", "member_age", "6.5"]).to_owned(),
                2 => format!("[{}]", self.of(&["\"po\"", "\"x\"", "7", "zone"])),
                3 => self.of(&["t0", "\"x\"", "credential_state", "locker", "gate_mode"]).into(),
                _ => self.of(&["n0", "visits_left", "len(t0)", "7"]).to_owned(),
            };
            text.push_str(&format!("let {name} = {value};\n"));
        }
        let changes: Vec<String> = (0..self.below(6)).map(|_| self.change()).collect();
        // In a loop a change after the check is one before it the next time.
        let (before, after) = changes.split_at(changes.len() / 2);
        let (check, before, after) = (self.check(), before.join(" "), after.join(" "));
        match self.below(3) {
            0 => text.push_str(&format!("{before} {after}\n{check}")),
            1 => text.push_str(&format!("for i in 0..3 {{\n{before}\n{check}\n{after}\n}}")),
            _ => text.push_str(&format!("if entry {{ {before} {after} }}\n{check}")),
        }
        text
    }

    fn word(&mut self, fact: &str) -> String {
        let spec = FACTS.iter().find(|spec| spec.name == fact).unwrap();
        let site = names();
        let words: Vec<&str> = match spec.words() {
            Words::Open => vec!["7", "x", "p", "pool", "valid"],
            Words::Listed(words) => words.to_vec(),
            Words::Zones => site.zones.iter().map(String::as_str).collect(),
            Words::Devices => site.devices.iter().map(String::as_str).collect(),
        };
        if self.below(8) == 7 { String::new() } else { self.of(&words).to_owned() }
    }

    fn facts(&mut self) -> Facts {
        Facts {
            zone: self.word("zone"),
            zone_name: self.word("zone_name"),
            device: self.word("device"),
            credential_state: self.word("credential_state"),
            certificate: self.word("certificate"),
            locker: self.word("locker"),
            debt: Money([0, 500, 700, 1850, 150][self.below(5)]),
            member_age: [-1, 5, 7, 18][self.below(4)],
            visits_left: [0, 1, 5, 7][self.below(4)],
            inside: self.below(2) == 1,
            ..ordinary()
        }
    }
}

/// Whether the check `text` comes true for anybody of many; or nothing where it does not run.
fn comes_true(text: &str, draw: &mut Draw<'_>) -> Option<Facts> {
    let files = [("00_site.rhai", HOURS), ("50_own.rhai", text)];
    let set = recorded(files.map(|(name, text)| (name.into(), text.into())).to_vec()).ok()?;
    (0..48).find_map(|_| {
        let facts = draw.facts();
        let values = values(&[
            (Param::GateMode, draw.of(&["controlled", "free", "locked"])),
            (Param::DebtExitPolicy, draw.of(&["warn", "hold", "allow"])),
            (Param::MembershipAllowedStates, draw.of(&["active", "active, grace", "expired"])),
            (Param::OperatorAllowedActions, draw.of(&["sale, refund", "none", "sale, !sale"])),
            (Param::OperatorAllowedTerminals, draw.of(&["desk-1", "none"])),
        ]);
        let question = Question { kind: EventKind::Entry, facts: &facts, values: &values };
        let fires = set.judge(&question).is_ok_and(|found| !found.is_empty());
        fires.then_some(facts)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_refused_as_never_true_never_comes_true(
        chosen in proptest::collection::vec(any::<u8>(), 80),
        people in proptest::collection::vec(any::<u8>(), 48 * 25),
    ) {
        let text = Draw(chosen.iter()).file();
        if let Err(problems) = load_text(&text) {
            let told = shown(&problems);
            if NEVER.iter().any(|part| told.contains(part)) {
                let facts = comes_true(&text, &mut Draw(people.iter()));
                prop_assert!(facts.is_none(), "{told}\n{text}\nis true for {facts:?}");
            }
        }
    }
}

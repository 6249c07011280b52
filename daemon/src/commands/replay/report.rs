//! What a replay comes to, for a manager and for a program.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

use domain::{
    decision::Decision,
    ids::{DeviceId, MemberId},
    money::{Currency, Money},
    verdict::Outcome,
};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use store::reader::Reader;

use super::again::{Again, Answer};
use crate::{config::Installation, reload::short};

/// So many members are named.
const NAMED: usize = 10;
/// What a replay cannot know.
const NOT_SIMULATED: &str = "\
Every record is asked for itself, with what was seen then; what would have come of it later is
not played again: who is refused by the new rules would not have been inside afterwards, but is
asked as recorded. Values of the database are those of today.";

/// The numbers of a replay.
pub(crate) struct Report {
    currency: Currency,
    rule_set: String,
    /// The rule sets that the records were decided by.
    recorded_by: BTreeSet<String>,
    asked: u64,
    /// Records that were answered before any rule.
    not_asked: u64,
    changes: BTreeMap<(Answer, Answer), u64>,
    /// How often the answer is the same and costs something else.
    recosted: u64,
    members: HashMap<MemberId, u64>,
    /// Changes for cards that belong to nobody.
    strangers: u64,
    /// Those with the most changes, and their names.
    top: Vec<(MemberId, u64, Option<String>)>,
    charged: [Money; 2],
    gained: Money,
    lost: Money,
    /// Refusals by gate and local hour, as recorded and now.
    refused: BTreeMap<(DeviceId, i8), [u64; 2]>,
    held: [u64; 2],
}

impl Report {
    /// Without any record yet.
    pub(crate) fn new(rule_set: &str, currency: &Currency) -> Self {
        Self {
            currency: currency.clone(),
            rule_set: rule_set.to_owned(),
            recorded_by: BTreeSet::new(),
            asked: 0,
            not_asked: 0,
            changes: BTreeMap::new(),
            recosted: 0,
            members: HashMap::new(),
            strangers: 0,
            top: Vec::new(),
            charged: [Money::ZERO; 2],
            gained: Money::ZERO,
            lost: Money::ZERO,
            refused: BTreeMap::new(),
            held: [0; 2],
        }
    }

    /// Counts one record.
    pub(crate) fn take(&mut self, decision: &Decision, again: Option<Again>, zone: &TimeZone) {
        let Some(Again { before, after }) = again else {
            self.not_asked += 1;
            return;
        };
        self.asked += 1;
        if !self.recorded_by.contains(&decision.rule_set) {
            self.recorded_by.insert(decision.rule_set.clone());
        }
        if before.answer != after.answer {
            *self.changes.entry((before.answer, after.answer)).or_default() += 1;
            match decision.member {
                Some(member) => *self.members.entry(member).or_default() += 1,
                None => self.strangers += 1,
            }
        } else if before.charged != after.charged {
            self.recosted += 1;
        }
        let more = after.charged - before.charged;
        self.gained = self.gained + more.max(Money::ZERO);
        self.lost = self.lost + (-more).max(Money::ZERO);
        let hour = zone.to_datetime(decision.at.to_calendar()).hour();
        for (side, came) in [before, after].into_iter().enumerate() {
            self.charged[side] = self.charged[side] + came.charged;
            match came.answer.outcome {
                Outcome::Deny => {
                    let key = (decision.device.clone(), hour);
                    self.refused.entry(key).or_default()[side] += 1;
                }
                Outcome::Hold => self.held[side] += 1,
                _ => {}
            }
        }
    }

    /// Finds the members with the most changes, and their names.
    pub(crate) async fn name(&mut self, reader: &Reader) -> anyhow::Result<()> {
        let mut all: Vec<_> =
            self.members.iter().map(|(member, count)| (*member, *count)).collect();
        all.sort_by_key(|(member, count)| (std::cmp::Reverse(*count), *member));
        for (member, count) in all.into_iter().take(NAMED) {
            let name = reader.person(member).await?.map(|person| person.name_latin);
            self.top.push((member, count, name));
        }
        Ok(())
    }

    fn changed(&self) -> u64 {
        self.changes.values().sum()
    }

    /// The numbers for a program.
    pub(crate) fn told(&self) -> Value {
        let money = |amount: Money| {
            let exact = self.currency.exact(amount).to_string();
            json!({ "amount": exact, "currency": self.currency.code })
        };
        let sides = |[before, after]: [u64; 2]| json!({ "before": before, "after": after });
        let changes = self.changes.iter();
        let changes = changes.map(|((from, to), n)| json!({ "from": from, "to": to, "count": n }));
        let top = self.top.iter();
        let top = top.map(|(id, count, _)| json!({ "member": id.to_string(), "changes": count }));
        let refused = self.refused.iter().map(|((gate, hour), [before, after])| {
            json!({ "gate": gate.to_string(), "hour": hour, "before": before, "after": after })
        });
        json!({
            "rule_set": self.rule_set,
            "recorded_by": self.recorded_by,
            "asked": self.asked,
            "not_asked": self.not_asked,
            "changed": self.changed(),
            "changes": changes.collect::<Vec<_>>(),
            "only_amount_changed": self.recosted,
            "members_changed": self.members.len(),
            "members": top.collect::<Vec<_>>(),
            "unknown_cards": self.strangers,
            "charged": {
                "before": money(self.charged[0]),
                "after": money(self.charged[1]),
                "gained": money(self.gained),
                "lost": money(self.lost),
            },
            "refused": refused.collect::<Vec<_>>(),
            "held": sides(self.held),
            "later_facts_are_simulated": false,
        })
    }

    /// The numbers for a person.
    pub(crate) fn print(&self, installation: &Installation, rules: &Path) {
        say!(
            "{}: {} decisions asked again with the rules of {} (rule set {})",
            installation.site.name,
            self.asked,
            rules.display(),
            short(&self.rule_set),
        );
        if self.not_asked > 0 {
            say!("{} more were answered before any rule was asked", self.not_asked);
        }
        if self.recorded_by.len() > 1 {
            say!("they were decided by {} rule sets", self.recorded_by.len());
        }
        self.print_changes();
        say!("\ncharged at gates and lockers ({})", self.currency.code);
        for (what, amount) in [
            ("recorded", self.charged[0]),
            ("with these rules", self.charged[1]),
            ("gained", self.gained),
            ("lost", self.lost),
        ] {
            say!("  {what:<16}  {:>12}", self.currency.exact(amount).to_string());
        }
        for line in self.refusals() {
            say!("{line}");
        }
        say!("\nheld at an exit: {} recorded, {} with these rules", self.held[0], self.held[1]);
        say!("\n{NOT_SIMULATED}");
    }

    fn print_changes(&self) {
        say!("\nchanged: {} of {}", self.changed(), self.asked);
        if self.recosted > 0 {
            say!("{} more have the same answer and another amount", self.recosted);
        }
        let mut rows: Vec<_> = self.changes.iter().collect();
        rows.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let word = |one: &Answer| format!("{} {}", one.outcome.name(), one.reason.code());
        let width = rows.iter().map(|((from, _), _)| word(from).len()).max().unwrap_or(0);
        for ((from, to), count) in rows {
            say!("  {count:>7}  {:<width$}  ->  {}", word(from), word(to));
        }
        if !self.top.is_empty() {
            say!("\nfor {} members, of them", self.members.len());
        }
        for (member, count, name) in &self.top {
            let id = member.to_string();
            let end = id.get(id.len().saturating_sub(6)..).unwrap_or_default();
            say!("  {count:>7}  Member {end}  {}", name.as_deref().unwrap_or_default());
        }
        if self.strangers > 0 {
            say!("  {:>7}  cards that belong to nobody", self.strangers);
        }
    }

    /// Two lines for each place, a column for each hour in which somebody was refused.
    fn refusals(&self) -> Vec<String> {
        let hours: BTreeSet<i8> = self.refused.keys().map(|(_, hour)| *hour).collect();
        let gates: BTreeSet<&DeviceId> = self.refused.keys().map(|(gate, _)| gate).collect();
        let width = gates.iter().map(|gate| gate.as_str().len()).max().unwrap_or(0).max(4);
        let mut lines = vec![String::new()];
        if hours.is_empty() {
            lines.push("nobody is refused, before or after".to_owned());
            return lines;
        }
        lines.push("refused, by hour of the day".to_owned());
        let columns: String = hours.iter().map(|hour| format!("  {hour:>4}h")).collect();
        lines.push(format!("  {:<width$}  {:<16}{columns}    all", "", ""));
        for gate in gates {
            for (side, what) in ["recorded", "with these rules"].into_iter().enumerate() {
                let of = |hour: &i8| {
                    let found = self.refused.get(&(gate.clone(), *hour));
                    found.map_or(0, |sides| sides[side])
                };
                let cells: String = hours.iter().map(|hour| format!("  {:>5}", of(hour))).collect();
                let all: u64 = hours.iter().map(of).sum();
                let name = if side == 0 { gate.as_str() } else { "" };
                lines.push(format!("  {name:<width$}  {what:<16}{cells}  {all:>5}"));
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_stand_by_gate_and_hour_with_zeros_in_between() {
        let mut report = Report::new("abc", &Currency::of("GEL").unwrap());
        assert_eq!(report.refusals()[1], "nobody is refused, before or after");
        report.refused.insert(("gate-1".into(), 8), [1, 2]);
        report.refused.insert(("g".into(), 17), [0, 3]);
        let lines = report.refusals();
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&lines[2]), ["8h", "17h", "all"]);
        assert_eq!(words(&lines[3]), ["g", "recorded", "0", "0", "0"]);
        assert_eq!(words(&lines[4]), ["with", "these", "rules", "0", "3", "3"]);
        assert_eq!(words(&lines[5]), ["gate-1", "recorded", "1", "0", "1"]);
        assert_eq!(words(&lines[6]), ["with", "these", "rules", "2", "0", "2"]);
        let width = |line: &String| line.chars().count();
        assert!(lines[2..].iter().all(|line| width(line) == width(&lines[2])), "{lines:#?}");
    }
}

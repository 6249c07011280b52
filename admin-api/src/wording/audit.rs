//! The whole record of a decision as text: every fact, every value, every reason.

use domain::{
    decision::Decision,
    facts::{Fact, Facts},
    verdict::Finding,
};

use super::{Wording, texts};

impl Wording {
    /// Everything that the record of a decision knows, for an auditor: a text of several lines.
    #[must_use]
    pub fn auditor(&self, decision: &Decision) -> String {
        let rule_set = match decision.rule_set.as_str() {
            "" => self.word("audit-no-rule-set"),
            hash => hash.to_owned(),
        };
        let gate = format!("{} {}", decision.device, self.direction(decision));
        let mut text = String::new();
        for (id, value) in [
            ("audit-decision", decision.id.to_string()),
            ("audit-at", self.exact_time(decision.at)),
            ("audit-received", self.exact_time(decision.received)),
            ("audit-gate", gate),
            ("audit-who", self.audited_who(decision)),
            ("audit-outcome", self.outcome(decision.verdict.outcome)),
            ("audit-rule-set", rule_set),
            ("audit-facts-version", decision.facts_version.to_string()),
        ] {
            text.push_str(&format!("{}: {value}\n", self.word(id)));
        }
        self.section(&mut text, "audit-reasons", self.audited_reasons(decision));
        let values = decision.verdict.values.iter().map(|value| self.supplied(value)).collect();
        self.section(&mut text, "audit-values", values);
        let facts = match &decision.facts {
            Some(facts) => self.audited_facts(facts),
            None => vec![self.word("audit-no-facts")],
        };
        self.section(&mut text, "audit-facts", facts);
        text
    }

    fn section(&self, text: &mut String, heading: &str, lines: Vec<String>) {
        text.push_str(&format!("\n{}\n", self.word(heading)));
        for line in lines {
            text.push_str(&format!("  {line}\n"));
        }
    }

    /// The local time to the millisecond with its offset: an auditor compares it with other
    /// records.
    fn exact_time(&self, at: domain::time::Timestamp) -> String {
        self.formatted(at, "%d.%m.%Y %H:%M:%S%.3f %:z")
    }

    /// The whole key, not its end alone.
    fn audited_who(&self, decision: &Decision) -> String {
        match decision.member {
            Some(member) => self.with("who-member", "id", member.to_string()),
            None => self.who(decision),
        }
    }

    fn audited_reasons(&self, decision: &Decision) -> Vec<String> {
        let verdict = &decision.verdict;
        let all: Vec<&Finding> = verdict.reasons.iter().chain(&verdict.also).collect();
        let classes = all.iter().map(|found| {
            let class = self.word(&format!("class-{}", texts::code(&found.class)));
            format!("{} ({class})", found.reason.code())
        });
        let mut lines: Vec<String> = classes
            .zip(self.desk(decision))
            .map(|(code, line)| format!("{code}: {line}"))
            .collect();
        lines.extend(self.desk(decision).into_iter().skip(all.len()));
        lines
    }

    fn audited_facts(&self, facts: &Facts) -> Vec<String> {
        let mut lines = Vec::new();
        facts.each(|name, fact| lines.push(format!("{name} = {}", self.fact(&fact))));
        lines
    }

    fn fact(&self, fact: &Fact<'_>) -> String {
        match fact {
            Fact::Bool(true) => self.word("yes"),
            Fact::Bool(false) => self.word("no"),
            Fact::Int(number) => number.to_string(),
            Fact::Money(amount) => self.money(*amount),
            Fact::Word(word) => format!("`{word}`"),
            Fact::Time(Some(at)) => self.exact_time(*at),
            Fact::Time(None) => self.word("none"),
        }
    }
}

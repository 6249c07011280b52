//! The figures, for people and for programs.

use serde_json::{Value, json};

/// A measured time.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) group: String,
    pub(crate) what: String,
    pub(crate) nanos: u128,
}

/// A goal, and what was reached, both in hundredths.
#[derive(Debug)]
pub(crate) struct Goal {
    pub(crate) what: String,
    pub(crate) reached: u128,
    pub(crate) goal: u128,
    /// Whether more is better.
    pub(crate) at_least: bool,
    pub(crate) unit: &'static str,
}

impl Goal {
    fn is_met(&self) -> bool {
        if self.at_least { self.reached >= self.goal } else { self.reached <= self.goal }
    }
}

/// Everything that one run measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) compared: String,
    pub(crate) figures: Vec<Figure>,
    pub(crate) goals: Vec<Goal>,
}

fn hundredths(number: u128) -> String {
    format!("{}.{:02}", number / 100, number % 100)
}

impl Report {
    pub(crate) fn figure(&mut self, group: &str, what: &str, nanos: u128) {
        self.figures.push(Figure { group: group.to_owned(), what: what.to_owned(), nanos });
    }

    /// The report as text.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{}\n", self.compared);
        let mut group = "";
        for figure in &self.figures {
            if figure.group != group {
                text += &format!("\n{}\n", figure.group);
                group = &figure.group;
            }
            text += &format!("  {:<44} {:>10} µs\n", figure.what, hundredths(figure.nanos / 10));
        }
        text += "\nGoals\n";
        for goal in &self.goals {
            let sign = if goal.at_least { ">=" } else { "<=" };
            let met = if goal.is_met() { "met" } else { "MISSED" };
            let (reached, wanted) = (hundredths(goal.reached), hundredths(goal.goal));
            text += &format!(
                "  {:<60} {reached:>7} {unit:<2} {sign} {wanted:>6} {unit:<2} {met}\n",
                goal.what,
                unit = goal.unit
            );
        }
        text
    }

    /// The report for programs.
    pub(crate) fn json(&self) -> Value {
        let figures = self.figures.iter().map(
            |one| json!({ "group": one.group, "what": one.what, "nanoseconds": one.nanos as u64 }),
        );
        let goals = self.goals.iter().map(|goal| {
            json!({
                "what": goal.what,
                "reached_hundredths": goal.reached as u64,
                "goal_hundredths": goal.goal as u64,
                "at_least": goal.at_least,
                "unit": goal.unit,
                "met": goal.is_met(),
            })
        });
        json!({
            "compared": self.compared,
            "figures": figures.collect::<Vec<_>>(),
            "goals": goals.collect::<Vec<_>>(),
        })
    }
}

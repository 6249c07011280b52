//! Goals with their bounds, what was measured, and how that is printed.

use serde::Serialize;

use super::traffic::{Broker, Measured};

/// One goal: a ratio or a size with its bound. Ratios are in hundredths, so that nothing is rounded
/// in between.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Goal {
    /// What is measured.
    pub(crate) name: String,
    /// The bound, in hundredths.
    pub(crate) bound: u64,
    /// Whether more is better.
    pub(crate) at_least: bool,
    /// The unit of the figures, or nothing for a ratio.
    pub(crate) unit: &'static str,
    /// What each round measured, in hundredths.
    pub(crate) rounds: Vec<u64>,
}

impl Goal {
    /// The median of the rounds.
    pub(crate) fn median(&self) -> u64 {
        median(&self.rounds)
    }
    /// Whether the median keeps the bound.
    pub(crate) fn met(&self) -> bool {
        if self.at_least { self.median() >= self.bound } else { self.median() <= self.bound }
    }
}

/// The middle of some figures; of an even number the upper one.
pub(crate) fn median(figures: &[u64]) -> u64 {
    let mut sorted = figures.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}

/// `part / whole` in hundredths.
pub(crate) fn hundredths(part: u64, whole: u64) -> u64 {
    part.saturating_mul(100) / whole.max(1)
}

/// Everything that was measured.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// The goals.
    pub(crate) goals: Vec<Goal>,
    /// The figures behind them.
    pub(crate) figures: Vec<Figure>,
}

/// One line of figures.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    /// Through which broker, or on which database.
    pub(crate) on: &'static str,
    /// Under which load.
    pub(crate) load: &'static str,
    /// Whose they are.
    pub(crate) who: &'static str,
    /// Half of all took less.
    pub(crate) p50_micros: u64,
    /// One in a hundred took more; 0 where nobody tells.
    pub(crate) p99_micros: u64,
    /// How many in a second.
    pub(crate) per_second: u64,
    /// Reads that were not opened in time.
    pub(crate) not_opened: u64,
}

impl Report {
    /// Takes what was measured through one broker.
    pub(crate) fn take(&mut self, broker: Broker, measured: Measured) {
        self.goals.extend(measured.goals(broker));
        for (load, who, samples) in measured.lines() {
            self.figures.push(Figure {
                on: broker.name(),
                load,
                who,
                p50_micros: median(&samples.iter().map(|one| one.0).collect::<Vec<_>>()),
                p99_micros: median(&samples.iter().map(|one| one.1).collect::<Vec<_>>()),
                per_second: median(&samples.iter().map(|one| one.2).collect::<Vec<_>>()),
                not_opened: samples.iter().map(|one| one.3).sum(),
            });
        }
    }

    /// Prints a table, or JSON with every goal's bound and figures.
    pub(crate) fn print(&self, json: bool) -> anyhow::Result<()> {
        if json {
            let goal = |goal: &Goal| {
                serde_json::json!({
                    "name": goal.name,
                    "bound": shown(goal.bound),
                    "at_least": goal.at_least,
                    "unit": goal.unit,
                    "measured": shown(goal.median()),
                    "min": shown(goal.rounds.iter().copied().min().unwrap_or(0)),
                    "max": shown(goal.rounds.iter().copied().max().unwrap_or(0)),
                    "met": goal.met(),
                })
            };
            let goals: Vec<_> = self.goals.iter().map(goal).collect();
            let all = serde_json::json!({ "goals": goals, "figures": self.figures });
            say!("{}", serde_json::to_string_pretty(&all)?);
            return Ok(());
        }
        say!("{}", self.table().trim_end());
        Ok(())
    }

    fn table(&self) -> String {
        let mut lines = vec![format!(
            "{:<10} {:<28} {:<12} {:>9} {:>9} {:>9} {:>10}",
            "on", "load", "who", "p50 µs", "p99 µs", "per s", "not opened"
        )];
        lines.extend(self.figures.iter().map(|one| {
            format!(
                "{:<10} {:<28} {:<12} {:>9} {:>9} {:>9} {:>10}",
                one.on,
                one.load,
                one.who,
                one.p50_micros,
                one.p99_micros,
                one.per_second,
                one.not_opened
            )
        }));
        lines.push(format!("\n{:<62} {:>12} {:>10} {:>18}", "goal", "bound", "median", "range"));
        lines.extend(self.goals.iter().map(Goal::line));
        lines.join("\n") + "\n"
    }
}

impl Goal {
    fn line(&self) -> String {
        let sign = if self.at_least { "≥" } else { "≤" };
        let (min, max) = (self.rounds.iter().min(), self.rounds.iter().max());
        let end = |figure: Option<&u64>| shown(figure.copied().unwrap_or(0));
        format!(
            "{:<62} {:>12} {:>10} {:>18}  {}",
            self.name,
            format!("{sign} {}{}", shown(self.bound), self.unit),
            shown(self.median()),
            format!("{} – {}", end(min), end(max)),
            if self.met() { "met" } else { "MISSED" },
        )
    }
}

/// Hundredths as people write them.
fn shown(hundredths: u64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_judged_by_the_median_of_its_rounds() {
        let goal = |rounds: &[u64], at_least| Goal {
            name: String::new(),
            bound: 160,
            at_least,
            unit: "",
            rounds: rounds.to_vec(),
        };
        assert!(goal(&[900, 150, 160], false).met());
        assert!(!goal(&[100, 161, 200], false).met());
        assert!(goal(&[100, 161, 200], true).met());
        assert_eq!(shown(hundredths(3, 2)), "1.50");
    }
}

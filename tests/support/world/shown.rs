//! What a site shows and keeps, for the rows of scenarios to be held against.

use domain::{
    command::Action,
    decision::Decision,
    money::Money,
    reasons::Reason,
    remedy::{Change, remedy},
    state::Noted,
};

use super::World;

impl World {
    /// What the wallet behind a band holds.
    pub fn wallet(&self, uid: &str) -> Money {
        self.balance(self.account(uid))
    }
    /// What is owed on a band.
    pub fn debt(&self, uid: &str) -> Money {
        let owed = |balance: Money| Money::ZERO.max(-balance);
        let account = self.account(uid);
        owed(self.balance(account)) + owed(self.balance(account.beside()))
    }
    /// The visits that are left on the pass of a band.
    pub fn visits_left(&self, uid: &str) -> u32 {
        let pass = self.holder(uid).pass.unwrap();
        self.state.tables.passes.peek(&pass).and_then(|pass| pass.visits_left).unwrap()
    }
    /// How many are inside on a band.
    pub fn inside(&self, uid: &str) -> u16 {
        let row = self.state.tables.presence.peek(&self.holder(uid).credential);
        row.map_or(0, |row| row.inside)
    }
    /// Whether the last step opened a gate.
    pub fn opened(&self) -> bool {
        let opens = |action: &Action| matches!(action, Action::OpenOnce { .. });
        self.last.commands.iter().any(|command| opens(&command.action))
    }
    /// Whether the last step told a collector to keep a band.
    pub fn captured(&self) -> bool {
        self.last.commands.iter().any(|command| command.action == Action::Capture)
    }
    /// Whether nobody knows for sure how long the visit of the last decision lasts.
    pub fn clock_uncertain(&self) -> bool {
        let seen = self.last.decisions.last().and_then(|decision| decision.seen.as_ref());
        let holder = seen.and_then(|seen| seen.holder.as_ref());
        holder.is_some_and(|holder| holder.presence.clock_uncertain)
    }
    /// The outcomes of all decisions of the last step.
    pub fn outcomes(&self) -> Vec<String> {
        let all = self.last.decisions.iter();
        all.map(|decision| decision.verdict.outcome.name().to_owned()).collect()
    }
    /// The reason that the last answer shows at its gate.
    pub fn shown_at_gate(&self) -> String {
        let shown = self.last.commands.iter().find_map(|command| match &command.action {
            Action::Indicate { reason, .. } => Some(*reason),
            _ => None,
        });
        shown.flatten().map_or("nothing", Reason::code).to_owned()
    }
    /// What a gate was told about its state without power.
    pub fn fail_secure(&self) -> Option<bool> {
        self.last.commands.iter().find_map(|command| match &command.action {
            Action::FailMode { entry_secure } => Some(*entry_secure),
            _ => None,
        })
    }
    /// Whether a locker is flagged abandoned.
    pub fn abandoned(&self, locker: &str) -> bool {
        self.state.tables.lockers.peek(&locker.into()).is_some_and(|row| row.abandoned)
    }
    /// What the last step noted beside decisions.
    pub fn journal(&self) -> Vec<String> {
        let noted = self.last.journal.iter().filter_map(|entry| match &entry.noted {
            Noted::Decided { .. } => None,
            Noted::Condition { condition, .. } => {
                Some(serde_json::to_value(condition).unwrap().as_str().unwrap().to_owned())
            }
            Noted::Pseudonymised { movements, audit } => {
                Some(format!("forgets movements before {movements}, audit before {audit}"))
            }
            Noted::HoldEnded { how, .. } => Some(format!("hold {how:?}")),
            Noted::Unbilled { amount, .. } => Some(format!("unbilled {}", self.shown(*amount))),
            other => Some(format!("{other:?}").split(' ').next().unwrap().to_owned()),
        });
        noted.collect()
    }
    /// What would open the last decision.
    pub fn would_open(&self) -> Vec<String> {
        let decision = self.decision.as_ref().unwrap();
        let zone = &self.state.site.time_zone;
        let Some(found) =
            remedy(decision.seen.as_ref().unwrap(), (&*self.rules, self.rules.values()), zone)
        else {
            return vec!["is open".to_owned()];
        };
        let stuck = found.stuck.iter().map(|reason| format!("nothing for {}", reason.code()));
        found.changes.iter().map(|change| self.change(change)).chain(stuck).collect()
    }
    /// A change: its name and what it names.
    fn change(&self, change: &Change) -> String {
        let name = serde_json::to_value(change).unwrap()["change"].as_str().unwrap().to_owned();
        let with = match change {
            Change::Wait { until } => self.local(*until),
            Change::FreeLockers { lockers } => {
                lockers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
            }
            Change::BringAdults { adults } => adults.to_string(),
            Change::ShowDocument { age } => age.to_string(),
            Change::LoadAtMost { amount }
            | Change::PayOtherwise { amount }
            | Change::Pay { amount, .. }
            | Change::TopUp { amount, .. } => self.shown(*amount),
            Change::Lift { reason, roles } => {
                let roles: Vec<_> = roles.iter().map(ToString::to_string).collect();
                format!("{} {}", reason.code(), roles.join(" "))
            }
            _ => String::new(),
        };
        format!("{name} {with}").trim_end().to_owned()
    }
    /// Everything that the last step showed and left, without ids.
    pub fn everything(&self) -> String {
        let verdict = |decision: &Decision| {
            let verdict = &decision.verdict;
            format!("{:?} {:?} {:?}", verdict.outcome, verdict.reasons, verdict.also)
        };
        let decisions: Vec<_> = self.last.decisions.iter().map(verdict).collect();
        let commands: Vec<_> = self.last.commands.iter().map(|one| one.action.clone()).collect();
        let accounts: Vec<_> =
            self.state.tables.accounts.iter().map(|(_, row)| row.balance.minor()).collect();
        let passes = self.state.tables.passes.iter();
        let passes: Vec<_> = passes.map(|(_, row)| row.visits_left).collect();
        let inside: Vec<_> = self.state.tables.presence.iter().map(|(_, row)| row.inside).collect();
        let journal = self.journal();
        // Where a rule stands is no difference: the settings move the lines of the file.
        format!("{decisions:?} {commands:?} {journal:?} {accounts:?} {passes:?} {inside:?}")
    }
    /// The sum of all accounts.
    pub fn trial_balance(&self) -> Money {
        let rows: Money = self.state.tables.accounts.iter().map(|(_, row)| row.balance).sum();
        rows + self.posted
    }
}

//! What a site shows and keeps, for the rows of scenarios to be held against.

use std::collections::BTreeMap;

use domain::{
    command::Action,
    decision::Decision,
    money::Money,
    reasons::{Condition, Reason},
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
    /// Since when something is owed on a band.
    pub fn debt_since(&self, uid: &str) -> String {
        let account = self.account(uid);
        let rows = [account, account.beside()].map(|id| self.state.tables.accounts.peek(&id));
        let since = rows.into_iter().flatten().filter_map(|row| row.debt_since).min();
        since.map_or_else(|| "nothing".to_owned(), |since| self.local(since))
    }
    /// The visits that are left on the pass that a band began with.
    pub fn visits_left(&self, uid: &str) -> Option<u32> {
        let pass = self.holder(uid).ok()?.pass?;
        self.state.tables.passes.peek(&pass).and_then(|pass| pass.visits_left)
    }
    /// The passes of whoever holds a band: tariff, first and last day.
    pub fn passes(&self, uid: &str) -> Vec<String> {
        let Ok(holder) = self.holder(uid) else { return Vec::new() };
        let rows = self.state.tables.passes.iter();
        let own = rows.filter(|(key, _)| key.member == holder.member);
        let written = own.map(|(_, row)| {
            let until = row.valid_until.map(|day| day.to_string()).unwrap_or_default();
            format!("{} {}..{until}", row.tariff, row.valid_from)
        });
        written.collect()
    }
    /// How many are inside on a band.
    pub fn inside(&self, uid: &str) -> u16 {
        let held = self.state.tables.credentials.peek(&uid.into());
        let row = held.and_then(|held| self.state.tables.presence.peek(&held.id));
        row.map_or(0, |row| row.inside)
    }
    /// How many are inside a zone.
    pub fn occupancy(&self, zone: &str) -> i64 {
        self.state.tables.occupancy.peek(&zone.into()).map_or(0, |row| row.inside)
    }
    /// The cash in a drawer.
    pub fn drawer(&self, till: &str) -> Money {
        self.state.tables.terminals.peek(&till.into()).map_or(Money::ZERO, |row| row.drawer)
    }
    /// What an X report of the open session of a till says, or the Z report of the one that the
    /// last step closed.
    pub fn session(&self, till: &str) -> BTreeMap<&'static str, String> {
        let closed = self.last.journal.iter().find_map(|entry| match &entry.noted {
            Noted::SessionClosed { session, expected, counted }
                if entry.device.as_ref().is_some_and(|device| device.as_str() == till) =>
            {
                Some((&**session, *expected, Some(*counted)))
            }
            _ => None,
        });
        let open = self.state.tables.drawers.peek(&till.into());
        let open = open.and_then(|row| row.session.as_ref());
        let open = open.map(|session| (session, session.expected(), None));
        let Some((session, expected, counted)) = closed.or(open) else { return BTreeMap::new() };
        let blocks = &session.blocks;
        let paid = |way: &str| session.paid.get(way).copied().unwrap_or(Money::ZERO);
        let amounts = [
            ("float", session.float),
            ("goods", blocks.goods),
            ("passes", blocks.passes),
            ("returned", blocks.returned),
            ("rounding", blocks.rounding),
            ("top_ups", blocks.top_ups),
            ("deposits", blocks.deposits),
            ("paid_out", blocks.paid_out),
            ("deposits_back", blocks.deposits_back),
            ("debts", blocks.debts),
            ("sold", blocks.sold()),
            ("prepaid", blocks.prepaid()),
            ("total", blocks.total()),
            ("discounts", session.discounts),
            ("cash", paid("cash")),
            ("card", paid("card")),
            ("wallet", paid("wallet")),
            ("cash_in", session.cash_in),
            ("cash_out", session.cash_out),
            ("expected", expected),
        ];
        let counted = counted.map(|counted| ("counted", counted));
        let told = amounts.into_iter().chain(counted);
        told.map(|(name, amount)| (name, self.shown(amount))).collect()
    }
    /// The last receipt of the last step.
    pub fn receipt(&self) -> BTreeMap<&'static str, String> {
        let Some(receipt) = self.last.receipts.last() else { return BTreeMap::new() };
        let tax: Money = receipt.lines.iter().map(|line| line.tax).sum();
        let amounts = [
            ("total", receipt.total),
            ("cash", receipt.cash),
            ("card", receipt.card),
            ("wallet", receipt.wallet),
            ("rounding", receipt.rounding),
            ("tax", tax),
        ];
        amounts.map(|(name, amount)| (name, self.shown(amount))).into()
    }
    /// What stands: faults and states that are not over, each with its device.
    pub fn stands(&self) -> Vec<String> {
        let tables = &self.state.tables;
        let mut found = Vec::new();
        for (id, row) in tables.devices.iter() {
            let states = [
                ("DEVICE_OFFLINE", row.gone),
                ("TAMPER", row.tampered),
                ("POWER_LOST", row.unpowered),
                ("BATTERY_LOW", row.battery_low),
                ("CLOCK_STEP", row.clock.is_off()),
            ];
            let true_ones = states.into_iter().filter(|(_, is)| *is);
            found.extend(true_ones.map(|(code, _)| format!("{code} {id}")));
        }
        let away = tables.terminals.iter().filter(|(_, row)| !row.online);
        found.extend(away.map(|(id, _)| format!("DEVICE_OFFLINE {id}")));
        let emergency = tables.emergency.peek(&());
        found.extend(emergency.map(|row| format!("EMERGENCY_STARTED {}", row.source)));
        found.extend(self.degraded.then(|| "RULES_DEGRADED".to_owned()));
        found.sort();
        found
    }
    /// What was wrong with what the last step ordered, sent or loaded.
    pub fn said(&self) -> String {
        let told = self.last.journal.iter().rev().find_map(|entry| match &entry.noted {
            Noted::Condition { condition: Condition::MessageRefused, detail, .. } => {
                Some(detail.clone())
            }
            Noted::RuleSetRefused { message } => Some(message.clone()),
            _ => None,
        });
        told.unwrap_or_else(|| "nothing".to_owned())
    }
    /// What was noted since this was asked for last.
    pub fn take_noted(&mut self) -> Vec<String> {
        std::mem::take(&mut self.noted)
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

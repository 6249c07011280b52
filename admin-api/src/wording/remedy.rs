//! What would open it, in words for the desk.

use domain::{
    decision::Decision,
    ids::GroupId,
    remedy::{Change, Remedy},
};
use fluent_bundle::FluentArgs;

use super::Wording;

impl Wording {
    /// What would have opened a decision: a line for each change, or that nothing would.
    #[must_use]
    pub fn would_open(&self, decision: &Decision, remedy: &Remedy) -> Vec<String> {
        if !remedy.stuck.is_empty() {
            let codes: Vec<_> = remedy.stuck.iter().map(|reason| reason.code()).collect();
            return vec![self.with("opens-nothing", "reasons", codes.join(", "))];
        }
        remedy.changes.iter().map(|change| self.change(decision, change)).collect()
    }

    /// One change.
    #[must_use]
    pub fn change(&self, decision: &Decision, change: &Change) -> String {
        let listed = |roles: &[GroupId]| {
            roles.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        match change {
            Change::Wait { until } => {
                self.with("opens-wait", "until", self.near(decision.at, *until))
            }
            Change::EnterPin => self.word("opens-enter-pin"),
            Change::ReturnBand => self.word("opens-return-band"),
            Change::FreeLockers { lockers } => {
                let lockers: Vec<_> = lockers.iter().map(ToString::to_string).collect();
                self.with("opens-free-lockers", "lockers", lockers.join(", "))
            }
            Change::BringAdults { adults } => {
                let mut args = FluentArgs::new();
                args.set("adults", i64::from(*adults));
                self.texts.say("opens-bring-adults", &args)
            }
            Change::FetchGuardian => self.word("opens-fetch-guardian"),
            Change::ShowDocument { age } => {
                let mut args = FluentArgs::new();
                args.set("age", *age);
                self.texts.say("opens-show-document", &args)
            }
            Change::LoadAtMost { amount } => {
                self.with("opens-load-at-most", "amount", self.money(*amount))
            }
            Change::PayOtherwise { amount } => {
                self.with("opens-pay-otherwise", "amount", self.money(*amount))
            }
            Change::Pay { amount, .. } => self.with("opens-pay", "amount", self.money(*amount)),
            Change::TopUp { amount, .. } => {
                self.with("opens-top-up", "amount", self.money(*amount))
            }
            Change::BuyPass { .. } => self.word("opens-buy-pass"),
            Change::CheckPhoto => self.word("opens-check-photo"),
            Change::RecordCertificate => self.word("opens-record-certificate"),
            Change::ReleaseLocker { locker } => {
                self.with("opens-release-locker", "locker", locker.to_string())
            }
            Change::PickUpCash => self.word("opens-pick-up-cash"),
            Change::OtherOperator { roles } => {
                self.with("opens-other-operator", "roles", listed(roles))
            }
            Change::SecondPerson { roles } => {
                self.with("opens-second-person", "roles", listed(roles))
            }
            Change::Lift { reason, roles } => {
                let mut args = FluentArgs::new();
                args.set("reason", reason.code());
                args.set("roles", listed(roles));
                let two = reason.spec().overridable == domain::reasons::Override::TwoPersons;
                self.texts.say(if two { "opens-lift-two" } else { "opens-lift" }, &args)
            }
            Change::CheckIdentity { .. } => self.word("opens-check-identity"),
        }
    }
}

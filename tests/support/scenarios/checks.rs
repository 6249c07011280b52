//! What a row asks, held against what happened.

use std::collections::BTreeMap;

use domain::{
    reasons::Reason,
    verdict::{Detail, Finding, Verdict},
};

use super::Wants;
use crate::world::World;

/// What was asked and found that is not the same.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn same(&mut self, what: &str, wanted: impl ToString, got: impl ToString) {
        let (wanted, got) = (wanted.to_string(), got.to_string());
        if wanted != got {
            self.0.push(format!("{what}: expected {wanted}, got {got}"));
        }
    }

    /// The same where a row asks for it.
    fn asked<T: ToString>(&mut self, what: &str, wanted: Option<T>, got: impl ToString) {
        if let Some(wanted) = wanted {
            self.same(what, wanted, got);
        }
    }

    /// The same for lists.
    fn list(&mut self, what: &str, wanted: Option<&Vec<String>>, got: &[impl AsRef<str>]) {
        let got: Vec<&str> = got.iter().map(AsRef::as_ref).collect();
        self.asked(what, wanted.map(|wanted| wanted.join(", ")), got.join(", "));
    }

    /// The same for each of several amounts that have names.
    fn amounts(
        &mut self,
        what: &str,
        wanted: &BTreeMap<String, String>,
        got: &BTreeMap<&'static str, String>,
    ) {
        for (name, wanted) in wanted {
            let none = || format!("nothing; there are {:?}", got.keys().collect::<Vec<_>>());
            let got = got.get(name.as_str()).cloned().unwrap_or_else(none);
            self.same(&format!("{what} {name}"), wanted, got);
        }
    }
}

/// What differs from what a row says.
pub(super) fn differences(world: &mut World, wants: &Wants) -> Vec<String> {
    let mut wrong = Wrong::default();
    let noted = world.take_noted();
    decided(world, wants, &mut wrong);
    did(world, wants, &mut wrong);
    wrong.list("noted", wants.noted.as_ref(), &noted);
    wrong.list("journal", wants.journal.as_ref(), &world.journal());
    wrong.list("stands", wants.stands.as_ref(), &world.stands());
    people(world, wants, &mut wrong);
    tills(world, wants, &mut wrong);
    for (locker, wanted) in &wants.abandoned {
        wrong.same(&format!("locker {locker} abandoned"), wanted, world.abandoned(locker));
    }
    wrong.0
}

/// The last decision.
fn decided(world: &World, wants: &Wants, wrong: &mut Wrong) {
    let verdict = world.decision.as_ref().map(|decision| &decision.verdict);
    let found: &[Finding] = verdict.map_or(&[], |verdict| &verdict.reasons);
    let also: &[Finding] = verdict.map_or(&[], |verdict| &verdict.also);
    let outcome = verdict.map_or("nothing", |verdict| verdict.outcome.name());
    wrong.asked("outcome", wants.outcome.as_ref(), outcome);
    let wanted = wants.reasons.clone().map(|mut wanted| {
        wanted.sort();
        wanted
    });
    let mut got = codes(found);
    got.sort_unstable();
    wrong.list("reasons", wanted.as_ref(), &got);
    wrong.asked(
        "first",
        wants.first.as_ref(),
        verdict.map(Verdict::primary).map_or("nothing", Reason::code),
    );
    wrong.list("also", wants.also.as_ref(), &codes(also));
    let charge = detail(world, found, Some(Reason::OverstayCharged), "amount");
    wrong.asked("charged", wants.charged.as_ref(), charge.unwrap_or_else(|| "0.00".to_owned()));
    let nothing = || "nothing".to_owned();
    let due = detail(world, found, Some(Reason::DebtExitHold), "amount");
    wrong.asked("due", wants.due.as_ref(), due.unwrap_or_else(nothing));
    for (name, wanted) in &wants.details {
        let got = detail(world, found, None, name).unwrap_or_else(nothing);
        wrong.same(&format!("detail {name}"), wanted, got);
    }
    let alarm = found.iter().chain(also).any(|one| one.alarm);
    wrong.asked("alarm", wants.alarm, alarm);
    wrong.asked("clock uncertain", wants.clock_uncertain, world.clock_uncertain());
    if let Some(wanted) = &wants.would_open {
        wrong.same("would open", wanted.join(", "), world.would_open().join(", "));
    }
}

fn codes(found: &[Finding]) -> Vec<&'static str> {
    found.iter().map(|one| one.reason.code()).collect()
}

/// A detail of the reasons found, or of one of them.
fn detail(world: &World, found: &[Finding], of: Option<Reason>, name: &str) -> Option<String> {
    let found = found.iter().filter(|one| of.is_none_or(|known| one.reason == known));
    let mut details = found.flat_map(|one| &one.details);
    let (_, detail) = details.find(|(known, _)| known == name)?;
    Some(match detail {
        Detail::Money(amount) => world.shown(*amount),
        Detail::Count(count) => count.to_string(),
        Detail::Time(at) => world.local(*at),
        Detail::Span(span) => format!("{} s", span.whole_seconds()),
        Detail::Word(word) => word.clone(),
    })
}

/// What the last step did.
fn did(world: &World, wants: &Wants, wrong: &mut Wrong) {
    wrong.asked("opened", wants.opened, world.opened());
    wrong.asked("captured", wants.captured, world.captured());
    wrong.asked("shown", wants.shown.as_ref(), world.shown_at_gate());
    wrong.list("all outcomes", wants.all.as_ref(), &world.outcomes());
    let told = world.fail_secure().map_or_else(|| "nothing".to_owned(), |is| is.to_string());
    wrong.asked("fail secure", wants.fail_secure, told);
    if let Some(wanted) = wants.says.as_ref().filter(|part| !world.said().contains(*part)) {
        wrong.same("says", wanted, world.said());
    }
}

/// What is left with people, by their bands.
fn people(world: &World, wants: &Wants, wrong: &mut Wrong) {
    let of = |uid: &str, got: &dyn Fn() -> String| match world.holder(uid) {
        Ok(_) => got(),
        Err(why) => why,
    };
    for (uid, wanted) in &wants.wallet {
        let got = of(uid, &|| world.shown(world.wallet(uid)));
        wrong.same(&format!("wallet of {uid}"), wanted, got);
    }
    for (uid, wanted) in &wants.debt {
        let got = of(uid, &|| world.shown(world.debt(uid)));
        wrong.same(&format!("debt of {uid}"), wanted, got);
    }
    for (uid, wanted) in &wants.debt_since {
        let got = of(uid, &|| world.debt_since(uid));
        wrong.same(&format!("debt of {uid} since"), wanted, got);
    }
    for (uid, wanted) in &wants.visits {
        let none = || "no visits that are counted".to_owned();
        let got = of(uid, &|| world.visits_left(uid).map_or_else(none, |left| left.to_string()));
        wrong.same(&format!("visits of {uid}"), wanted, got);
    }
    for (uid, wanted) in &wants.passes {
        let got = of(uid, &|| world.passes(uid).join(", "));
        wrong.same(&format!("passes of {uid}"), wanted.join(", "), got);
    }
    for (uid, wanted) in &wants.inside {
        wrong.same(&format!("inside on {uid}"), wanted, world.inside(uid));
    }
    for (zone, wanted) in &wants.occupancy {
        let is_there = world.state.site.zones.contains_key(zone.as_str());
        let got = if is_there { world.occupancy(zone).to_string() } else { "no zone".to_owned() };
        wrong.same(&format!("inside {zone}"), wanted, got);
    }
}

/// What is left in tills.
fn tills(world: &World, wants: &Wants, wrong: &mut Wrong) {
    for (till, wanted) in &wants.drawer {
        wrong.same(&format!("drawer of {till}"), wanted, world.shown(world.drawer(till)));
    }
    for (till, wanted) in &wants.session {
        wrong.amounts(&format!("session of {till}:"), wanted, &world.session(till));
    }
    wrong.amounts("receipt:", &wants.receipt, &world.receipt());
}

//! No figure without agreement: every engine answers every case with the same outcome and the same
//! reasons, those with details with the same details.

use anyhow::{Result, ensure};
use domain::{
    facts::{EventKind, Policy as _, Question},
    verdict::Outcome,
};
use fastrand::Rng;
use rules::set::RuleSet;

use crate::{
    peers::Peer,
    told::{Told, outcome},
    workload::{Site, Workload},
};

/// Sites with parameters at random, and cases of each, beside those that are timed.
const SITES: usize = 100;
const CASES: usize = 20;

/// The reasons as a set, without details where `details` says so.
fn set_of(mut told: Vec<Told>, details: bool) -> Vec<Told> {
    if !details {
        told.iter_mut().for_each(|one| one.details.clear());
    }
    told.sort();
    told.dedup();
    told
}

fn compare(
    rules: &RuleSet,
    bare: &RuleSet,
    peers: &[Box<dyn Peer>],
    question: &Question<'_>,
) -> Result<usize> {
    let own: Vec<_> = rules.judge(question)?.iter().map(Told::of_finding).collect();
    let comes_to = outcome(question.kind, &own)?;
    for peer in peers {
        let told = peer.told(question)?;
        let theirs = outcome(question.kind, &told)?;
        let (told, expected) =
            (set_of(told, peer.tells_details()), set_of(own.clone(), peer.tells_details()));
        ensure!(
            theirs == comes_to && told == expected,
            "{} differs:\n{theirs:?} {told:#?}\nKari: {comes_to:?} {expected:#?}\nfacts: {:#?}",
            peer.name(),
            question.facts
        );
    }
    let bare: Vec<_> = bare.judge(question)?.iter().map(Told::of_finding).collect();
    let refuses = |outcome| matches!(outcome, Outcome::Deny | Outcome::Hold);
    let same = refuses(outcome(question.kind, &bare)?) == refuses(comes_to);
    ensure!(same, "the bare verdict differs on {:#?}", question.facts);
    Ok(own.len())
}

/// Compares all engines; what was compared, in words.
pub(crate) fn check(
    rules: &RuleSet,
    bare: &RuleSet,
    peers: &[Box<dyn Peer>],
    loads: &[Workload],
    rng: &mut Rng,
) -> Result<String> {
    let (mut cases, mut reasons) = (0, 0);
    for case in loads.iter().flat_map(|load| &load.cases) {
        reasons += compare(rules, bare, peers, &case.question())?;
        cases += 1;
    }
    for _ in 0..SITES {
        let site = Site::random(rng)?;
        for _ in 0..CASES {
            let kind = if rng.bool() { EventKind::Entry } else { EventKind::Exit };
            let case = site.case(kind, rng);
            reasons += compare(rules, bare, peers, &case.question())?;
            cases += 1;
        }
    }
    Ok(format!("All engines agree on {cases} cases with {reasons} reasons."))
}

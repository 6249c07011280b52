//! Rule files changed while people walk through: between two events, whole, or not at all.

use std::{
    collections::BTreeMap,
    fs,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::{Duration, Instant},
};

use devices::twin::MqttGate;
use domain::{
    decision::Decision,
    event::Direction::Entry,
    ids::DecisionId,
    money::Money,
    params::{Param, Value},
    reasons::{Condition, Reason},
    state::Noted,
    verdict::Outcome,
};
use rules::{
    bundle::Bundle,
    load::{Names, load},
};
use serde_json::json;
use tests::{
    daemon::{Daemon, eventually},
    late::Measured,
    records::Records,
    site::{Guest, Plan, settings, uid},
};

use crate::told;

/// So long the loop waits for its store before it answers without it.
const STALL: Duration = Duration::from_millis(150);
const SETTINGS: &str = "00_site.rhai";
const CHECKS: &str = "60_money.rhai";

/// Somebody who owes 15.00: the bound decides whether the gate opens.
fn debtor(number: u32) -> Guest {
    Guest { balance: "-15.00", debt_since: "2026-01-05T10:00:00Z", ..Guest::member(number) }
}

fn bound(amount: u32) -> String {
    settings(&format!("set(\"debt.entry_block_amount\", {amount}.00);"))
}

/// The debtor tries again and again; how often.
async fn traffic(gate: &MqttGate, person: u32, over: &AtomicBool, asked: &AtomicU32) {
    while !over.load(Ordering::Acquire) {
        let shown = told(gate, Entry, &uid(person)).await;
        if shown.outcome.opens() {
            // The next try must not meet the grant of this one.
            gate.abort(Entry, shown.decision, None);
        }
        asked.fetch_add(1, Ordering::AcqRel);
    }
}

/// Rule set in force and what was refused last, as the daemon says.
async fn status(daemon: &Daemon) -> (Option<String>, Option<String>) {
    let status = daemon.ask(&json!({ "ask": "status" })).await;
    let text = |name: &str| status[name].as_str().map(str::to_owned);
    (text("rule_set"), text("refused"))
}

async fn is_live(daemon: &Daemon, hash: &str) {
    let live = async || {
        let (live, refused) = status(daemon).await;
        (live.as_deref() == Some(hash) && refused.is_none()).then_some(())
    };
    eventually("the good set is live", live).await;
}

async fn is_refused(daemon: &Daemon) -> String {
    eventually("the broken set is refused", async || status(daemon).await.1).await
}

/// Waits until the metrics say so.
async fn is_degraded(daemon: &Daemon, degraded: bool) {
    let counted = format!("kari_rules_degraded {}", u8::from(degraded));
    let counted = async || {
        let (_, text) = daemon.get("/metrics").await?;
        text.contains(&counted).then_some(())
    };
    eventually("the metrics say so", counted).await;
}

fn bundle(daemon: &Daemon) -> Bundle {
    Bundle::read(&daemon.site.rules()).unwrap()
}

/// The bound that this decision went by, where a file set one.
fn consulted(decision: &Decision) -> Option<Money> {
    let supplied = decision.verdict.values.iter();
    let mut amounts = supplied.filter(|one| one.param == Param::DebtEntryBlockAmount);
    amounts.next().map(|one| match one.value {
        Value::Money(amount) => amount,
        ref other => panic!("{other:?}"),
    })
}

/// Every decision was made by the set that was in force at its place in the journal, by nothing but
/// that set, and as that set says. `sets` are the good ones, each with its bound. Nobody waits for
/// a store that takes longer than [`STALL`]: what is answered without it is not asked of any set,
/// and happens only where the machine was late by as much.
async fn check_decisions(
    records: &Records,
    sets: &BTreeMap<String, Option<Money>>,
    measured: &Measured,
) -> usize {
    let decisions: BTreeMap<DecisionId, Decision> =
        records.decisions().await.into_iter().map(|one| (one.id, one)).collect();
    let mut live = String::new();
    let (mut checked, mut unasked) = (0, 0);
    for noted in records.journal().await {
        match noted {
            Noted::RuleSetLive { hash } => live = hash,
            Noted::Decided { decision, .. } => {
                let decision = &decisions[&decision];
                assert_eq!(decision.rule_set, live, "a set decides from its line on");
                let bound = sets.get(&live).expect("only good sets decide");
                assert_eq!(consulted(decision), *bound, "the values are those of the set");
                let open = bound.is_some_and(|bound| bound >= Money(1500));
                let expected = if open {
                    (Outcome::GrantWithWarning, Reason::DebtWarning)
                } else {
                    (Outcome::Deny, Reason::DebtEntryBlocked)
                };
                let verdict = &decision.verdict;
                checked += 1;
                if verdict.primary() == Reason::PolicyUnavailable {
                    unasked += 1;
                } else {
                    assert_eq!((verdict.outcome, verdict.primary()), expected);
                }
            }
            _ => {}
        }
    }
    measured.assert_late(STALL * unasked, "answered without the store");
    checked
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_in_the_middle_of_traffic_decides_from_one_event_to_the_next() {
    let plan = Plan { gates: 2, guests: vec![debtor(1), debtor(2)], ..Plan::default() };
    let mut daemon = Daemon::start(&plan).await;
    let measured = Measured::start(&[daemon.process()]);
    let mut sets = BTreeMap::from([(bundle(&daemon).hash(), Some(Money(1000)))]);
    let gates = [daemon.gate("gate-1").await, daemon.gate("gate-2").await];
    let (over, asked) = (AtomicBool::new(false), AtomicU32::new(0));
    let changes = async {
        for amount in [20, 10, 20, 10, 20, 10] {
            daemon.site.save_rule(SETTINGS, bound(amount));
            let hash = bundle(&daemon).hash();
            sets.insert(hash.clone(), Some(Money(i64::from(amount) * 100)));
            is_live(&daemon, &hash).await;
            let before = asked.load(Ordering::Acquire);
            let more = async || (asked.load(Ordering::Acquire) > before + 10).then_some(());
            eventually("people try", more).await;
        }
        over.store(true, Ordering::Release);
    };
    tokio::join!(
        traffic(&gates[0], 1, &over, &asked),
        traffic(&gates[1], 2, &over, &asked),
        changes
    );
    let records = daemon.records().await;
    let checked = check_decisions(&records, &sets, &measured).await;
    assert_eq!(checked, usize::try_from(asked.load(Ordering::Acquire)).unwrap());
    daemon.stop().await;
    records.check_chain().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_file_in_the_middle_of_traffic_changes_nothing_and_is_told() {
    let plan = Plan { guests: vec![debtor(1)], settle_ms: 50, ..Plan::default() };
    let daemon = Daemon::start(&plan).await;
    let measured = Measured::start(&[daemon.process()]);
    let first = bundle(&daemon).hash();
    let mut sets = BTreeMap::from([(first.clone(), Some(Money(1000)))]);
    let good = fs::read_to_string(daemon.site.rules().join(CHECKS)).unwrap();
    let gate = daemon.gate("gate-1").await;
    let (over, asked) = (AtomicBool::new(false), AtomicU32::new(0));
    let changes = async {
        let broken: [(&[u8], &str); 3] = [
            (b"if entry {\n    deny(\"NO_SUCH_REASON\");\n}\n", "60_money.rhai:2:"),
            (b"if entry && dept > 0.00 {\n}\n", "60_money.rhai:1:"),
            (b"// \xE1\x83\n", "UTF-8"),
        ];
        for (text, place) in broken {
            let saved = Measured::start(&[daemon.process()]);
            daemon.site.save_rule(CHECKS, text);
            let why = eventually("it is told", async || {
                status(&daemon).await.1.filter(|why| why.contains(place))
            })
            .await;
            saved.assert_within(Duration::from_secs(1), Instant::now(), "told of the mistake");
            assert_eq!(status(&daemon).await.0.as_ref(), Some(&first), "the old set decides");
            is_degraded(&daemon, true).await;
            let (_, page) = daemon.get("/api/v1/status").await.unwrap();
            let page: serde_json::Value = serde_json::from_str(&page).unwrap();
            assert_eq!(page["rules"]["refused"]["message"], why.as_str());
            let before = asked.load(Ordering::Acquire);
            let more = async || (asked.load(Ordering::Acquire) > before + 5).then_some(());
            eventually("people try", more).await;
        }
        daemon.site.save_rule(CHECKS, good);
        is_live(&daemon, &first).await;
        is_degraded(&daemon, false).await;
        daemon.site.save_rule(SETTINGS, bound(20));
        let hash = bundle(&daemon).hash();
        sets.insert(hash.clone(), Some(Money(2000)));
        is_live(&daemon, &hash).await;
        over.store(true, Ordering::Release);
        hash
    };
    let (_, hash) = tokio::join!(traffic(&gate, 1, &over, &asked), changes);
    assert!(told(&gate, Entry, &uid(1)).await.outcome.opens());
    let records = daemon.records().await;
    check_decisions(&records, &sets, &measured).await;
    let degraded = records.conditions().await.into_iter();
    let degraded = degraded.filter(|one| one.condition == Condition::RulesDegraded).count();
    assert_eq!(degraded, 3, "each is raised once");
    let refused = records.journal().await.into_iter();
    let refused = refused.filter(|noted| matches!(noted, Noted::RuleSetRefused { .. })).count();
    assert_eq!(refused, 3, "each is noted once");
    assert_eq!(records.decisions().await.last().unwrap().rule_set, hash);
}

/// What a save makes of the folder.
struct Save {
    file: &'static str,
    text: Vec<u8>,
    /// Whether the set is good, where that is known without looking.
    good: Option<bool>,
    /// The bound of the set, should it be a good one.
    bound: Money,
}

fn rounds() -> u32 {
    let told = std::env::var("KARI_RELOADS").ok();
    told.map_or(1000, |rounds| rounds.parse().expect("KARI_RELOADS is a number"))
}

/// A good file; or one with a mistake, or cut at any byte. A cut may leave a good one.
fn next_save(broken: bool, random: &mut fastrand::Rng, checks: &str) -> Save {
    let amount = random.u32(0..30);
    let (text, line) = (bound(amount), format!("amount\", {amount}.00)"));
    let asked = Money(i64::from(amount) * 100);
    let cut = |text: &str, random: &mut fastrand::Rng| {
        text.as_bytes()[..random.usize(0..text.len())].to_vec()
    };
    let kind = if broken { random.u32(1..4) } else { 0 };
    match kind {
        0 => Save { file: SETTINGS, text: text.into_bytes(), good: Some(true), bound: asked },
        1 => {
            let text = text.replace("amount", "amuont").into_bytes();
            Save { file: SETTINGS, text, good: Some(false), bound: asked }
        }
        2 => {
            let text = cut(&text, random);
            let whole = String::from_utf8_lossy(&text).matches(&line).count() > 0;
            let bound = if whole { asked } else { Money(1000) };
            Save { file: SETTINGS, text, good: None, bound }
        }
        _ => Save { file: CHECKS, text: cut(checks, random), good: None, bound: Money(1000) },
    }
}

/// The names that the site's settings may speak of.
fn names() -> Names {
    let of = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    Names {
        zones: of(&["site", "hall", "pool"]),
        devices: of(&["gate-1", "gate-2"]),
        tariffs: of(&["month", "single", "pack"]),
        ..Names::default()
    }
}

/// Waits until the folder, as it is now, is in force or refused; whether it is in force.
async fn settled(daemon: &Daemon, sets: &mut BTreeMap<String, Option<Money>>, save: &Save) -> bool {
    let bundle = bundle(daemon);
    let hash = bundle.hash();
    let looked = || sets.contains_key(&hash) || load(&bundle, &names()).is_ok();
    let good = save.good.unwrap_or_else(looked);
    if good {
        sets.entry(hash.clone()).or_insert(Some(save.bound));
        is_live(daemon, &hash).await;
    } else {
        is_refused(daemon).await;
    }
    good
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_reloads_under_load_never_mix() {
    let guests = vec![debtor(1), debtor(2)];
    let plan = Plan { gates: 2, guests, settle_ms: 2, ..Plan::default() };
    let mut daemon = Daemon::start(&plan).await;
    let measured = Measured::start(&[daemon.process()]);
    let checks = fs::read_to_string(daemon.site.rules().join(CHECKS)).unwrap();
    let mut sets = BTreeMap::from([(bundle(&daemon).hash(), Some(Money(1000)))]);
    let gates = [daemon.gate("gate-1").await, daemon.gate("gate-2").await];
    let (over, asked) = (AtomicBool::new(false), AtomicU32::new(0));
    let start = Instant::now();
    let reloads = async {
        let mut random = fastrand::Rng::with_seed(9);
        let mut refused = 0;
        for round in 0..rounds() {
            let save = next_save(!round.is_multiple_of(2), &mut random, &checks);
            daemon.site.save_rule(save.file, &save.text);
            refused += u32::from(!settled(&daemon, &mut sets, &save).await);
            if save.file == CHECKS {
                daemon.site.save_rule(CHECKS, &checks);
            }
        }
        over.store(true, Ordering::Release);
        refused
    };
    let ((), (), refused) = tokio::join!(
        traffic(&gates[0], 1, &over, &asked),
        traffic(&gates[1], 2, &over, &asked),
        reloads
    );
    let took = start.elapsed();
    assert!(refused > rounds() * 2 / 5, "nearly half of them are broken: {refused}");
    let records = daemon.records().await;
    let checked = check_decisions(&records, &sets, &measured).await;
    assert_eq!(checked, usize::try_from(asked.load(Ordering::Acquire)).unwrap());
    daemon.stop().await;
    records.check_chain().await;
    println!("{} reloads, {refused} refused, {checked} decisions in {took:?}", rounds());
}

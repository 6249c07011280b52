//! The daemon killed under load, and stopped in order: nothing that was answered is lost or
//! doubled.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use devices::twin::{IndicateSeen, MqttGate};
use domain::{
    decision::Decision,
    event::Direction::{self, Entry, Exit},
    ids::DecisionId,
    time::Clock as _,
};
use rustix::process::Signal;
use tests::{
    daemon::{Daemon, WallClock, eventually},
    late::Measured,
    peers::Postgres,
    records::Records,
    site::{Guest, Plan, uid},
};
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    Through,
    cashier::{self, Sold},
    site,
};

const GATES: u32 = 4;
/// People at each gate: the even ones pay, the odd ones have visits.
const PEOPLE: u32 = 8;
const VISITS: u32 = 100_000;
/// From the start of a daemon that was killed to the first gate that it answers: half of them have
/// to be this quick. We promise 2 s; the machine is busy with other tests.
const SERVES_AGAIN: Duration = Duration::from_secs(4);

/// What the gates were told, and what they told that was acknowledged.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    /// Answers that nobody has looked up yet.
    fresh: Vec<IndicateSeen>,
    answers: usize,
    /// Answers by the road for a store that stands still.
    unasked: usize,
    /// Each passage with its sequence number.
    passages: Vec<(DecisionId, u64)>,
}

impl Log {
    fn answers(&self) -> usize {
        self.0.lock().unwrap().answers
    }

    /// Waits until there are more answers than these.
    async fn answers_after(&self, count: usize) {
        let more = async || (self.answers() > count).then_some(());
        eventually("gates are answered", more).await;
    }
}

fn rounds(through: Through, server: bool) -> u32 {
    let told = std::env::var("KARI_CRASH_ROUNDS").ok();
    let own = match through {
        Through::Embedded => 30,
        Through::Mosquitto(_) if server => 30,
        Through::Mosquitto(_) => 10,
    };
    told.map_or(own, |rounds| rounds.parse().expect("KARI_CRASH_ROUNDS is a number"))
}

/// How long an exit waits for the rules and the store.
const PATIENCE_OF_EXITS: Duration = Duration::from_millis(125);

/// So many messages of a gate wait for their acknowledgement before its people wait as well.
const QUEUE: usize = 64;

/// After each of the first kills all books are looked at, then once in as many, and at the end.
const FIRST_ROUNDS: u32 = 30;

async fn killed_under_load(through: Through, server: Option<&Postgres>) {
    let short =
        |gate| format!("set(\"gate.passage_timeout\", \"PT3S\", device(\"gate-{gate}\"));\n");
    let plan = Plan {
        gates: usize::try_from(GATES).unwrap(),
        guests: (1..=GATES * PEOPLE).map(guest).chain([cashier::buyer()]).collect(),
        settings: (1..=GATES).map(short).chain([cashier::RIGHTS.to_owned()]).collect(),
        server: server.map(|server| server.url.clone()),
        ..Plan::default()
    };
    let Some((mut daemon, _broker)) = site(through, plan).await else { return };
    let measured = Measured::start(&[]);
    let log = Log::default();
    let over = CancellationToken::new();
    let mut crowds = JoinSet::new();
    for number in 1..=GATES {
        let gate = daemon.gate(&format!("gate-{number}")).await;
        crowds.spawn(crowd(gate, number, log.clone(), over.clone()));
    }
    let sold = Sold::default();
    crowds.spawn(sold.clone().sell(daemon.socket(), over.clone()));
    let mut random = fastrand::Rng::with_seed(8);
    let mut restarts = Vec::new();
    for round in 0..rounds(through, server.is_some()) {
        log.answers_after(log.answers() + 8).await;
        sleep(Duration::from_millis(random.u64(0..300))).await;
        daemon.kill();
        let (start, answered) = (Instant::now(), log.answers());
        daemon.spawn();
        daemon.ready().await;
        log.answers_after(answered).await;
        restarts.push(start.elapsed());
        let records = daemon.records().await;
        check_answers(&records, &log).await;
        // All that was ever booked takes the longer, the more rounds there were.
        if round < FIRST_ROUNDS || round.is_multiple_of(FIRST_ROUNDS) {
            sold.check(&records).await;
            records.check_ledger().await;
            records.check_chain().await;
        }
        records.close().await;
    }
    over.cancel();
    while let Some(ended) = crowds.join_next().await {
        ended.unwrap();
    }
    let records = daemon.records().await;
    // An opening that was lost with its gate's connection is given up after its time.
    let ended = async || (records.occupancy("hall").await.1 == 0).then_some(());
    eventually("no grant waits for its passage", ended).await;
    check_answers(&records, &log).await;
    check_passages(&records, &log).await;
    daemon.stop().await;
    records.check_ledger().await;
    records.check_chain().await;
    check_bookings(&records).await;
    let sales = sold.check(&records).await;
    sold.check_wallet(&records).await;
    report((through, server), &mut restarts, (&log, sales));
    assert!(sales > restarts.len(), "{sales} sales prove nothing");
    assert!(restarts[restarts.len() / 2] < SERVES_AGAIN, "{restarts:?}");
    let seen = log.0.lock().unwrap();
    let (unasked, kills) = (seen.unasked, restarts.len());
    assert!(seen.answers - unasked > 4 * kills, "the rules were asked too seldom: {unasked}");
    if unasked * 5 > seen.answers {
        let patience = PATIENCE_OF_EXITS * u32::try_from(kills).unwrap();
        measured.assert_late(patience, "the rules were asked too seldom");
    }
}

fn guest(number: u32) -> Guest {
    if number.is_multiple_of(2) {
        Guest::paying(number, "1000000.00")
    } else {
        Guest::with_visits(number, VISITS)
    }
}

/// The people of one gate go in and out until it is over, and everything said is acknowledged.
async fn crowd(gate: MqttGate, number: u32, log: Log, over: CancellationToken) {
    let first = (number - 1) * PEOPLE + 1;
    let mut inside = BTreeMap::new();
    let mut next = 0;
    while !over.is_cancelled() {
        // A queue at a gate that does not answer grows no further, and a gate keeps only so much.
        while gate.unacknowledged() > QUEUE && !over.is_cancelled() {
            let late = gate.answer(Duration::from_millis(50)).await;
            heard(&gate, &log, late.indicate, late.open.and_then(|open| open.decision));
        }
        let card = uid(first + next % PEOPLE);
        next += 1;
        let direction = if inside.get(&card) == Some(&true) { Exit } else { Entry };
        gate.read(direction, &card, None);
        let answer = gate.answer(Duration::from_millis(500)).await;
        if let Some(shown) = answer.indicate {
            inside.insert(card, takes_in(direction, shown, answer.open.is_some()));
        }
        heard(&gate, &log, answer.indicate, answer.open.and_then(|open| open.decision));
    }
    // What is still on its way is answered too.
    loop {
        let late = gate.answer(Duration::from_millis(600)).await;
        heard(&gate, &log, late.indicate, late.open.and_then(|open| open.decision));
        if late.indicate.is_none() && late.open.is_none() && gate.unacknowledged() == 0 {
            break;
        }
    }
    gate.stop().await;
}

/// Whether the holder counts as inside after this answer. Late answers make it a guess, which the
/// next refusal corrects.
fn takes_in(direction: Direction, shown: IndicateSeen, opened: bool) -> bool {
    if opened { shown.direction == Entry } else { (direction == Entry) != shown.outcome.opens() }
}

/// Writes down what came, and goes through where the gate opened.
fn heard(gate: &MqttGate, log: &Log, shown: Option<IndicateSeen>, opened_by: Option<DecisionId>) {
    let mut seen = log.0.lock().unwrap();
    seen.answers += usize::from(shown.is_some());
    seen.fresh.extend(shown);
    if let Some(shown) = shown
        && opened_by.is_some()
        && opened_by == shown.decision
    {
        // A gate that has a clock says when it was, however late it comes to say it.
        let seq = gate.pass(shown.direction, opened_by, Some(WallClock.now()));
        seen.passages.extend(opened_by.map(|decision| (decision, seq)));
    }
}

/// Every answer that a gate got is in the database as it was told.
async fn check_answers(records: &Records, log: &Log) {
    let fresh = std::mem::take(&mut log.0.lock().unwrap().fresh);
    for shown in fresh {
        let Some(id) = shown.decision else {
            // A store may take longer than a gate waits: then an exit opens, an entry stays shut,
            // and no rule was asked.
            assert_eq!(shown.outcome.opens(), shown.direction == Exit, "{shown:?}");
            log.0.lock().unwrap().unasked += 1;
            continue;
        };
        let decision = records.decision(id).await;
        let decision = decision.unwrap_or_else(|| panic!("answered and lost: {shown:?}"));
        let verdict = (decision.verdict.outcome, decision.verdict.primary(), decision.direction);
        let (outcome, reason, direction) = verdict;
        assert_eq!((outcome, direction), (shown.outcome, Some(shown.direction)));
        // A gate shows nothing of a debt, and no reason where nobody could decide.
        assert!(shown.reason.is_none_or(|told| told == reason), "{shown:?}");
    }
}

/// Every passage that was taken over is booked, and none twice.
async fn check_passages(records: &Records, log: &Log) {
    let told = log.0.lock().unwrap().passages.clone();
    let mut booked = BTreeSet::new();
    for decision in records.passages().await {
        assert!(booked.insert(decision), "booked twice: {decision}");
    }
    let lost: Vec<_> = told.iter().filter(|(decision, _)| !booked.contains(decision)).collect();
    if let Some(first) = lost.first() {
        let there = records.at_the_gate_of(first.0).await;
        panic!("{} of {} are lost: {lost:?}\n{there}", lost.len(), told.len());
    }
}

/// Each entry from the street cost one visit or one price, and nothing else did. Who enters once
/// more without having left, on a grant whose answer came late, is inside on what they paid.
async fn check_bookings(records: &Records) {
    let passages = records.passages().await;
    let decisions: BTreeMap<DecisionId, Decision> =
        records.decisions().await.into_iter().map(|one| (one.id, one)).collect();
    let mut inside = BTreeSet::new();
    let mut entries: BTreeMap<_, i64> = BTreeMap::new();
    for decision in &passages {
        let Some(passed) = decisions.get(decision) else { continue };
        let Some(who) = passed.member else { continue };
        if passed.direction == Some(Exit) {
            inside.remove(&who);
        } else if inside.insert(who) {
            *entries.entry(who).or_default() += 1;
        }
    }
    let mut paid = 0;
    for number in 1..=GATES * PEOPLE {
        let came = entries.get(&records.member(number).await).copied().unwrap_or(0);
        if number.is_multiple_of(2) {
            let (balance, reserved) = records.wallet(number).await;
            assert_eq!((100_000_000 - balance, reserved), (800 * came, 0), "{number}");
            paid += came;
        } else {
            let left = records.visits_left(number).await.unwrap();
            assert_eq!(i64::from(VISITS) - left, came, "{number}");
        }
    }
    assert_eq!(records.charges().await, paid);
}

fn report(
    (through, server): (Through, Option<&Postgres>),
    restarts: &mut [Duration],
    (log, sales): (&Log, usize),
) {
    restarts.sort_unstable();
    let broker = match through {
        Through::Embedded => "the MQTT server",
        Through::Mosquitto(_) => "Mosquitto",
    };
    let database = if server.is_some() { "PostgreSQL" } else { "SQLite" };
    let seen = log.0.lock().unwrap();
    println!(
        "{} kills through {broker}, with {database}: start to the first answer p50 {:?}, max \
         {:?}; {} answers, {} of them without the rules, {} passages, {sales} sales",
        restarts.len(),
        restarts[restarts.len() / 2],
        restarts[restarts.len() - 1],
        seen.answers,
        seen.unasked,
        seen.passages.len(),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_under_load_nothing_answered_is_lost_or_doubled() {
    killed_under_load(Through::Embedded, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_under_load_nothing_answered_is_lost_or_doubled_through_mosquitto() {
    let name = "killed_under_load_nothing_answered_is_lost_or_doubled_through_mosquitto";
    killed_under_load(Through::Mosquitto(name), None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_under_load_nothing_answered_is_lost_or_doubled_on_postgres() {
    let name = "killed_under_load_nothing_answered_is_lost_or_doubled_on_postgres";
    let Some(server) = Postgres::start(name).await else { return };
    killed_under_load(Through::Embedded, Some(&server)).await;
}

/// Sends reads, and stops the daemon as soon as the broker has taken all of them over.
async fn stopped_among_reads(through: Through) -> Option<(Daemon, Vec<MqttGate>, impl Sized)> {
    let guests = (1..=20).map(Guest::member).collect();
    let plan = Plan { gates: 4, guests, ..Plan::default() };
    let (mut daemon, broker) = site(through, plan).await?;
    let mut gates = Vec::new();
    for number in 1..=4 {
        gates.push(daemon.gate(&format!("gate-{number}")).await);
    }
    for (gate, first) in gates.iter().zip([1, 6, 11, 16]) {
        for person in first..first + 5 {
            gate.read(Entry, &uid(person), None);
        }
    }
    while gates.iter().any(|gate| gate.unacknowledged() > 0) {
        tokio::task::yield_now().await;
    }
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.messages());
    // What a gate got before its connection ended is with it a moment later.
    sleep(Duration::from_millis(300)).await;
    Some((daemon, gates, broker))
}

/// Every opening is durable, and each decision is an opening; how many.
async fn opened_as_decided(daemon: &Daemon, gates: &[MqttGate]) -> usize {
    let opened = gates.iter().flat_map(MqttGate::actuations);
    let opened: BTreeSet<_> = opened.filter_map(|one| one.open.decision).collect();
    let records = daemon.records().await;
    let decided = records.decisions().await.into_iter();
    let decided: BTreeSet<_> = decided.map(|decision| decision.id).collect();
    assert_eq!(opened, decided, "opened, decided");
    records.check_chain().await;
    opened.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_answers_all_that_was_asked_before_it() {
    let (daemon, gates, _broker) = stopped_among_reads(Through::Embedded).await.unwrap();
    assert_eq!(opened_as_decided(&daemon, &gates).await, 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_stop_left_unasked_is_answered_after_the_next_start_through_mosquitto() {
    let name = "what_a_stop_left_unasked_is_answered_after_the_next_start_through_mosquitto";
    let stopped = stopped_among_reads(Through::Mosquitto(name)).await;
    let Some((mut daemon, gates, _broker)) = stopped else { return };
    opened_as_decided(&daemon, &gates).await;
    daemon.spawn();
    daemon.ready().await;
    let all = async || {
        let opened: usize = gates.iter().map(|gate| gate.actuations().len()).sum();
        (opened == 20).then_some(())
    };
    eventually("everybody is answered", all).await;
    assert_eq!(opened_as_decided(&daemon, &gates).await, 20);
}

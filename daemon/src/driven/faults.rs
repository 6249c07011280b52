//! A fault at every statement of the store and at every commit: each exit opens in time, and once
//! the store serves again everything that was acknowledged or held is on record once.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{
    command::{Action, Command},
    event::{DeviceEvent, Direction, Happening},
    ids::DeviceId,
    money::Money,
    site::Site,
    state::Answer,
};
use futures_util::future::join_all;
use store::{
    faults::{Faults, Plan},
    place::Place,
    reader::{Period, Reader},
};
use tokio::sync::mpsc;

use super::{
    Driven, shop,
    testing::{checked, postgres, rounds, sqlite},
};
use crate::{outward::Gates, site_loop::EXIT_DEADLINE};

const GATES: u32 = 8;
const TILLS: u32 = 2;
/// Nobody comes twice within a moment.
const PEOPLE: u32 = 1500;
/// The most statements of a batch here; a round in which nothing was struck ends the count.
const STATEMENTS_MAX: u64 = 40;

/// Codes of SQLite, which stand for the causes on both databases.
const FULL: i32 = 13;
const READ_ONLY: i32 = 8;
const BUSY: i32 = 5;
const INPUT_OUTPUT: i32 = 778;
const NOT_FLUSHED: i32 = 1034;
const REFUSED: i32 = 1811;

/// How late this machine was: it wakes somebody who sleeps too late, and lets a loop that could run
/// wait for a processor.
struct Lateness(Arc<std::sync::Mutex<Duration>>, Duration);

impl Lateness {
    fn watch() -> Self {
        let worst = Arc::new(std::sync::Mutex::new(Duration::ZERO));
        let seen = Arc::downgrade(&worst);
        std::thread::spawn(move || {
            let nap = Duration::from_millis(5);
            while let Some(seen) = seen.upgrade() {
                let begun = Instant::now();
                std::thread::sleep(nap);
                let late = begun.elapsed().saturating_sub(nap);
                let mut worst = seen.lock().unwrap();
                *worst = late.max(*worst);
            }
        });
        Self(worst, waited())
    }

    /// What came together since the last call.
    fn take(&mut self) -> Duration {
        let before = std::mem::replace(&mut self.1, waited());
        std::mem::take(&mut *self.0.lock().unwrap()) + self.1.saturating_sub(before)
    }
}

/// How long the threads of loops, and of their databases, could run and had no processor, at most;
/// Linux counts it.
fn waited() -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let waited = threads.filter_map(|thread| {
        let thread = thread.ok()?.path();
        let name = std::fs::read_to_string(thread.join("comm")).ok()?;
        if !name.starts_with("site-loop") && !name.starts_with("sqlx-sqlite") {
            return None;
        }
        let stat = std::fs::read_to_string(thread.join("schedstat")).ok()?;
        stat.split(' ').nth(1)?.parse().ok()
    });
    Duration::from_nanos(waited.max().unwrap_or_default())
}

/// One of these tests at a time: they measure.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A loop whose commands are heard here.
struct Faulty {
    driven: Driven,
    faults: Faults,
    commands: mpsc::UnboundedReceiver<Command>,
    site: Arc<Site>,
    place: Place,
    lateness: Lateness,
    seq: u64,
    worst: Duration,
    late: Duration,
    opened: Vec<Command>,
    let_in: u64,
}

impl Faulty {
    async fn start(place: Place, seed: u64) -> Self {
        let site = Arc::new(shop::site(GATES, TILLS).unwrap());
        let policy = shop::policy(&site).unwrap();
        let gates = Arc::new(Gates::default());
        let (heard_by, commands) = mpsc::unbounded_channel();
        gates.heard_by.set(heard_by).unwrap();
        gates.let_in();
        let started = Driven::start_with(&place, &site, &policy, seed, gates).await;
        let (driven, faults) = started.unwrap();
        let (lateness, worst, late) = (Lateness::watch(), Duration::ZERO, Duration::ZERO);
        let (seq, opened, let_in) = (seed << 20, Vec::new(), 0);
        Self { driven, faults, commands, site, place, lateness, seq, worst, late, opened, let_in }
    }

    async fn fill(&self) {
        self.driven.opens(&self.site).await.unwrap();
        let people = (1..=PEOPLE)
            .flat_map(|number| shop::person(number, Money(90_000), None, shop::cards(number, 1)));
        let rows = shop::catalogue().into_iter().chain(people);
        self.driven.caller.brings(rows).await.unwrap();
    }

    fn event(&mut self, gate: u32, direction: Direction) -> DeviceEvent {
        self.seq += 1;
        let person = u32::try_from(self.seq % u64::from(PEOPLE)).unwrap() + 1;
        let uid = shop::card(person, 0);
        let read = Happening::CredentialRead { direction, uid, pin: None };
        shop::event(shop::gate(gate), (1, self.seq), read)
    }

    /// Exits at half of the gates and entries at the other half, at once, under a fault: each exit
    /// opens once and in time. What was said is durable once it is healed.
    async fn round(&mut self, plan: Plan) -> bool {
        while self.commands.try_recv().is_ok() {}
        self.lateness.take();
        self.faults.arm(plan);
        // All of them are there before anything can happen to the first one.
        let tells = (1..=GATES).map(|gate| {
            let exits = gate <= GATES / 2;
            let event = self.event(gate, if exits { Direction::Exit } else { Direction::Entry });
            let caller = self.driven.caller.clone();
            async move { caller.tells(event).await }
        });
        let told = tokio::spawn(join_all(tells.collect::<Vec<_>>()));
        let begun = Instant::now();
        self.all_open(begun, plan).await;
        // A fault that strikes once heals by itself, and one that lasts is over now.
        let struck = if plan.lasts {
            let struck = self.faults.struck();
            self.faults.heal();
            struck
        } else {
            true
        };
        for done in told.await.unwrap() {
            done.unwrap_or_else(|error| panic!("{plan:?}: {error:#}"));
        }
        let struck = struck && (plan.lasts || self.faults.heal());
        let again: Vec<_> = std::iter::from_fn(|| self.commands.try_recv().ok()).collect();
        let twice: Vec<_> = again.iter().filter(|command| exit_of(command).is_some()).collect();
        assert!(twice.is_empty(), "an exit opened twice under {plan:?}: {twice:?}");
        self.opened.extend(again);
        self.walk_through().await;
        struck
    }

    /// Who was let through goes, so that the gates are free again.
    async fn walk_through(&mut self) {
        for command in std::mem::take(&mut self.opened) {
            if let Action::OpenOnce { direction, .. } = command.action {
                self.seq += 1;
                self.let_in += u64::from(direction == Direction::Entry);
                let decision = command.decision;
                let passed = Happening::PassageMade { direction, decision };
                let event = shop::event(command.device, (2, self.seq), passed);
                self.driven.caller.tells(event).await.unwrap();
            }
        }
    }

    /// Waits until the exits of all gates in the first half have opened.
    async fn all_open(&mut self, begun: Instant, plan: Plan) {
        let mut opened: BTreeMap<DeviceId, Duration> = BTreeMap::new();
        while opened.len() < GATES as usize / 2 {
            let next = tokio::time::timeout(Duration::from_secs(20), self.commands.recv()).await;
            let Ok(Some(command)) = next else {
                let reader = Reader::open(&self.place).await.unwrap();
                let latest = reader.latest(8, None).await.unwrap();
                let latest: Vec<_> = latest
                    .iter()
                    .map(|(_, one)| (&one.device, one.direction, &one.verdict, one.received))
                    .collect();
                panic!("exits stay shut under {plan:?}; open are {opened:?}; {latest:#?}");
            };
            self.opened.push(command.clone());
            if let Some(gate) = exit_of(&command) {
                let before = opened.insert(gate.clone(), begun.elapsed());
                assert!(before.is_none(), "{gate} opened twice under {plan:?}");
            }
        }
        let worst = opened.values().max().copied().unwrap_or_default();
        let late = self.lateness.take();
        assert!(
            worst <= EXIT_DEADLINE + late,
            "an exit opened after {worst:?} under {plan:?}; this machine was late by {late:?}"
        );
        (self.worst, self.late) = (self.worst.max(worst), self.late.max(late));
    }

    /// Each event stands on the record once, and everything is in order.
    async fn check(self, events: u64) {
        let (worst, late, let_in) = (self.worst, self.late, self.let_in);
        self.driven.stop().await.unwrap();
        let reader = Reader::open(&self.place).await.unwrap();
        checked(&reader).await;
        let decisions = reader.decisions_in(Period::ALWAYS, None, 1_000_000).await.unwrap();
        let reads = decisions.iter().filter(|one| one.device.as_str().starts_with("gate-"));
        assert_eq!(reads.count() as u64, events, "each event is on record once");
        let granted = decisions
            .iter()
            .filter(|one| one.direction == Some(Direction::Entry) && one.verdict.outcome.opens());
        assert_eq!(granted.count() as u64, let_in, "who is let in on record was let in");
        reader.close().await;
        tell!("{events} events; the slowest exit took {worst:?}; the machine was late by {late:?}");
    }
}

/// The gate whose exit a command opens.
fn exit_of(command: &Command) -> Option<DeviceId> {
    let exit = matches!(command.action, Action::OpenOnce { direction: Direction::Exit, .. });
    exit.then(|| command.device.clone())
}

/// Every statement in turn, with every cause, before and after its effect, once and lasting.
async fn every_statement(place: Place) {
    let _alone = ALONE.lock().await;
    drop(tracing_subscriber::fmt().with_test_writer().try_init());
    let mut faulty = Faulty::start(place, 1).await;
    faulty.fill().await;
    let (mut events, mut struck) = (0, 0);
    for round in 0..rounds("KARI_FAULTS", 1) {
        for code in
            [Some(FULL), Some(READ_ONLY), Some(BUSY), Some(INPUT_OUTPUT), Some(REFUSED), None]
        {
            for (after, lasts) in [(false, false), (true, false), (false, true), (true, true)] {
                // What is refused for its values had no effect.
                let last = if after && code == Some(REFUSED) { 0 } else { STATEMENTS_MAX };
                for nth in 1..=last {
                    let hit = faulty.round(Plan { nth, code, after, lasts }).await;
                    events += u64::from(GATES);
                    if !hit {
                        assert!(nth > 1, "round {round}: nothing was struck by {code:?}");
                        break;
                    }
                    struck += 1;
                }
            }
        }
    }
    tell!("{struck} statements were struck");
    faulty.check(events).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exits_open_whatever_statement_fails_and_nothing_is_lost_on_sqlite() {
    let databases = sqlite();
    every_statement(databases.place(1).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exits_open_whatever_statement_fails_and_nothing_is_lost_on_postgresql() {
    let Some(databases) = postgres() else { return };
    every_statement(databases.place(1).unwrap()).await;
}

/// A disk that does not confirm a write ends the loop, and the exits open before.
async fn not_flushed(place: Place) {
    let _alone = ALONE.lock().await;
    for (nth, seed) in (1..=STATEMENTS_MAX).zip(1..) {
        let mut faulty = Faulty::start(place.clone(), seed).await;
        if seed == 1 {
            faulty.fill().await;
        }
        let plan = Plan { nth, code: Some(NOT_FLUSHED), after: false, lasts: true };
        faulty.faults.arm(plan);
        let tells = (1..=GATES / 2).map(|gate| {
            let event = faulty.event(gate, Direction::Exit);
            let caller = faulty.driven.caller.clone();
            async move { (gate, caller.tells(event).await) }
        });
        let told = join_all(tells.collect::<Vec<_>>()).await;
        let opened = std::iter::from_fn(|| faulty.commands.try_recv().ok());
        let opened: Vec<_> = opened.filter_map(|command| exit_of(&command)).collect();
        for (gate, done) in told {
            // Whoever comes once the loop has ended finds nobody.
            let came = !done.is_err_and(|error| error.to_string() == "the loop has ended");
            let open = opened.iter().filter(|one| **one == shop::gate(gate)).count();
            assert_eq!(open, usize::from(came), "gate {gate} under {plan:?}: {opened:?}");
        }
        let struck = faulty.faults.struck();
        assert!(!opened.is_empty(), "somebody came before the end under {plan:?}");
        let ended = faulty.driven.stop().await;
        assert_eq!(ended.is_err(), struck, "{plan:?}: {ended:?}");
        if !struck {
            assert!(nth > 1, "nothing was struck");
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exits_open_before_a_disk_that_confirms_nothing_ends_the_daemon() {
    let databases = sqlite();
    not_flushed(databases.place(1).unwrap()).await;
    if let Some(databases) = postgres() {
        not_flushed(databases.place(1).unwrap()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_till_is_refused_in_words_while_nothing_can_be_stored_and_sells_afterwards() {
    let databases = sqlite();
    let place = databases.place(1).unwrap();
    let faulty = Faulty::start(place.clone(), 1).await;
    faulty.fill().await;
    let sell = || shop::signed(shop::till(1), shop::towel(shop::card(1, 0)));
    faulty.faults.arm(Plan { nth: 1, code: Some(FULL), after: false, lasts: true });
    for _ in 0..3 {
        let begun = Instant::now();
        let answer = faulty.driven.caller.asks(sell()).await.unwrap();
        let Answer::Refused(why) = answer else { panic!("{answer:?}") };
        assert!(why.contains("nothing was done") && why.contains("the disk is full"), "{why}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }
    faulty.faults.heal();
    let sold = loop {
        match faulty.driven.caller.asks(sell()).await.unwrap() {
            Answer::Refused(why) if why.contains("nothing was done") => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            answer => break answer,
        }
    };
    assert!(matches!(sold, Answer::Decided(_)), "{sold:?}");
    faulty.driven.stop().await.unwrap();
    let reader = Reader::open(&place).await.unwrap();
    let books = checked(&reader).await;
    let wallet = &books.books.accounts[&shop::wallet(1)];
    assert_eq!(wallet.balance, Money(90_000 - shop::PRICE.0), "one towel");
}

//! Rounds of fifty spends of one wallet that arrive at once, at tills and at gates: what it can
//! afford succeeds, whoever comes first, and nothing beyond.

use std::sync::Arc;

use domain::{
    event::{Direction, Happening},
    ids::DecisionId,
    money::Money,
    reasons::Reason,
    verdict::Outcome,
};
use store::{place::Place, reader::Reader};
use tokio::task::JoinSet;

use super::{
    Driven, shop,
    testing::{Checked, News, checked, fresh, postgres, rounds, sqlite},
};

/// Spends of one round, half of them at gates.
const SPENDS: u32 = 50;
const GATES: u32 = SPENDS / 2;
const TILLS: u32 = SPENDS - GATES;

/// The daemons of a race; gates and tills of odd numbers are the first one's.
struct Race {
    daemons: Vec<(Driven, News)>,
    random: fastrand::Rng,
}

/// What one round came to: entries and sales.
#[derive(Default)]
struct Spent {
    entries: Vec<(u32, DecisionId)>,
    sales: u64,
}

impl Race {
    /// As many daemons as there are places, and for each round a wallet: how many spends it can
    /// afford, and a bit that buys nothing.
    async fn start(places: &[Place], rounds: u32, seed: u64) -> (Self, Vec<(u32, Money)>) {
        let site = Arc::new(shop::site(GATES, TILLS).unwrap());
        let policy = shop::policy(&site).unwrap();
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut daemons, mut afford) = (Vec::new(), Vec::new());
        for (number, place) in (1..).zip(places) {
            let driven = Driven::start(place, &site, &policy, seed ^ number).await.unwrap();
            if number == 1 {
                driven.opens(&site).await.unwrap();
                afford = people(&driven, rounds, &mut random).await;
            }
            let news = News::of(&driven);
            daemons.push((driven, news));
        }
        (Self { daemons, random }, afford)
    }

    /// The daemon of a gate or till.
    fn daemon(&self, number: u32) -> usize {
        (number as usize + 1) % self.daemons.len()
    }

    /// Everybody at once; who was let in or sold to.
    async fn spend(&mut self, round: u32) -> Spent {
        let mut callers = JoinSet::new();
        let mut order: Vec<u32> = (1..=SPENDS).collect();
        self.random.shuffle(&mut order);
        for number in order {
            let caller = self.daemons[self.daemon(number)].0.caller.clone();
            callers.spawn(async move {
                let source = (1, u64::from(round) * 2);
                if number <= GATES {
                    let read = shop::read(shop::card(round, number));
                    let event = shop::event(shop::gate(number), source, read);
                    return caller.tells(event).await.unwrap();
                }
                let (till, what) = (shop::till(number - GATES), shop::towel(shop::card(round, 0)));
                if number.is_multiple_of(3) {
                    caller.asks(shop::signed(till, what)).await.unwrap();
                } else {
                    let order = Happening::Order(shop::order(what));
                    caller.tells(shop::event(till, source, order)).await.unwrap();
                }
            });
        }
        callers.join_all().await;
        let (mut spent, mut refused) = (Spent::default(), 0);
        for (_, news) in &mut self.daemons {
            for decision in news.decisions() {
                match decision.verdict.outcome {
                    Outcome::Grant if decision.direction.is_none() => spent.sales += 1,
                    Outcome::Grant => {
                        let number = decision.device.as_str().trim_start_matches("gate-").parse();
                        spent.entries.push((number.unwrap(), decision.id));
                    }
                    _ => {
                        let why = decision.verdict.primary();
                        assert_eq!(why, Reason::WalletLimitExceeded, "round {round}: {decision:?}");
                        refused += 1;
                    }
                }
            }
        }
        let all = spent.entries.len() as u64 + spent.sales + refused;
        assert_eq!(all, u64::from(SPENDS), "round {round}: everybody is answered once");
        spent
    }

    /// Who was let in goes through, so that what was held is paid.
    async fn pass(&self, round: u32, spent: &Spent) {
        let mut callers = JoinSet::new();
        for (number, decision) in spent.entries.iter().copied() {
            let caller = self.daemons[self.daemon(number)].0.caller.clone();
            let (direction, decision) = (Direction::Entry, Some(decision));
            let made = Happening::PassageMade { direction, decision };
            let event = shop::event(shop::gate(number), (1, u64::from(round) * 2 + 1), made);
            callers.spawn(async move { caller.tells(event).await.unwrap() });
        }
        callers.join_all().await;
    }
}

/// Wallets that can afford so many spends each.
async fn people(driven: &Driven, rounds: u32, random: &mut fastrand::Rng) -> Vec<(u32, Money)> {
    let mut afford = Vec::new();
    let mut rows = shop::catalogue();
    for number in 1..=rounds {
        let coins = random.u32(0..=SPENDS);
        let rest = Money(random.i64(0..shop::PRICE.minor()));
        let balance = Money(i64::from(coins) * shop::PRICE.minor()) + rest;
        rows.extend(shop::person(number, balance, None, shop::cards(number, GATES + 1)));
        afford.push((coins, rest));
    }
    driven.caller.brings(rows).await.unwrap();
    afford
}

/// Races for as many wallets as there are rounds.
async fn race(places: &[Place], rounds: u32, seed: u64) {
    say!("{rounds} rounds of {SPENDS} spends, KARI_RACE_SEED={seed}");
    let start = std::time::Instant::now();
    let (mut race, afford) = Race::start(places, rounds, seed).await;
    let (mut entries, mut sales) = (0, 0);
    for (round, (coins, _)) in (1..).zip(&afford) {
        let spent = race.spend(round).await;
        let count = spent.entries.len() as u64 + spent.sales;
        assert_eq!(count, u64::from(*coins), "round {round}, seed {seed}: what it can afford");
        race.pass(round, &spent).await;
        entries += spent.entries.len() as u64;
        sales += spent.sales;
    }
    for (daemon, _) in race.daemons {
        daemon.stop().await.unwrap();
    }
    let reader = Reader::open(&places[0]).await.unwrap();
    let Checked { books, ledger, .. } = checked(&reader).await;
    reader.close().await;
    for (round, (_, rest)) in (1..).zip(&afford) {
        assert_eq!(books.accounts[&shop::wallet(round)].balance, *rest, "round {round}");
    }
    let openings = afford.iter().filter(|(coins, rest)| *coins > 0 || !rest.is_zero()).count();
    assert_eq!(ledger.transactions, entries + sales + openings as u64, "each spend is booked once");
    assert!(entries > 0 && sales > 0, "{entries} entries, {sales} sales");
    say!("{entries} entries, {sales} sales in {:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_spends_at_once_a_wallet_pays_what_it_can_on_sqlite() {
    // Two sites side by side, as there are two cores.
    let (one, other) = (sqlite(), sqlite());
    let half = rounds("KARI_RACES", 1000).div_ceil(2);
    let places = ([one.place(1).unwrap()], [other.place(1).unwrap()]);
    let seed = fresh("KARI_RACE_SEED");
    tokio::join!(race(&places.0, half, seed), race(&places.1, half, seed.wrapping_add(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_spends_at_two_daemons_a_wallet_pays_what_it_can_on_postgres() {
    let Some(databases) = postgres() else { return };
    let places = [databases.place(1).unwrap(), databases.place(2).unwrap()];
    race(&places, rounds("KARI_RACES", 1000) / 10, fresh("KARI_RACE_SEED")).await;
}

//! Sixty-four writers who do whatever comes to their mind, at tills and gates, at once: the books
//! stay in order.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    event::{Direction, Happening},
    facts::Policy,
    ids::{AccountId, DeviceId, GoodId, TariffId, Uid},
    money::Money,
    order::{Begins, CashOrder, Line, Rest, Sells, What},
    rows::{
        AccountKind, Lasts, Offer, ReceiptKey, ReservationState, Tariff, TariffKey, TariffKind,
    },
    site::Site,
    state::{Answer, ImportRow, Snapshot},
    time::Clock,
    verdict::Outcome,
};
use fastrand::Rng;
use store::{Store, place::Place, reader::Reader};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    Caller, Driven,
    databases::Databases,
    shop,
    testing::{News, audit, checked, postgres, rounds, seeds, sqlite},
};
use crate::clock::RealClock;

const TILLS: u32 = 40;
const GATES: u32 = 24;
const PEOPLE: u32 = 12;
const CARDS: u32 = 4;
/// What each writer does between two looks at the books.
const EACH: u32 = 10;

fn passes() -> Vec<ImportRow> {
    let tariff = |id: &str, offer: Offer| {
        let row = Tariff { offer, ..Tariff::new(Box::new(["site".into()]), Money::ZERO) };
        ImportRow::Tariff(TariffKey { tariff: TariffId::from(id), version: 1 }, row)
    };
    let offer = |kind, price| Offer { kind, price: Money(price), ..Offer::default() };
    let lasts = Lasts::parse("P30D");
    vec![
        tariff("month", Offer { lasts, ..offer(TariffKind::Period, 10_000) }),
        tariff("ten", Offer { visits: Some(10), ..offer(TariffKind::Visits, 7000) }),
        tariff("once", offer(TariffKind::SingleEntry, 800)),
    ]
}

fn anybody(random: &mut Rng) -> Uid {
    shop::card(random.u32(1..=PEOPLE + 1), random.u32(0..CARDS))
}

fn amount(random: &mut Rng) -> Money {
    // One in eight is nothing that a coin could pay.
    let odd = if random.u8(0..8) == 0 { random.i64(-300..5) } else { 0 };
    Money(random.i64(0..1200) * 5 + odd)
}

fn line(random: &mut Rng) -> Line {
    let uid = Uid::from(["04D1", "04D2", "04D3"][random.usize(0..3)]);
    let line = match random.u8(0..8) {
        0..=2 => Line::of(Sells::Good(GoodId::from("towel"))),
        3 | 4 => {
            let tariff = TariffId::from(["month", "ten", "once", "gone"][random.usize(0..4)]);
            Line::of(Sells::Tariff { tariff, member: None, begins: Begins::default() })
        }
        5 => Line { price: Some(amount(random)), ..Line::of(Sells::TopUp) },
        6 => return Line::of(Sells::Deposit { uid }),
        _ => return Line::of(Sells::DepositBack { uid }),
    };
    let plain = matches!(line.sells, Sells::TopUp);
    let discount = if plain { 0 } else { random.i64(0..25) };
    Line { count: if plain { 1 } else { random.u32(1..4) }, discount, ..line }
}

fn sale(random: &mut Rng) -> What {
    // What is named may or may not be the total.
    let mut part =
        |one_of: u8| if random.u8(0..one_of) == 0 { amount(random) } else { Money::ZERO };
    let (cash, card) = (part(4), part(4));
    let rest = [Rest::Wallet, Rest::Cash, Rest::Card, Rest::Nobody][random.usize(0..4)];
    What::Sale {
        buyer: (random.u8(0..5) > 0).then(|| anybody(random)),
        lines: (0..random.usize(1..4)).map(|_| line(random)).collect(),
        cash,
        card,
        rest,
        age_shown: None,
    }
}

/// What a cashier thinks of, at a till that wrote so many receipts.
async fn ordered(till: &DeviceId, reader: &Reader, random: &mut Rng) -> What {
    let (holder, reason) = (anybody(random), "random".to_owned());
    let cash = random.bool();
    match random.u8(0..20) {
        0..=3 => sale(random),
        4..=6 => shop::towel(holder),
        7..=9 => What::Topup { holder, amount: amount(random), cash },
        10 => What::Refund { holder, amount: amount(random), cash },
        11 | 12 => What::Settle { holder, amount: amount(random), cash },
        13 => What::Cash(CashOrder::Open { float: amount(random) }),
        14 => What::Cash(CashOrder::Close { counted: amount(random) }),
        15 => What::Cash(CashOrder::PutIn { amount: amount(random), reason }),
        16 => What::Cash(CashOrder::TakeOut { amount: amount(random), reason }),
        takes_back => {
            let key = ReceiptKey { till: till.clone(), number: random.u64(1..20) };
            let Some(receipt) = reader.receipt(&key).await.unwrap() else {
                return shop::towel(holder);
            };
            let receipt = Box::new(receipt);
            if takes_back == 17 {
                return What::Void { receipt, reason };
            }
            let counts = receipt.lines.iter().map(|_| random.u32(0..3)).collect();
            What::Return { receipt, counts, cash, reason }
        }
    }
}

/// What was done, by what became of it.
type Done = BTreeMap<&'static str, u32>;

async fn cashier(number: u32, caller: Caller, reader: Reader, mut random: Rng) -> Done {
    let (till, mut done) = (shop::till(number), Done::new());
    for _ in 0..EACH {
        let what = ordered(&till, &reader, &mut random).await;
        let answer = caller.asks(shop::signed(till.clone(), what)).await.unwrap();
        let became = match answer {
            Answer::Decided(_) => "decided",
            Answer::Refused(_) => "nonsense",
            other => panic!("{other:?}"),
        };
        *done.entry(became).or_default() += 1;
    }
    done
}

async fn guests(number: u32, caller: Caller, mut news: News, mut random: Rng) -> Done {
    let (gate, mut done) = (shop::gate(number), Done::new());
    let boot = RealClock.now().micros().cast_unsigned();
    for seq in (0..u64::from(EACH)).map(|one| one * 2) {
        let direction = if random.bool() { Direction::Entry } else { Direction::Exit };
        let read = Happening::CredentialRead { direction, uid: anybody(&mut random), pin: None };
        caller.tells(shop::event(gate.clone(), (boot, seq), read)).await.unwrap();
        let own = news.decisions().into_iter().rfind(|decision| decision.device == gate);
        let decision = own.expect("every read is decided");
        let opened = matches!(decision.verdict.outcome, Outcome::Grant | Outcome::GrantWithWarning);
        *done.entry(if opened { "opened" } else { "shut" }).or_default() += 1;
        let decision = Some(decision.id);
        let happening = match random.u8(0..4) {
            _ if !opened => continue,
            0 => continue,
            1 => Happening::PassageAborted { direction, decision },
            _ => Happening::PassageMade { direction, decision },
        };
        caller.tells(shop::event(gate.clone(), (boot, seq + 1), happening)).await.unwrap();
    }
    done
}

/// All writers at once, on the daemons of these places.
async fn storm(
    places: &[Place],
    (site, policy): (&Arc<Site>, &Arc<dyn Policy>),
    random: &mut Rng,
) -> Done {
    let (mut daemons, mut readers) = (Vec::new(), Vec::new());
    for place in places {
        daemons.push(Driven::start(place, site, policy, random.u64(..)).await.unwrap());
        readers.push(Reader::open(place).await.unwrap());
    }
    let ended = CancellationToken::new();
    let auditor = tokio::spawn(audit(readers[0].clone(), ended.clone()));
    let mut writers = JoinSet::new();
    for number in 1..=TILLS.max(GATES) {
        let own = number as usize % daemons.len();
        let caller = || daemons[own].caller.clone();
        if number <= TILLS {
            writers.spawn(cashier(number, caller(), readers[own].clone(), random.fork()));
        }
        if number <= GATES {
            writers.spawn(guests(number, caller(), News::of(&daemons[own]), random.fork()));
        }
    }
    let (mut done, mut fell) = (Done::new(), None);
    while let Some(ended) = writers.join_next().await {
        match ended {
            Ok(part) => {
                for (became, count) in part {
                    *done.entry(became).or_default() += count;
                }
            }
            Err(error) => fell = Some(error),
        }
    }
    ended.cancel();
    done.insert("audited", auditor.await.unwrap());
    for daemon in daemons {
        // What ended a loop tells more than that nobody was answered.
        daemon.stop().await.unwrap_or_else(|fault| panic!("{fault:#}"));
    }
    assert!(fell.is_none(), "{fell:?}");
    for reader in readers {
        reader.close().await;
    }
    done
}

/// No bound is passed, and what is kept beside the ledger agrees with it.
fn within_bounds(rows: &Snapshot) {
    let mut kinds: BTreeMap<AccountKind, Money> = BTreeMap::new();
    let mut held: BTreeMap<AccountId, Money> = BTreeMap::new();
    for (_, _, row) in &rows.reservations {
        if row.state == ReservationState::Live && !row.booked {
            for charge in &row.charges {
                let sum = held.entry(charge.account).or_default();
                *sum = *sum + charge.taken;
            }
        }
    }
    for (id, _, row) in &rows.accounts {
        assert!(row.balance >= row.floor.bound(), "{id}: {row:?}");
        let promised = held.get(id).copied().unwrap_or(Money::ZERO);
        assert_eq!(row.reserved, promised, "what is held of {id}");
        let sum = kinds.entry(row.kind).or_default();
        *sum = *sum + row.balance;
    }
    let of = |kind| kinds.get(&kind).copied().unwrap_or(Money::ZERO);
    let waiting = rows.passes.iter().filter(|(_, _, row)| !row.earns_by_day());
    let kept: Money = waiting.map(|(_, _, row)| row.prepaid()).sum();
    let days: Money = rows.earnings.iter().map(|(_, _, row)| row.amount).sum();
    assert_eq!(of(AccountKind::Deferred), kept + days, "what is paid and not earned yet");
    let deposits: Money = rows.deposits.iter().map(|(_, _, row)| row.amount).sum();
    assert_eq!(of(AccountKind::Deposits), deposits);
    let drawers: Money = rows.terminals.iter().map(|(_, _, row)| row.drawer).sum();
    assert_eq!(of(AccountKind::Cash), -drawers, "the cash of the drawers");
}

/// Storms, each with a look at the books after it and a new start before the next.
async fn storms(places: &[Place], count: u32, seed: u64) {
    say!("{count} storms, KARI_STORM_SEED={seed}");
    let mut random = Rng::with_seed(seed);
    let site = Arc::new(shop::site(GATES, TILLS).unwrap());
    let policy = shop::policy(&site).unwrap();
    let first = Driven::start(&places[0], &site, &policy, seed).await.unwrap();
    let mut rows = shop::catalogue();
    rows.extend(passes());
    for number in 1..=PEOPLE {
        // The last ones owe something.
        let balance = Money(if number > PEOPLE - 3 { -1500 } else { 3000 });
        rows.extend(shop::person(number, balance, None, shop::cards(number, CARDS)));
    }
    first.caller.brings(rows).await.unwrap();
    first.opens(&site).await.unwrap();
    first.stop().await.unwrap();
    let (mut done, mut booked) = (Done::new(), 0);
    for _ in 0..count {
        for (became, count) in storm(places, (&site, &policy), &mut random).await {
            *done.entry(became).or_default() += count;
        }
        let reader = Reader::open(&places[0]).await.unwrap();
        let told = checked(&reader).await;
        assert!(told.journal.decisions > 0);
        booked = told.ledger.transactions;
        reader.close().await;
        let (mut store, _) = Store::open(&places[0], RealClock.now()).await.unwrap();
        within_bounds(&store.load().await.unwrap());
        store.close().await.unwrap();
    }
    say!("{done:?}, {booked} transactions");
    assert!(booked > u64::from(count * TILLS), "{booked} transactions: {done:?}");
    for became in ["decided", "nonsense", "opened", "shut", "audited"] {
        assert!(done.get(became).is_some_and(|often| *often > count * 5), "{became}: {done:?}");
    }
}

/// Storms that once failed: bands' deposits were taken back twice, and the last one's strangers
/// counted anew with each loss of their batch.
const FAILED_ON_SQLITE: [u64; 5] = [2, 4, 5, 10, 12];
const FAILED_ON_POSTGRES: [u64; 3] = [4, 11, 1_377_914_985];

/// The storms of the seeds that failed once and of a fresh one, two each; or as many as the
/// environment asks for, of the seed that it names. Each has a database of its own.
async fn storms_of(failed: &[u64], databases: impl Fn() -> Option<(Databases, Vec<Place>)>) {
    let count = rounds("KARI_STORMS", 2);
    for seed in seeds("KARI_STORM_SEED", failed) {
        let Some((_kept, places)) = databases() else { return };
        storms(&places, count, seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_sixty_four_writers_do_the_books_stay_in_order_on_sqlite() {
    let file = || {
        let databases = sqlite();
        let places = vec![databases.place(1).unwrap()];
        Some((databases, places))
    };
    storms_of(&FAILED_ON_SQLITE, file).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_sixty_four_writers_do_at_two_daemons_the_books_stay_in_order_on_postgres() {
    let server = || {
        let databases = postgres()?;
        let places = [1, 2].map(|daemon| databases.place(daemon).unwrap());
        Some((databases, places.into()))
    };
    storms_of(&FAILED_ON_POSTGRES, server).await;
}

//! Passes of any price, tax and length, earned in parts and cancelled in the middle: the parts are
//! the whole.

use domain::{
    money::{Money, Vat},
    order::{Line, Rest},
    registry::PassChange,
    rows::{AccountKind, Lasts, Offer, Tariff, TariffKey, TariffKind},
    sales::Receipt,
    state::{ImportRow, Input},
    time::Span,
};
use jiff::{ToSpan, civil::Date};

use crate::{
    parts::{any_till, paid, set},
    passes::{does, refused},
    till::{Till, pass},
};

/// Passes of a run.
const PASSES: u64 = 400;
/// Passes that once failed.
const FAILED: [u64; 0] = [];

/// A pass by chance, and how it went so far.
struct Case {
    till: Till,
    receipt: Receipt,
    /// Whether it is one of visits, not of days.
    of_visits: bool,
    /// How many there are, and how many are used.
    whole: u32,
    used: u32,
    first: Date,
}

/// The rounded share of so many of all, by an arithmetic of our own.
fn share(amount: Money, so_many: u32, all: u32) -> Money {
    let (amount, so_many, all) = (amount.minor(), i64::from(so_many), i64::from(all));
    Money((2 * amount * so_many + all) / (2 * all))
}

impl Case {
    fn drawn(random: &mut fastrand::Rng) -> Self {
        let mut till = any_till();
        let vat = Vat([0, 500, 1800, random.u16(1..3000)][random.usize(0..4)]);
        set(&mut till, |site| site.vat_on_top = random.bool());
        let of_visits = random.bool();
        let whole = random.u32(1..40);
        let kind = if of_visits { TariffKind::Visits } else { TariffKind::Period };
        let lasts = if of_visits { "P300D".to_owned() } else { format!("P{whole}D") };
        let offer = Offer {
            kind,
            lasts: Lasts::parse(&lasts),
            visits: of_visits.then_some(whole),
            price: Money(random.i64(0..30_000)),
            ..Offer::default()
        };
        let row =
            Tariff { offer, vat: Some(vat), ..Tariff::new(Box::new(["SITE".into()]), Money::ZERO) };
        let key = TariffKey { tariff: "p".into(), version: 1 };
        till.take(Input::Import(vec![ImportRow::Tariff(key, row)]));
        let discount = if random.bool() { random.i64(0..100) } else { 0 };
        let line = Line { discount, ..pass("p") };
        let what = match paid(vec![line], (Money::ZERO, Rest::Card)) {
            domain::order::What::Sale { lines, cash, card, rest, age_shown, .. } => {
                let buyer = Some("W2".into());
                domain::order::What::Sale { buyer, lines, cash, card, rest, age_shown }
            }
            other => other,
        };
        let receipt = till.sells(what);
        let first = receipt.lines[0].from.unwrap();
        Self { till, receipt, of_visits, whole, used: 0, first }
    }

    fn net(&self) -> Money {
        self.receipt.lines[0].gross - self.receipt.lines[0].tax
    }

    fn earned(&self) -> Money {
        self.till.balance(AccountKind::PassRevenue, "p")
    }

    fn deferred(&self) -> Money {
        self.till.balance(AccountKind::Deferred, "p")
    }

    /// The tax that is still owed for it.
    fn tax(&self) -> Money {
        self.till.balance(AccountKind::Vat, &self.receipt.lines[0].vat.to_string())
    }

    /// One visit more, or one day more that is over.
    fn uses(&mut self) {
        self.used += 1;
        if self.of_visits {
            self.till.later(Span::seconds(1800));
            self.till.passes("W2");
        } else {
            let day = self.first.saturating_add(i64::from(self.used).days());
            self.till.at(&format!("{day} 12:00:00"));
        }
        self.looks_right();
    }

    /// So many parts are earned, to the unit, and the rest is not.
    fn looks_right(&self) {
        let expected = share(self.net(), self.used, self.whole);
        let about = (self.used, self.whole, &self.receipt);
        assert_eq!(self.earned(), expected, "{about:?}");
        assert_eq!(self.deferred(), self.net() - expected, "{about:?}");
        assert_eq!(self.tax(), self.receipt.lines[0].tax, "{about:?}");
        self.till.check();
    }

    /// It is cancelled, and as much is paid back as is wished, or all that is not used.
    fn cancelled(&mut self, random: &mut fastrand::Rng) {
        // The day of today is used already.
        let used = if self.of_visits { self.used } else { self.used + 1 };
        let (net, tax) = (self.net(), self.receipt.lines[0].tax);
        let left = net - share(net, used, self.whole);
        let wallet = self.till.wallet("W2");
        let most = self.most();
        let part = random.bool();
        let refund = part.then(|| Money(random.i64(0..=most.minor())));
        does(&mut self.till, "W2", PassChange::Cancel { refund });
        let back = self.till.wallet("W2") - wallet;
        let about = (used, self.whole, refund, &self.receipt);
        assert_eq!(back, refund.unwrap_or(most), "{about:?}");
        let tax_back = tax - self.tax();
        assert!(tax_back >= Money::ZERO && tax_back <= tax, "{tax_back:?} {about:?}");
        // What the day of today earns is earned with its end.
        let today = share(net, used, self.whole) - share(net, self.used, self.whole);
        assert_eq!(self.deferred(), today, "{about:?}");
        let all = self.earned() + self.deferred() + self.tax() + back;
        assert_eq!(all, self.receipt.total, "{about:?}");
        if refund.is_none() {
            assert_eq!(self.earned() + today, net - left, "{about:?}");
        }
        if used == 0 && refund.is_none() {
            assert_eq!((back, self.tax()), (self.receipt.total, Money::ZERO), "{about:?}");
        }
        self.till.check();
        let earned = self.earned() + today;
        let after = self.first.saturating_add(400.days());
        self.till.at(&format!("{after} 12:00:00"));
        assert_eq!((self.earned(), self.deferred()), (earned, Money::ZERO), "{about:?}");
        self.till.check();
    }

    /// The most that is paid back, as a cashier is told who wishes more.
    fn most(&mut self) -> Money {
        let much = PassChange::Cancel { refund: Some(Money(10_000_000)) };
        let why = refused(&mut self.till, "W2", much);
        let told = why.strip_prefix("between 0 and ").and_then(|rest| rest.split_once(' '));
        crate::till::money(told.unwrap().0)
    }
}

#[test]
fn passes_earned_in_parts_and_cancelled_in_the_middle_are_their_price_to_the_unit() {
    let first = tests::seeds::fresh("KARI_EARNED_SEED");
    let (mut cancelled, mut used_up) = (0, 0);
    for seed in FAILED.iter().copied().chain(first..first + PASSES) {
        println!("pass {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        let mut case = Case::drawn(&mut random);
        case.looks_right();
        let until = random.u32(0..=case.whole);
        while case.used < until {
            case.uses();
        }
        if until == case.whole {
            used_up += 1;
            assert_eq!((case.earned(), case.deferred()), (case.net(), Money::ZERO));
        } else {
            cancelled += 1;
            case.cancelled(&mut random);
        }
    }
    println!("{cancelled} were cancelled, {used_up} used up");
    assert!(cancelled > PASSES / 2 && used_up > PASSES / 100, "{cancelled} {used_up}");
}

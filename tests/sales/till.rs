//! A site with a till in memory, and what its books say.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    deposits::IfLost,
    event::Direction,
    ids::{GoodId, MemberId, TariffId, Uid},
    ledger::Purpose,
    money::{Money, Vat},
    order::{Begins, CashOrder, Line, Order, Rest, Sells, What},
    rows::{
        AccountKind, Good, Lasts, Offer, Pass, PinDigest, PriceList, Session, Tariff, TariffKey,
        TariffKind,
    },
    sales::Receipt,
    state::{Answer, ImportRow, Input, Transaction},
    time::Span,
    verdict::Outcome,
};
use tests::world::{Given, World};

pub(crate) const GIVEN: &str = r#"
title = "A till"
time_zone = "Asia/Tbilisi"
currency = "GEL"
date = "2026-09-15"
rules = '''
set("operator.allowed_actions", "sale, topup, refund, void, take_payment, " +
    "cash_session, cash_pickup, edit_member, edit_tariff, issue_credential, " +
    "block_credential", role("cashier"));
set("operator.allowed_terminals", "T1, T2", role("cashier"));
set("terminal.allowed_actions", "sale, topup, refund, void, take_payment, " +
    "cash_session, cash_pickup, edit_member, edit_tariff, issue_credential, " +
    "block_credential", terminal("T1"));
set("terminal.allowed_actions", "sale, void", terminal("T2"));
set("sale.max_discount_percent", 20, role("cashier"));
set("sale.refund_max_amount", "500.00", role("cashier"));
set("cash.drawer_max", "5000.00");
set("wallet.max_balance", "150.00");
set("wallet.min_balance", "-5.00");
'''
tills = ["T1", "T2"]
people = [
    { band = "W1", wallet = "20.00" },
    { band = "W2", wallet = "0.00" },
    { band = "C1", wallet = "50.00", tariff = "OPEN", born = "2012-01-01" },
]

[operators]
nino = ["cashier"]

[zones]
SITE = ""

[gates]
G1 = "street > SITE"

[tariffs]
OPEN = { zones = ["SITE"] }
"#;

/// The till, and every transaction and receipt that it made.
pub(crate) struct Till {
    pub(crate) world: World,
    pub(crate) transactions: Vec<Transaction>,
    pub(crate) receipts: Vec<Receipt>,
    orders: u64,
}

pub(crate) fn money(text: &str) -> Money {
    domain::money::Currency::of("GEL").unwrap().parse(text).unwrap()
}

/// One of a good.
pub(crate) fn good(id: &str) -> Line {
    Line::of(Sells::Good(GoodId::from(id)))
}

/// So many of them, at a discount.
pub(crate) fn goods(id: &str, count: u32, discount: i64) -> Line {
    Line { count, discount, ..good(id) }
}

/// A pass for the buyer.
pub(crate) fn pass(tariff: &str) -> Line {
    Line::of(Sells::Tariff {
        tariff: TariffId::from(tariff),
        member: None,
        begins: Begins::default(),
    })
}

pub(crate) fn top_up(amount: &str) -> Line {
    Line { price: Some(money(amount)), ..Line::of(Sells::TopUp) }
}

pub(crate) fn sale(buyer: Option<&str>, lines: Vec<Line>, cash: &str, card: &str) -> What {
    What::Sale {
        buyer: buyer.map(Into::into),
        lines,
        cash: money(cash),
        card: money(card),
        rest: Rest::Wallet,
        age_shown: None,
    }
}

fn offer(kind: TariffKind, price: &str) -> Offer {
    Offer { name: "a pass".to_owned(), kind, price: money(price), ..Offer::default() }
}

fn catalogue() -> Vec<ImportRow> {
    let thing = |price: &str| Good { price: money(price), ..Good::default() };
    let tariff = |id: &str, offer: Offer| {
        let zones: Box<[_]> = Box::new(["SITE".into()]);
        let row = Tariff { offer, ..Tariff::new(zones, Money::ZERO) };
        ImportRow::Tariff(TariffKey { tariff: TariffId::from(id), version: 1 }, row)
    };
    let good = |id: &str, good| ImportRow::Good(GoodId::from(id), good);
    let lasts = Lasts::parse("P30D");
    vec![
        good("towel", thing("4.99")),
        good("juice", Good { vat: Some(Vat(0)), ..thing("3.00") }),
        good("beer", Good { category: "alcohol".to_owned(), ..thing("6.00") }),
        good("massage", Good { open_price: true, ..Good::default() }),
        good("lost-band", thing("15.00")),
        good("old", Good { withdrawn: true, ..thing("1.00") }),
        tariff("month", Offer { lasts, ..offer(TariffKind::Period, "100.00") }),
        tariff(
            "later",
            Offer { lasts, from_first_use: true, ..offer(TariffKind::Period, "100.00") },
        ),
        tariff("ten", Offer { visits: Some(10), ..offer(TariffKind::Visits, "70.00") }),
        tariff("once", offer(TariffKind::SingleEntry, "8.00")),
        tariff("gone", Offer { withdrawn: true, ..offer(TariffKind::Visits, "1.00") }),
    ]
}

impl Till {
    /// A till in a country with 18 % of value added tax within its prices, whose smallest coin is
    /// five tetri.
    pub(crate) fn new() -> Self {
        Self::of(GIVEN)
    }

    /// The same at a site that is described otherwise.
    pub(crate) fn of(given: &str) -> Self {
        let given: Given = toml::from_str(given).unwrap();
        let mut world = World::of(&given, "").unwrap();
        let mut site = (*world.state.site).clone();
        site.vat = Vat(1800);
        site.cash_step = Money(5);
        site.band_deposit = money("10.00");
        world.state.site = Arc::new(site);
        let mut till = Self { world, transactions: vec![], receipts: vec![], orders: 0 };
        till.transactions.clear();
        till.take(Input::Import(catalogue()));
        till.at("12:00:00");
        till
    }

    pub(crate) fn at(&mut self, time: &str) {
        let at = self.world.time(time);
        self.world.wait(at);
        self.keep();
    }

    /// From now on guests of a day are sold, with a deposit and what becomes of it.
    pub(crate) fn day_guest(&mut self, id: &str, deposit: Money, if_lost: Option<IfLost>) {
        let offer = offer(TariffKind::DayGuest, "20.00");
        let offer =
            Offer { deposit, deposit_if_lost: if_lost, lasts: Lasts::parse("P1D"), ..offer };
        let zones: Box<[_]> = Box::new(["SITE".into()]);
        let row = Tariff { offer, day_guest: true, ..Tariff::new(zones, Money::ZERO) };
        let key = TariffKey { tariff: TariffId::from(id), version: 1 };
        self.take(Input::Import(vec![ImportRow::Tariff(key, row)]));
    }

    pub(crate) fn list(&mut self, id: &str, list: PriceList) {
        self.take(Input::Import(vec![ImportRow::PriceList(id.into(), list)]));
    }

    fn keep(&mut self) {
        self.transactions.append(&mut self.world.last.transactions);
        self.receipts.append(&mut self.world.last.receipts);
    }

    pub(crate) fn take(&mut self, input: Input) -> Answer {
        let answer = self.world.take(input);
        self.keep();
        answer
    }

    /// Runs the words of a scenario.
    pub(crate) fn run(&mut self, step: &str) {
        self.world.run(step).unwrap();
        self.keep();
    }

    /// What nino orders at a till.
    pub(crate) fn order(&mut self, till: &str, what: What) -> Answer {
        self.orders += 1;
        // No two orders happen at the same instant.
        self.world.now = self.world.now.plus(Span::millis(7));
        let order = Box::new(Order { operator: "nino".into(), second: None, what });
        let pin = PinDigest("2468".into());
        self.take(Input::SignedOrder { terminal: till.into(), order, pin, key: None })
    }

    /// Sells, and tells the receipt.
    pub(crate) fn sells(&mut self, what: What) -> Receipt {
        let count = self.receipts.len();
        let answer = self.order("T1", what);
        assert!(matches!(answer, Answer::Decided(_)), "{answer:?}");
        let decision = self.world.decision.as_ref().unwrap();
        assert_eq!(decision.verdict.outcome, Outcome::Grant, "{:?}", decision.verdict);
        assert_eq!(self.receipts.len(), count + 1);
        self.receipts.last().unwrap().clone()
    }

    /// Refused by the rules: the reasons, each with the line that it names.
    pub(crate) fn refused(&mut self, what: What) -> Vec<(&'static str, Option<i64>)> {
        let count = self.receipts.len();
        let answer = self.order("T1", what);
        assert!(matches!(answer, Answer::Decided(_)), "{answer:?}");
        assert_eq!(self.receipts.len(), count);
        let verdict = &self.world.decision.as_ref().unwrap().verdict;
        assert_eq!(verdict.outcome, Outcome::Deny);
        let line = |details: &[(String, domain::verdict::Detail)]| {
            details.iter().find_map(|(name, detail)| match detail {
                domain::verdict::Detail::Count(line) if name == "line" => Some(*line),
                _ => None,
            })
        };
        verdict.reasons.iter().map(|found| (found.reason.code(), line(&found.details))).collect()
    }

    /// Makes no sense: the sentence.
    pub(crate) fn nonsense(&mut self, what: What) -> String {
        let before = (self.receipts.len(), self.transactions.len(), self.books());
        match self.order("T1", what) {
            Answer::Refused(why) => {
                let after = (self.receipts.len(), self.transactions.len(), self.books());
                assert_eq!(before, after, "{why}");
                why
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn cash(&mut self, cash: CashOrder) -> Answer {
        self.order("T1", What::Cash(cash))
    }

    /// The balances of the site's own accounts that are not nothing, by kind and subject.
    pub(crate) fn books(&self) -> BTreeMap<String, Money> {
        let rows = self.world.state.tables.accounts.iter();
        let own = rows.filter(|(_, row)| !row.kind.is_personal() && !row.balance.is_zero());
        own.map(|(_, row)| (named(row.kind, &row.subject), row.balance)).collect()
    }

    pub(crate) fn balance(&self, kind: AccountKind, subject: &str) -> Money {
        self.books().get(&named(kind, subject)).copied().unwrap_or(Money::ZERO)
    }

    pub(crate) fn wallet(&self, band: &str) -> Money {
        self.world.wallet(band)
    }

    pub(crate) fn session(&self) -> Option<Session> {
        self.world.state.tables.drawers.peek(&"T1".into()).and_then(|row| row.session.clone())
    }

    pub(crate) fn member(&self, band: &str) -> MemberId {
        self.world.state.tables.credentials.peek(&band.into()).unwrap().member
    }

    /// The passes that somebody bought here, in order.
    pub(crate) fn bought(&self, band: &str) -> Vec<Pass> {
        let member = self.member(band);
        let rows = self.world.state.tables.passes.iter();
        let own = rows.filter(|(key, row)| key.member == member && row.sale.is_some());
        own.map(|(_, row)| row.clone()).collect()
    }

    /// What was posted since the last time, of a purpose.
    pub(crate) fn posted(&self, purpose: Purpose) -> usize {
        self.transactions.iter().filter(|one| one.purpose == purpose).count()
    }

    /// The books are in order: every transaction adds up to nothing, every balance is the sum of
    /// its postings, no wallet is below its floor, and what is kept elsewhere agrees with them.
    pub(crate) fn check(&self) {
        let tables = &self.world.state.tables;
        for one in &self.transactions {
            let sum: Money = one.postings.iter().map(|posting| posting.amount).sum();
            assert!(sum.is_zero() && one.postings.len() > 1, "{one:?}");
        }
        let mut keys: Vec<_> = self.transactions.iter().map(|one| &one.key).collect();
        keys.sort();
        let count = keys.len();
        keys.dedup();
        assert_eq!(keys.len(), count, "no charge key comes twice");
        assert_eq!(self.world.trial_balance(), Money::ZERO);
        let mut kinds: BTreeMap<AccountKind, Money> = BTreeMap::new();
        for (id, row) in tables.accounts.iter() {
            assert!(row.balance >= row.floor.bound(), "{id}: {row:?}");
            let sum = kinds.entry(row.kind).or_default();
            *sum = *sum + row.balance;
        }
        let of = |kind| kinds.get(&kind).copied().unwrap_or(Money::ZERO);
        let waiting = tables.passes.iter().filter(|(_, row)| !row.earns_by_day());
        let kept: Money = waiting.map(|(_, row)| row.prepaid()).sum();
        let days: Money = tables.earnings.iter().map(|(_, row)| row.amount).sum();
        assert_eq!(of(AccountKind::Deferred), kept + days, "what is paid and not earned yet");
        let deposits: Money = tables.deposits.iter().map(|(_, row)| row.amount).sum();
        assert_eq!(of(AccountKind::Deposits), deposits);
        self.check_deposits();
        if let Some(session) = self.session() {
            let paid: Money = session.paid.values().copied().sum();
            assert_eq!(session.blocks.total(), paid, "what a session tells: {session:?}");
        }
        let drawers: Money = tables.terminals.iter().map(|(_, row)| row.drawer).sum();
        assert_eq!(of(AccountKind::Cash), -drawers, "the cash of the drawers");
    }
}

impl Till {
    /// What the receipts say of each band's deposit, the reversed ones with their signs turned, is
    /// what is kept for it, or was forfeited.
    fn check_deposits(&self) {
        let mut paid: BTreeMap<&Uid, Money> = BTreeMap::new();
        for line in self.receipts.iter().flat_map(|receipt| &receipt.lines) {
            if let Sells::Deposit { uid } | Sells::DepositBack { uid } = &line.sells {
                let sum = paid.entry(uid).or_default();
                *sum = *sum + line.gross;
            }
        }
        let mut gone = Money::ZERO;
        for (uid, paid) in paid {
            let row = self.world.state.tables.deposits.peek(uid);
            let kept = row.map_or(Money::ZERO, |row| row.amount);
            gone = gone + (paid - kept);
            let lost = self.posted(Purpose::Forfeit) > 0 && paid >= kept;
            assert!(kept == paid || lost, "the deposit for {uid}: {kept:?} of {paid:?}");
        }
        let forfeits = self.transactions.iter().filter(|one| one.purpose == Purpose::Forfeit);
        let accounts = &self.world.state.tables.accounts;
        let is_deposits =
            |id| accounts.peek(id).is_some_and(|row| row.kind == AccountKind::Deposits);
        let postings = forfeits.flat_map(|one| &one.postings);
        let postings = postings.filter(|posting| is_deposits(&posting.account));
        let forfeited: Money = postings.map(|posting| -posting.amount).sum();
        assert_eq!(gone, forfeited, "what was forfeited");
    }

    /// So much time goes by.
    pub(crate) fn later(&mut self, span: Span) {
        let at = self.world.now.plus(span);
        self.world.wait(at);
        self.keep();
    }

    /// Somebody comes in and leaves, if they may.
    pub(crate) fn passes(&mut self, band: &str) {
        self.goes(band, Direction::Entry);
        self.goes(band, Direction::Exit);
    }

    /// Somebody goes through the gate, if they may.
    pub(crate) fn goes(&mut self, band: &str, direction: Direction) {
        self.world.read("G1", direction, band);
        self.keep();
        if self.world.decision.as_ref().unwrap().verdict.outcome.opens() {
            let way = if direction == Direction::Entry { "in" } else { "out" };
            self.world.passed("G1", way, self.world.now);
            self.keep();
        }
    }
}

pub(crate) fn named(kind: AccountKind, subject: &str) -> String {
    if subject.is_empty() { kind.name().to_owned() } else { format!("{}:{subject}", kind.name()) }
}

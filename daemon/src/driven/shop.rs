//! A small site that sells: gates from the street, tills, people with wallets, and the shipped
//! rules.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context, anyhow};
use domain::{
    event::{DeviceEvent, Direction, Happening, Transit},
    facts::Policy,
    ids::{AccountId, CredentialId, DeviceId, GoodId, MemberId, PassId, TariffId, Uid},
    money::{Currency, Money, Vat},
    order::{Line, Order, Rest, Sells, What},
    rows::{
        Credential, CredentialKind, CredentialState, Good, Language, Member, Operator, Pass,
        PassKey, PassState, Person, PinDigest, Tariff, TariffKey,
    },
    site::{Gate, Site, TerminalKind},
    state::ImportRow,
    time::{Clock, Timestamp},
};
use rules::{
    bundle::{Bundle, SourceFile},
    load::{Names, load},
    shipped::SHIPPED,
};
use uuid::Uuid;

use crate::{clock::RealClock, commands::init::SITE_SETTINGS};

/// What an entry costs, and a towel.
pub(crate) const PRICE: Money = Money(800);
/// The code of the one cashier; here a code is its own digest.
const PIN: &str = "2468";
const ACTIONS: &str = "sale, topup, refund, void, take_payment, cash_session, cash_pickup, \
                       balance_adjust, register_member";

/// A gate.
pub(crate) fn gate(number: u32) -> DeviceId {
    format!("gate-{number}").into()
}

/// A till.
pub(crate) fn till(number: u32) -> DeviceId {
    format!("till-{number}").into()
}

/// A card of somebody, by its number.
pub(crate) fn card(member: u32, card: u32) -> Uid {
    format!("{member:08}{card:02}").into()
}

/// The site with so many gates and tills.
pub(crate) fn site(gates: u32, tills: u32) -> anyhow::Result<Site> {
    let zone = jiff::tz::TimeZone::get("Asia/Tbilisi")?;
    let currency = Currency::of("GEL").context("no GEL")?;
    let leads_in = || Gate { drops_repeats: true, ..Gate::new(None, "site".into()) };
    Ok(Site {
        zones: BTreeMap::from([("site".into(), None)]),
        gates: (1..=gates).map(|number| (gate(number), leads_in())).collect(),
        terminals: (1..=tills).map(|number| (till(number), TerminalKind::Till)).collect(),
        vat: Vat(1800),
        band_deposit: Money(1000),
        cash_step: Money(5),
        ..Site::new("shop".to_owned(), zone, currency)
    })
}

/// The settings of such a site: always open, with grants that outlast a round.
pub(crate) fn settings(site: &Site) -> String {
    let mut text = "set(\"time.access_windows\", \"always\");\n".to_owned();
    let tills: Vec<_> = site.terminals.keys().map(ToString::to_string).collect();
    if !tills.is_empty() {
        text += &format!(
            "set(\"cash.drawer_max\", \"900000.00\");\n\
             set(\"wallet.min_balance\", \"0.00\");\n\
             set(\"wallet.max_balance\", \"900000.00\");\n\
             set(\"operator.allowed_actions\", \"{ACTIONS}\", role(\"cashier\"));\n\
             set(\"operator.allowed_terminals\", \"{}\", role(\"cashier\"));\n\
             set(\"operator.two_person_actions\", \"refund_over_limit\");\n\
             set(\"sale.max_discount_percent\", 20, role(\"cashier\"));\n\
             set(\"sale.refund_max_amount\", \"500.00\", role(\"cashier\"));\n",
            tills.join(", ")
        );
    }
    for till in tills {
        let allowed = "terminal.allowed_actions";
        text += &format!("set(\"{allowed}\", \"{ACTIONS}\", terminal(\"{till}\"));\n");
    }
    for gate in site.gates.keys() {
        text += &format!("set(\"gate.passage_timeout\", \"PT1M\", device(\"{gate}\"));\n");
    }
    text
}

/// The shipped rules with the site's settings.
pub(crate) fn policy(site: &Site) -> anyhow::Result<Arc<dyn Policy>> {
    let file = |(name, text): &(&str, &str)| {
        let text = if *name == SITE_SETTINGS { settings(site) } else { (*text).to_owned() };
        SourceFile { name: (*name).to_owned(), text }
    };
    let roles = ["cashier".to_owned()].into();
    let names = Names { roles, ..Names::of_site(site) };
    let bundle = Bundle::of(SHIPPED.iter().map(file));
    match load(&bundle, &names) {
        Ok(checked) => Ok(Arc::new(checked.set)),
        Err(problems) => Err(anyhow!("the rules of the shop do not load: {problems:?}")),
    }
}

fn id(kind: u128, number: u32) -> Uuid {
    // A wallet's receivable differs in one bit of the lower half.
    Uuid::from_u128((0x5A << 120) | (u128::from(number) << 64) | kind)
}

/// Somebody's wallet.
pub(crate) fn wallet(member: u32) -> AccountId {
    AccountId(id(1, member))
}

/// Somebody's cards.
pub(crate) fn cards(member: u32, count: u32) -> impl Iterator<Item = Uid> {
    (0..count).map(move |number| card(member, number))
}

/// What is sold, and the cashier.
pub(crate) fn catalogue() -> Vec<ImportRow> {
    let key = TariffKey { tariff: TariffId::from("visit"), version: 1 };
    let code = || Some(PinDigest(PIN.into()));
    let operator = Operator {
        roles: Box::new(["cashier".into()]),
        uid: None,
        pin: code(),
        band_pin: None,
        member: None,
    };
    vec![
        ImportRow::Tariff(key, Tariff::new(Box::new(["site".into()]), PRICE)),
        ImportRow::Good(GoodId::from("towel"), Good { price: PRICE, ..Good::default() }),
        ImportRow::Operator("nino".into(), operator),
    ]
}

/// Somebody with a wallet, a pass that pays so many visits or all of them, and cards.
pub(crate) fn person(
    number: u32,
    balance: Money,
    visits: Option<u32>,
    cards: impl IntoIterator<Item = Uid>,
) -> Vec<ImportRow> {
    let (member, account) = (MemberId(id(0, number)), wallet(number));
    let row = Member {
        number,
        birth: Some(jiff::civil::date(1990, 5, 17)),
        blocked: false,
        language: Language::En,
        groups: Box::default(),
        account,
        certificate_until: None,
        reduced_mobility: false,
        medical: false,
        kin: None,
    };
    let pass = Pass {
        tariff: TariffId::from("visit"),
        tariff_version: 1,
        state: PassState::Active,
        valid_from: jiff::civil::date(2020, 1, 1),
        valid_until: None,
        visits_left: visits,
        visits_reserved: 0,
        paid: Money::ZERO,
        sale: None,
    };
    let debt_since = (balance < Money::ZERO).then(|| RealClock.now());
    let name = format!("N{number}");
    let person = Person { name: name.clone(), name_latin: name, ..Person::default() };
    let mut rows = vec![
        ImportRow::Wallet { account, balance, debt_since },
        ImportRow::Member(member, row, person),
        ImportRow::Pass(PassKey { member, pass: PassId(id(2, number)) }, pass),
    ];
    rows.extend((3..).zip(cards).map(|(kind, uid)| {
        let credential = Credential {
            id: CredentialId(id(kind, number)),
            member,
            state: CredentialState::Active,
            valid_from: None,
            valid_until: None,
            party_size: 1,
            kind: CredentialKind::Card,
            adult: false,
            collected: false,
            extras: None,
        };
        ImportRow::Credential(uid, credential)
    }));
    rows
}

/// What a device says.
pub(crate) fn event(
    device: DeviceId,
    (boot, seq): (u64, u64),
    happening: Happening,
) -> DeviceEvent {
    let received: Timestamp = RealClock.now();
    DeviceEvent {
        device,
        boot,
        seq,
        device_time: None,
        received,
        transit: Transit::Straight,
        happening,
    }
}

/// A card is read on the way in.
pub(crate) const fn read(uid: Uid) -> Happening {
    Happening::CredentialRead { direction: Direction::Entry, uid, pin: None }
}

/// One towel, paid by the wallet.
pub(crate) fn towel(buyer: Uid) -> What {
    What::Sale {
        buyer: Some(buyer),
        lines: vec![Line::of(Sells::Good(GoodId::from("towel")))],
        cash: Money::ZERO,
        card: Money::ZERO,
        rest: Rest::Wallet,
        age_shown: None,
    }
}

/// What the cashier orders.
pub(crate) fn order(what: What) -> Box<Order> {
    Box::new(Order { operator: "nino".into(), second: None, what })
}

/// What the cashier orders at a desk, with the code.
#[cfg(test)]
pub(crate) fn signed(terminal: DeviceId, what: What) -> domain::state::Input {
    domain::state::Input::SignedOrder {
        terminal,
        order: order(what),
        pin: PinDigest(PIN.into()),
        key: None,
    }
}

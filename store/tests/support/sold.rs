//! Rows of what tills sell and keep.

use std::collections::BTreeMap;

use domain::{
    deposits::IfLost,
    ids::{GoodId, PriceListId, TariffId, Uid},
    money::{Money, Vat},
    rows::{
        BandDeposit, Drawer, Earning, EarningKey, Good, PriceList, ReceiptKey, Returned, Session,
    },
    state::Changes,
};
use jiff::civil::date;

use super::{NOW, change};

fn session() -> Session {
    Session {
        cash_in: Money(100),
        paid: BTreeMap::from([("cash".to_owned(), Money(-5))]),
        ..Session::new(3, "nino".into(), NOW, Money(10_000))
    }
}

pub(crate) fn sold_rows() -> Changes {
    let key = |number| ReceiptKey { till: "till-1".into(), number };
    let towel = Good {
        name: "პირსახოცი".to_owned(), vat: Some(Vat(1800)), ..Good::default()
    };
    let list = PriceList {
        windows: "Mon-Fri 07:00-12:00".to_owned(),
        rank: -1,
        prices: BTreeMap::from([("towel".to_owned(), Money(300))]),
    };
    let open = Drawer { receipts: 17, sessions: 3, session: Some(session()) };
    let day = EarningKey { day: date(2026, 9, 15), tariff: TariffId::from("month") };
    Changes {
        goods: vec![change(GoodId::from("towel"), 1, towel)],
        price_lists: vec![change(PriceListId::from("morning"), 1, list)],
        drawers: vec![
            change("till-1".into(), 1, open),
            change("till-2".into(), 1, Drawer::default()),
        ],
        returned: vec![change(
            key(u64::from(u32::MAX)),
            1,
            Returned { counts: vec![0, 2], times: 1, at: NOW, ..Returned::default() },
        )],
        deposits: vec![change(
            Uid::from("04A1"),
            1,
            BandDeposit {
                amount: Money(500),
                member: None,
                at: NOW,
                receipt: Some(key(9)),
                if_lost: IfLost::Returned,
            },
        )],
        earnings: vec![change(day, 1, Earning { amount: Money(333), due: NOW })],
        ..Changes::default()
    }
}

//! Orders at tills, as they are asked for at random.

use std::collections::BTreeSet;

use domain::{
    facts::EventKind,
    money::Money,
    reasons::Reason,
    till::{SeenOperator, SeenOrder, SeenSecond},
};

use crate::{
    cases::Maker,
    profile::{ACTS, CODES, ROLES, TERMINALS, one, some},
};

impl Maker<'_> {
    fn operator(&mut self, login: &str) -> SeenOperator {
        let roles: BTreeSet<String> = some(self.rng, ROLES, 60);
        SeenOperator {
            login: login.into(),
            roles: roles.into_iter().map(Into::into).collect(),
            favoured: self.chance(6),
        }
    }

    /// An order of a kind.
    pub(crate) fn order(&mut self, kind: EventKind, known: bool) -> SeenOrder {
        let action = match kind {
            EventKind::Operator => one(self.rng, &ACTS[3..]),
            _ => kind.name(),
        };
        let wallet = if self.chance(80) { self.amount() } else { Money::ZERO };
        let cash = if self.chance(60) { self.amount() } else { Money::ZERO };
        let cash = if self.chance(8) { -cash } else { cash };
        let drawer = self.amount();
        let drawer = if self.chance(30) { Money(drawer.0 * 120 / 100) - cash } else { drawer };
        let named = known || self.chance(50);
        let codes = if kind == EventKind::Operator {
            let named = some(self.rng, CODES, 12);
            named.iter().filter_map(|code| Reason::of(code)).collect()
        } else {
            Vec::new()
        };
        let is_sale = kind == EventKind::Sale;
        SeenOrder {
            terminal: one(self.rng, TERMINALS).into(),
            online: !self.chance(6),
            drawer,
            named,
            action: action.to_owned(),
            operator: self.chance(97).then(|| self.operator("nino")),
            second: self
                .chance(45)
                .then(|| SeenSecond { operator: self.operator("levan"), counts: self.chance(85) }),
            approver: (is_sale && self.chance(35)).then(|| self.operator("maka")),
            wallet,
            cash,
            from_wallet: kind == EventKind::Refund,
            loads: Money::ZERO,
            discount_line: 0,
            category_lines: Vec::new(),
            discount: if is_sale { one(self.rng, &[0, 0, 10, 11, 15, 16, 100]) } else { 0 },
            categories: if is_sale {
                some(self.rng, &["alcohol", "tobacco", "games", "food"], 20).into_iter().collect()
            } else {
                Vec::new()
            },
            age_shown: self.chance(25).then(|| one(self.rng, &[11, 12, 15, 16, 17, 18, 20, 21])),
            codes,
            at_exit: kind == EventKind::Operator && self.chance(30),
            waived: Money::ZERO,
        }
    }
}

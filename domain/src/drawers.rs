//! Drawers: sessions of cashiers, cash in and out, and counting.

use crate::{
    ids::DeviceId,
    ledger::Purpose,
    money::Money,
    order::CashOrder,
    rows::{AccountKind, Session},
    sales::Sale,
    state::Noted,
    step::{Message, Step},
};

impl Step<'_> {
    /// Why a drawer cannot be opened, filled, emptied or counted so.
    pub(crate) fn cash_obstacle(&mut self, till: &DeviceId, cash: &CashOrder) -> Option<String> {
        let session = self.drawer(till).session;
        let holds = self.state.tables.terminals.read(till).map_or(Money::ZERO, |row| row.drawer);
        let amount = match cash {
            CashOrder::Open { float } => *float,
            CashOrder::PutIn { amount, .. } | CashOrder::TakeOut { amount, .. } => *amount,
            CashOrder::Close { counted } => *counted,
        };
        if amount.minor() % self.state.site.cash_step.minor().max(1) != 0 {
            return Some("no coin is so small".to_owned());
        }
        match (cash, session) {
            (CashOrder::Open { .. }, Some(session)) => Some(format!(
                "session {} of `{}` is open here; close it first",
                session.number, session.operator
            )),
            (CashOrder::Close { .. }, None) => Some("no session is open here".to_owned()),
            (CashOrder::TakeOut { amount, .. }, _) if *amount > holds => {
                let holds = self.state.site.currency.exact(holds);
                Some(format!("the drawer holds {holds}"))
            }
            (CashOrder::PutIn { reason, .. } | CashOrder::TakeOut { reason, .. }, _)
                if reason.trim().is_empty() =>
            {
                Some("say why".to_owned())
            }
            _ => None,
        }
    }

    /// Opens, fills, empties or counts a drawer.
    pub(crate) fn move_cash(&mut self, message: &Message, sale: &Sale<'_>, cash: &CashOrder) {
        match cash {
            CashOrder::Open { float } => {
                let known = self.state.tables.terminals.read(sale.till);
                let holds = known.map_or(Money::ZERO, |row| row.drawer);
                let mut drawer = self.drawer(sale.till);
                drawer.sessions += 1;
                let number = drawer.sessions;
                let session = Session::new(number, sale.operator.clone(), sale.at, *float);
                drawer.session = Some(session);
                self.state.tables.drawers.put(sale.till.clone(), drawer);
                // What the float brings, or leaves out, comes from the safe and goes there.
                self.cash_moves(sale, *float - holds, "float");
            }
            CashOrder::PutIn { amount, reason } => {
                self.session(sale.till, sale.operator);
                self.cash_moves(sale, *amount, reason);
                self.in_session(sale.till, |session| session.cash_in = session.cash_in + *amount);
            }
            CashOrder::TakeOut { amount, reason } => {
                self.session(sale.till, sale.operator);
                self.cash_moves(sale, -*amount, reason);
                self.in_session(sale.till, |session| session.cash_out = session.cash_out + *amount);
            }
            CashOrder::Close { counted } => self.close_session(message, sale, *counted),
        }
    }

    pub(crate) fn in_session(&mut self, till: &DeviceId, change: impl FnOnce(&mut Session)) {
        let mut drawer = self.drawer(till);
        if let Some(session) = &mut drawer.session {
            change(session);
            self.state.tables.drawers.put(till.clone(), drawer);
        }
    }

    /// Cash between the safe and a drawer; below zero it leaves the drawer.
    fn cash_moves(&mut self, sale: &Sale<'_>, into: Money, why: &str) {
        let cash = self.site_account(AccountKind::Cash, sale.till.as_str());
        let safe = self.site_account(AccountKind::Safe, "");
        let mut booking = sale.booking(Purpose::CashMove);
        why.clone_into(&mut booking.note);
        self.post(booking, &[(cash, -into), (safe, into)]);
        self.count_cash(sale.till, into);
    }

    /// The drawer is counted: what is missing or too much is booked, and the session is over.
    fn close_session(&mut self, message: &Message, sale: &Sale<'_>, counted: Money) {
        let known = self.state.tables.terminals.read(sale.till);
        let holds = known.map_or(Money::ZERO, |row| row.drawer);
        let mut drawer = self.drawer(sale.till);
        let Some(session) = drawer.session.take() else { return };
        self.state.tables.drawers.put(sale.till.clone(), drawer);
        let more = counted - holds;
        let cash = self.site_account(AccountKind::Cash, sale.till.as_str());
        let difference = self.site_account(AccountKind::CashDifference, sale.till.as_str());
        self.post(sale.booking(Purpose::CashCount), &[(cash, -more), (difference, more)]);
        self.count_cash(sale.till, more);
        let (expected, session) = (holds, Box::new(session));
        self.journal(message, Noted::SessionClosed { session, expected, counted });
    }
}

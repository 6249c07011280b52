//! Orders at tills: what the specification says of them.

use domain::{facts::EventKind, reasons::Reason, rows::CredentialState, till::SeenOrder};

use crate::{
    answer::{Asked, Class, lifts},
    profile::Val,
    resolve::Who,
};

impl Asked<'_> {
    /// Rows 28 to 30, 46 to 49, and 50 to 54.
    pub(crate) fn order(&mut self, order: &SeenOrder) {
        self.payer(order);
        let kind = self.seen.kind;
        let costs = order.wallet.0;
        match kind {
            EventKind::Sale => {
                self.spending(costs);
                if order.discount > self.int(46) {
                    self.find("DISCOUNT_NEEDS_APPROVAL", Class::Deny);
                }
                self.goods(order);
                let Val::Offline([_, _, sale]) = self.value(58) else { return };
                if !order.online && sale == 2 {
                    self.find("DEVICE_OFFLINE", Class::Deny);
                }
            }
            EventKind::Topup if self.bill.balance + costs > self.int(29) => {
                self.find("WALLET_MAX_EXCEEDED", Class::Deny);
            }
            EventKind::Refund => {
                if costs > self.bill.balance {
                    self.find("WALLET_LIMIT_EXCEEDED", Class::Deny);
                }
                if costs > self.int(47) && !self.is_confirmed(order) {
                    self.find("REFUND_NEEDS_APPROVAL", Class::Deny);
                }
            }
            _ => {}
        }
        let (drawer, limit) = (order.drawer.0 + order.cash.0, self.int(49));
        let counts = matches!(kind, EventKind::Sale | EventKind::Topup | EventKind::Operator);
        if counts && order.cash.0 > 0 && drawer > limit {
            let over = i128::from(drawer) * 100 > i128::from(limit) * 120;
            self.find("CASH_DRAWER_LIMIT", if over { Class::Deny } else { Class::Warn });
        }
        self.rights(order);
    }

    /// Whose card or wallet it is: rows 1 and 2, and no wallet of nobody's or a dead band's.
    fn payer(&mut self, order: &SeenOrder) {
        let wallet = match self.seen.kind {
            EventKind::Sale => order.wallet.0 != 0,
            // An operator acts by his own right.
            EventKind::Operator => return,
            _ => true,
        };
        match self.seen.holder.as_ref().map(|holder| holder.state) {
            None if wallet || order.named => self.find("CREDENTIAL_UNKNOWN", Class::Deny),
            Some(CredentialState::Lost | CredentialState::Stolen) => {
                self.find("CREDENTIAL_LOST_STOLEN", Class::Deny);
            }
            Some(CredentialState::Blocked | CredentialState::Returned) if wallet => {
                self.find("CREDENTIAL_NOT_VALID_NOW", Class::Deny);
            }
            _ => {}
        }
    }

    /// Row 48.
    fn goods(&mut self, order: &SeenOrder) {
        let Val::Ages(ages) = self.value(48) else { return };
        let asked = order.categories.iter().filter_map(|name| ages.get(name)).max();
        let age = order.age_shown.or_else(|| self.seen.holder.as_ref()?.age);
        let asked = asked.copied().unwrap_or(0);
        if asked > 0 && age.is_none_or(|age| age < asked) {
            self.find("AGE_RESTRICTED_ITEM", Class::Deny);
        }
    }

    /// Rows 50 to 54.
    fn rights(&mut self, order: &SeenOrder) {
        let known = order.operator.as_ref().is_some_and(|operator| !operator.favoured);
        if !known || !self.names(50, &order.action) {
            self.find("OPERATOR_NOT_PERMITTED", Class::Deny);
        }
        if !self.names(51, order.terminal.as_str()) || !self.names(54, &order.action) {
            self.find("TERMINAL_NOT_PERMITTED", Class::Deny);
        }
        let acts = matches!(self.seen.kind, EventKind::Operator | EventKind::Refund);
        let asked = self.found.contains(&("DISCOUNT_NEEDS_APPROVAL", Class::Deny));
        let late = !asked && order.second.as_ref().is_some_and(|second| !second.counts);
        if late || (acts && self.takes_two(order) && !self.is_confirmed(order)) {
            self.find("SECOND_OPERATOR_REQUIRED", Class::Deny);
        }
        // Whoever is held for his identity is let out by any of the staff (section 8.2).
        let held = |code: &str| matches!(code, "CREDENTIAL_UNKNOWN" | "CREDENTIAL_LOST_STOLEN");
        let may = |code: &Reason| {
            (lifts(code.code()) > 0 && self.names(52, code.code()))
                || (order.at_exit && held(code.code()))
        };
        if self.seen.kind == EventKind::Operator && !order.codes.iter().all(may) {
            self.find("OVERRIDE_NOT_ALLOWED", Class::Deny);
        }
    }

    fn is_confirmed(&self, order: &SeenOrder) -> bool {
        let Some(second) = &order.second else { return false };
        let who = Who { roles: &second.operator.roles, ..self.who.clone() };
        let covers = order.action != "refund" || order.wallet.0 <= self.profile.int(47, &who);
        let may = self.profile.names(50, &who, &order.action);
        second.counts && !second.operator.favoured && may && covers
    }

    /// Whether a second person had to confirm, and did.
    pub(crate) fn is_seconded(&self) -> bool {
        let Some(order) = &self.seen.order else { return false };
        let acts = matches!(self.seen.kind, EventKind::Operator | EventKind::Refund);
        acts && self.takes_two(order) && self.is_confirmed(order)
    }

    fn takes_two(&self, order: &SeenOrder) -> bool {
        self.names(53, &order.action)
            || order.action == "emergency_reset"
            || (order.action == "refund" && order.wallet.0 > self.int(47))
            || order.codes.iter().any(|code| lifts(code.code()) == 2)
    }

    /// Whether the approver of a sale may lift a code.
    pub(crate) fn is_approved(&self, code: &str) -> bool {
        let Some(order) = &self.seen.order else { return false };
        let approver = order.approver.as_ref().filter(|one| !one.favoured);
        let Some(approver) = approver else { return false };
        let who = Who { roles: &approver.roles, ..self.who.clone() };
        let covered = order.discount <= self.profile.int(46, &who);
        self.profile.names(52, &who, code) && (code != "DISCOUNT_NEEDS_APPROVAL" || covered)
    }
}

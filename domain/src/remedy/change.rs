//! One thing that could be different: what it asks of people, and what it makes of what a request
//! saw.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{AccountId, GroupId, LockerId, OperatorId, PassId},
    money::Money,
    reasons::{Override, Reason},
    rows::PassState,
    seen::{Relative, Seen, SeenPin, SeenWallet},
    till::{SeenOperator, SeenSecond},
    time::Timestamp,
};

/// How much a change asks for, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    /// A few minutes.
    Wait,
    /// What the guest, or whoever stands at the till, can do at once.
    SelfHelp,
    /// Money.
    Pay,
    /// Somebody of the staff.
    Staff,
    /// A manager, or two of the staff.
    Manager,
}

/// One thing that could be different.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// The request comes at this instant, at most 15 minutes later on the same local day.
    Wait {
        /// When.
        until: Timestamp,
    },
    /// The code of the card is given with it.
    EnterPin,
    /// The band goes into the slot.
    ReturnBand,
    /// Lockers are left empty and open.
    FreeLockers {
        /// Which.
        lockers: Vec<LockerId>,
    },
    /// So many adults of the same party come along.
    BringAdults {
        /// How many.
        adults: u8,
    },
    /// Somebody who may pick the child up reads at the gate.
    FetchGuardian,
    /// A document shows that the buyer is old enough.
    ShowDocument {
        /// The age in years that is asked for.
        age: i64,
    },
    /// No more than this is loaded.
    LoadAtMost {
        /// The most.
        amount: Money,
    },
    /// Cash or card pays instead of the wallet.
    PayOtherwise {
        /// The whole amount.
        amount: Money,
    },
    /// The least that has to be paid of what is owed.
    Pay {
        /// Whose debt.
        account: AccountId,
        /// How much.
        amount: Money,
    },
    /// The least that has to be put into the wallet.
    TopUp {
        /// Which.
        account: AccountId,
        /// How much.
        amount: Money,
    },
    /// A pass of the same tariff is bought.
    BuyPass {
        /// The pass that it is like.
        like: PassId,
    },
    /// An operator compares the face with the photo.
    CheckPhoto,
    /// The desk takes a new medical certificate.
    RecordCertificate,
    /// The desk releases a locker from its time.
    ReleaseLocker {
        /// Which.
        locker: LockerId,
    },
    /// The cash is picked up.
    PickUpCash,
    /// Somebody with one of these roles does it.
    OtherOperator {
        /// The roles.
        roles: Vec<GroupId>,
    },
    /// Somebody with one of these roles confirms it, too.
    SecondPerson {
        /// The roles.
        roles: Vec<GroupId>,
    },
    /// Somebody with one of these roles lifts the reason.
    Lift {
        /// Which.
        reason: Reason,
        /// The roles.
        roles: Vec<GroupId>,
    },
    /// The staff ends a hold after checking who the person is.
    CheckIdentity {
        /// The reason of the hold.
        reason: Reason,
    },
}

impl Change {
    /// What it asks for.
    #[must_use]
    pub const fn effort(&self) -> Effort {
        match self {
            Self::Wait { .. } => Effort::Wait,
            Self::EnterPin
            | Self::ReturnBand
            | Self::FreeLockers { .. }
            | Self::BringAdults { .. }
            | Self::FetchGuardian
            | Self::ShowDocument { .. }
            | Self::LoadAtMost { .. } => Effort::SelfHelp,
            Self::PayOtherwise { .. }
            | Self::Pay { .. }
            | Self::TopUp { .. }
            | Self::BuyPass { .. } => Effort::Pay,
            Self::Lift { reason, .. } => match reason.spec().overridable {
                Override::Operator => Effort::Staff,
                _ => Effort::Manager,
            },
            Self::SecondPerson { .. } => Effort::Manager,
            Self::CheckPhoto
            | Self::RecordCertificate
            | Self::ReleaseLocker { .. }
            | Self::PickUpCash
            | Self::OtherOperator { .. }
            | Self::CheckIdentity { .. } => Effort::Staff,
        }
    }

    /// What the request sees once it is so.
    pub fn apply(&self, seen: &mut Seen) {
        match self {
            Self::Wait { until } => {
                seen.at = *until;
                // The passage in progress ends, or its time is out.
                if let Some(holder) = &mut seen.holder {
                    holder.presence.pending_since = None;
                }
            }
            Self::FreeLockers { lockers } => {
                if let Some(holder) = &mut seen.holder {
                    holder.lockers.retain(|one| !lockers.contains(&one.id));
                }
            }
            Self::ReleaseLocker { locker } => {
                let held = seen.holder.iter_mut().flat_map(|holder| &mut holder.lockers);
                let all = held.chain(&mut seen.locker).filter(|one| one.id == *locker);
                all.for_each(|one| one.released = true);
            }
            Self::Pay { account, amount } => {
                each_wallet(seen, *account, |wallet| wallet.pay(*amount));
            }
            Self::TopUp { account, amount } => {
                each_wallet(seen, *account, |wallet| wallet.balance = wallet.balance + *amount);
            }
            Self::Lift { roles, .. } if seen.order.is_some() => {
                if let Some(order) = &mut seen.order {
                    order.approver = somebody(roles);
                }
            }
            Self::Lift { reason, .. } | Self::CheckIdentity { reason } => {
                let nobody = || (OperatorId::from(""), Vec::new());
                seen.lifted.get_or_insert_with(nobody).1.push(*reason);
            }
            Self::ShowDocument { .. }
            | Self::LoadAtMost { .. }
            | Self::PayOtherwise { .. }
            | Self::PickUpCash
            | Self::OtherOperator { .. }
            | Self::SecondPerson { .. } => self.apply_to_order(seen),
            Self::EnterPin
            | Self::ReturnBand
            | Self::BringAdults { .. }
            | Self::FetchGuardian
            | Self::BuyPass { .. }
            | Self::CheckPhoto
            | Self::RecordCertificate => self.apply_to_holder(seen),
        }
    }

    fn apply_to_holder(&self, seen: &mut Seen) {
        let Some(holder) = &mut seen.holder else { return };
        match self {
            Self::EnterPin => holder.pin = SeenPin::Right,
            Self::ReturnBand => holder.collected = true,
            Self::FetchGuardian => holder.picked_up = true,
            Self::CheckPhoto => holder.photo = true,
            Self::RecordCertificate => holder.certificate_until = Some(jiff::civil::Date::MAX),
            Self::BringAdults { adults } => {
                let adult = Relative { age: None, adult: true, inside: true, behind: true };
                let family = holder.family.get_or_insert_default();
                family.others.extend((0..*adults).map(|_| adult));
            }
            Self::BuyPass { like } => {
                let bought = holder.passes.iter().find(|(id, ..)| id == like).cloned();
                let Some((_, mut pass, tariff)) = bought else { return };
                (pass.state, pass.valid_until) = (PassState::Active, None);
                pass.visits_left = pass.visits_left.map(|_| 1);
                pass.visits_reserved = 0;
                holder.passes.push((PassId(uuid::Uuid::nil()), pass, tariff));
            }
            _ => {}
        }
    }

    fn apply_to_order(&self, seen: &mut Seen) {
        let Some(order) = &mut seen.order else { return };
        match self {
            Self::ShowDocument { age } => order.age_shown = Some(*age),
            Self::PayOtherwise { .. } => order.wallet = Money::ZERO,
            Self::PickUpCash => order.drawer = Money::ZERO,
            Self::LoadAtMost { amount } => {
                order.wallet = *amount;
                order.cash = order.cash.min(*amount);
            }
            Self::OtherOperator { roles } => order.operator = somebody(roles),
            Self::SecondPerson { roles } => {
                let confirmed = |operator| SeenSecond { operator, counts: true };
                order.second = somebody(roles).map(confirmed);
            }
            _ => {}
        }
    }
}

/// Somebody with the first of these roles.
fn somebody(roles: &[GroupId]) -> Option<SeenOperator> {
    let roles = roles.first().cloned()?;
    Some(SeenOperator { login: OperatorId::from(""), roles: [roles].into(), favoured: false })
}

/// Changes the wallet of this account, the holder's own or the family's.
fn each_wallet(seen: &mut Seen, account: AccountId, change: impl Fn(&mut SeenWallet)) {
    let Some(holder) = &mut seen.holder else { return };
    let family = holder.family.iter_mut().map(|family| &mut family.wallet);
    let all = family.chain([&mut holder.wallet]);
    all.filter(|wallet| wallet.account == Some(account)).for_each(change);
}

impl SeenWallet {
    /// Unpaid charges first, then the negative wallet, as a payment is booked.
    fn pay(&mut self, amount: Money) {
        let first = amount.min(Money::ZERO.max(self.unpaid));
        self.unpaid = self.unpaid - first;
        self.balance = self.balance + (amount - first);
    }
}

//! The rows that decisions depend on. All of them are durable and versioned; names and phones are
//! not among them.

mod gates;
mod people;

pub use gates::{
    Allowance, Charge, ChargeFor, DeviceState, Emergency, Hold, HoldKey, LastRead, Locker, Mark,
    MarkKey, Occupancy, Presence, ReaderKey, Reservation, ReservationKey, ReservationState, Taken,
    Terminal, Visit,
};
pub use people::{
    Account, AccountKind, Credential, CredentialState, ENTRY_REVENUE, Language, Member, OPENING,
    OVERSTAY_REVENUE, Pass, PassKey, PassState, Person, TAKINGS, Tariff, TariffKey, Visits,
};

//! The rows that decisions depend on. All of them are durable and versioned; names and phones are
//! not among them.

mod gates;
mod people;

pub use gates::{
    Charge, DeviceState, Emergency, LastRead, Locker, Mark, MarkKey, Occupancy, Presence,
    ReaderKey, Reservation, ReservationKey, ReservationState, Taken, Visit,
};
pub use people::{
    Account, AccountKind, Credential, CredentialState, ENTRY_REVENUE, Language, Member, OPENING,
    Pass, PassKey, PassState, Person, Tariff, TariffKey, Visits,
};

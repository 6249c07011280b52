//! The rows that decisions depend on. All of them are durable and versioned; names and phones are
//! not among them.

mod gates;
mod money;
mod people;

pub use gates::{
    Allowance, Charge, ChargeFor, DeviceState, Emergency, Hold, HoldKey, LastRead, Left, Locker,
    Mark, MarkKey, Occupancy, Presence, ReaderKey, Reservation, ReservationKey, ReservationState,
    Taken, Terminal, Visit, Waiting, WaitingKey, WaitsFor,
};
pub use money::{
    Account, AccountKind, ENTRY_REVENUE, OPENING, OVERSTAY_REVENUE, SURCHARGE_REVENUE, Spending,
    TAKINGS,
};
pub use people::{
    Attempts, Credential, CredentialKind, CredentialState, Exempted, Exemption, Extras, Family,
    Guests, Kin, Language, Member, Pass, PassKey, PassState, Person, PinDigest, Tariff, TariffKey,
    Visits,
};

//! The rows that decisions depend on. All of them are durable and versioned; names and phones are
//! not among them.

mod desk;
mod devices;
mod gates;
mod imports;
mod money;
mod params;
mod people;
mod person;
mod sales;
mod tariffs;

pub use desk::{AnswerKey, Answered, OrderKey, PendingOrder, Terminal, Token};
pub(crate) use devices::Dated;
pub use devices::{DeviceClock, DeviceState, StrangersCounted};
pub use gates::{
    Allowance, Charge, ChargeFor, Emergency, Hold, HoldKey, LastRead, Left, Locker, Mark, MarkKey,
    Occupancy, Presence, ReaderKey, Reservation, ReservationKey, ReservationState, Taken, Visit,
    Waiting, WaitingKey, WaitsFor,
};
pub use imports::Import;
pub use money::{Account, AccountClass, AccountKind, Floor, Spending, Subject};
pub use params::{ParamKey, SetParam};
pub use people::{
    Attempts, Begun, Credential, CredentialKind, CredentialState, Exempted, Exemption, Extras,
    Family, Guests, Kin, Language, Member, Operator, PinDigest, Visits,
};
pub use person::{
    Ban, Document, DocumentKind, FileName, FoundBy, HELD_EVENTS, Held, HeldEvent, PHONES_MAX,
    Person, Pickup, WordKind,
};
pub use sales::{
    BandDeposit, Drawer, Earning, EarningKey, Good, PriceList, ReceiptKey, Returned, Session,
};
pub use tariffs::{
    Lasts, Offer, Pass, PassKey, PassSale, PassState, Tariff, TariffKey, TariffKind,
};

//! The state of a site, and what one batch changes in it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use crate::{
    batch::{Batch, Posting, Transaction},
    hold::Payment,
    journal::{Entry, HoldEnd, Noted},
};
use crate::{
    event::DeviceEvent,
    ids::{
        AccountId, CredentialId, DecisionId, DeviceId, ExemptionId, FamilyId, GoodId, IdMaker,
        ImportId, LockerId, MemberId, OperatorId, PriceListId, Uid, ZoneId,
    },
    import::{ImportLook, Looked},
    in_force::InForce,
    layered::{Change, Layered, Read},
    money::Money,
    order::Order,
    rows::{
        Account, AnswerKey, Answered, Attempts, Ban, BandDeposit, Credential, DeviceState, Drawer,
        Earning, EarningKey, Emergency, Exemption, Family, FoundBy, Good, Guests, Hold, HoldKey,
        Import, LastRead, Locker, Mark, MarkKey, Member, Occupancy, Operator, OrderKey, ParamKey,
        Pass, PassKey, PendingOrder, Person, PinDigest, Presence, PriceList, ReaderKey, ReceiptKey,
        Reservation, ReservationKey, Returned, SetParam, Spending, Tariff, TariffKey, Terminal,
        Token, Visits, Waiting, WaitingKey,
    },
    site::Site,
    time::{Span, Timestamp},
};

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident: $key:ty => $value:ty;)*) => {
        /// The tables, each with its committed rows and the batch's overlay.
        #[derive(Debug, Default)]
        pub struct Tables {
            $($(#[$doc])* pub $name: Layered<$key, $value>,)*
        }

        /// The committed rows as a store loads them: key, version, value.
        #[derive(Debug, Default)]
        pub struct Snapshot {
            $($(#[$doc])* pub $name: Vec<($key, u32, $value)>,)*
        }

        /// The changed rows of one batch.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Changes {
            $($(#[$doc])* pub $name: Vec<Change<$key, $value>>,)*
        }

        /// The rows that one batch read.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Reads {
            $(
                $(#[$doc])*
                #[serde(skip_serializing_if = "Vec::is_empty")]
                pub $name: Vec<Read<$key>>,
            )*
        }

        impl Reads {
            /// Those of `other` too.
            pub fn extend(&mut self, other: Self) {
                $(self.$name.extend(other.$name);)*
            }
        }

        impl Tables {
            /// Tables of committed rows.
            #[must_use]
            pub fn load(snapshot: Snapshot) -> Self {
                Self { $($name: Layered::load(snapshot.$name),)* }
            }
            /// The changed rows of the batch.
            #[must_use]
            pub fn changes(&self) -> Changes {
                Changes { $($name: self.$name.changes(),)* }
            }
            /// The rows that the batch read.
            #[must_use]
            pub fn reads(&self) -> Reads {
                Reads { $($name: self.$name.reads(),)* }
            }
            /// Takes the rows that were read as somebody else committed them; those missing are
            /// gone.
            pub fn reload(&mut self, reads: &Reads, rows: Snapshot) {
                $(
                    for read in &reads.$name {
                        self.$name.reload(read.key.clone(), None);
                    }
                    for (key, version, value) in rows.$name {
                        self.$name.reload(key, Some((version, value)));
                    }
                )*
            }
            /// The batch is durable.
            pub fn commit(&mut self) {
                $(self.$name.commit();)*
            }
            /// The batch is lost.
            pub fn discard(&mut self) {
                $(self.$name.discard();)*
            }
        }

        impl Changes {
            /// Whether no row changed.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                $(self.$name.is_empty())&&*
            }
            /// The rows as they were before: what a batch depends on that looked at nothing else.
            #[must_use]
            pub fn before(&self) -> Reads {
                Reads { $($name: self.$name.iter().map(Change::before).collect(),)* }
            }
            /// The rows as they are afterwards.
            #[must_use]
            pub fn after(&self) -> Reads {
                Reads { $($name: self.$name.iter().map(Change::after).collect(),)* }
            }
        }
    };
}

tables! {
    /// People.
    members: MemberId => Member;
    /// Bands, cards and tickets.
    credentials: Uid => Credential;
    /// Sold passes.
    passes: PassKey => Pass;
    /// Visits that members began lately.
    visits: MemberId => Visits;
    /// Guests that members brought lately.
    guests: MemberId => Guests;
    /// Families.
    families: FamilyId => Family;
    /// What people spent today.
    spending: MemberId => Spending;
    /// Failed second factors.
    attempts: Uid => Attempts;
    /// Exemptions.
    exemptions: ExemptionId => Exemption;
    /// Versions of tariffs.
    tariffs: TariffKey => Tariff;
    /// Goods and services.
    goods: GoodId => Good;
    /// Price lists.
    price_lists: PriceListId => PriceList;
    /// Drawers of tills, and their numbers.
    drawers: DeviceId => Drawer;
    /// What was taken back of receipts.
    returned: ReceiptKey => Returned;
    /// Deposits for bands.
    deposits: Uid => BandDeposit;
    /// What is earned of prepaid money, by day.
    earnings: EarningKey => Earning;
    /// Accounts with their balances.
    accounts: AccountId => Account;
    /// Where people are.
    presence: CredentialId => Presence;
    /// How full zones are.
    occupancy: ZoneId => Occupancy;
    /// Grants that wait for their passage, and those that ended lately.
    reservations: ReservationKey => Reservation;
    /// The last read of each reader.
    last_reads: ReaderKey => LastRead;
    /// Which messages of each device were taken.
    marks: MarkKey => Mark;
    /// What is known of devices.
    devices: DeviceId => DeviceState;
    /// Tills, desks and pay points.
    terminals: DeviceId => Terminal;
    /// Holds of credentials that have no visit.
    holds: HoldKey => Hold;
    /// Operators.
    operators: OperatorId => Operator;
    /// Tokens of overrides.
    tokens: HoldKey => Token;
    /// Values of parameters that replace those of the rule files.
    params: ParamKey => SetParam;
    /// House bans.
    bans: MemberId => Ban;
    /// Answers that were given, for orders that are sent again.
    answers: AnswerKey => Answered;
    /// Orders that wait for a second person, by their terminals.
    pending_orders: DeviceId => PendingOrder;
    /// Requests that wait for somebody else.
    waiting: WaitingKey => Waiting;
    /// Lockers.
    lockers: LockerId => Locker;
    /// Imports, those that ended too.
    imports: ImportId => Import;
    /// The emergency, if one is latched.
    emergency: () => Emergency;
}

/// The state of one site, as its only writer sees it.
#[derive(Debug)]
pub struct State {
    /// The installation.
    pub site: Arc<Site>,
    /// The tables.
    pub tables: Tables,
    /// The epoch of this run: it voids the commands of earlier ones.
    pub epoch: u64,
    /// Makes ids.
    pub ids: IdMaker,
    /// What ends by itself, by its end: an index, rebuilt from the rows.
    pub(crate) timers: crate::expiry::Timers,
    /// The numbers of members that are taken: an index, rebuilt from the rows.
    pub(crate) numbers: crate::registry::Numbers,
    /// The values in force: those of the rule files, and above them those of the rows.
    pub(crate) in_force: InForce,
    /// What this run knows beside its rows.
    pub(crate) beside: Beside,
    /// The same as the last durable batch left it.
    beside_before: Beside,
    /// How many reads of strangers devices may still have on lines of their own.
    pub(crate) strangers: crate::strangers::Strangers,
}

/// What a run knows beside its rows; of a lost batch nothing of it remains, as with them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Beside {
    /// Whether an import is being checked against the people who are there.
    pub(crate) people_closed: bool,
    /// Since when and until when the emergency was that was reset last in this run: a read that was
    /// made in it may come later.
    pub(crate) last_emergency: Option<(Timestamp, Timestamp)>,
}

impl State {
    /// The state of `site` from its committed rows.
    #[must_use]
    pub fn load(site: Arc<Site>, snapshot: Snapshot, epoch: u64, seed: u64) -> Self {
        let tables = Tables::load(snapshot);
        let timers = crate::expiry::Timers::of(&tables);
        let numbers = crate::registry::Numbers::of(&tables);
        let in_force = InForce::default();
        let ids = IdMaker::new(seed);
        let (beside, strangers) = (Beside::default(), crate::strangers::Strangers::default());
        Self {
            site,
            tables,
            epoch,
            ids,
            timers,
            numbers,
            in_force,
            beside,
            beside_before: beside,
            strangers,
        }
    }

    /// The batch is durable: its rows are the committed ones.
    pub fn commit(&mut self) {
        self.numbers.learn(&self.tables);
        self.tables.commit();
        self.timers.commit();
        self.strangers.commit();
        self.beside_before = self.beside;
    }

    /// Takes the rows of `reads` as somebody else had committed them by `now`.
    pub fn reload(&mut self, reads: &Reads, rows: Snapshot, now: Timestamp) {
        let before = self.tables.emergency.peek(&()).map(|row| row.started);
        self.numbers.extend(&rows.members);
        self.timers.stop_those_of(&self.tables, reads);
        self.tables.reload(reads, rows);
        self.timers.start_those_of(&self.tables, reads);
        if let Some(started) = before.filter(|_| self.tables.emergency.is_empty()) {
            self.beside.last_emergency = Some((started, now));
            self.beside_before = self.beside;
        }
        if !reads.params.is_empty() {
            self.forget_values();
        }
    }

    /// Others have members of these numbers.
    pub fn numbers_are_taken(&mut self, numbers: impl IntoIterator<Item = u32>) {
        self.numbers.take(numbers);
    }

    /// The batch is lost: nothing of it remains.
    pub fn discard(&mut self) {
        self.tables.discard();
        self.forget_values();
        self.timers.discard();
        self.strangers.discard();
        self.beside = self.beside_before;
    }

    /// The next instant at which something ends without anybody's doing.
    #[must_use]
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.timers.next()
    }
}

/// Everything that can wake the decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Input {
    /// A device said something.
    Device(DeviceEvent),
    /// A device said something while the store stood still: a request was answered without the
    /// rules, an exit open and an entry refused, and is recorded now.
    Unanswered(DeviceEvent),
    /// A piece of an import, at most [`IMPORT_PIECE`] rows.
    Import(Vec<ImportRow>),
    /// An import that has not begun looks at what is there.
    ImportLook(ImportLook),
    /// A rule set went live, or was refused.
    RuleSet(RuleSetNews),
    /// Somebody at a terminal orders something, and proves by a PIN who he is.
    SignedOrder {
        /// Where.
        terminal: DeviceId,
        /// What.
        order: Box<Order>,
        /// The proof.
        pin: PinDigest,
        /// What tells it from another one, where it may be sent again.
        key: Option<OrderKey>,
    },
    /// Somebody at another terminal confirms what waits for a second person.
    Confirm {
        /// Where.
        terminal: DeviceId,
        /// The terminal where it was ordered.
        ordered_at: DeviceId,
        /// The decision that he saw; nothing where he takes whatever waits.
        decision: Option<DecisionId>,
        /// Who.
        operator: OperatorId,
        /// The proof.
        pin: PinDigest,
    },
    /// Asks for the decision on what waits at a terminal for a second person.
    Waits {
        /// The terminal where it was ordered.
        ordered_at: DeviceId,
    },
    /// A till, a desk or a pay point came, went, or somebody signed in there or out.
    Terminal {
        /// Which.
        terminal: DeviceId,
        /// What is known of it now.
        state: Terminal,
    },
    /// Our own clock jumped.
    ClockStepped {
        /// How far; below zero it was set back.
        by: Span,
    },
    /// An operator compared the face of somebody who waits with the photo.
    PhotoChecked {
        /// Who waits where.
        waiting: WaitingKey,
        /// Whether it is the same person.
        same: bool,
    },
    /// Somebody paid what is owed: unpaid charges first, then the negative wallet.
    Payment(Payment),
    /// A message of a device could not be read.
    Unreadable {
        /// The device, if the topic or the address tells it.
        device: DeviceId,
        /// What was wrong with it.
        why: String,
    },
    /// A head that is kept outside the database knows of records that are not in it.
    RecordsMissing {
        /// What is missing.
        why: String,
    },
    /// Records that are older than parameter 63 keeps them lose who they were about.
    Pseudonymise,
    /// Time went on.
    Tick,
}

/// How many rows one piece of an import may have.
pub const IMPORT_PIECE: usize = 512;

/// One row of an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ImportRow {
    /// A person with the row that decides.
    Member(MemberId, Member, Person),
    /// A person who was not there before, found once the words come that follow in the import.
    Newcomer(MemberId, Member, Person),
    /// Words by which newcomers are found, at most [`crate::import::WORDS_OF_ROW`].
    Words(Vec<FoundBy>),
    /// What was known of a person before, who is found by it no more.
    Before(MemberId, Person),
    /// A wallet with its opening balance.
    Wallet {
        /// The wallet.
        account: AccountId,
        /// What it holds; below zero it owes.
        balance: Money,
        /// Since when it owes.
        debt_since: Option<Timestamp>,
    },
    /// A credential.
    Credential(Uid, Credential),
    /// A pass.
    Pass(PassKey, Pass),
    /// A version of a tariff.
    Tariff(TariffKey, Tariff),
    /// A locker.
    Locker(LockerId, Locker),
    /// A family; its people come with their members and credentials.
    Family(FamilyId, Family),
    /// An exemption.
    Exemption(ExemptionId, Exemption),
    /// An operator.
    Operator(OperatorId, Operator),
    /// Something that is sold.
    Good(GoodId, Good),
    /// A price list.
    PriceList(PriceListId, PriceList),
    /// A balance for a wallet that is there already.
    Opening {
        /// What tells it from all others: the import and its row.
        key: String,
        /// The wallet.
        account: AccountId,
        /// What is added to it; below zero it owes.
        amount: Money,
        /// Since when it owes.
        debt_since: Option<Timestamp>,
    },
    /// Who may pick a child up.
    Guardian {
        /// The child.
        child: MemberId,
        /// Who.
        guardian: MemberId,
    },
    /// How far the import is once the rows before it, in the same piece, are in. It stands last.
    Progress(ImportId, Import),
}

/// What became of a reload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reload", rename_all = "snake_case")]
pub enum RuleSetNews {
    /// The set is in force from the next event on.
    Live {
        /// Its hash.
        hash: String,
        /// Its texts by file name, kept for ever.
        texts: Vec<(String, String)>,
    },
    /// The files are those of the set in force again, after others were refused.
    Restored {
        /// Its hash.
        hash: String,
    },
    /// The set was refused; the last good one stays.
    Refused {
        /// What is wrong, with file, line and what to do.
        message: String,
    },
}

/// What an input is answered, once its batch is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", content = "why", rename_all = "snake_case")]
pub enum Answer {
    /// It was taken; what it caused stands in the batch.
    Taken,
    /// An order was decided; the record says how.
    Decided(DecisionId),
    /// It was refused and changed nothing; the sentence says what to do.
    Refused(String),
    /// What an import looked at.
    Looked(Box<Looked>),
}

//! What is there already, as far as the rows of an import depend on it: what the database has, and
//! what the rows before brought.

use std::collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry};

use domain::{
    ids::{AccountId, FamilyId, GroupId, MemberId, TariffId, Uid},
    import::Looked,
    renewal::Term,
    rows::{Account, Credential, Member, Offer, Pass, PassKey, Person},
};

/// A pass of an earlier row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Brought {
    /// The line of that row.
    pub(crate) line: u64,
    /// Which pass.
    pub(crate) key: PassKey,
    /// When it counts.
    pub(crate) term: Option<Term>,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// People by number.
    pub(crate) numbers: HashMap<u32, MemberId>,
    /// The latest version of each tariff, and its terms.
    pub(crate) tariffs: BTreeMap<TariffId, (u32, Offer)>,
    /// Families by name.
    pub(crate) families: BTreeMap<String, FamilyId>,
    /// Groups; nothing where any may be named.
    pub(crate) groups: Option<BTreeSet<GroupId>>,
    /// Lockers and operators.
    pub(crate) names: BTreeSet<String>,
    /// People of the rows that are looked at.
    pub(crate) members: HashMap<MemberId, Member>,
    /// Their names.
    pub(crate) persons: HashMap<MemberId, Person>,
    /// Their wallets.
    pub(crate) wallets: HashMap<AccountId, Account>,
    /// Their passes.
    pub(crate) passes: HashMap<MemberId, Vec<(PassKey, Pass)>>,
    /// Passes of the rows before, by holder and tariff.
    pub(crate) brought: HashMap<(MemberId, TariffId), Vec<Brought>>,
    /// Credentials of those rows.
    pub(crate) credentials: HashMap<Uid, Credential>,
    /// What the rows before told of, each with the line of the first of them.
    pub(crate) told: HashMap<String, u64>,
}

impl Known {
    /// Takes what the site has as a whole.
    pub(crate) fn site(&mut self, looked: Looked) {
        for (key, offer) in looked.tariffs {
            let latest =
                self.tariffs.get(&key.tariff).is_none_or(|(known, _)| *known < key.version);
            if latest {
                self.tariffs.insert(key.tariff, (key.version, offer));
            }
        }
        self.families.extend(looked.families);
        self.names.extend(looked.names);
    }

    /// Takes a page of people.
    pub(crate) fn people(&mut self, looked: Looked) {
        self.numbers.extend(looked.numbers);
        self.groups.get_or_insert_default().extend(looked.groups);
    }

    /// Takes the rows that the next rows of the import depend on, in place of those before.
    pub(crate) fn page(&mut self, looked: Looked, persons: HashMap<MemberId, Person>) {
        self.members = looked.members.into_iter().collect();
        self.wallets = looked.wallets.into_iter().collect();
        self.credentials = looked.credentials.into_iter().collect();
        self.persons = persons;
        self.passes.clear();
        for (key, pass) in looked.passes {
            self.passes.entry(key.member).or_default().push((key, pass));
        }
    }

    /// The line of an earlier row that tells of the same thing as this one.
    pub(crate) fn earlier(&mut self, what: String, line: u64) -> Option<u64> {
        match self.told.entry(what) {
            Entry::Occupied(known) => Some(*known.get()),
            Entry::Vacant(free) => {
                free.insert(line);
                None
            }
        }
    }

    /// The person of this number.
    pub(crate) fn holder(&self, number: u32) -> Result<MemberId, String> {
        let known = self.numbers.get(&number).copied();
        known.ok_or_else(|| format!("no member has the number {number}; import members first"))
    }
}

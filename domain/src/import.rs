//! What people bring along: a site's first data and whole tables of members, in pieces, through the
//! same loop as everything else.
//!
//! An import is checked as a whole before its first row is in. While it is checked, and until its
//! last row is in, nobody else changes people ([`State::people_are_closed`]), so that what was
//! checked stays true. Its row in `imports` is the promise that all of it comes: it is durable
//! before the first piece, and each piece changes it in its own transaction, so that no piece is
//! taken twice and none is left out.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    ids::{AccountId, FamilyId, GroupId, ImportId, MemberId, Uid},
    rows::{
        Account, AccountKind, Credential, Family, Import, Member, Offer, Pass, PassKey, Tariff,
        TariffKey,
    },
    state::{Answer, Entry, IMPORT_PIECE, ImportRow, Input, Noted, State},
    step::Step,
};

/// How many words one row of an import may have.
pub const WORDS_OF_ROW: usize = 8;
/// How many people one look lists.
pub const PEOPLE_PAGE: usize = 4096;

/// What an import looks at before it begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ImportLook {
    /// Whether the import of this id is known, and what is sold here. From now on nobody else
    /// changes people.
    Close(ImportId),
    /// The import began, or is given up.
    Open,
    /// The numbers and groups of the next people, in order of their ids.
    People {
        /// The last one that was listed.
        after: Option<MemberId>,
    },
    /// Rows.
    Rows {
        /// People, with their wallets and passes.
        members: Vec<MemberId>,
        /// Credentials.
        uids: Vec<Uid>,
    },
}

/// What it finds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// The import of this id.
    pub import: Option<Import>,
    /// Versions of tariffs, each with its terms.
    pub tariffs: Vec<(TariffKey, Offer)>,
    /// Numbers of people.
    pub numbers: Vec<(u32, MemberId)>,
    /// Their groups.
    pub groups: BTreeSet<GroupId>,
    /// People.
    pub members: Vec<(MemberId, Member)>,
    /// Their wallets.
    pub wallets: Vec<(AccountId, Account)>,
    /// Their passes.
    pub passes: Vec<(PassKey, Pass)>,
    /// Credentials.
    pub credentials: Vec<(Uid, Credential)>,
    /// Families by name.
    pub families: Vec<(String, FamilyId)>,
    /// Lockers and operators, by name.
    pub names: BTreeSet<String>,
}

impl State {
    /// Whether an import is being checked or has not ended, so that nobody else may change people,
    /// what they carry and what they are in.
    #[must_use]
    pub fn people_are_closed(&self) -> bool {
        self.beside.people_closed || self.unfinished_import().is_some()
    }

    /// The import that has not ended; one of our own before that of another daemon.
    #[must_use]
    pub fn unfinished_import(&self) -> Option<(&ImportId, &Import)> {
        let unfinished = self.tables.imports.iter().filter(|(_, import)| import.ended.is_none());
        unfinished.min_by_key(|(_, import)| import.daemon != self.site.daemon)
    }
}

impl Input {
    /// The piece of an import that takes `rows`, after which it is as far as `import` says.
    #[must_use]
    pub fn piece(mut rows: Vec<ImportRow>, id: ImportId, import: Import) -> Self {
        rows.push(ImportRow::Progress(id, import));
        Self::Import(rows)
    }
}

impl Step<'_> {
    pub(crate) fn import(&mut self, rows: Vec<ImportRow>) -> Answer {
        if rows.len() > IMPORT_PIECE {
            return Answer::Refused(format!(
                "a piece of an import has at most {IMPORT_PIECE} rows"
            ));
        }
        let is_long =
            |row: &ImportRow| matches!(row, ImportRow::Words(words) if words.len() > WORDS_OF_ROW);
        if rows.iter().any(is_long) {
            return Answer::Refused(format!("a row of an import has at most {WORDS_OF_ROW} words"));
        }
        let mut import = None;
        if let Some(ImportRow::Progress(id, next)) = rows.last() {
            if let Err(why) = self.follows(id, next, rows.len() - 1) {
                return Answer::Refused(why);
            }
            import = Some(id.clone());
        }
        let noted = Noted::Imported { rows: rows.len() - usize::from(import.is_some()), import };
        self.batch.journal.push(Entry { at: self.now, device: None, source: None, noted });
        for row in rows {
            self.import_row(row);
        }
        Answer::Taken
    }

    /// Whether a piece of `rows` is the one that its import needs next.
    fn follows(&mut self, id: &ImportId, next: &Import, rows: usize) -> Result<(), String> {
        let ours = self.state.site.daemon;
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        let Some(known) = self.state.tables.imports.read(id) else {
            let other = self.state.unfinished_import();
            return match other {
                Some((_, other)) => Err(format!("the import of `{}` has not ended", other.file)),
                None if next.done == 0
                    && rows == 0
                    && next.ended.is_none()
                    && next.daemon == ours =>
                {
                    Ok(())
                }
                None => Err("an import begins before its first rows".to_owned()),
            };
        };
        if known.daemon != ours {
            return Err(format!(
                "the import of `{}` was taken by daemon {}, which alone carries it on",
                known.file, known.daemon
            ));
        }
        let goes_on = known.ended.is_none()
            && known.rows == next.rows
            && known.done.checked_add(rows) == Some(next.done)
            && next.ended.is_some() == (next.done == next.rows);
        match goes_on {
            true => Ok(()),
            false => {
                Err(format!("that piece is not the next one of the import of `{}`", known.file))
            }
        }
    }

    /// Answers what an import wants to know; it changes no row.
    pub(crate) fn import_look(&mut self, look: ImportLook) -> Answer {
        let tables = &self.state.tables;
        let looked = match look {
            ImportLook::Close(id) => {
                if self.state.people_are_closed() {
                    let why = "another import is under way; try again once it has ended";
                    return Answer::Refused(why.to_owned());
                }
                let import = tables.imports.peek(&id).cloned();
                let lockers = tables.lockers.iter().map(|(id, _)| id.to_string());
                let operators = tables.operators.iter().map(|(id, _)| id.to_string());
                let named = |(id, row): (&FamilyId, &Family)| (row.name.to_string(), *id);
                let terms = |(key, row): (&TariffKey, &Tariff)| (key.clone(), row.offer.clone());
                let looked = Looked {
                    import,
                    tariffs: tables.tariffs.iter().map(terms).collect(),
                    families: tables.families.iter().map(named).collect(),
                    names: lockers.chain(operators).collect(),
                    ..Looked::default()
                };
                self.state.beside.people_closed = true;
                looked
            }
            ImportLook::Open => {
                self.state.beside.people_closed = false;
                Looked::default()
            }
            ImportLook::People { after } => self.people_after(after),
            ImportLook::Rows { members, uids } => self.rows_of(&members, uids),
        };
        Answer::Looked(Box::new(looked))
    }

    fn people_after(&self, after: Option<MemberId>) -> Looked {
        let (least, most) = (MemberId(uuid::Uuid::nil()), MemberId(uuid::Uuid::max()));
        let people = self.state.tables.members.range(after.unwrap_or(least), most);
        let mut looked = Looked::default();
        for (id, member) in people.filter(|(id, _)| Some(**id) != after).take(PEOPLE_PAGE) {
            looked.numbers.push((member.number, *id));
            looked.groups.extend(member.groups.iter().cloned());
        }
        looked
    }

    fn rows_of(&self, members: &[MemberId], uids: Vec<Uid>) -> Looked {
        let tables = &self.state.tables;
        let mut looked = Looked::default();
        for id in members {
            let Some(member) = tables.members.peek(id) else { continue };
            looked.members.push((*id, member.clone()));
            if let Some(wallet) = tables.accounts.peek(&member.account) {
                looked.wallets.push((member.account, wallet.clone()));
            }
            let (first, last) = PassKey::all_of(*id);
            let passes = tables.passes.range(first, last);
            looked.passes.extend(passes.map(|(key, pass)| (*key, pass.clone())));
        }
        for uid in uids {
            if let Some(known) = tables.credentials.peek(&uid) {
                looked.credentials.push((uid, known.clone()));
            }
        }
        looked
    }

    /// A family knows its people by what they carry.
    pub(crate) fn join_family(&mut self, uid: &Uid, member: MemberId) {
        let tables = &mut self.state.tables;
        let kin = tables.members.read(&member).and_then(|member| member.kin.as_deref());
        let Some(id) = kin.and_then(|kin| kin.family) else { return };
        let Some(mut family) = tables.families.read(&id).cloned() else { return };
        if !family.people.contains(uid) {
            family.people.push(uid.clone());
            tables.families.put(id, family);
        }
    }

    /// One row as it is.
    pub(crate) fn import_row(&mut self, row: ImportRow) {
        let tables = &mut self.state.tables;
        match row {
            ImportRow::Member(id, member, person) => {
                tables.members.put(id, member);
                self.batch.people.push((id, person));
            }
            ImportRow::Newcomer(id, member, person) => {
                tables.members.put(id, member);
                self.batch.newcomers.push((id, person));
            }
            ImportRow::Words(words) => self.batch.words.extend(words),
            ImportRow::Before(id, person) => self.batch.people_before.push((id, person)),
            ImportRow::Credential(uid, credential) => self.import_credential(uid, credential),
            ImportRow::Family(id, family) => tables.families.put(id, family),
            ImportRow::Operator(id, operator) => tables.operators.put(id, operator),
            ImportRow::Exemption(id, exemption) => tables.exemptions.put(id, exemption),
            ImportRow::Pass(key, mut pass) => {
                // Somebody may be at a gate with it.
                let known = tables.passes.read(&key).map(|known| known.visits_reserved);
                pass.visits_reserved = known.unwrap_or(pass.visits_reserved);
                tables.passes.put(key, pass);
            }
            ImportRow::Tariff(key, tariff) => tables.tariffs.put(key, tariff),
            ImportRow::Good(id, good) => tables.goods.put(id, good),
            ImportRow::PriceList(id, list) => tables.price_lists.put(id, list),
            ImportRow::Locker(id, locker) => tables.lockers.put(id, locker),
            ImportRow::Wallet { account, balance, debt_since } => {
                let currency = self.state.site.currency.code;
                let empty = Account::new(AccountKind::Wallet, "", currency);
                tables.accounts.put(account, Account { debt_since, ..empty });
                self.book_opening(&account.to_string(), account, balance);
            }
            ImportRow::Opening { key, account, amount, debt_since } => {
                let known = tables.accounts.read(&account).cloned();
                if let (Some(mut wallet), Some(since)) = (known, debt_since) {
                    wallet.debt_since = wallet.debt_since.or(Some(since));
                    tables.accounts.put(account, wallet);
                }
                self.book_opening(&key, account, amount);
            }
            ImportRow::Guardian { child, guardian } => {
                let Some(mut member) = tables.members.read(&child).cloned() else { return };
                let guardians = &mut member.kin.get_or_insert_default().guardians;
                if !guardians.contains(&guardian) {
                    guardians.push(guardian);
                    tables.members.put(child, member);
                }
            }
            ImportRow::Progress(id, import) => tables.imports.put(id, import),
        }
    }

    fn import_credential(&mut self, uid: Uid, mut credential: Credential) {
        self.join_family(&uid, credential.member);
        let credentials = &mut self.state.tables.credentials;
        // The collector may have swallowed it meanwhile.
        let known = credentials.read(&uid).filter(|known| known.id == credential.id);
        credential.collected |= known.is_some_and(|known| known.collected);
        credentials.put(uid.clone(), credential);
        if self.is_lost(&uid) {
            self.forfeit_deposit(&uid, None);
        }
    }
}

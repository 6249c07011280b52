//! A site's first data, in pieces, through the same loop as everything else.

use crate::{
    ids::{MemberId, Uid},
    rows::{Account, AccountKind},
    state::{Answer, Entry, IMPORT_PIECE, ImportRow, Noted},
    step::Step,
};

impl Step<'_> {
    pub(crate) fn import(&mut self, rows: Vec<ImportRow>) -> Answer {
        if rows.len() > IMPORT_PIECE {
            return Answer::Refused(format!(
                "a piece of an import has at most {IMPORT_PIECE} rows"
            ));
        }
        let noted = Noted::Imported { rows: rows.len() };
        self.batch.journal.push(Entry { at: self.now, device: None, source: None, noted });
        for row in rows {
            self.import_row(row);
        }
        Answer::Taken
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
            ImportRow::Credential(uid, credential) => {
                self.join_family(&uid, credential.member);
                self.state.tables.credentials.put(uid, credential);
            }
            ImportRow::Family(id, family) => tables.families.put(id, family),
            ImportRow::Operator(id, operator) => tables.operators.put(id, operator),
            ImportRow::Exemption(id, exemption) => tables.exemptions.put(id, exemption),
            ImportRow::Pass(key, pass) => tables.passes.put(key, pass),
            ImportRow::Tariff(key, tariff) => tables.tariffs.put(key, tariff),
            ImportRow::Locker(id, locker) => tables.lockers.put(id, locker),
            ImportRow::Wallet { account, balance, debt_since } => {
                let currency = self.state.site.currency.code;
                let empty = Account::new(AccountKind::Wallet, "", currency);
                tables.accounts.put(account, Account { debt_since, ..empty });
                self.book_opening(account, balance);
            }
        }
    }
}

//! What tills are asked about: receipts, the session that is open, and those that were closed.

use domain::{
    ids::{DecisionId, DeviceId},
    journal::Noted,
    money::Money,
    rows::{Drawer, ReceiptKey, Session},
    sales::Receipt,
    time::Timestamp,
};

use crate::{
    cells::{Cells, Names},
    error::ReadError,
    link::Row,
    reader::Reader,
};

const RECEIPT_BODY: &str = "SELECT body FROM receipt WHERE till = $1 AND number = $2";
const RECEIPT_OF: &str =
    "SELECT body FROM receipt WHERE decision = $1 ORDER BY till, number LIMIT 1";
const DRAWER_BODY: &str = "SELECT body FROM drawer WHERE device = $1";
const CLOSED: &str = "SELECT at, noted FROM journal
    WHERE kind = 'session_closed' AND device = $1 AND noted IS NOT NULL
    ORDER BY at DESC, seq DESC";
/// The statements of this module, for the test that prepares them all.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 4] = [RECEIPT_BODY, RECEIPT_OF, DRAWER_BODY, CLOSED];

/// A session that is over: what a Z report tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// What went through it.
    pub session: Session,
    /// The cash that the drawer should have held.
    pub expected: Money,
    /// The cash that was counted.
    pub counted: Money,
    /// When it ended.
    pub at: Timestamp,
}

impl Reader {
    /// A receipt as it is on record.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn receipt(&self, key: &ReceiptKey) -> Result<Option<Receipt>, ReadError> {
        let values = [key.till.as_str().into(), key.number.cast_signed().into()];
        receipt_in(self.pool.row(RECEIPT_BODY, values).await.map_err(ReadError::of("a receipt"))?)
    }

    /// The receipt that a decision allowed.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn receipt_of(&self, decision: DecisionId) -> Result<Option<Receipt>, ReadError> {
        let row = self.pool.row(RECEIPT_OF, [decision.0.into()]).await;
        receipt_in(row.map_err(ReadError::of("a receipt"))?)
    }

    /// A till's numbers and the session that is open there; nothing where nothing was sold yet.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn drawer(&self, till: &DeviceId) -> Result<Option<Drawer>, ReadError> {
        let row = self.pool.row(DRAWER_BODY, [till.as_str().into()]).await;
        let Some(row) = row.map_err(ReadError::of("a drawer"))? else { return Ok(None) };
        Cells::of_row("drawer", &row, &mut Names::default())?.json().map(Some)
    }

    /// The closed session of this number at a till, or the last one.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn closed(
        &self,
        till: &DeviceId,
        number: Option<u64>,
    ) -> Result<Option<Closed>, ReadError> {
        let rows = self.pool.rows(CLOSED, [till.as_str().into()]).await;
        for row in rows.map_err(ReadError::of("closed sessions"))? {
            let mut names = Names::default();
            let mut cells = Cells::of_row("journal", &row, &mut names)?;
            let at = cells.at()?;
            let Noted::SessionClosed { session, expected, counted } = cells.json()? else {
                continue;
            };
            if number.is_none_or(|number| session.number == number) {
                return Ok(Some(Closed { session: *session, expected, counted, at }));
            }
        }
        Ok(None)
    }
}

fn receipt_in(row: Option<Row>) -> Result<Option<Receipt>, ReadError> {
    let Some(row) = row else { return Ok(None) };
    Cells::of_row("receipt", &row, &mut Names::default())?.json().map(Some)
}

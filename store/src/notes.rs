//! Lines of the journal that people ask for: commands that failed, messages that made no sense.

use domain::{
    decision::Decision,
    ids::DeviceId,
    journal::{Entry, Noted},
    time::{Span, Timestamp},
};

use crate::{
    cells::{Cells, Names},
    error::ReadError,
    link::Row,
    reader::Reader,
};

const FAILED: &str = "SELECT at, device, noted FROM journal
    WHERE kind = 'command_failed' AND device = $1 AND at >= $2 AND at <= $3
    ORDER BY at LIMIT 1000";
const REFUSED: &str = "SELECT at, device, noted FROM journal
    WHERE kind = 'message_refused' AND salt IS NOT NULL AND at >= $1
    ORDER BY at DESC LIMIT $2";
/// The statements of this module, for the test that prepares them all.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 2] = [FAILED, REFUSED];

/// What became of a command is known within this time of its decision (our choice): commands live
/// for 5 s, and a device may be a while without a connection.
const KNOWN_WITHIN: Span = Span::seconds(60);

impl Reader {
    /// The lines about commands of `decision` that failed, oldest first.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn failed_commands(&self, decision: &Decision) -> Result<Vec<Entry>, ReadError> {
        let device = decision.device.as_str();
        let (from, until) = (decision.at.minus(KNOWN_WITHIN), decision.received.plus(KNOWN_WITHIN));
        let values = [device.into(), from.micros().into(), until.micros().into()];
        let rows = self.pool.rows(FAILED, values).await;
        let lines = rows.map_err(ReadError::of("failed commands"))?;
        let of_it = |entry: &Entry| match entry.noted {
            Noted::Condition { decision: of, .. } => of == Some(decision.id),
            _ => false,
        };
        let lines: Result<Vec<_>, _> = lines.iter().map(line).collect();
        Ok(lines?.into_iter().filter(of_it).collect())
    }

    /// The lines about messages that made no sense since `since`, newest first; of `device`, where
    /// one is named. At most `limit` lines are looked at.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn refused_messages(
        &self,
        device: Option<&DeviceId>,
        (since, limit): (Timestamp, u32),
    ) -> Result<Vec<Entry>, ReadError> {
        let rows = self.pool.rows(REFUSED, [since.micros().into(), i64::from(limit).into()]).await;
        let lines = rows.map_err(ReadError::of("messages that made no sense"))?;
        let lines: Result<Vec<_>, _> = lines.iter().map(line).collect();
        let of_it = |entry: &Entry| device.is_none() || entry.device.as_ref() == device;
        Ok(lines?.into_iter().filter(of_it).collect())
    }
}

fn line(row: &Row) -> Result<Entry, ReadError> {
    let mut names = Names::default();
    let mut cells = Cells::of_row("journal", row, &mut names)?;
    Ok(Entry { at: cells.at()?, device: cells.maybe_name()?, source: None, noted: cells.json()? })
}

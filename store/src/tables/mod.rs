//! The rows that decisions depend on, each table with its columns.

mod gates;
mod people;
mod whole;

use crate::{binds::Binds, cells::Cells, error::ReadError, sheet::Sheet};

/// A row of the site's state.
pub(crate) trait Stored: Sized + Clone + Send + 'static {
    /// What finds it.
    type Key: Ord + Clone + Send;
    /// Its table.
    const SHEET: Sheet;

    /// Binds the columns of the key.
    fn bind_key(key: &Self::Key, to: &mut Binds);
    /// Binds the other columns.
    fn bind(&self, to: &mut Binds);
    /// Reads the columns of the key.
    fn read_key(from: &mut Cells<'_, '_>) -> Result<Self::Key, ReadError>;
    /// Reads the other columns.
    fn read(from: &mut Cells<'_, '_>) -> Result<Self, ReadError>;

    /// Rows of a higher rank are written after those of a lower one.
    fn rank(&self) -> u8 {
        0
    }
}

/// Calls a macro with every table of `domain::state`, which has the same list.
macro_rules! each_table {
    ($go:ident) => {
        $go!(
            members,
            credentials,
            passes,
            visits,
            guests,
            families,
            spending,
            attempts,
            exemptions,
            tariffs,
            goods,
            price_lists,
            drawers,
            returned,
            deposits,
            earnings,
            accounts,
            presence,
            occupancy,
            reservations,
            last_reads,
            marks,
            devices,
            terminals,
            holds,
            operators,
            tokens,
            bans,
            answers,
            pending_orders,
            params,
            waiting,
            lockers,
            imports,
            emergency
        )
    };
}
pub(crate) use each_table;

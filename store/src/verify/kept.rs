//! The heads that are kept outside the database, held against it.

use super::Finding;
use crate::{audit::heads, error::ReadError, reader::Reader};

/// What the database is without, by each head that is kept of it; none where it has everything.
///
/// # Errors
/// Where the database cannot be read. A file that cannot be read is a finding.
pub async fn heads(reader: &Reader) -> Result<Vec<Finding>, ReadError> {
    let failed = ReadError::of("the ends of the records");
    let mut found = Vec::new();
    for path in heads::files(&reader.place) {
        let say = |why: String| Finding { table: path.display().to_string(), row: None, why };
        match heads::read(&path) {
            Err(why) => found.push(say(format!("this head cannot be read: {why}"))),
            Ok(kept) => {
                let mut view = reader.pool.view().await.map_err(&failed)?;
                for head in kept {
                    found.extend(heads::lacks(&mut view, &head).await?.map(say));
                }
            }
        }
    }
    Ok(found)
}

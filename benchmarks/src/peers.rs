//! The peers: each has the checks of entries and exits as policies of its own language.

use anyhow::Result;
use domain::facts::{EventKind, Question};

use crate::told::Told;

mod cedar;
mod cel;
mod rego;

/// Another engine.
pub(crate) trait Peer {
    /// Its name.
    fn name(&self) -> &'static str;
    /// How many times faster Kari shall be, in hundredths.
    fn goal(&self) -> u64;
    /// Whether its answer has the details of reasons.
    fn tells_details(&self) -> bool;
    /// Builds the input and asks once; the answer stays as the engine gives it.
    fn ask(&self, question: &Question<'_>) -> Result<()>;
    /// The reasons of an answer.
    fn told(&self, question: &Question<'_>) -> Result<Vec<Told>>;
}

/// A pair of one thing for entries and one for exits.
struct Kinds<T> {
    entry: T,
    exit: T,
}

impl<T> Kinds<T> {
    /// Makes both, each from its policy.
    fn of(entry: &str, exit: &str, make: impl Fn(EventKind, &str) -> Result<T>) -> Result<Self> {
        Ok(Self { entry: make(EventKind::Entry, entry)?, exit: make(EventKind::Exit, exit)? })
    }

    fn get(&self, kind: EventKind) -> &T {
        if kind == EventKind::Entry { &self.entry } else { &self.exit }
    }
}

/// All peers, their policies compiled.
pub(crate) fn all() -> Result<Vec<Box<dyn Peer>>> {
    Ok(vec![
        Box::new(cedar::Cedar::new()?),
        Box::new(rego::Rego::new()?),
        Box::new(cel::Cel::new()?),
    ])
}

//! What a start finds: the database with its rows, the site's first data and its rules.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use devices::pin::PinKey;
use domain::{
    ids::IdMaker,
    rows::Import,
    state::{Input, State},
    time::Clock,
};
use rules::load::Names;
use store::{Lost, Opened, Store, identity::Expected, news::News, place::Place, reader::Reader};
use tokio::sync::mpsc;

use crate::{
    config::Installation,
    data::{self, FirstData},
    database::{self, Known},
    import::stage::{self, Rest},
    intake::Ask,
    names, pins, plain_pins,
    reload::{self, FirstSet},
    values,
};

/// What a start finds on the disk.
pub(crate) struct Found {
    /// The database.
    pub(crate) store: Store,
    /// What the last run left there.
    pub(crate) opened: Opened,
    /// The rows.
    pub(crate) state: State,
    /// The first data, where they are to be read.
    pub(crate) data: Option<FirstData>,
    /// The names that rules may speak of.
    pub(crate) names: Names,
    /// The rules.
    pub(crate) first: FirstSet,
    /// The records.
    pub(crate) reader: Reader,
    /// What other daemons do.
    pub(crate) news: Option<News>,
    /// The key of the site's PINs.
    pub(crate) pins: PinKey,
}

/// Where a start looks, and for what.
#[derive(Clone)]
pub(crate) struct Search {
    /// The site.
    pub(crate) installation: Arc<Installation>,
    /// The state folder.
    pub(crate) folder: PathBuf,
    /// The database.
    pub(crate) database: Place,
    /// What is known of it.
    pub(crate) known: Option<Known>,
    /// Which one may be opened.
    pub(crate) expected: Expected,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// What ids depend on.
    pub(crate) seed: u64,
}

impl Search {
    /// The epoch of the last run that is known of.
    pub(crate) fn epoch(&self) -> u64 {
        self.known.map_or(0, |known| known.epoch)
    }

    /// Opens the database, and reads what is in it, in the site's data and in its rules.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub(crate) async fn find(self) -> anyhow::Result<Found> {
        let Self { installation, folder, database, known, expected, clock, seed } = self;
        let mut ids = IdMaker::new(seed);
        let (mut store, opened) = Store::open_expected(&database, expected, clock.now()).await?;
        if let Err(error) = database::keep(&folder, &opened) {
            let same = known.is_some_and(|known| known.identity == opened.identity);
            if !same {
                return Err(error.into());
            }
            tracing::warn!(%error, "the epoch of this run is not kept in the state folder");
        }
        let snapshot = store.load().await?;
        let news = store.news().await?;
        let seeds = (ids.fork(), ids.fork());
        let state = State::load(Arc::clone(&installation.site), snapshot, opened.epoch, seeds.1);
        let pins = pins_of(&folder, &state, &opened, &database)?;
        let data = match opened.is_empty && state.unfinished_import().is_none() {
            true => {
                let (folder_of_data, site) = (installation.data(), &installation.site);
                let read = || data::read(&folder_of_data, site, (seeds.0, &pins), clock.now());
                let mut data = read()?;
                // Only what was found right is touched; a simulation leaves the site's files alone.
                if folder == installation.state && plain_pins::hide(&folder_of_data, &pins)? {
                    data = read()?;
                }
                // Tariffs without people are read once as well.
                Some(data).filter(|data| state.tables.imports.peek(&data.id).is_none())
            }
            false => None,
        };
        let mut names = names::of(&installation, &state);
        data.iter().flat_map(|data| &data.rows).for_each(|row| names::learn(&mut names, row));
        let ours = |import: &Import| import.daemon == state.site.daemon;
        if let Some((id, import)) = state.unfinished_import().filter(|(_, import)| ours(import)) {
            // A file that cannot be read is told of where it is to be brought in.
            let rest = Rest::open(&folder, id, import).ok();
            let rows = rest.into_iter().flatten().map_while(Result::ok);
            rows.for_each(|row| names::learn(&mut names, &row));
        }
        let reader = Reader::open(&database).await?;
        names.kept = values::of(&reader.params().await?);
        let first = reload::first(&installation.rules(), &names, opened.last_rule_set.clone());
        Ok(Found { store, opened, state, data, names, first, reader, news, pins })
    }
}

/// Puts on record what the database is without, by the heads that are kept outside it: each gap
/// once, though the head of it stays.
pub(crate) async fn note_gaps(
    lost: &[Lost],
    administration: &mpsc::Sender<Ask>,
) -> anyhow::Result<()> {
    for Lost { why, is_new } in lost {
        tracing::error!(
            condition = "AUDIT_GAP",
            %why,
            "the database is not the one that was written last; `kari verify` says more"
        );
        if *is_new {
            stage::ask(administration, Input::RecordsMissing { why: why.clone() }).await?;
        }
    }
    Ok(())
}

/// The key of the site's PINs. A site that is in use has had one since its first start.
fn pins_of(
    folder: &Path,
    state: &State,
    opened: &Opened,
    database: &Place,
) -> anyhow::Result<PinKey> {
    let in_use = !opened.is_empty || state.tables.operators.iter().next().is_some();
    // A second daemon at a server is new where its own folder is new.
    let ran_before = database.path().is_some() || opened.epoch > 1;
    match in_use && ran_before {
        true => pins::kept(folder),
        false => pins::key(folder),
    }
}

//! `kari import`: tables of members, of what they carry, have bought and have paid in.
//!
//! 1. The command reads the file ([`source`]), finds the columns ([`mapping`]) and makes rows of
//!    our own format of it ([`translate`]); a hostile spreadsheet harms nobody but that process.
//! 2. Those rows go to the site's loop: over the socket where a daemon runs, else to a loop that
//!    the command starts itself. [`Importer`] checks all of them against what is there ([`rows`])
//!    and writes what they come to into a file ([`stage`]); nobody else changes people meanwhile.
//! 3. Only where every row is good, or bad ones are to be left out, the import begins: one row of
//!    the table `imports`. Then the pieces follow, and the next start goes on where one was killed.
//! 4. The rows that are bad come back with what is wrong and go into a file ([`report`]).

pub(crate) mod cells;
pub(crate) mod kinds;
pub(crate) mod known;
pub(crate) mod mapping;
mod more;
pub(crate) mod passes;
pub(crate) mod report;
pub(crate) mod rows;
pub(crate) mod source;
pub(crate) mod stage;
pub(crate) mod translate;
pub(crate) mod wire;

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use anyhow::{Context, bail};
use csv::StringRecord;
use devices::pin::PinKey;
use domain::{
    ids::{GroupId, IdMaker, ImportId, MemberId, Uid},
    import::{ImportLook, Looked, PEOPLE_PAGE},
    rows::{Import, Person},
    site::Site,
    state::{Answer, IMPORT_PIECE, Input},
    time::Clock,
};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};
use store::reader::Reader;
use tokio::sync::mpsc;

use crate::{data::FirstData, intake::Ask};
use cells::{Cells, Fault, Places};
use kinds::Kind;
use known::Known;
use passes::Beside;
use rows::{Existing, Made, Reading};
use stage::{Stage, ask};

/// What to do about passes of one tariff that count at the same time.
const BESIDE: &str = "correct the days, or say `--beside` if both are to count";
/// The most rows of one import.
pub(crate) const ROWS_MAX: u64 = 1_000_000;

/// An import as it is asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    /// A hash of the file and of how it is read.
    pub(crate) id: ImportId,
    /// What its rows are.
    pub(crate) kind: Kind,
    /// The name of the file.
    pub(crate) file: String,
    /// The columns, in the order of the cells.
    pub(crate) columns: Vec<String>,
    /// What is done about what is there already.
    pub(crate) existing: Existing,
    /// Whether passes may count at the same time as others of their tariff.
    #[serde(default)]
    pub(crate) beside: bool,
    /// Whether rows that are bad are left out; else they keep all others out.
    pub(crate) skip_bad: bool,
    /// Whether nothing is to be changed.
    pub(crate) dry_run: bool,
    /// Groups that nobody is in yet.
    pub(crate) new_groups: Vec<String>,
    /// Rows that are known to be bad before they are looked at here.
    pub(crate) bad: u64,
}

/// A row on its way to the check.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Line {
    /// Where it stands in its file, its cells, and those that could not be brought into our own
    /// format.
    Row(u64, Vec<String>, Vec<Fault>),
    /// There are no more.
    End,
}

/// What is told of an import meanwhile.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "snake_case")]
pub(crate) enum Told {
    /// A row is bad.
    Bad {
        /// Where it stands in its file.
        line: u64,
        /// All that is wrong with it.
        why: Vec<String>,
    },
    /// An empty cell of a row was worked out.
    WorkedOut {
        /// Where the row stands in its file.
        line: u64,
        /// The column, and the value.
        cells: Vec<(String, String)>,
    },
    /// So many rows are checked.
    Checked {
        /// How many.
        rows: u64,
    },
    /// So much is in.
    In {
        /// How much.
        done: u32,
        /// Of how much.
        of: u32,
    },
    /// It is over.
    Over(Outcome),
    /// It is not done, and why.
    Refused {
        /// Why, and what to do.
        why: String,
    },
}

/// How an import ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Rows about something new.
    pub(crate) new: u64,
    /// Rows that replace something.
    pub(crate) changed: u64,
    /// Rows about something that is there already, passed over.
    pub(crate) skipped: u64,
    /// Bad rows.
    pub(crate) bad: u64,
    /// Whether the good ones are in.
    pub(crate) imported: bool,
    /// When the same file was imported before, in which case nothing was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<String>,
}

/// Takes imports into a site.
#[derive(Clone)]
pub(crate) struct Importer {
    /// The loop.
    pub(crate) bulk: mpsc::Sender<Ask>,
    /// The records, for names.
    pub(crate) reader: Reader,
    /// The state folder.
    pub(crate) state: PathBuf,
    /// The site.
    pub(crate) site: Arc<Site>,
    /// The key of the PINs.
    pub(crate) pins: PinKey,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
}

impl Importer {
    /// Brings in what a start found promised: the rest of an import that was cut short, or the
    /// site's first data.
    ///
    /// # Errors
    /// The first data cannot be brought in. An import whose file is gone is told of, and keeps no
    /// gate shut; so is one that another daemon took.
    pub(crate) async fn bring_in(
        &self,
        unfinished: Option<(ImportId, Import)>,
        data: Option<FirstData>,
    ) -> anyhow::Result<()> {
        stage::tidy(&self.state, unfinished.as_ref().map(|(id, _)| id));
        if let Some((id, import)) = unfinished {
            if import.daemon != self.site.daemon {
                tracing::warn!(
                    file = import.file,
                    daemon = import.daemon,
                    "an import was cut short after {} of {} rows; the daemon that took it goes on \
                     with it at its next start, and nobody changes people until then",
                    import.done,
                    import.rows
                );
                return Ok(());
            }
            tracing::warn!(
                file = import.file,
                "an import was cut short after {} of {} rows; it goes on",
                import.done,
                import.rows
            );
            if let Err(error) = self.feed(&id, import).await {
                tracing::error!("{error:#}");
            }
            return Ok(());
        }
        let Some(data) = data.filter(|data| !data.rows.is_empty()) else { return Ok(()) };
        let mut stage = Stage::begin(&self.state, &data.id)?;
        data.rows.into_iter().try_for_each(|row| stage.push(row))?;
        let import = self.begin((&data.id, "data", "the site's data"), stage).await?;
        self.feed(&data.id, import).await
    }

    /// Brings in the rows of an import that are not in, with a bar for who watches.
    async fn feed(&self, id: &ImportId, import: Import) -> anyhow::Result<()> {
        let template = format!("reading {} {{bar:30}} {{pos}}/{{len}}", import.file);
        let bar = ProgressBar::new(u64::from(import.rows))
            .with_style(ProgressStyle::with_template(&template)?);
        let place = (self.state.as_path(), self.clock.as_ref());
        let fed = stage::feed(place, &self.bulk, (id, import), |import| {
            bar.set_position(u64::from(import.done));
        });
        let fed = fed.await;
        bar.finish_and_clear();
        fed
    }

    /// Takes an import: all of it, or nothing. Once it began it goes on to its end, whoever hears
    /// of it.
    pub(crate) async fn run(
        self,
        order: Order,
        rows: mpsc::Receiver<Line>,
        told: mpsc::Sender<Told>,
    ) {
        let last = match self.take(&order, rows, &told).await {
            Ok(outcome) => Told::Over(outcome),
            Err(error) => Told::Refused { why: format!("{error:#}") },
        };
        if told.send(last).await.is_err() {
            tracing::warn!(file = order.file, "nobody heard how an import ended");
        }
    }

    async fn take(
        &self,
        order: &Order,
        rows: mpsc::Receiver<Line>,
        told: &mpsc::Sender<Told>,
    ) -> anyhow::Result<Outcome> {
        let site = self.look(ImportLook::Close(order.id.clone())).await?;
        let checked = self.checked(order, site, rows, told).await;
        let promised = match checked {
            Ok((outcome, Some(stage))) => {
                let what = (&order.id, order.kind.name(), order.file.as_str());
                self.begin(what, stage).await.map(|import| (outcome, Some(import)))
            }
            Ok((outcome, None)) => Ok((outcome, None)),
            Err(error) => Err(error),
        };
        self.look(ImportLook::Open).await?;
        let (outcome, import) = promised?;
        let Some(import) = import else { return Ok(outcome) };
        let place = (self.state.as_path(), self.clock.as_ref());
        stage::feed(place, &self.bulk, (&order.id, import), |import| {
            // It goes on whether anybody listens or not, and waits for nobody.
            drop(told.try_send(Told::In { done: import.done, of: import.rows }));
        })
        .await?;
        Ok(Outcome { imported: true, ..outcome })
    }

    /// Makes the import durable as one thing.
    async fn begin(
        &self,
        (id, what, file): (&ImportId, &str, &str),
        stage: Stage,
    ) -> anyhow::Result<Import> {
        let rows = stage.finish()?;
        let import = Import {
            what: what.to_owned(),
            file: file.to_owned(),
            daemon: self.site.daemon,
            rows,
            done: 0,
            began: self.clock.now(),
            ended: None,
        };
        stage::promise(&self.bulk, (id, &import)).await?;
        Ok(import)
    }

    /// Checks every row. Where all of it can be taken, the rows that it comes to are in the stage.
    async fn checked(
        &self,
        order: &Order,
        site: Looked,
        rows: mpsc::Receiver<Line>,
        told: &mpsc::Sender<Told>,
    ) -> anyhow::Result<(Outcome, Option<Stage>)> {
        if let Some(known) = site.import {
            let ended = known.ended.unwrap_or(known.began);
            let local = ended.to_calendar().to_zoned(self.site.time_zone.clone());
            let before = Some(local.strftime("%d.%m.%Y %H:%M").to_string());
            return Ok((Outcome { before, ..Outcome::default() }, None));
        }
        let reading = self.reading(order, site).await?;
        let stage = Stage::begin(&self.state, &order.id)?;
        let mut checking = Checking {
            importer: self,
            order,
            told,
            reading,
            stage,
            outcome: Outcome { bad: order.bad, ..Outcome::default() },
        };
        let whole = checking.all(rows).await;
        let Checking { outcome, stage, .. } = checking;
        let good = outcome.new + outcome.changed;
        let wanted = !order.dry_run && good > 0 && (outcome.bad == 0 || order.skip_bad);
        if whole.is_err() || !wanted {
            stage.give_up();
            return whole.map(|()| (outcome, None));
        }
        Ok((outcome, Some(stage)))
    }

    async fn reading(&self, order: &Order, site: Looked) -> anyhow::Result<Reading<'_>> {
        let mut known = Known::default();
        known.site(site);
        let groups = self.site.groups.keys().chain(&self.site.responders).cloned();
        let new = order.new_groups.iter().map(|name| GroupId::from(name.as_str()));
        known.groups = Some(groups.chain(new).collect());
        let mut after = None;
        loop {
            let page = self.look(ImportLook::People { after }).await?;
            let last = page.numbers.last().map(|(_, id)| *id);
            let full = page.numbers.len() == PEOPLE_PAGE;
            known.people(page);
            if !full {
                break;
            }
            after = last;
        }
        Ok(Reading {
            site: &self.site,
            pins: &self.pins,
            ids: IdMaker::new(fastrand::u64(..)),
            now: self.clock.now(),
            known,
            existing: order.existing,
            beside: if order.beside { Beside::Asked } else { Beside::Refused(BESIDE) },
            import: order.id.to_string(),
        })
    }

    async fn look(&self, look: ImportLook) -> anyhow::Result<Looked> {
        match ask(&self.bulk, Input::ImportLook(look)).await? {
            Answer::Looked(looked) => Ok(*looked),
            _ => bail!("the loop answered something else"),
        }
    }
}

/// A row that is to be checked.
struct Brought {
    line: u64,
    record: StringRecord,
    faults: Vec<Fault>,
}

/// A check of all rows, under way.
struct Checking<'a> {
    importer: &'a Importer,
    order: &'a Order,
    told: &'a mpsc::Sender<Told>,
    reading: Reading<'a>,
    stage: Stage,
    outcome: Outcome,
}

impl Checking<'_> {
    /// Checks the rows as they come, some at a time.
    async fn all(&mut self, mut rows: mpsc::Receiver<Line>) -> anyhow::Result<()> {
        let columns = self.order.columns.iter().cloned();
        let places: Places = columns.zip(0..).collect();
        let (mut checked, mut ended) = (0_u64, false);
        while !ended {
            let mut page = Vec::new();
            while page.len() < IMPORT_PIECE && !ended {
                match rows.recv().await.context("the import was broken off; nothing is imported")? {
                    Line::Row(line, cells, faults) => {
                        let record = StringRecord::from(cells);
                        page.push(Brought { line, record, faults });
                    }
                    Line::End => ended = true,
                }
            }
            checked += u64::try_from(page.len())?;
            if checked > ROWS_MAX {
                bail!("a table has at most {ROWS_MAX} rows; cut it in parts");
            }
            self.page(&places, &page).await?;
            self.tell(Told::Checked { rows: checked }).await?;
        }
        Ok(())
    }

    /// Checks a page of rows.
    async fn page(&mut self, places: &Places, page: &[Brought]) -> anyhow::Result<()> {
        self.look(places, page).await?;
        self.reading.now = self.importer.clock.now();
        let order = self.order;
        for Brought { line, record, faults } in page {
            let cells = || Cells::new(places, record, faults);
            let rows = match self.reading.row(order.kind, *line, cells()) {
                Ok(Made::New(rows)) => {
                    self.outcome.new += 1;
                    rows
                }
                Ok(Made::Changed(rows)) => {
                    self.outcome.changed += 1;
                    rows
                }
                Ok(Made::Skipped) => {
                    self.outcome.skipped += 1;
                    continue;
                }
                Err(why) => {
                    self.outcome.bad += 1;
                    self.tell(Told::Bad { line: *line, why }).await?;
                    continue;
                }
            };
            let worked_out = self.reading.worked_out(&cells(), &rows);
            rows.into_iter().try_for_each(|row| self.stage.push(row))?;
            if !worked_out.is_empty() {
                let named = worked_out.into_iter().map(|(name, value)| (name.to_owned(), value));
                self.tell(Told::WorkedOut { line: *line, cells: named.collect() }).await?;
            }
        }
        Ok(())
    }

    /// Looks at what the rows of a page depend on.
    async fn look(&mut self, places: &Places, page: &[Brought]) -> anyhow::Result<()> {
        let kind = self.order.kind;
        let (mut members, mut uids) = (Vec::new(), Vec::new());
        for Brought { record, faults, .. } in page {
            let cells = Cells::new(places, record, faults);
            let numbers = kind.people().iter().filter_map(|name| cells.text(name).parse().ok());
            members.extend(numbers.filter_map(|number| self.reading.known.numbers.get(&number)));
            if kind == Kind::Credentials {
                uids.extend(Uid::carried(cells.text("uid")));
            }
        }
        let mut persons: HashMap<MemberId, Person> = HashMap::new();
        if kind == Kind::Members && self.order.existing == Existing::Update {
            for id in &members {
                persons.extend(self.importer.reader.person(*id).await?.map(|one| (*id, one)));
            }
        }
        let looked = self.importer.look(ImportLook::Rows { members, uids }).await?;
        self.reading.known.page(looked, persons);
        Ok(())
    }

    async fn tell(&self, told: Told) -> anyhow::Result<()> {
        let sent = self.told.send(told).await;
        sent.ok().context("nobody listens any more; nothing is imported")
    }
}

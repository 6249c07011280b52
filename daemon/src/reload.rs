//! A reload is a transaction: settle, read, parse, check, try the cases, swap between two events.
//! Start-up is the first one; on any failure the old set stays and everybody is told.

use std::{path::PathBuf, sync::Arc, time::Duration};

use admin_api::health::Health;
use domain::{
    facts::{NoPolicy, Policy},
    state::{Answer, Input, RuleSetNews},
    time::Clock,
};
use notify::{RecursiveMode, Watcher};
use rules::{
    bundle::{Bundle, SourceFile},
    load::{Checked, Names},
    problem::Problem,
};
use store::reader::Reader;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{intake::Ask, values};

/// Lost file events are found by comparing hashes this often.
const POLL: Duration = Duration::from_secs(5);
/// How many unequal reads in a row are taken for an editor that never rests.
const READS_MAX: u32 = 40;

/// Stands for a hash where a sound set could not be put in force.
const NOT_IN_FORCE: &str = "not in force";
const ENDED: &str = "the loop has ended; the log says why";

/// Reads, checks and swaps the rule set of one folder.
pub(crate) struct Reloader {
    /// The folder.
    pub(crate) folder: PathBuf,
    /// What its settings may speak of.
    pub(crate) names: Names,
    /// How long edited files must rest.
    pub(crate) settle: Duration,
    /// The loop.
    pub(crate) administration: mpsc::Sender<Ask>,
    /// Where people look.
    pub(crate) health: Arc<Health>,
    /// For the times that people are shown.
    pub(crate) clock: Arc<dyn Clock>,
    /// The records.
    pub(crate) reader: Reader,
    /// The hash of the set in force.
    pub(crate) live: String,
    /// The hash of the set that was refused last.
    pub(crate) refused: String,
}

/// The policy that a run begins with, and what is to be told about it.
pub(crate) struct FirstSet {
    /// The policy.
    pub(crate) policy: Arc<dyn Policy>,
    /// For the journal.
    pub(crate) news: RuleSetNews,
    /// The hash of the folder's set, or what is wrong with the folder, where it was refused.
    pub(crate) refused: String,
    /// What the check would like to be looked at.
    pub(crate) warnings: Vec<Problem>,
}

/// The first reload: the folder's set, else the last good one, else none at all.
pub(crate) fn first(
    folder: &std::path::Path,
    names: &Names,
    last_good: Option<(String, Vec<(String, String)>)>,
) -> FirstSet {
    let (refused, message) = match read_and_load(folder, names) {
        Ok((checked, hash)) => {
            let news = RuleSetNews::Live { hash, texts: checked.set.texts() };
            let (policy, warnings) = (Arc::new(checked.set), checked.warnings);
            return FirstSet { policy, news, refused: String::new(), warnings };
        }
        Err(refusal) => refusal,
    };
    let news = RuleSetNews::Refused { message };
    let texts = last_good.map(|(_, texts)| bundle_of(texts));
    // A value of the database that stands in the way is no reason to have no rules at all: only
    // while some are in force can it be taken away.
    let names = &Names { kept: Vec::new(), ..names.clone() };
    let (policy, warnings): (Arc<dyn Policy>, _) =
        match texts.and_then(|bundle| rules::load::load(&bundle, names).ok()) {
            Some(checked) => (Arc::new(checked.set), checked.warnings),
            None => (Arc::new(NoPolicy::default()), Vec::new()),
        };
    FirstSet { policy, news, refused, warnings }
}

/// A bundle of texts that were kept.
pub(crate) fn bundle_of(texts: Vec<(String, String)>) -> Bundle {
    Bundle::of(texts.into_iter().map(|(name, text)| SourceFile { name, text }))
}

/// The folder's set with its hash; or the hash, or what is wrong with the folder, and the message.
fn read_and_load(
    folder: &std::path::Path,
    names: &Names,
) -> Result<(Checked, String), (String, String)> {
    let bundle = Bundle::read(folder).map_err(|error| {
        let why = format!("cannot read the rules folder `{}`: {error}", folder.display());
        (error.to_string(), why)
    })?;
    let hash = bundle.hash();
    match rules::load::load(&bundle, names) {
        Ok(checked) => Ok((checked, hash)),
        Err(problems) => Err((hash, listed(&problems))),
    }
}

/// The problems of a refused set, one under the other.
pub(crate) fn listed(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

impl Reloader {
    /// Watches the folder until the run ends. `asked` is a reload that somebody asks for.
    pub(crate) async fn run(mut self, mut asked: mpsc::Receiver<()>, ended: CancellationToken) {
        let (changed, mut changes) = mpsc::channel(1);
        let watcher = watch(&self.folder, changed);
        if watcher.is_none() {
            let folder = self.folder.display();
            tracing::warn!(%folder, "the rules folder cannot be watched; it is read every 5 s");
        }
        loop {
            tokio::select! {
                () = ended.cancelled() => return,
                Some(()) = changes.recv() => {}
                Some(()) = asked.recv() => self.refused.clear(),
                () = tokio::time::sleep(POLL) => {}
            }
            tokio::select! {
                // Nobody waits for a set that is being tried when the run ends.
                () = ended.cancelled() => return,
                () = self.reload() => {}
            }
        }
    }

    /// One reload, from the settled folder to the swap.
    async fn reload(&mut self) {
        let bundle = match self.settled().await {
            Some(Ok(bundle)) => bundle,
            Some(Err(why)) if why == self.refused => return,
            // A folder that cannot be read has no hash; what is wrong with it stands for it.
            Some(Err(why)) => return self.refuse(why.clone(), why).await,
            None => return,
        };
        let hash = bundle.hash();
        if hash == self.live || hash == self.refused {
            if hash == self.live && !self.refused.is_empty() {
                self.restored(hash).await;
            }
            return;
        }
        let mut names = self.names.clone();
        match self.reader.params().await {
            Ok(kept) => names.kept = values::of(&kept),
            Err(error) => {
                return tracing::error!(%error, "the values of the database cannot be read");
            }
        }
        let loaded = tokio::task::spawn_blocking(move || rules::load::load(&bundle, &names)).await;
        match loaded {
            Ok(Ok(checked)) => {
                for warning in &checked.warnings {
                    tracing::warn!("{warning}");
                }
                let texts = checked.set.texts();
                let news = RuleSetNews::Live { hash: hash.clone(), texts };
                let policy: Arc<dyn Policy> = Arc::new(checked.set);
                if let Some(why) = self.tell(news, Some(policy)).await {
                    // The set is sound; it is tried again at the next look.
                    tracing::error!(why, "the new rule set could not be put in force");
                    self.health.rules_refused(&why, self.clock.now());
                    NOT_IN_FORCE.clone_into(&mut self.refused);
                    return;
                }
                self.health.rules_live(&hash, self.clock.now());
                tracing::info!(hash = %short(&hash), "a new rule set is live");
                (self.live, self.refused) = (hash, String::new());
            }
            Ok(Err(problems)) => self.refuse(hash, listed(&problems)).await,
            Err(error) => self.refuse(hash, format!("the check itself failed: {error}")).await,
        }
    }

    /// The files are those of the set in force again.
    async fn restored(&mut self, hash: String) {
        self.refused.clear();
        self.health.rules_live(&hash, self.clock.now());
        tracing::info!(hash = %short(&hash), "the rule files are those of the set in force again");
        if let Some(why) = self.tell(RuleSetNews::Restored { hash }, None).await {
            tracing::error!(why, "that the rules are in order again is not in the journal");
        }
    }

    async fn refuse(&mut self, hash: String, message: String) {
        metrics::counter!("kari_rule_sets_refused_total").increment(1);
        tracing::error!(
            condition = "RULES_DEGRADED",
            "the rule set was refused, the last good one stays:\n{message}"
        );
        self.health.rules_refused(&message, self.clock.now());
        self.refused = hash;
        if let Some(why) = self.tell(RuleSetNews::Refused { message }, None).await {
            tracing::error!(why, "the refusal of the rule set is not in the journal");
        }
    }

    /// Hands the news to the loop, and the policy with it, which is in force when this returns;
    /// otherwise it says why not.
    async fn tell(&self, news: RuleSetNews, policy: Option<Arc<dyn Policy>>) -> Option<String> {
        let (reply, answer) = oneshot::channel::<Answer>();
        let ask = Ask { input: Input::RuleSet(news), policy, reply };
        let sent = self.administration.send(ask).await;
        match sent.map(|()| answer) {
            Ok(answer) => match answer.await {
                Ok(Answer::Taken | Answer::Decided(_) | Answer::Looked(_)) => None,
                Ok(Answer::Refused(why)) => Some(why),
                Err(_) => Some(ENDED.to_owned()),
            },
            Err(_) => Some(ENDED.to_owned()),
        }
    }

    /// The folder, once two reads in a row are equal, or what is wrong with it, once two reads in a
    /// row failed alike. Nothing where it never rests.
    async fn settled(&self) -> Option<Result<Bundle, String>> {
        let mut last = None;
        for _ in 0..READS_MAX {
            let folder = self.folder.clone();
            let read = tokio::task::spawn_blocking(move || Bundle::read(&folder)).await.ok()?;
            let read = read.map_err(|error| error.to_string());
            let seen = read.as_ref().map(Bundle::hash).map_err(Clone::clone);
            if last.as_ref() == Some(&seen) {
                return Some(read);
            }
            last = Some(seen);
            tokio::time::sleep(self.settle).await;
        }
        None
    }
}

/// Tells of changes in the folder; a full channel already tells of one.
fn watch(
    folder: &std::path::Path,
    changed: mpsc::Sender<()>,
) -> Option<notify::RecommendedWatcher> {
    let told = move |event: notify::Result<notify::Event>| {
        let reads_only = event.is_ok_and(|event| event.kind.is_access());
        if !reads_only && changed.try_send(()).is_err() {
            tracing::trace!("a change of the rules folder is told already");
        }
    };
    let mut watcher = notify::recommended_watcher(told).ok()?;
    watcher.watch(folder, RecursiveMode::NonRecursive).ok()?;
    Some(watcher)
}

/// The first digits of a hash, for people.
pub(crate) fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

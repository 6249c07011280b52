//! Decisions as they fall, worded, on stdout.

use std::sync::Arc;

use admin_api::{
    feed::{FeedItem, News},
    wording::{Wording, language::Language},
};
use domain::{decision::Decision, site::Site};
use store::reader::Reader;
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// How decisions are printed.
pub(crate) struct Printer {
    /// The words.
    pub(crate) wording: Wording,
    /// The records, for names.
    pub(crate) reader: Reader,
    /// One JSON object a line instead of words.
    pub(crate) json: bool,
}

impl Printer {
    /// A printer of English words for `site`.
    pub(crate) fn new(site: &Site, reader: Reader, json: bool) -> Self {
        let wording = Wording::new(Language::En, site.currency.clone(), site.time_zone.clone());
        Self { wording, reader, json }
    }

    /// Prints until the feed ends.
    pub(crate) async fn run(self, mut feed: Receiver<Arc<FeedItem>>) {
        loop {
            match feed.recv().await {
                Ok(item) => {
                    if let News::Decided(decision) = &item.news {
                        self.print(decision).await;
                    }
                }
                Err(RecvError::Lagged(missed)) => {
                    tell!("… {missed} decisions went by faster than they can be printed");
                }
                Err(RecvError::Closed) => return,
            }
        }
    }

    async fn print(&self, decision: &Decision) {
        if self.json {
            match serde_json::to_string(decision) {
                Ok(line) => say!("{line}"),
                Err(error) => tell!("a decision cannot be written as JSON: {error}"),
            }
            return;
        }
        let name = match decision.member {
            Some(member) => self.reader.person(member).await.ok().flatten(),
            None => None,
        };
        let name = name.map(|person| person.name_latin);
        say!("{}", self.wording.line(decision, name.as_deref()));
    }
}

//! The places of the callers of the socket.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// How many callers are served at once.
const CALLERS_MAX: usize = 64;
/// How long whoever gives way may take to go.
const GIVES_WAY: Duration = Duration::from_millis(100);

/// Those who have said nothing yet, the oldest first.
type Silent = Arc<Mutex<VecDeque<(u64, CancellationToken)>>>;

/// The places of callers: whoever has said nothing yet gives way to whoever comes.
pub(super) struct Places {
    free: Arc<Semaphore>,
    silent: Silent,
    came: AtomicU64,
}

impl Default for Places {
    fn default() -> Self {
        let free = Arc::new(Semaphore::new(CALLERS_MAX));
        Self { free, silent: Arc::default(), came: AtomicU64::new(0) }
    }
}

/// A caller's place.
pub(super) struct Served {
    number: u64,
    /// Cancelled where its place is given to somebody else.
    pub(super) dropped: CancellationToken,
    silent: Silent,
    _place: OwnedSemaphorePermit,
}

impl Places {
    /// A place, if need be that of whoever has been silent for longest; nothing where all callers
    /// are being answered.
    pub(super) async fn take(&self) -> Option<Served> {
        let place = match Arc::clone(&self.free).try_acquire_owned() {
            Ok(place) => place,
            Err(_) => {
                let (_, oldest) = locked(&self.silent).pop_front()?;
                oldest.cancel();
                let free = Arc::clone(&self.free).acquire_owned();
                tokio::time::timeout(GIVES_WAY, free).await.ok()?.ok()?
            }
        };
        let number = self.came.fetch_add(1, Ordering::Relaxed);
        let dropped = CancellationToken::new();
        locked(&self.silent).push_back((number, dropped.clone()));
        Some(Served { number, dropped, silent: Arc::clone(&self.silent), _place: place })
    }
}

impl Served {
    /// The caller has said what it wants: it is not dropped for others any more.
    pub(super) fn speaks(&self) {
        locked(&self.silent).retain(|(number, _)| *number != self.number);
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.speaks();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_says_nothing_gives_way_and_whoever_is_answered_does_not() {
        let places = Arc::new(Places::default());
        let mut answered = Vec::new();
        for _ in 1..CALLERS_MAX {
            let place = places.take().await.unwrap();
            place.speaks();
            answered.push(place);
        }
        let silent = places.take().await.unwrap();
        let gives_way = tokio::spawn(async move {
            silent.dropped.cancelled().await;
            drop(silent);
        });
        let last = places.take().await.expect("the silent one gives way");
        gives_way.await.unwrap();
        last.speaks();
        assert!(places.take().await.is_none(), "all others are being answered");
        assert!(answered.iter().all(|place| !place.dropped.is_cancelled()));
        drop(answered.pop());
        assert!(places.take().await.is_some());
    }
}

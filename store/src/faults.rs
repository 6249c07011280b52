//! Faults that tests put into the writer's statements: the n-th one fails, before or after it had
//! its effect. Without the feature `faults` there are none.

#[cfg(not(any(test, feature = "faults")))]
mod none {
    use futures_util::future::BoxFuture;

    /// No faults.
    #[derive(Clone, Debug, Default)]
    pub struct Faults;

    impl Faults {
        pub(crate) fn around<'a, T>(&self, work: BoxFuture<'a, T>) -> BoxFuture<'a, T> {
            work
        }
    }

    /// Runs a statement.
    pub(crate) async fn run<T>(
        statement: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        statement.await
    }
}
#[cfg(not(any(test, feature = "faults")))]
pub use none::Faults;
#[cfg(not(any(test, feature = "faults")))]
pub(crate) use none::run;

#[cfg(any(test, feature = "faults"))]
mod some {
    use std::{
        error::Error,
        fmt,
        sync::{Arc, Mutex, PoisonError},
    };

    use futures_util::{FutureExt, future::BoxFuture};
    use sqlx::error::{DatabaseError, ErrorKind};

    tokio::task_local! {
        static CURRENT: Faults;
    }

    /// What fails, and how.
    #[derive(Clone, Copy, Debug)]
    pub struct Plan {
        /// Which statement from now on, counted from 1.
        pub nth: u64,
        /// The result code, as SQLite numbers them; nothing where the connection breaks.
        pub code: Option<i32>,
        /// Whether the statement has its effect before the error comes.
        pub after: bool,
        /// Whether all later ones fail as well, until it is healed.
        pub lasts: bool,
    }

    /// The faults of one store.
    #[derive(Clone, Debug, Default)]
    pub struct Faults(Arc<Mutex<State>>);

    #[derive(Debug, Default)]
    struct State {
        plan: Option<Plan>,
        counted: u64,
        struck: bool,
    }

    impl Faults {
        fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
            change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
        }

        /// From now on this fails.
        pub fn arm(&self, plan: Plan) {
            self.change(|state| *state = State { plan: Some(plan), counted: 0, struck: false });
        }

        /// Nothing fails any more; whether something did.
        pub fn heal(&self) -> bool {
            self.change(|state| std::mem::take(state).struck)
        }

        /// Whether something failed.
        #[must_use]
        pub fn struck(&self) -> bool {
            self.change(|state| state.struck)
        }

        /// The plan, where it strikes the statement that comes now.
        fn strike(&self) -> Option<Plan> {
            self.change(|state| {
                let plan = state.plan?;
                state.counted += 1;
                let strikes = state.counted == plan.nth || (plan.lasts && state.counted > plan.nth);
                state.struck |= strikes;
                strikes.then_some(plan)
            })
        }

        pub(crate) fn around<'a, T>(&self, work: BoxFuture<'a, T>) -> BoxFuture<'a, T>
        where
            T: 'a,
        {
            CURRENT.scope(self.clone(), work).boxed()
        }
    }

    /// Runs a statement, unless a fault strikes it.
    pub(crate) async fn run<T>(
        statement: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        let plan = CURRENT.try_with(Faults::strike).ok().flatten();
        match plan {
            None => statement.await,
            Some(plan) => {
                if plan.after {
                    drop(statement.await);
                }
                Err(match plan.code {
                    Some(code) => sqlx::Error::Database(Box::new(Struck(code))),
                    None => sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into()),
                })
            }
        }
    }

    /// An error as the database reports it.
    #[derive(Debug)]
    struct Struck(i32);

    impl fmt::Display for Struck {
        fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(to, "a fault of a test: code {}", self.0)
        }
    }

    impl Error for Struck {}

    impl DatabaseError for Struck {
        fn message(&self) -> &'static str {
            "a fault of a test"
        }

        fn code(&self) -> Option<std::borrow::Cow<'_, str>> {
            Some(self.0.to_string().into())
        }

        fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }
}
#[cfg(any(test, feature = "faults"))]
pub(crate) use some::run;
#[cfg(any(test, feature = "faults"))]
pub use some::{Faults, Plan};

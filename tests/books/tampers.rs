//! Whoever changes the database of a whole month behind Kari's back is found as well: the random
//! changes of the store's own tests, among thousands of rows that a site's ordinary days left.
//!
//! `KARI_TAMPERS` says how many changes are made, `KARI_TAMPER_SEED` which.

use std::fs;

#[path = "../../store/tests/tamper/change.rs"]
mod change;
#[path = "../../store/tests/tamper/rounds.rs"]
mod rounds;
#[path = "../../store/tests/tamper/site.rs"]
mod site;
#[path = "../../store/tests/support/mod.rs"]
mod support;

use super::{Month, run, text};

#[tokio::test]
async fn what_is_changed_in_a_month_is_found_and_located() {
    let month = Month::example();
    let home = support::Home::sqlite();
    for file in ["kari.db", "audit.key", "audit.head"] {
        fs::copy(month.site().join("state").join(file), home.folder().join(file)).unwrap();
    }
    let site = site::Site::adopt(&home).await;
    rounds::random(&home, &site, rounds::wanted(12)).await;
}

#[test]
fn a_month_whose_database_is_gone_is_refused_as_that_of_a_site_in_use() {
    let month = Month::example();
    for file in ["kari.db", "kari.db-wal", "kari.db-shm"] {
        drop(fs::remove_file(month.site().join("state").join(file)));
    }
    let said = run(["verify".as_ref(), month.site().as_os_str()]);
    assert!(!said.status.success());
    let said = text(&said.stderr) + &text(&said.stdout);
    assert!(said.contains("missing") && said.contains("--new-database"), "{said}");
}

//! A database that is shorter or older than the one that was written last is known by the heads
//! that are kept outside it.

use std::{fs, os::unix::fs::PermissionsExt};

use domain::{
    reasons::Condition,
    state::{Batch, Changes, Entry, Noted},
};
use store::{Lost, Sealed, Store, error::OpenError, identity::Expected, verify};

use super::{found, site::Site, support::*};

async fn batches(home: &Home, what: &str, numbers: std::ops::Range<u64>) -> Vec<Lost> {
    let (mut store, opened) = home.open().await;
    for number in numbers {
        let batch = Batch { journal: vec![happened(what)], ..Batch::default() };
        let sealed = sealed(number, batch, Changes::default());
        store.commit(&Sealed { epoch: opened.epoch, ..sealed }).await.unwrap();
    }
    store.close().await.unwrap();
    opened.lost
}

#[tokio::test]
async fn an_old_database_in_its_place_is_known_and_stays_known() {
    let home = Home::sqlite();
    Site::make(&home).await;
    let path = home.folder().join("kari.db");
    let old = fs::read(&path).unwrap();
    assert_eq!(batches(&home, "first", 1..8).await, []);
    assert_eq!(found(&home).await, []);
    let all = verify::chain(&home.reader().await).await.unwrap().lines;
    fs::write(&path, &old).unwrap();
    let said = found(&home).await;
    let why = format!("the last 7 lines of the journal (it ends at {}, {all} were", all - 7);
    assert!(said.len() == 1 && said[0].why.contains(&why), "{said:?}");
    assert!(said[0].table.ends_with("audit.head"), "{said:?}");
    // A start says so, goes on, and forgets nothing.
    for what in ["second", "third"] {
        let lost = batches(&home, what, 1..9).await;
        assert!(lost.len() == 1 && lost[0].is_new, "it is on no record yet: {lost:?}");
        let said = found(&home).await;
        assert_eq!(said.len(), 1, "{said:?}");
        let why = format!("line {all} is not the one that was written");
        assert!(said[0].why.contains(&why), "{said:?}");
    }
}

fn gap() -> Entry {
    let (condition, detail) = (Condition::AuditGap, "7 lines".to_owned());
    let noted = Noted::Condition { condition, decision: None, direction: None, detail };
    Entry { at: NOW, device: None, source: None, noted }
}

#[tokio::test]
async fn a_gap_is_new_until_it_is_on_record_and_then_known_for_ever() {
    for home in [Some(Home::sqlite()), Home::postgres().await].into_iter().flatten() {
        let site = Site::make(&home).await;
        let kept = home.head();
        assert_eq!(batches(&home, "first", 1..8).await, []);
        let tables = site.tables(&home).await;
        site.restore(&home, tables.iter().map(|table| &table.name)).await;
        let (mut store, opened) = home.open().await;
        assert!(opened.lost.len() == 1 && opened.lost[0].is_new, "{:?}", opened.lost);
        let batch = Batch { journal: vec![gap()], ..Batch::default() };
        let noted = Sealed { epoch: opened.epoch, ..sealed(1, batch, Changes::default()) };
        store.commit(&noted).await.unwrap();
        // Whether the daemon is killed or closed: a killed one has a second to keep it.
        store.close().await.unwrap();
        for _ in 0..2 {
            let lost = batches(&home, "later", 1..2).await;
            assert!(lost.len() == 1 && !lost[0].is_new, "{lost:?}");
        }
        // Another gap is another one.
        fs::write(&kept, fs::read_to_string(&kept).unwrap().replacen("\"turn\":", "\"turn\":9", 1))
            .unwrap();
        let lost = batches(&home, "again", 1..2).await;
        let new: Vec<bool> = lost.iter().map(|lost| lost.is_new).collect();
        assert_eq!(new, [true, false], "{lost:?}");
    }
}

#[tokio::test]
async fn a_new_database_by_order_puts_the_head_of_the_old_one_aside() {
    let home = Home::sqlite();
    Site::make(&home).await;
    let head = home.head();
    let old = fs::read(&head).unwrap();
    for rest in ["kari.db", "kari.db-wal", "kari.db-shm"] {
        drop(fs::remove_file(home.folder().join(rest)));
    }
    let (store, opened) = Store::open_expected(&home.place(1), Expected::New, NOW).await.unwrap();
    assert_eq!(opened.lost, []);
    store.close().await.unwrap();
    assert_eq!(batches(&home, "new", 1..2).await, []);
    assert_eq!(found(&home).await, []);
    let aside = home.folder().join("audit.head.before-1");
    assert_eq!(fs::read(aside).unwrap(), old, "it is evidence");
}

#[tokio::test]
async fn everything_emptied_is_known_by_the_head_alone() {
    for home in [Some(Home::sqlite()), Home::postgres().await].into_iter().flatten() {
        let site = Site::make(&home).await;
        let mut sql = String::new();
        for table in site.tables(&home).await.iter().filter(|table| table.name != "audit_key") {
            sql.push_str(&format!("DELETE FROM {};", table.name));
        }
        home.tamper(&sql).await.unwrap();
        let said = found(&home).await;
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].why.contains("nothing of daemon 1 is left"), "{said:?}");
        // What is left of it is not all called deleted.
        let tables = site.tables(&home).await;
        let left = tables.iter().filter(|table| table.name != "batch").map(|table| &table.name);
        site.restore(&home, left).await;
        home.tamper("DELETE FROM batch").await.unwrap();
        let said = found(&home).await;
        assert!(said.iter().any(|one| one.table == "batch"), "{said:?}");
        assert!(said.len() < 6, "{said:?}");
    }
}

#[tokio::test]
async fn a_killed_daemon_is_no_finding_and_a_write_after_its_end_is_one() {
    for home in [Some(Home::sqlite()), Home::postgres().await].into_iter().flatten() {
        Site::make(&home).await;
        let (mut store, opened) = home.open().await;
        let batch = Batch { journal: vec![happened("late")], ..Batch::default() };
        let last = Sealed { epoch: opened.epoch, ..sealed(1, batch, Changes::default()) };
        store.commit(&last).await.unwrap();
        drop(store);
        assert_eq!(found(&home).await, []);
        assert_eq!(batches(&home, "after", 1..3).await, []);
        // Somebody with the key and the program, but without the head that says the daemon ended.
        let folder = if home.is_postgres() { "daemon-1/audit.head" } else { "audit.head" };
        let head = home.folder().join(folder);
        let kept = fs::read(&head).unwrap();
        batches(&home, "more", 1..3).await;
        fs::write(&head, kept).unwrap();
        let said = found(&home).await;
        assert!(
            said.len() == 1 && said[0].why.contains("2 batches were written after"),
            "{said:?}"
        );
    }
}

#[tokio::test]
async fn heads_are_kept_wherever_the_site_says_for_their_owner_alone() {
    let home = Home::sqlite();
    let elsewhere = home.folder().join("elsewhere.head");
    let place = home.place(1).with_heads(home.folder(), vec![elsewhere.clone()]);
    let (mut store, _) = Store::open(&place, NOW).await.unwrap();
    let batch = Batch { journal: vec![happened("kept")], ..Batch::default() };
    store.commit(&sealed(1, batch, Changes::default())).await.unwrap();
    store.close().await.unwrap();
    let own = home.folder().join("audit.head");
    // Only our own says that the daemon ended.
    let ended = fs::read_to_string(&own).unwrap();
    assert!(ended.contains("\"stopped\":true"), "{ended}");
    let elsewhere_it_is = fs::read_to_string(&elsewhere).unwrap();
    assert_eq!(ended.replace("true", "false"), elsewhere_it_is);
    for path in [&own, &elsewhere, &home.folder().join("audit.key")] {
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn a_database_without_its_key_is_refused_and_told_what_to_do() {
    let home = Home::sqlite();
    Site::make(&home).await;
    fs::remove_file(home.folder().join("audit.key")).unwrap();
    let refused = Store::open(&home.place(1), NOW).await.unwrap_err();
    assert!(matches!(refused, OpenError::Key(_)), "{refused:?}");
    assert!(refused.to_string().contains("bring the file `audit.key` back"), "{refused}");
    let said = found(&home).await;
    assert!(said.iter().any(|one| one.why.contains("audit.key")), "{said:?}");
    // The key of another site makes every row a stranger.
    fs::write(home.folder().join("audit.key"), "ab".repeat(32)).unwrap();
    let said = found(&home).await;
    assert!(said.len() > 40, "{said:?}");
}

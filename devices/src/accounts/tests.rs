//! What accounts let in, and what their file keeps.

use std::fs;

use super::*;

const NOW: Timestamp = Timestamp::from_micros(1_000_000);
const LATER: Timestamp = Timestamp::from_micros(2_000_000);

fn secret(seed: u8) -> Secret {
    let random = std::array::from_fn(|at| seed.wrapping_mul(31).wrapping_add(at as u8));
    Secret::of(&random, [seed; SALT_BYTES])
}

fn filters(texts: &[&str]) -> Vec<Filter> {
    texts.iter().map(|text| Filter::parse(text).unwrap()).collect()
}

fn accounts() -> Accounts {
    let mut accounts = Accounts::default();
    accounts.add("gate-1", &secret(1), (Vec::new(), Vec::new())).unwrap();
    let rights = (filters(&["homie/5/+/gate/#", "weather/#"]), filters(&["weather/#"]));
    accounts.add("home-assistant", &secret(2), rights).unwrap();
    accounts
}

#[test]
fn only_the_right_secret_under_the_right_name_comes_in() {
    let accounts = accounts();
    let right = secret(1).text().to_owned();
    assert_eq!(right.len(), SECRET_BYTES);
    let proof = accounts.prove("gate-1", right.as_bytes(), NOW).unwrap();
    assert!(accounts.holds("gate-1", proof, NOW));
    assert!(!accounts.holds("home-assistant", proof, NOW));
    for (name, given) in [
        ("gate-1", ""),
        ("gate-1", &right[1..]),
        ("gate-1", secret(2).text()),
        ("gate-2", &right),
        ("home-assistant", &right),
        ("", &right),
    ] {
        assert_eq!(accounts.prove(name, given.as_bytes(), NOW), None, "{name} {given}");
    }
}

#[test]
fn an_account_says_and_hears_what_is_its_own_and_gives_no_commands() {
    let accounts = accounts();
    for (topic, publishes, reads) in [
        ("homie/5/gate-1/gate/passage", true, true),
        ("homie/5/gate-1/$state", true, true),
        ("homie/5/gate-1/gate/open/set", false, true),
        ("homie/5/gate-1", false, false),
        ("homie/5/gate-10/gate/passage", false, false),
        ("homie/5/gate-2/gate/passage", false, false),
        ("homie/5/home-assistant/x", false, false),
        ("weather/now", false, false),
        ("kari/kari/canary", false, false),
    ] {
        assert_eq!(accounts.may_publish("gate-1", topic), publishes, "{topic}");
        assert_eq!(accounts.may_read("gate-1", topic), reads, "{topic}");
        assert!(!accounts.may_read("gate-2", topic), "nobody: {topic}");
        assert!(!accounts.may_publish("gate-3", topic), "nobody: {topic}");
    }
    for (filter, expected) in [
        ("homie/5/gate-1/#", true),
        ("homie/5/gate-1/+/+/set", true),
        ("homie/5/+/gate/open/set", false),
        ("homie/5/#", false),
        ("+/5/gate-1/gate/passage", false),
        ("#", false),
    ] {
        assert_eq!(accounts.may_read("gate-1", filter), expected, "{filter}");
    }
}

#[test]
fn a_named_reader_reads_what_its_rights_cover_and_publishes_where_no_device_does() {
    let accounts = accounts();
    for (topic, publishes, reads) in [
        ("homie/5/gate-1/gate/passage", false, true),
        ("homie/5/+/gate/passage", false, true),
        ("homie/5/gate-1/reader-in/uid", false, false),
        ("homie/5/+/+/uid", false, false),
        ("weather/now", true, true),
        ("#", false, false),
    ] {
        assert_eq!(accounts.may_publish("home-assistant", topic), publishes, "{topic}");
        assert_eq!(accounts.may_read("home-assistant", topic), reads, "{topic}");
    }
}

#[test]
fn what_an_account_may_publish_never_belongs_to_a_device() {
    for taken in ["homie/5/gate-1/gate/passage", "#", "+/x", "kari/#"] {
        let rights = (Vec::new(), filters(&[taken]));
        let error = Accounts::default().add("reader", &secret(1), rights).unwrap_err();
        assert!(error.contains("belong to devices"), "{error}");
        let text = accounts().text().unwrap().replace("[\"weather/#\"]", &format!("['{taken}']"));
        assert!(Accounts::parse(&text).is_err(), "written by hand: {taken}");
    }
}

#[test]
fn a_renewed_secret_counts_beside_the_old_one_until_that_ends() {
    let mut accounts = accounts();
    let (old, new) = (secret(1), secret(3));
    let first = accounts.prove("gate-1", old.text().as_bytes(), NOW).unwrap();
    accounts.renew("gate-1", &new, LATER).unwrap();
    assert!(accounts.holds("gate-1", first, NOW) && !accounts.holds("gate-1", first, LATER));
    let comes = |accounts: &Accounts, secret: &Secret, now| {
        accounts.prove("gate-1", secret.text().as_bytes(), now).is_some()
    };
    assert!(comes(&accounts, &old, NOW) && comes(&accounts, &new, NOW));
    assert!(!comes(&accounts, &old, LATER) && comes(&accounts, &new, LATER));

    accounts.renew("gate-1", &secret(4), LATER).unwrap();
    assert!(!comes(&accounts, &old, NOW), "of three the first is gone");
    assert!(comes(&accounts, &new, NOW) && comes(&accounts, &secret(4), NOW));
    accounts.forget_ended(LATER);
    assert_eq!(accounts.get("gate-1").unwrap().ends().collect::<Vec<_>>(), [None]);

    accounts.remove("gate-1").unwrap();
    assert!(!comes(&accounts, &secret(4), NOW));
    for missing in [accounts.remove("gate-1"), accounts.renew("gate-1", &new, LATER)] {
        assert!(missing.unwrap_err().contains("has no account"));
    }
}

#[test]
fn the_file_keeps_everything_but_the_secrets() {
    let mut accounts = accounts();
    accounts.renew("gate-1", &secret(3), LATER).unwrap();
    let text = accounts.text().unwrap();
    assert_eq!(Accounts::parse(&text).unwrap(), accounts);
    for seed in 1..=3 {
        assert!(!text.contains(secret(seed).text()), "{text}");
    }
    assert!(!format!("{accounts:?} {:?}", secret(1)).contains(secret(1).text()));
    assert_eq!(Accounts::parse("").unwrap(), Accounts::default());
}

#[test]
fn two_accounts_with_one_secret_keep_different_hashes() {
    let mut accounts = Accounts::default();
    for name in ["a", "b"] {
        accounts.add(name, &secret(1), (Vec::new(), Vec::new())).unwrap();
    }
    let text = accounts.text().unwrap();
    let mut hashes: Vec<_> = text.lines().filter(|line| line.starts_with("hash")).collect();
    assert_eq!(hashes.len(), 2);
    hashes.dedup();
    assert_eq!(hashes.len(), 2);
}

#[test]
fn a_file_that_is_not_right_is_refused_with_what_is_wrong() {
    let good = accounts().text().unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (from, to, expected) in [
        ("name = \"gate-1\"", "name = \"Gate 1\"", "lower-case"),
        ("name = \"gate-1\"", "name = \"kari\"", "daemon's own name"),
        ("name = \"gate-1\"", "name = \"home-assistant\"", "twice"),
        ("name = \"gate-1\"", "nome = \"gate-1\"", "nome"),
        ("hash = \"", "hash = \"x", "64 hexadecimal digits"),
        ("salt = \"", "salt = \"+", "32 hexadecimal digits"),
        ("homie/5/+/gate/#", "homie/#/x", "last level"),
    ] {
        assert!(good.contains(from), "{from}");
        let path = folder.path().join(FILE);
        fs::write(&path, good.replacen(from, to, 1)).unwrap();
        let error = Accounts::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains(FILE), "{error}");
    }
    let mut accounts = accounts();
    let again = accounts.add("gate-1", &secret(5), (Vec::new(), Vec::new()));
    assert!(again.unwrap_err().contains("has an account already"));
    let many = (filters(&["a"; FILTERS + 1]), Vec::new());
    assert!(accounts.add("c", &secret(5), many).unwrap_err().contains("at most"));
}

#[test]
fn what_is_no_plain_file_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Accounts::read(folder.path()).unwrap(), Accounts::default());
    fs::create_dir(folder.path().join(FILE)).unwrap();
    let error = Accounts::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("plain file"), "{error}");
}

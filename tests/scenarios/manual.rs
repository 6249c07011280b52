//! The manual of scenarios: its examples are run, its lists are made of the code, and there is an
//! example of every word.

use std::fmt::Write as _;

use serde::de::DeserializeOwned;
use tests::{
    scenarios::{Happens, Scenario, Wants, folder, scenarios},
    world::{Given, PARTS, STEPS},
};

/// How the lists are made anew.
const AGAIN: &str = "KARI_REGENERATE=1 cargo test --workspace --test scenarios manual";

fn text() -> String {
    std::fs::read_to_string(folder().join("README.md")).unwrap()
}

/// The examples: the first is a whole scenario, the others stand behind what that one is given.
fn examples(text: &str) -> Vec<String> {
    let blocks = text.split("```toml\n").skip(1);
    let blocks: Vec<_> = blocks.map(|rest| rest.split("```").next().unwrap()).collect();
    let (given, _) = blocks[0].split_once("[[row]]").unwrap();
    let others = blocks[1..].iter().map(|block| format!("{given}{block}"));
    std::iter::once(blocks[0].to_owned()).chain(others).collect()
}

/// The words of all steps of an example.
fn steps(example: &toml::Table) -> Vec<String> {
    let rows = example["row"].as_array().unwrap().iter().map(|row| &row["do"]);
    let all = rows.chain(example.get("start")).flat_map(|steps| steps.as_array().unwrap());
    all.map(|step| step.as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_example_of_the_manual_comes_out() {
    let mut wrong = Vec::new();
    for (number, example) in examples(&text()).iter().enumerate() {
        let found = match Scenario::of(example) {
            Ok(scenario) => scenario.wrong(),
            Err(why) => vec![why],
        };
        wrong.extend(found.into_iter().map(|why| format!("example {number}: {why}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The list of steps and of their parts, as the manual has it.
fn lists() -> String {
    let code = |text: &str| format!("`{}`", text.replace('|', "\\|"));
    let mut text = String::from("\n| step | what happens |\n|---|---|\n");
    for step in STEPS {
        writeln!(text, "| {} | {} |", code(step.form), step.is).unwrap();
    }
    text.push_str("\n| in | words | what they say |\n|---|---|---|\n");
    for part in PARTS {
        writeln!(text, "| {} | {} | {} |", code(part.place), code(part.form), part.is).unwrap();
    }
    text.push('\n');
    text
}

/// The scenarios of this folder, by their files.
fn files() -> String {
    let mut text = String::from("\n| file | what it is about |\n|---|---|\n");
    for (file, scenario) in scenarios() {
        writeln!(text, "| `{file}` | {} |", scenario.title()).unwrap();
    }
    text.push('\n');
    text
}

/// The manual with `list` between the marks of this name.
fn with(text: &str, name: &str, list: &str) -> String {
    let (start, end) = (format!("<!-- {name}: {AGAIN} -->\n"), format!("<!-- end of {name} -->"));
    let (before, rest) = text.split_once(&start).unwrap();
    let (_, after) = rest.split_once(&end).unwrap();
    format!("{before}{start}{list}{end}{after}")
}

#[test]
fn the_manual_lists_every_step_and_every_file_as_they_are() {
    let text = text();
    let wanted = with(&with(&text, "steps", &lists()), "files", &files());
    if std::env::var_os("KARI_REGENERATE").is_some() {
        std::fs::write(folder().join("README.md"), wanted).unwrap();
    } else {
        assert!(text == wanted, "run `{AGAIN}` and commit");
    }
}

#[test]
fn every_word_of_a_step_has_an_example() {
    let examples = examples(&text());
    let tables = examples.iter().map(|example| toml::from_str::<toml::Table>(example).unwrap());
    let steps: Vec<String> = tables.flat_map(|table| steps(&table)).collect();
    let is_there = |word: &str| steps.iter().any(|step| step.split_whitespace().any(|w| w == word));
    let missing = |words: Vec<&str>| -> Vec<String> {
        words.into_iter().filter(|word| !is_there(word)).map(str::to_owned).collect()
    };
    let words = STEPS.iter().map(|step| step.verb()).chain(PARTS.iter().map(|part| part.name()));
    let none: Vec<String> = missing(words.chain(["plus", "and", "first", "second"]).collect());
    assert!(none.is_empty(), "no example in the manual has {}", none.join(", "));
}

/// The keys of a table, which are told where one is wrong.
fn keys<T: DeserializeOwned>(text: &str) -> Vec<String> {
    let why = match toml::from_str::<T>(text) {
        Ok(_) => panic!("`{text}` has no wrong key"),
        Err(why) => why.to_string(),
    };
    let (_, expected) = why.split_once("unknown field `none`, expected ").unwrap();
    let expected = expected.lines().next().unwrap();
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Every key, with the name of the table that it stands in.
fn all_keys() -> Vec<(&'static str, String)> {
    let of = |place, keys: Vec<String>| keys.into_iter().map(move |key| (place, key));
    let whole = "title=''\ntime_zone=''\ncurrency=''\ndate=''\nrules=''\nzones={}\ngates={}\n";
    let given = |more: &str| keys::<Given>(&format!("{whole}{more}"));
    let mut all: Vec<_> = of("the file", keys::<Given>("none = 1")).collect();
    all.extend(of("surroundings", given("tariffs={}\nsurroundings.A.none=1")));
    all.extend(of("tariffs", given("tariffs.A.none=1")));
    all.extend(of("sold", given("tariffs.A.sold.none=1")));
    all.extend(of("goods", given("tariffs={}\ngoods.A.none=1")));
    all.extend(of("price_lists", given("tariffs={}\nprice_lists.A.none=1")));
    all.extend(of("people", given("tariffs={}\npeople=[{none=1}]")));
    all.extend(of("exemptions", given("tariffs={}\nexemptions=[{none=1}]")));
    all.extend(of("row", keys::<Happens>("none = 1")));
    all.extend(of("row", keys::<Wants>("none = 1")));
    all
}

#[test]
fn the_manual_tells_of_every_key_and_has_an_example_of_it() {
    let text = text();
    let examples = examples(&text).concat();
    let mut missing = Vec::new();
    for (place, key) in all_keys() {
        if !text.contains(&format!("| `{key}` |")) {
            missing.push(format!("no line tells of `{key}` of {place}"));
        }
        // Written `key =`, `key.W1 =`, `[key]`, `[[key]]` or `[key.G1]`.
        let written = |one: &String| examples.contains(one.as_str());
        let ways =
            [format!("{key} = "), format!("\n{key}."), format!("[{key}]"), format!("[{key}.")];
        if !ways.iter().any(written) {
            missing.push(format!("no example has `{key}` of {place}"));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

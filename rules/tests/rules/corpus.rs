//! Files of the folder `tests/hostile`: broken, or meaning harm. Each stands beside the shipped
//! rules, says what it tries, and is refused or contained.
//!
//! The line `// expect:` says what happens: `refused` at loading, or a `fault` in the event that it
//! lies in wait for, each with a part of the message; or `contained`, where the answer is that of
//! the shipped rules and at most reasons beside it. `<<5000 abc>>` stands for 5,000 times `abc`,
//! with `\n` for a new line and `{n}` for the number, so that a large file is short to read.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use domain::{
    combine::combine,
    facts::{EVENT_KINDS, EventKind, Facts, PolicyFault},
    money::Money,
    reasons::Class,
    verdict::{Finding, Outcome},
};
use rules::{
    bundle::Bundle,
    load::{Checked, load},
    problem::Problem,
    set::RuleSet,
};

use crate::common::{file, judge, names, ordinary, shipped, shown};

/// The longest that an event may take; a build for development is slower, and so are machines that
/// run all tests at once.
const LONGEST: Duration = Duration::from_millis(if cfg!(debug_assertions) { 500 } else { 50 });
/// How often an event is tried before it counts as slow: the machine may have paused.
const TRIES: usize = 3;

/// One file of the folder.
struct Hostile {
    name: String,
    text: String,
    expected: Expected,
}

/// What happens with it; the texts are parts of the messages.
enum Expected {
    Refused(String),
    Fault(String),
    Contained,
}

impl Hostile {
    fn read(path: &Path) -> Self {
        // Between the files that are shipped, so that a wrong place names one of them.
        let name = format!("35_{}", path.file_name().unwrap().to_str().unwrap());
        let text = std::fs::read_to_string(path).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("// expect: "));
        let line = line.unwrap_or_else(|| panic!("{name}: no line says what is expected"));
        let (word, part) = line.split_once(' ').unwrap_or((line, ""));
        let part = part.trim_matches('"').to_owned();
        let expected = match word {
            "refused" => Expected::Refused(part),
            "fault" => Expected::Fault(part),
            "contained" => Expected::Contained,
            _ => panic!("{name}: `{word}` is not expected of any file"),
        };
        Self { name, text: written_out(&text), expected }
    }

    /// Loads it beside the shipped rules.
    fn load(&self) -> Result<Checked, Vec<Problem>> {
        let Bundle { mut rules, cases, .. } = shipped();
        rules.push(file(&self.name, &self.text));
        load(&Bundle::of(rules.into_iter().chain(cases)), &names())
    }
}

/// All files of the folder, by name.
fn corpus() -> Vec<Hostile> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hostile");
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| Hostile::read(path)).collect()
}

/// `text` with its repetitions written out.
fn written_out(text: &str) -> String {
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<<") {
        whole.push_str(before);
        let part = after.split_once(">>").and_then(|(part, rest)| {
            let (count, part) = part.split_once(' ')?;
            Some((count.parse::<usize>().ok()?, part.replace("\\n", "\n"), rest))
        });
        if let Some((count, part, next)) = part {
            (0..count).for_each(|n| whole.push_str(&part.replace("{n}", &n.to_string())));
            rest = next;
        } else {
            whole.push_str("<<");
            rest = after;
        }
    }
    whole + rest
}

/// Those who come: to the last the shipped rules have nothing to say, and the files lie in wait for
/// the first.
fn people() -> [Facts; 4] {
    let owing = |facts: &mut Facts| (facts.debt, facts.debt_age) = (Money(320), 90_000);
    let mut people = [ordinary(), ordinary(), ordinary(), ordinary()];
    let [crowd, debtor, thief, _] = &mut people;
    crowd.zone_people = 999;
    owing(crowd);
    owing(debtor);
    thief.credential_state = "stolen".to_owned();
    people
}

/// What `set` answers to everybody, at every kind of event.
fn answers(set: &RuleSet) -> Vec<Result<Vec<Finding>, PolicyFault>> {
    let kinds = || EVENT_KINDS.iter();
    people().iter().flat_map(|facts| kinds().map(|kind| judge(set, *kind, facts))).collect()
}

/// What `set` answers, and how long it takes.
fn timed(
    set: &RuleSet,
    kind: EventKind,
    facts: &Facts,
) -> (Result<Vec<Finding>, PolicyFault>, Duration) {
    let start = Instant::now();
    let answer = judge(set, kind, facts);
    (answer, start.elapsed())
}

/// What is wrong with how a refusal is told.
fn badly_told(hostile: &Hostile, problems: &[Problem]) -> Option<String> {
    let Expected::Refused(part) = &hostile.expected else {
        return Some(format!("was refused: {}", shown(problems)));
    };
    let lines = hostile.text.lines().count() + 1;
    let told = problems.iter().all(|problem| {
        problem.file == hostile.name
            && (1..=lines).contains(&usize::from(problem.line))
            && problem.column > 0
            && !problem.help.is_empty()
            && problem.to_string().len() < 2_000
    });
    let is_right = told && problems.len() <= 100 && shown(problems).contains(part);
    (!is_right).then(|| format!("is refused with {} problems: {}", problems.len(), shown(problems)))
}

/// What is wrong with how a file that was loaded is contained.
fn badly_contained(hostile: &Hostile, set: &RuleSet, good: &RuleSet) -> Option<String> {
    if let Expected::Refused(_) = &hostile.expected {
        return Some("was accepted".to_owned());
    }
    let mut faults = Vec::new();
    for facts in &people() {
        for kind in EVENT_KINDS {
            let (answer, took) = timed(set, *kind, facts);
            if took > LONGEST && (1..TRIES).all(|_| timed(set, *kind, facts).1 > LONGEST) {
                return Some(format!("took {took:?}"));
            }
            let told = judge(good, *kind, facts).unwrap();
            match answer {
                Ok(found) => {
                    if let Some(wrong) = weaker(*kind, &found, &told) {
                        return Some(wrong);
                    }
                }
                Err(fault) => faults.push(fault),
            }
        }
    }
    match &hostile.expected {
        Expected::Fault(part) => match faults.first() {
            Some(fault) => badly_faulted(hostile, fault, part),
            None => Some("did not fail".to_owned()),
        },
        _ => faults.first().map(|fault| format!("failed: {fault}")),
    }
}

fn badly_faulted(hostile: &Hostile, fault: &PolicyFault, part: &str) -> Option<String> {
    let PolicyFault::Rule { file, line, message } = fault else {
        return Some(fault.to_string());
    };
    let lines = hostile.text.lines().count();
    let is_right = *file == hostile.name
        && (1..=lines).contains(&usize::from(*line))
        && message.contains(part)
        && message.contains("; ")
        && message.len() < 1_000;
    (!is_right).then(|| fault.to_string())
}

/// How `found` is weaker than what the shipped rules told, or more than a rule may say.
fn weaker(kind: EventKind, found: &[Finding], told: &[Finding]) -> Option<String> {
    let allowed = |finding: &Finding| {
        matches!(finding.class, Class::Deny | Class::Warn | Class::Hold)
            && finding.reason.spec().by_rule.contains(&finding.class)
    };
    if !found.iter().all(allowed) {
        return Some(format!("found what no rule may: {found:?}"));
    }
    if let Some(missing) = told.iter().find(|finding| !found.contains(finding)) {
        return Some(format!("took back {missing:?}"));
    }
    let outcome = |found: &[Finding]| combine(kind, found.to_vec(), &[]).outcome;
    let (now, before) = (outcome(found), outcome(told));
    let is_bad = now < before
        || now == Outcome::Release
        || (kind == EventKind::Exit && now == Outcome::Deny);
    is_bad.then(|| format!("made {now:?} of {before:?}"))
}

#[test]
fn each_file_of_the_corpus_is_refused_or_contained_and_the_last_good_set_goes_on() {
    let good = load(&shipped(), &names()).unwrap().set;
    let before = answers(&good);
    let mut wrong = Vec::new();
    let corpus = corpus();
    for hostile in &corpus {
        let found = match hostile.load() {
            Err(problems) => badly_told(hostile, &problems),
            Ok(checked) if checked.warnings.len() > 100 => Some("warns for ever".to_owned()),
            Ok(checked) => badly_contained(hostile, &checked.set, &good),
        };
        wrong.extend(found.map(|found| format!("{}: {found}", hostile.name)));
        assert_eq!(answers(&good), before, "after {}", hostile.name);
    }
    assert!(wrong.is_empty(), "{} files:\n{}", wrong.len(), wrong.join("\n"));
    assert!(corpus.len() >= 60, "there are only {} files", corpus.len());
}

#[test]
fn repetitions_are_written_out() {
    assert_eq!(written_out("let a = <<3 (>>1<<3 )>>; 1 << 2"), "let a = (((1))); 1 << 2");
    assert_eq!(written_out("<<2 let v{n} = {n};\\n>>"), "let v0 = 0;\nlet v1 = 1;\n");
    assert_eq!(written_out("<<<<<<< HEAD"), "<<<<<<< HEAD");
}

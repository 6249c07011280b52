//! How old a request is: by its own time, by the link that it came by, by its device's clock; and
//! what becomes of floods.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

#[expect(dead_code, reason = "each test file uses its own part of it")]
mod world;

use domain::{
    event::{
        DeviceEvent,
        Direction::{self, Entry, Exit},
        Happening, Transit,
    },
    params::Param,
    state::{Input, Noted},
    time::{Span, Timestamp},
    verdict::Outcome,
};
use world::{World, at, told};

/// What came over a link that had been up for so many seconds.
const fn kept(up_for: i64) -> Transit {
    Transit::Kept { up_for: Span::seconds(up_for), expires_in: None }
}

struct Gate {
    world: World,
    boot: u64,
    seq: u64,
}

impl Gate {
    fn new() -> Self {
        Self { world: World::new(0), boot: 9, seq: 0 }
    }

    fn says(&mut self, received: &str, told: Option<Timestamp>, way: Transit, what: Happening) {
        self.seq += 1;
        let received = at(received);
        self.world.take(
            Input::Device(DeviceEvent {
                device: "G1".into(),
                boot: self.boot,
                seq: self.seq,
                device_time: told,
                received,
                transit: way,
                happening: what,
            }),
            received,
        );
    }

    /// A read; its outcome and codes, and the conditions noted with it.
    fn reads(
        &mut self,
        direction: Direction,
        received: &str,
        told_at: Option<Timestamp>,
        way: Transit,
    ) -> (Outcome, Vec<&'static str>, Vec<String>) {
        let what = Happening::CredentialRead { direction, uid: "W1".into(), pin: None };
        self.says(received, told_at, way, what);
        let (outcome, codes) = told(self.world.last.decisions.last().unwrap());
        (outcome, codes, self.world.conditions())
    }

    fn outcome(
        &mut self,
        direction: Direction,
        received: &str,
        told_at: Option<Timestamp>,
        way: Transit,
    ) -> Outcome {
        self.reads(direction, received, told_at, way).0
    }
}

fn behind(received: &str, seconds: i64) -> Option<Timestamp> {
    Some(at(received).minus(Span::seconds(seconds)))
}

#[test]
fn a_read_without_a_time_that_may_have_waited_takes_no_effect() {
    for direction in [Entry, Exit] {
        let mut gate = Gate::new();
        let (outcome, codes, _) = gate.reads(direction, "09:00:00", None, kept(9));
        assert_eq!((outcome, codes), (Outcome::Ignore, vec!["EVENT_STALE"]), "{direction:?}");
        assert!(gate.world.last.commands.is_empty(), "no command");
        assert!(gate.outcome(direction, "09:00:01", None, kept(10)).opens(), "{direction:?}");
    }
    assert!(Gate::new().outcome(Entry, "09:00:00", None, Transit::Straight).opens());
}

#[test]
fn however_old_a_request_may_be_an_exit_trusts_a_link_that_is_up_for_the_usual_time() {
    for (value, up_for, entry, exit) in [
        ("PT2S", 1, false, false),
        ("PT2S", 2, true, true),
        ("PT1H", 9, false, false),
        ("PT1H", 10, false, true),
        ("PT1H", 3600, true, true),
    ] {
        for (direction, opens) in [(Entry, entry), (Exit, exit)] {
            let mut gate = Gate::new();
            gate.world.set(Param::DeviceEventMaxAge, value);
            let outcome = gate.outcome(direction, "09:00:00", None, kept(up_for));
            assert_eq!(outcome.opens(), opens, "{value}, up for {up_for} s, {direction:?}");
            // An hour behind, and no clock to trust: on the way out that is no matter.
            let mut gate = Gate::new();
            gate.world.set(Param::DeviceEventMaxAge, value);
            let late = behind("09:00:00", 3601);
            let outcome = gate.outcome(direction, "09:00:00", late, kept(up_for));
            assert_eq!(
                outcome.opens(),
                opens && direction == Exit,
                "{value} {up_for} {direction:?}"
            );
        }
    }
}

#[test]
fn an_expiry_as_long_as_a_request_may_be_old_proves_it_young_and_a_longer_one_does_not() {
    for (left, fresh) in [(1, true), (10, true), (11, false), (3600, false)] {
        let way = Transit::Kept { up_for: Span::seconds(0), expires_in: Some(Span::seconds(left)) };
        let outcome = Gate::new().outcome(Entry, "09:00:00", None, way);
        assert_eq!(outcome.opens(), fresh, "{left} s left");
    }
}

#[test]
fn its_own_time_says_how_old_a_read_is_that_waited() {
    let mut gate = Gate::new();
    assert!(gate.outcome(Entry, "09:00:00", behind("09:00:00", 10), kept(0)).opens());
    let mut gate = Gate::new();
    let old = gate.outcome(Exit, "09:00:00", behind("09:00:00", 11), kept(0));
    assert_eq!(old, Outcome::Ignore);
}

#[test]
fn a_passage_that_waited_is_booked_whatever_its_age() {
    let mut gate = Gate::new();
    assert!(gate.outcome(Entry, "09:00:00", None, Transit::Straight).opens());
    let what = Happening::PassageMade { direction: Entry, decision: None };
    gate.says("09:00:03", None, kept(0), what);
    assert_eq!(gate.world.presence().inside, 1);
}

#[test]
fn an_exit_gate_whose_clock_is_behind_lets_out_by_the_time_of_receipt_and_is_noted_once() {
    let mut gate = Gate::new();
    let mut noted = Vec::new();
    for second in 0..5 {
        let received = format!("09:00:{:02}", second * 10);
        let what = Happening::CredentialRead { direction: Exit, uid: "W1".into(), pin: None };
        gate.says(&received, behind(&received, 15), Transit::Straight, what);
        let decision = gate.world.last.decisions.last().unwrap();
        assert!(decision.verdict.outcome.opens(), "{received}: {:?}", told(decision));
        assert_eq!(decision.at, at(&received));
        noted.extend(gate.world.conditions());
        let what = Happening::PassageMade { direction: Exit, decision: Some(decision.id) };
        let passed = format!("09:00:{:02}", second * 10 + 2);
        gate.says(&passed, behind(&passed, 15), Transit::Straight, what);
        noted.extend(gate.world.conditions());
    }
    noted.retain(|condition| condition != "PassageMade");
    assert_eq!(noted, ["ClockStep"]);
}

#[test]
fn an_entry_gate_whose_clock_is_behind_is_believed_once_two_reads_say_so() {
    let mut gate = Gate::new();
    let read = |gate: &mut Gate, received: &str, late| {
        gate.reads(Entry, received, behind(received, late), Transit::Straight)
    };
    let (outcome, _, noted) = read(&mut gate, "09:00:00", 15);
    assert_eq!((outcome, noted.len()), (Outcome::Ignore, 0), "it may be an old one");
    let (outcome, _, noted) = read(&mut gate, "09:00:06", 15);
    assert!(outcome.opens());
    assert_eq!(noted, ["ClockStep"]);
    let (_, codes, noted) = read(&mut gate, "09:00:30", 15);
    assert!(noted.iter().all(|condition| condition != "ClockStep"), "once: {noted:?} {codes:?}");
    // It is set right, and is wrong again: that is noted again.
    assert!(read(&mut gate, "09:01:00", 0).0.opens());
    let (_, _, noted) = read(&mut gate, "09:02:00", -60);
    assert!(noted.contains(&"ClockStep".to_owned()), "{noted:?}");
}

#[test]
fn what_waited_is_aged_by_what_its_device_s_clock_is_known_to_be_off_by() {
    for (late, fresh) in [(15 + 8, true), (15 + 11, false)] {
        let mut gate = Gate::new();
        for received in ["09:00:00", "09:00:06"] {
            gate.outcome(Entry, received, behind(received, 15), Transit::Straight);
        }
        let outcome = gate.outcome(Entry, "09:10:00", behind("09:10:00", late), kept(0));
        assert_eq!(outcome != Outcome::Ignore, fresh, "{late} s late");
    }
    let mut gate = Gate::new();
    let ahead = gate.outcome(Entry, "09:00:00", behind("09:00:00", -60), kept(0));
    assert_eq!(ahead, Outcome::Ignore, "a clock that is ahead proves nothing");
}

#[test]
fn what_a_new_link_brings_again_is_no_wrong_count_however_far_it_is_below() {
    let mut gate = Gate::new();
    for _ in 0..200 {
        let what = Happening::PassageMade { direction: Exit, decision: None };
        gate.says("09:00:00", None, Transit::Straight, what);
    }
    let inside = gate.world.zone("site").inside;
    for (way, noted) in [(kept(0), 0), (kept(11), 1), (Transit::Straight, 1)] {
        gate.seq = 49;
        let what = Happening::PassageMade { direction: Exit, decision: None };
        gate.says("09:00:01", None, way, what);
        assert_eq!(gate.world.last.journal.len(), noted, "{way:?}");
        assert_eq!(gate.world.zone("site").inside, inside, "it is taken once");
    }
    // A read of the way out is decided once, too.
    gate.seq = 49;
    let what = Happening::CredentialRead { direction: Exit, uid: "W1".into(), pin: None };
    gate.says("09:00:02", Some(at("09:00:02")), kept(0), what);
    assert!(gate.world.last.decisions.is_empty());
}

#[test]
fn a_flood_of_strangers_is_answered_and_counted_and_a_member_among_them_gets_in() {
    let mut gate = Gate::new();
    let (mut decided, mut counted, mut refused) = (0, 0, 0);
    for number in 0..1000 {
        let uid = format!("{number:08X}").as_str().into();
        let what = Happening::CredentialRead { direction: Entry, uid, pin: None };
        gate.says("09:00:00", None, Transit::Straight, what);
        let batch = &gate.world.last;
        decided += batch.decisions.len();
        let lines = batch.journal.iter();
        counted += lines.filter(|entry| matches!(entry.noted, Noted::Strangers { .. })).count();
        refused += batch.commands.len();
    }
    assert_eq!((decided, counted, refused), (10, 0, 1000), "each is answered");
    assert!(gate.outcome(Entry, "09:00:00.500", None, Transit::Straight).opens());
    gate.seq = 999;
    gate.says(
        "09:00:01",
        None,
        Transit::Straight,
        Happening::CredentialRead { direction: Entry, uid: "0000AAAA".into(), pin: None },
    );
    assert!(gate.world.last.journal.is_empty(), "what was counted is not taken again");
    gate.world.take(Input::Tick, at("09:01:00.001"));
    let line = gate.world.last.journal.last().unwrap();
    assert_eq!((line.source, line.device.as_ref()), (Some((9, 1000)), Some(&"G1".into())));
    let count = Noted::Strangers { direction: Entry, count: 990, first: 11 };
    assert_eq!(line.noted, count, "all of the minute are one line");
}

#[test]
fn strangers_of_a_device_that_starts_again_and_again_are_one_line_still() {
    let mut gate = Gate::new();
    for number in 0..20 {
        gate.boot = 9 + number;
        let uid = format!("{number:08X}").as_str().into();
        let what = Happening::CredentialRead { direction: Entry, uid, pin: None };
        gate.says("09:00:00", None, Transit::Straight, what);
    }
    gate.world.take(Input::Tick, at("09:02:00"));
    let [line] = &gate.world.last.journal[..] else { panic!("{:?}", gate.world.last.journal) };
    assert_eq!(line.source, Some((28, 20)));
    let count = Noted::Strangers { direction: Entry, count: 10, first: 11 };
    assert_eq!(line.noted, count);
}

//! What becomes of a grant whose gate did not open.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

#[expect(dead_code, reason = "each test file uses its own part of it")]
mod world;

use std::collections::BTreeSet;

use domain::{
    command::CommandFailed,
    event::{
        Direction::{self, Entry, Exit},
        Happening,
    },
    ledger::Purpose,
    money::Money,
    params::Param,
    rows::{CredentialState, PassSale},
    scope::Scope,
    verdict::Outcome,
};
use world::{PASS, World, at, told};

/// A site, and everything that it ever booked.
struct Gate {
    world: World,
    keys: BTreeSet<String>,
}

impl Gate {
    fn new(price: i64) -> Self {
        Self { world: World::new(price), keys: BTreeSet::new() }
    }

    /// The same where the grant counts.
    fn at_grant(price: i64) -> Self {
        let mut gate = Self::new(price);
        gate.world.set(Param::AntiPassbackConfirmBy, "grant");
        gate
    }

    /// Nothing is ever booked twice under one key: the database would refuse it.
    fn booked(&mut self) -> Vec<Purpose> {
        let booked = &self.world.last.transactions;
        for transaction in booked {
            assert!(self.keys.insert(transaction.key.clone()), "{}", transaction.key);
        }
        booked.iter().map(|transaction| transaction.purpose).collect()
    }

    fn reads(&mut self, gate: &str, direction: Direction, time: &str) -> Outcome {
        let decision = self.world.read(gate, direction, "W1", time);
        println!("{time} {gate} {direction:?}: {:?}", told(&decision));
        self.booked();
        decision.verdict.outcome
    }

    /// The opening of the last decision failed; whether the gate may have opened all the same.
    fn fails(&mut self, time: &str, may_have_acted: bool) -> Vec<Purpose> {
        let decision = self.world.last.decisions.last().unwrap();
        let opens = self.world.last.commands.iter().find(|command| command.action.opens());
        let command = opens.unwrap();
        let failed = Happening::CommandFailed(Box::new(CommandFailed {
            command: command.id,
            decision: Some(decision.id),
            opens: command.action.way(),
            why: "`open_entry` (coil 0x0200): exception 02".to_owned(),
            may_have_acted,
            reported: false,
        }));
        let device = command.device.clone();
        self.world.event(device.as_str(), at(time), at(time), failed);
        self.booked()
    }

    fn passes(&mut self, gate: &str, direction: Direction, time: &str) {
        self.world.passage(gate, direction, time, time);
        self.booked();
    }

    /// What the wallet holds, visits left, people inside: of the holder, and of the zone.
    fn stands(&self) -> (i64, u32, u16, i64) {
        let (world, inside) = (&self.world, self.world.presence().inside);
        (world.wallet().0, world.visits_left(), inside, world.zone("site").inside)
    }
}

#[test]
fn a_gate_that_did_not_open_gives_seat_and_money_back_at_once() {
    let mut gate = Gate::new(800);
    assert!(gate.reads("G1", Entry, "09:00:00").opens());
    assert_eq!((gate.world.wallet().1, gate.world.zone("site").reserved), (800, 1));
    gate.fails("09:00:00.100", false);
    assert_eq!(gate.world.conditions(), ["CommandFailed", "PassageNotMade"]);
    assert_eq!((gate.world.wallet(), gate.world.zone("site").reserved), ((5000, 0), 0));
}

#[test]
fn who_reads_again_because_the_gate_did_not_turn_says_nothing_twice() {
    for direction in [Entry, Exit] {
        let mut gate = Gate::new(0);
        assert!(gate.reads("G1", direction, "09:00:00").opens());
        gate.fails("09:00:00.100", false);
        assert!(gate.reads("G1", direction, "09:00:01").opens(), "{direction:?}");
        assert_eq!(gate.reads("G1", direction, "09:00:02"), Outcome::Ignore, "that one is twice");
    }
}

#[test]
fn the_failure_of_one_opening_makes_no_other_read_new() {
    let mut gate = Gate::new(0);
    let mut second = world::band(domain::ids::CredentialId(uuid::Uuid::from_u128(99)), 1);
    second.member = world::MEMBER;
    let band = domain::state::ImportRow::Credential("W2".into(), second);
    gate.world.take(domain::state::Input::Import(vec![band]), at("08:00:00"));
    assert!(gate.reads("G1", Exit, "09:00:00").opens());
    let (first, commands) = (gate.world.last.decisions.clone(), gate.world.last.commands.clone());
    let next = gate.world.read("G1", Exit, "W2", "09:00:00.500");
    assert!(next.verdict.outcome.opens(), "{:?}", told(&next));
    (gate.world.last.decisions, gate.world.last.commands) = (first, commands);
    gate.fails("09:00:00.700", false);
    let again = gate.world.read("G1", Exit, "W2", "09:00:01");
    assert_eq!(told(&again), (Outcome::Ignore, vec!["DUPLICATE_READ"]));
}

#[test]
fn a_gate_of_which_nobody_knows_whether_it_opened_waits_for_the_passage() {
    let mut gate = Gate::new(800);
    assert!(gate.reads("G1", Entry, "09:00:00").opens());
    gate.fails("09:00:00.100", true);
    assert_eq!(gate.world.conditions(), ["CommandFailed"]);
    assert_eq!(gate.reads("G1", Entry, "09:00:01"), Outcome::Ignore);
    gate.passes("G1", Entry, "09:00:02");
    assert_eq!((gate.world.wallet(), gate.world.presence().inside), ((4200, 0), 1));
}

#[test]
fn what_was_charged_at_the_grant_is_reversed_where_the_gate_did_not_open() {
    let mut gate = Gate::at_grant(800);
    gate.world.set(Param::TariffMaxVisits, "1/P1D");
    for second in ["09:00:00", "09:00:01"] {
        assert!(gate.reads("G1", Entry, second).opens(), "{second}");
        assert_eq!(gate.stands(), (4200, 4, 1, 1));
        assert_eq!(gate.fails(&format!("{second}.100"), false), [Purpose::Reversal]);
        assert_eq!(gate.world.conditions(), ["CommandFailed", "PassageNotMade"]);
        assert_eq!(gate.stands(), (5000, 5, 0, 0), "as if nobody had come");
        let spent = gate.world.state.tables.spending.peek(&world::MEMBER).unwrap().spent;
        assert_eq!(spent, Money::ZERO);
    }
    // The third time it opens.
    assert!(gate.reads("G1", Entry, "09:00:02").opens());
    gate.passes("G1", Entry, "09:00:04");
    assert_eq!(gate.stands(), (4200, 4, 1, 1));
    // Whatever fails later takes back nothing of that.
    gate.world.tick("09:10:00");
    assert_eq!(gate.stands(), (4200, 4, 1, 1));
}

#[test]
fn a_failure_that_is_told_after_the_passage_time_takes_it_back_too() {
    let mut gate = Gate::at_grant(800);
    assert!(gate.reads("G1", Entry, "09:00:00").opens());
    let last = (gate.world.last.decisions.clone(), gate.world.last.commands.clone());
    gate.world.tick("09:00:30");
    assert_eq!(gate.stands(), (4200, 4, 1, 1), "where the grant counts, time takes nothing back");
    (gate.world.last.decisions, gate.world.last.commands) = last;
    gate.fails("09:00:31", false);
    assert_eq!(gate.stands(), (5000, 5, 0, 0));
}

#[test]
fn who_went_through_all_the_same_is_charged_once() {
    let mut gate = Gate::at_grant(800);
    assert!(gate.reads("G1", Entry, "09:00:00").opens());
    gate.fails("09:00:00.100", false);
    gate.passes("G1", Entry, "09:00:02");
    assert_eq!(gate.stands(), (4200, 4, 1, 1));
    assert_eq!(gate.world.presence().visit.map(|visit| visit.paid), Some(Money(800)));
}

#[test]
fn where_nobody_knows_whether_it_opened_the_charge_of_the_grant_stays() {
    let mut gate = Gate::at_grant(800);
    assert!(gate.reads("G1", Entry, "09:00:00").opens());
    assert!(gate.fails("09:00:00.100", true).is_empty());
    assert_eq!(gate.stands(), (4200, 4, 1, 1));
}

#[test]
fn a_surcharge_is_reversed_and_charged_again_by_the_gate_that_opens() {
    let mut gate = Gate::at_grant(0);
    gate.world.set_at(Param::ZoneSurcharge, Scope::Zone("pool".into()), "3.00");
    assert!(gate.reads("G1", Entry, "09:00:00").opens());
    gate.passes("G1", Entry, "09:00:02");
    for second in ["09:01:00", "09:01:01"] {
        assert!(gate.reads("P1", Entry, second).opens());
        assert_eq!((gate.stands().0, gate.world.zone("pool").inside), (4700, 1));
        assert_eq!(gate.fails(&format!("{second}.100"), false), [Purpose::Reversal]);
        assert_eq!((gate.stands().0, gate.world.zone("pool").inside), (5000, 0));
        let zone = gate.world.presence().zone;
        assert_eq!(zone.as_ref().map(domain::ids::ZoneId::as_str), Some("site"));
    }
    assert!(gate.reads("P1", Entry, "09:01:02").opens());
    gate.passes("P1", Entry, "09:01:04");
    assert_eq!((gate.stands(), gate.world.zone("pool").inside), ((4700, 4, 1, 1), 1));
}

#[test]
fn an_overstay_is_reversed_and_whoever_did_not_get_out_is_inside() {
    let mut gate = Gate::at_grant(0);
    gate.world.set(Param::TariffIncludedDuration, "PT2H");
    gate.world.set(Param::TariffOverstayRate, "1.00/PT1H");
    gate.world.set(Param::TariffOverstayMode, "per_unit");
    assert!(gate.reads("G1", Entry, "09:00:00").opens());
    gate.passes("G1", Entry, "09:00:02");
    for second in ["12:30:00", "12:30:01"] {
        assert!(gate.reads("G2", Exit, second).opens());
        assert_eq!(gate.stands(), (4800, 4, 0, 0));
        assert_eq!(gate.fails(&format!("{second}.100"), false), [Purpose::Reversal]);
        assert_eq!(gate.stands(), (5000, 4, 1, 1));
    }
    assert!(gate.reads("G2", Exit, "12:30:02").opens());
    gate.passes("G2", Exit, "12:30:04");
    assert_eq!(gate.stands(), (4800, 4, 0, 0));
}

#[test]
fn a_pass_earns_and_begins_with_the_visit_that_took_place() {
    let mut gate = Gate::at_grant(0);
    let mut pass = gate.world.state.tables.passes.peek(&PASS).cloned().unwrap();
    pass.sale = Some(Box::new(PassSale { prepaid: Money(5000), ..PassSale::default() }));
    let row = domain::state::ImportRow::Pass(PASS, pass.clone());
    gate.world.take(domain::state::Input::Import(vec![row]), at("08:00:00"));
    let before = gate.world.state.tables.passes.peek(&PASS).cloned();
    assert!(gate.reads("G1", Entry, "09:00:00").opens());
    let sale = |gate: &Gate| {
        let pass = gate.world.state.tables.passes.peek(&PASS).cloned().unwrap();
        pass.sale.map(|sale| (sale.prepaid, sale.used))
    };
    assert_eq!(sale(&gate), Some((Money(4000), true)));
    assert_eq!(gate.fails("09:00:00.100", false), [Purpose::Reversal]);
    assert_eq!(gate.world.state.tables.passes.peek(&PASS).cloned(), before);
    assert!(gate.reads("G1", Entry, "09:00:01").opens());
    gate.passes("G1", Entry, "09:00:03");
    assert_eq!(sale(&gate), Some((Money(4000), true)));
}

#[test]
fn a_band_that_was_to_be_given_back_is_still_its_holders() {
    let mut gate = Gate::at_grant(0);
    assert!(gate.reads("G1", Entry, "09:00:00").opens());
    gate.passes("G1", Entry, "09:00:02");
    let mut held = gate.world.state.tables.credentials.peek(&"W1".into()).cloned().unwrap();
    held.collected = true;
    gate.world.state.tables.credentials.put("W1".into(), held);
    gate.world.state.commit();
    let state =
        |gate: &Gate| gate.world.state.tables.credentials.peek(&"W1".into()).map(|held| held.state);
    assert!(gate.reads("G1", Exit, "10:00:00").opens());
    assert_eq!(state(&gate), Some(CredentialState::Returned));
    gate.fails("10:00:00.100", false);
    assert_eq!((state(&gate), gate.stands().2), (Some(CredentialState::Active), 1));
}

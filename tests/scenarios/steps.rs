//! What happens in a scenario, as its files write it: a local time, a verb and its words.
//!
//! | step | what it is |
//! |---|---|
//! | `10:00:00 entry G1 W1` | the band W1 is read at G1 on the way in |
//! | `11:30:00 exit G1 W1` | the same on the way out |
//! | `10:00:03 passed G1 in` | somebody went through |
//! | `10:00:03 passed G1 in told 10:00:02` | the same, by the gate's own time |
//! | `12:13:00 pays W1 3.20` | a payment against the debt at the desk |
//! | `12:00:00 fire G1 on` | the fire input of G1; `off` when it rests again |
//! | `12:00:00 reset nino levan` | two operators reset the emergency |
//! | `12:05:00 locks 12 W3` | the band W3 is read to close locker 12 |
//! | `12:05:00 opens 12 W3` | the same to open it |
//! | `12:05:00 jams 12` | the lock of 12 reports that it is stuck |
//! | `17:03:00 collects G1 W7` | the slot at G1 took the band W7 |
//! | `12:00:00 waits` | time goes on |
//! | `12:00:00 desk off` | nobody sits at the desk any more |

use domain::{
    event::{Direction, Happening, LockerState},
    rows::Terminal,
    state::{Answer, Input, Payment},
};

use crate::{
    Scenario,
    world::{DESK, World},
};

impl Scenario {
    pub(crate) fn title(&self) -> &str {
        &self.title
    }
}

impl World {
    /// Runs one step.
    pub(crate) fn run(&mut self, step: &str) {
        let words: Vec<&str> = step.split_whitespace().collect();
        // A date may stand before the time.
        let dated = words[0].contains('-');
        let (time, words) = words.split_at(if dated { 2 } else { 1 });
        let now = self.time(&time.join(" "));
        self.wait(now);
        match words {
            ["entry", gate, uid] => self.read(gate, Direction::Entry, uid),
            ["exit", gate, uid] => self.read(gate, Direction::Exit, uid),
            ["passed", gate, way] => self.passed(gate, way, now),
            ["passed", gate, way, "told", time] => {
                let told = self.time(time);
                self.passed(gate, way, told);
            }
            ["pays", uid, amount] => {
                let payment = Payment {
                    key: self.payment_key(),
                    account: self.account(uid),
                    amount: self.money(amount),
                    terminal: DESK.into(),
                };
                assert_eq!(self.take(Input::Payment(payment)), Answer::Taken, "{step}");
            }
            ["fire", gate, state] => {
                self.event(gate, now, Happening::FireInput { active: *state == "on" });
            }
            ["reset", one, other] => {
                let operators = [(*one).to_owned(), (*other).to_owned()];
                self.take(Input::ResetEmergency { operators });
            }
            ["locks", locker, uid] => self.locker(locker, uid, false),
            ["opens", locker, uid] => self.locker(locker, uid, true),
            ["jams", locker] => {
                let state = LockerState::Jammed;
                let locker = (*locker).into();
                self.event("bank", now, Happening::LockerState { locker, state });
            }
            ["collects", gate, uid] => {
                self.event(gate, now, Happening::Collected { uid: (*uid).into() });
            }
            ["waits"] => {}
            ["desk", state] => {
                let operator = (*state == "on").then(|| "nino".to_owned());
                let state = Terminal { online: true, operator };
                self.take(Input::Terminal { terminal: DESK.into(), state });
            }
            _ => panic!("`{step}` is no step"),
        }
    }

    fn read(&mut self, gate: &str, direction: Direction, uid: &str) {
        let now = self.now();
        self.event(gate, now, Happening::CredentialRead { direction, uid: uid.into(), pin: None });
    }

    fn locker(&mut self, locker: &str, uid: &str, opens: bool) {
        let (locker, uid, now) = (locker.into(), uid.into(), self.now());
        self.event("bank", now, Happening::LockerRequest { locker, uid, opens });
    }

    fn passed(&mut self, gate: &str, way: &str, told: domain::time::Timestamp) {
        let direction = if way == "in" { Direction::Entry } else { Direction::Exit };
        self.event(gate, told, Happening::PassageMade { direction, decision: None });
    }
}

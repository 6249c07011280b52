//! What devices say in a scenario, and how it came to us.

use domain::{
    command::{Action, CommandFailed},
    event::{DeviceEvent, Direction, Happening, HealthItem, LockerState, Transit},
    rows::PinDigest,
    state::Input,
    time::Timestamp,
};

use super::{
    World,
    steps::Made,
    words::{Words, seconds},
};

/// How a message came to us.
pub(super) struct Sent {
    /// When the device says that it was made; nothing where it has no clock.
    told: Option<Timestamp>,
    transit: Transit,
    /// Whether it is the device's last message once more.
    again: bool,
}

impl World {
    pub(super) fn reads(&mut self, direction: Direction, words: &mut Words<'_>) -> Made {
        let sent = self.sent(words)?;
        let gate = self.gate(words)?;
        let pin = words.option("pin")?.map(|code| PinDigest(code.into()));
        let uid = words.next("a band")?.into();
        self.hear(&gate, sent, Happening::CredentialRead { direction, uid, pin })
    }

    pub(super) fn passage(&mut self, words: &mut Words<'_>) -> Made {
        self.turned(words, |direction| Happening::PassageMade { direction, decision: None })
    }

    pub(super) fn abort(&mut self, words: &mut Words<'_>) -> Made {
        self.turned(words, |direction| Happening::PassageAborted { direction, decision: None })
    }

    pub(super) fn unexpected(&mut self, words: &mut Words<'_>) -> Made {
        self.turned(words, |direction| Happening::PassageUnexpected { direction })
    }

    fn turned(&mut self, words: &mut Words<'_>, what: fn(Direction) -> Happening) -> Made {
        let sent = self.sent(words)?;
        let gate = self.gate(words)?;
        let way = words.one_of(&["in", "out"])?;
        let direction = if way == "in" { Direction::Entry } else { Direction::Exit };
        self.hear(&gate, sent, what(direction))
    }

    pub(super) fn collects(&mut self, words: &mut Words<'_>) -> Made {
        let sent = self.sent(words)?;
        let gate = self.gate(words)?;
        let uid = words.next("a band")?.into();
        self.hear(&gate, sent, Happening::Collected { uid })
    }

    pub(super) fn fire(&mut self, words: &mut Words<'_>) -> Made {
        let sent = self.sent(words)?;
        let gate = self.gate(words)?;
        let active = words.one_of(&["on", "off"])? == "on";
        self.hear(&gate, sent, Happening::FireInput { active })
    }

    pub(super) fn door(&mut self, words: &mut Words<'_>) -> Made {
        let sent = self.sent(words)?;
        let gate = self.gate(words)?;
        let happening = match words.one_of(&["open", "closed", "forced"])? {
            "forced" => Happening::DoorForced,
            state => Happening::Door { open: state == "open" },
        };
        self.hear(&gate, sent, happening)
    }

    pub(super) fn health(&mut self, words: &mut Words<'_>) -> Made {
        let sent = self.sent(words)?;
        let gate = self.gate(words)?;
        let what = match words.one_of(&["tamper", "battery", "power"])? {
            "tamper" => HealthItem::Tamper,
            "battery" => HealthItem::Battery,
            _ => HealthItem::Power,
        };
        let value = words.next("a value")?.to_owned();
        self.hear(&gate, sent, Happening::Health { what, value })
    }

    pub(super) fn presence(&mut self, online: bool, words: &mut Words<'_>) -> Made {
        let sent = self.sent(words)?;
        let device = words.next("a device")?;
        self.is_device(device)?;
        self.hear(device, sent, Happening::Presence { online })
    }

    pub(super) fn boots(&mut self, words: &mut Words<'_>) -> Made {
        let device = words.next("a device")?;
        self.is_device(device)?;
        let (boot, seq) = self.said.entry(device.to_owned()).or_insert((1, 0));
        (*boot, *seq) = (*boot + 1, 0);
        Ok(Vec::new())
    }

    pub(super) fn asks_locker(&mut self, opens: bool, words: &mut Words<'_>) -> Made {
        let sent = self.sent(words)?;
        let (locker, bank) = self.locker(words)?;
        let uid = words.next("a band")?.into();
        let happening = Happening::LockerRequest { locker: locker.as_str().into(), uid, opens };
        self.hear(&bank, sent, happening)
    }

    pub(super) fn lock_reports(&mut self, words: &mut Words<'_>) -> Made {
        let sent = self.sent(words)?;
        let (locker, bank) = self.locker(words)?;
        let state = match words.one_of(&["free", "occupied", "jammed", "forced"])? {
            "free" => LockerState::Free,
            "occupied" => LockerState::Occupied,
            "jammed" => LockerState::Jammed,
            _ => LockerState::Forced,
        };
        let locker = locker.as_str().into();
        self.hear(&bank, sent, Happening::LockerState { locker, state })
    }

    /// The last command that opens the gate took no effect, as its link says.
    pub(super) fn fails(&mut self, words: &mut Words<'_>) -> Made {
        let sent = self.sent(words)?;
        let gate = self.gate(words)?;
        let may_have_acted = words.flag("maybe");
        let command = self.opening.get(&gate).ok_or("that gate was told to open nothing")?;
        let opens = match &command.action {
            Action::OpenOnce { direction, .. } => Some(*direction),
            _ => None,
        };
        let failed = CommandFailed {
            command: command.id,
            decision: command.decision,
            opens,
            why: "the gate does not answer".to_owned(),
            may_have_acted,
            reported: false,
        };
        self.hear(&gate, sent, Happening::CommandFailed(Box::new(failed)))
    }

    pub(super) fn gate(&self, words: &mut Words<'_>) -> Result<String, String> {
        let name = words.next("a gate")?;
        if self.given.gates.contains_key(name) {
            return Ok(name.to_owned());
        }
        let all: Vec<_> = self.given.gates.keys().cloned().collect();
        Err(format!("no gate is called `{name}`; there are {}", all.join(", ")))
    }

    fn is_device(&self, name: &str) -> Result<(), String> {
        let gates = self.given.gates.keys();
        let mut all = gates.chain(self.given.lockers.values()).chain(&self.given.tills);
        match all.any(|one| one == name) {
            true => Ok(()),
            false => Err(format!("no gate, till or bank of lockers is called `{name}`")),
        }
    }

    /// A locker and its bank.
    fn locker(&self, words: &mut Words<'_>) -> Result<(String, String), String> {
        let name = words.next("a locker")?;
        match self.given.lockers.get(name) {
            Some(bank) => Ok((name.to_owned(), bank.clone())),
            None => Err(format!("no locker is called `{name}`")),
        }
    }

    /// How a message came: `told TIME` or `late SECONDS` or `untimed`, `kept SECONDS`
    /// (`expires SECONDS`), `again`.
    pub(super) fn sent(&self, words: &mut Words<'_>) -> Result<Sent, String> {
        let told = words.time_behind("told").map(|time| self.read_time(&time)).transpose()?;
        let late = words.option("late")?.map(seconds).transpose()?;
        let untimed = words.flag("untimed");
        let told = match (told, late, untimed) {
            (told, None, false) => Some(told.unwrap_or(self.now)),
            (None, Some(late), false) => Some(self.now.minus(late)),
            (None, None, true) => None,
            _ => return Err("`told`, `late` and `untimed` are three ways to say one thing".into()),
        };
        let up_for = words.option("kept")?.map(seconds).transpose()?;
        let expires_in = words.option("expires")?.map(seconds).transpose()?;
        let transit = match (up_for, expires_in) {
            (Some(up_for), expires_in) => Transit::Kept { up_for, expires_in },
            (None, None) => Transit::Straight,
            (None, Some(_)) => return Err("`expires` goes with `kept`".to_owned()),
        };
        Ok(Sent { told, transit, again: words.flag("again") })
    }

    /// The message as it reaches us now.
    pub(super) fn hear(&mut self, device: &str, sent: Sent, happening: Happening) -> Made {
        if sent.again {
            match self.said.get_mut(device) {
                Some((_, seq)) if *seq > 0 => *seq -= 1,
                _ => return Err(format!("`{device}` said nothing that could come again")),
            }
        }
        let message = self.message(device, sent.told, happening);
        Ok(vec![Input::Device(DeviceEvent { transit: sent.transit, ..message })])
    }

    /// A band is read.
    pub fn read(&mut self, gate: &str, direction: Direction, uid: &str) {
        let now = self.now();
        self.event(gate, now, Happening::CredentialRead { direction, uid: uid.into(), pin: None });
    }

    /// Somebody went through.
    pub fn passed(&mut self, gate: &str, way: &str, told: Timestamp) {
        let direction = if way == "in" { Direction::Entry } else { Direction::Exit };
        self.event(gate, told, Happening::PassageMade { direction, decision: None });
    }
}

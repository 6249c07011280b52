//! What messages of gates mean: inputs for the loop, and a raise on the fire road.
//!
//! It is the same for the server of our own and for a broker on the network.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use domain::{
    event::{DeviceEvent, Happening, HealthItem, Transit},
    ids::DeviceId,
    state::Input,
    time::Timestamp,
};
use metrics::counter;

use super::{
    Common,
    decode::{Decoded, decode},
    topics::{self, Part},
};
use crate::pin::PinKey;
use crate::{
    fire::FireRoad,
    nonsense::{self, Nonsense},
    outcome::Failures,
    stamp::{Boots, Stamp},
};

/// A message as it was heard, whatever the way.
pub(crate) struct Heard<'a> {
    /// Its topic.
    pub(crate) topic: &'a str,
    /// What it says.
    pub(crate) payload: &'a [u8],
    /// Whether a broker has kept it for those who come later.
    pub(crate) retain: bool,
    /// How it came.
    pub(crate) transit: Transit,
}

/// What a message comes to.
#[derive(Debug)]
pub(crate) enum Meaning {
    /// Something for the loop, which acknowledges it.
    Input(Input),
    /// It was heard, and is no news.
    Heard,
    /// Nothing that anybody needs to know.
    Nothing,
    /// A command that was kept: it has to be cleared.
    RetainedCommand,
}

const NOT_READ: &str = "this topic is not read; a gate sends to `reader-in/uid`, `reader-out/uid`, \
                        `gate/passage` and `gate/result`";
const NO_GATE: &str = "no gate of this name is in `site.toml`; add it there, or correct the topic";

/// The gates of one link.
pub(crate) struct Gates {
    devices: HashSet<DeviceId>,
    fire: Arc<FireRoad>,
    boots: Arc<Boots>,
    stamp: Stamp,
    pins: PinKey,
    nonsense: Arc<Nonsense>,
    failures: Option<Arc<Failures>>,
    /// The last state told of each kind; a state that did not change is no news.
    known: HashMap<(DeviceId, Kind), Happening>,
}

/// Kinds of state that are told once for each change.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Mode,
    Health(HealthItem),
    Presence,
}

impl Gates {
    pub(crate) fn new(devices: &[DeviceId], pins: PinKey, common: &Common) -> Self {
        Self {
            devices: devices.iter().cloned().collect(),
            pins,
            nonsense: Arc::clone(&common.nonsense),
            failures: None,
            fire: Arc::clone(&common.fire),
            stamp: common.boots.connect(),
            boots: Arc::clone(&common.boots),
            known: HashMap::new(),
        }
    }

    /// What devices say of commands is compared with `failures`.
    pub(crate) fn with_results(mut self, failures: Arc<Failures>) -> Self {
        self.failures = Some(failures);
        self
    }

    /// There is a connection, or a server that listens.
    pub(crate) fn up(&mut self) {
        self.stamp = self.boots.connect();
        self.fire.link_is_up();
    }

    /// Whether `filter` is of commands for one of these gates.
    pub(crate) fn are_commands(&self, filter: &str) -> bool {
        let device = filter.strip_prefix("homie/5/").and_then(|rest| rest.split('/').next());
        filter.ends_with("/set") && device.is_some_and(|id| self.devices.contains(id))
    }

    /// What a message comes to. A fire input releases all gates before anything else is done.
    pub(crate) fn message(&mut self, heard: &Heard<'_>) -> Meaning {
        let topic = heard.topic;
        let Some((id, part)) = topics::parse(topic) else {
            let id = topics::device(topic).filter(|_| !heard.retain);
            return id.map_or(Meaning::Nothing, |id| self.refuse(id, heard, NOT_READ));
        };
        let Some(device) = self.devices.get(id).cloned() else {
            dropped("unknown_device");
            // Other things speak Homie too; who reads cards or counts people should be known.
            if part.is_state() || heard.retain {
                return Meaning::Nothing;
            }
            return self.refuse(id, heard, NO_GATE);
        };
        if part == Part::Command {
            if heard.retain && !heard.payload.is_empty() {
                counter!("kari_retained_commands_cleared_total").increment(1);
                tracing::warn!(%device, topic, "a retained command was found and is cleared");
                return Meaning::RetainedCommand;
            }
            return Meaning::Nothing;
        }
        if heard.retain && !part.is_state() {
            dropped("retained");
            return Meaning::Nothing;
        }
        match decode(part, heard.payload, &self.pins) {
            Ok(Decoded::Nothing) => Meaning::Heard,
            Ok(Decoded::Event { boot, seq, at, happening }) => {
                self.event(device, (boot, seq, at), (heard.transit, happening))
            }
            Ok(Decoded::Result { boot, seq, at, command, error }) => {
                let Some(failures) = &self.failures else { return Meaning::Nothing };
                let Some(error) = error else {
                    failures.confirmed(&device, command);
                    return Meaning::Heard;
                };
                let Some(happening) = failures.reported(&device, command, &error) else {
                    return Meaning::Heard;
                };
                self.event(device, (boot, seq, at), (heard.transit, happening))
            }
            Ok(Decoded::State(happening)) => self.state(&device, happening),
            Err(why) => self.refuse(device.as_str(), heard, &why),
        }
    }

    fn event(
        &self,
        device: DeviceId,
        (boot, seq, device_time): (u64, u64, Option<Timestamp>),
        (transit, happening): (Transit, Happening),
    ) -> Meaning {
        let received = self.stamp.now();
        let event = DeviceEvent { device, boot, seq, device_time, received, transit, happening };
        Meaning::Input(Input::Device(event))
    }

    /// A message makes no sense: it is counted, and a few are kept on record.
    fn refuse(&self, device: &str, heard: &Heard<'_>, why: &str) -> Meaning {
        let (topic, payload) = (heard.topic, heard.payload);
        let heard = nonsense::Heard { device, topic, payload, why };
        self.nonsense.hear(&heard).map_or(Meaning::Nothing, Meaning::Input)
    }

    fn state(&mut self, device: &DeviceId, happening: Happening) -> Meaning {
        if happening == (Happening::FireInput { active: true }) {
            self.fire.raise(device);
        }
        if let Some(kind) = kind(&happening) {
            let before = self.known.insert((device.clone(), kind), happening.clone());
            if before.as_ref() == Some(&happening) {
                return Meaning::Heard;
            }
        }
        Meaning::Input(self.stamp.event(device, happening))
    }

    /// The loop did not get an input: its state is news when it is told again.
    pub(crate) fn not_taken(&mut self, input: &Input) {
        let Input::Device(event) = input else { return };
        let Some(kind) = kind(&event.happening) else { return };
        let key = (event.device.clone(), kind);
        if self.known.get(&key) == Some(&event.happening) {
            self.known.remove(&key);
        }
    }

    /// Nothing is heard of any of these gates any more: those that were online are not.
    pub(crate) fn lost(&mut self) -> Vec<Input> {
        let online = Happening::Presence { online: true };
        let mut gone = Vec::new();
        for ((device, kind), told) in &mut self.known {
            if *kind == Kind::Presence && *told == online {
                *told = Happening::Presence { online: false };
                gone.push(device.clone());
            }
        }
        let lost = Happening::Presence { online: false };
        gone.iter().map(|device| self.stamp.event(device, lost.clone())).collect()
    }
}

/// What kind of state it is; life safety is never held back, not even as a repetition.
const fn kind(happening: &Happening) -> Option<Kind> {
    match happening {
        Happening::ModeChanged { .. } => Some(Kind::Mode),
        Happening::Health { what, .. } => Some(Kind::Health(*what)),
        Happening::Presence { .. } => Some(Kind::Presence),
        _ => None,
    }
}

fn dropped(why: &'static str) {
    counter!("kari_device_messages_dropped_total", "why" => why).increment(1);
}

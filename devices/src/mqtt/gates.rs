//! What messages of gates mean: inputs for the loop, and a raise on the fire road.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use domain::{
    event::{DeviceEvent, Happening, HealthItem, Transit},
    ids::DeviceId,
    state::Input,
    time::{Span, Timestamp},
};
use metrics::counter;
use rumqttc::v5::mqttbytes::v5::Publish;

use super::{
    Common,
    decode::{Decoded, decode},
    session::{Handler, Line},
    topics::{self, Part},
};
use crate::pin::PinKey;
use crate::{
    arrival::{Ack, Arrival},
    fire::FireRoad,
    inlet::Inlet,
    stamp::{Boots, Stamp},
};

/// A broker that restarts is back within this time, and no gate need be called offline.
const GRACE: Duration = Duration::from_millis(1500);

/// The gates of one connection.
pub(crate) struct Gates {
    devices: HashSet<DeviceId>,
    inlet: Inlet,
    line: Arc<Line>,
    fire: Arc<FireRoad>,
    boots: Arc<Boots>,
    stamp: Stamp,
    pins: PinKey,
    /// Whether the broker keeps messages for us while we are away.
    keeps: bool,
    /// Since when there is a connection; what it brings may have waited before that.
    up_since: Timestamp,
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
    pub(crate) fn new(
        devices: &[DeviceId],
        inlet: Inlet,
        (line, pins, keeps): (Arc<Line>, PinKey, bool),
        common: &Common,
    ) -> Self {
        let stamp = common.boots.connect();
        Self {
            up_since: stamp.now(),
            devices: devices.iter().cloned().collect(),
            inlet,
            line,
            pins,
            keeps,
            fire: Arc::clone(&common.fire),
            stamp,
            boots: Arc::clone(&common.boots),
            known: HashMap::new(),
        }
    }

    fn take(&mut self, device: &DeviceId, part: Part, publish: &Publish, ack: Ack) {
        match decode(part, &publish.payload, &self.pins) {
            Ok(Decoded::Nothing) => ack.done(),
            Ok(Decoded::Event { boot, seq, at, happening }) => {
                let transit = self.transit(publish);
                let event = DeviceEvent {
                    device: device.clone(),
                    boot,
                    seq,
                    device_time: at,
                    received: self.stamp.now(),
                    transit,
                    happening,
                };
                self.hand_over(Arrival { input: Input::Device(event), ack });
            }
            Ok(Decoded::State(happening)) => self.state(device, happening, ack),
            Err(why) => {
                counter!("kari_device_messages_unreadable_total").increment(1);
                let input = Input::Unreadable { device: device.clone(), why };
                self.hand_over(Arrival { input, ack });
            }
        }
    }

    fn state(&mut self, device: &DeviceId, happening: Happening, ack: Ack) {
        let kind = match happening {
            // Life safety is never held back, not even as a repetition.
            Happening::FireInput { active } => {
                if active {
                    self.fire.raise(device);
                }
                None
            }
            Happening::ModeChanged { .. } => Some(Kind::Mode),
            Happening::Health { what, .. } => Some(Kind::Health(what)),
            _ => Some(Kind::Presence),
        };
        if let Some(kind) = kind {
            let before = self.known.insert((device.clone(), kind), happening.clone());
            if before.as_ref() == Some(&happening) {
                return ack.done();
            }
        }
        let arrival = self.stamp.event(device, happening, ack);
        if !self.hand_over(arrival)
            && let Some(kind) = kind
        {
            self.known.remove(&(device.clone(), kind));
        }
    }

    /// How a message came: a broker keeps what is for us while there is no connection, and what it
    /// delivers again it had kept.
    fn transit(&self, publish: &Publish) -> Transit {
        if !self.keeps {
            return Transit::Straight;
        }
        let up_for = match publish.dup {
            true => Span(0),
            false => self.stamp.now().since(self.up_since).max(Span(0)),
        };
        let known = publish.properties.as_ref();
        let expires_in = known.and_then(|known| known.message_expiry_interval);
        Transit::Kept { up_for, expires_in: expires_in.map(|left| Span::seconds(left.into())) }
    }

    /// Whether the loop got it; what it did not get stays unacknowledged and comes again.
    fn hand_over(&self, arrival: Arrival) -> bool {
        let taken = self.inlet.put(arrival);
        if !taken {
            tracing::warn!("a message found no place in the loop; the broker will send it again");
        }
        taken
    }
}

impl Handler for Gates {
    fn connected(&mut self) {
        self.up_since = self.stamp.now();
    }

    fn up(&mut self) {
        self.stamp = self.boots.connect();
        self.fire.link_is_up();
    }

    fn message(&mut self, publish: &Publish, ack: Ack) {
        let topic = std::str::from_utf8(&publish.topic).unwrap_or_default();
        let Some((id, part)) = topics::parse(topic) else { return ack.done() };
        let Some(device) = self.devices.get(id).cloned() else {
            counter!("kari_device_messages_dropped_total", "why" => "unknown_device").increment(1);
            return ack.done();
        };
        if part == Part::Command {
            if publish.retain && !publish.payload.is_empty() {
                counter!("kari_retained_commands_cleared_total").increment(1);
                tracing::warn!(%device, topic, "a retained command was found and is cleared");
                self.line.clear(topic);
            }
            return ack.done();
        }
        if publish.retain && !part.is_state() {
            counter!("kari_device_messages_dropped_total", "why" => "retained").increment(1);
            return ack.done();
        }
        self.take(&device, part, publish, ack);
    }

    fn down(&mut self, since: Duration) {
        if since < GRACE {
            return;
        }
        let online = Happening::Presence { online: true };
        let mut gone = Vec::new();
        for ((device, kind), told) in &mut self.known {
            if *kind == Kind::Presence && *told == online {
                *told = Happening::Presence { online: false };
                gone.push(device.clone());
            }
        }
        for device in gone {
            let lost = Happening::Presence { online: false };
            let arrival = self.stamp.event(&device, lost, Ack::none());
            self.hand_over(arrival);
        }
    }
}

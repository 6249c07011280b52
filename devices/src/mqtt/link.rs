//! A broker's connection and the loop: what comes by the one goes to the other.

use std::{sync::Arc, time::Duration};

use domain::{
    event::Transit,
    time::{Clock, Span, Timestamp},
};
use rumqttc::v5::mqttbytes::v5::Publish;
use tokio::time::Instant;

use super::{
    gates::{Gates, Heard, Meaning},
    session::{Handler, Line},
    shares::Shares,
};
use crate::{
    arrival::{Ack, Arrival},
    queue::Sender,
    seldom::Seldom,
};

/// A broker that restarts is back within this time, and no gate need be called offline.
const GRACE: Duration = Duration::from_millis(1500);

/// Takes what a broker delivers.
pub(crate) struct Deliveries {
    gates: Gates,
    line: Arc<Line>,
    inlet: Sender,
    /// Since when there is a connection; what it brings may have waited before that.
    up_since: Timestamp,
    clock: Arc<dyn Clock>,
    shares: Shares,
    said: Seldom,
}

impl Deliveries {
    pub(crate) fn new(gates: Gates, line: Arc<Line>, inlet: Sender, clock: Arc<dyn Clock>) -> Self {
        let (up_since, shares, said) = (clock.now(), Shares::new(), Seldom::new(1));
        Self { gates, line, inlet, up_since, clock, shares, said }
    }

    /// How a message came: a broker keeps what is for us while there is no connection, and what it
    /// delivers again it had kept.
    fn transit(&self, publish: &Publish) -> Transit {
        let up_for = match publish.dup {
            true => Span(0),
            false => self.clock.now().since(self.up_since).max(Span(0)),
        };
        let known = publish.properties.as_ref();
        let expires_in = known.and_then(|known| known.message_expiry_interval);
        Transit::Kept { up_for, expires_in: expires_in.map(|left| Span::seconds(left.into())) }
    }

    /// What the loop does not get stays unacknowledged and comes again.
    fn hand_over(&mut self, arrival: Arrival) {
        if let Err(arrival) = self.inlet.put(arrival) {
            metrics::counter!("kari_device_messages_dropped_total", "why" => "queue_full")
                .increment(1);
            if let Some(more) = self.said.happened("", std::time::Instant::now()) {
                let why = "a message found no place in the loop; the broker will send it again";
                tracing::warn!(more, why);
            }
            self.gates.not_taken(&arrival.input);
        }
    }
}

impl Handler for Deliveries {
    fn connected(&mut self) {
        self.up_since = self.clock.now();
    }

    fn up(&mut self) {
        self.gates.up();
    }

    fn message(&mut self, publish: &Publish, ack: Ack) {
        let topic = std::str::from_utf8(&publish.topic).unwrap_or_default();
        let transit = self.transit(publish);
        let heard = Heard { topic, payload: &publish.payload, retain: publish.retain, transit };
        match self.gates.message(&heard) {
            Meaning::Input(input) if !self.shares.have_place(&input, Instant::now()) => {
                self.gates.not_taken(&input);
                ack.done();
            }
            Meaning::Input(input) => {
                let ack = self.shares.count(ack);
                self.hand_over(Arrival { input, ack });
            }
            Meaning::Heard | Meaning::Nothing => ack.done(),
            Meaning::RetainedCommand => {
                self.line.clear(topic);
                ack.done();
            }
        }
    }

    fn down(&mut self, since: Duration) {
        if since < GRACE {
            return;
        }
        for input in self.gates.lost() {
            self.hand_over(Arrival { input, ack: Ack::none() });
        }
    }
}

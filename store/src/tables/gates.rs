//! Presence, occupancy, reservations, and what is known of devices.

use domain::{
    ids::{CredentialId, DecisionId, MemberId, PassId, Uid, VisitId, ZoneId},
    rows::{
        Emergency, LastRead, Mark, MarkKey, Occupancy, PassKey, Presence, ReaderKey, Reservation,
        ReservationKey, ReservationState,
    },
    time::{Span, Timestamp},
};

use super::Stored;
use crate::{
    binds::Binds,
    cells::{Cells, direction},
    error::ReadError,
    sheet::{Kind, Sheet},
};

impl Stored for Presence {
    type Key = CredentialId;
    const SHEET: Sheet = Sheet {
        name: "presence",
        keys: &["credential"],
        values: &[
            "zone",
            "inside",
            "visit",
            "entered",
            "pending_device",
            "pending_direction",
            "pending_place",
            "lockers",
            "left_visit",
        ],
        ids: &["credential"],
        kind: Kind::State,
        weight: 1,
    };
    fn bind_key(key: &CredentialId, to: &mut Binds) {
        to.id(key.0);
    }
    fn bind(&self, to: &mut Binds) {
        let pending = self.pending.as_ref();
        to.add(self.zone.as_ref().map(ToString::to_string));
        to.int(self.inside);
        to.maybe_json(self.visit.as_ref());
        to.maybe_at(self.entered);
        to.add(pending.map(|key| key.device.to_string()));
        to.add(pending.map(|key| key.direction.name()));
        to.add(pending.map(|key| key.place.cast_signed()));
        to.json(&self.lockers);
        to.maybe_json(self.left.as_ref());
    }
    fn read_key(from: &mut Cells<'_, '_>) -> Result<CredentialId, ReadError> {
        from.id().map(CredentialId)
    }
    fn read(from: &mut Cells<'_, '_>) -> Result<Self, ReadError> {
        let (zone, inside) = (from.maybe_name()?, from.int()?);
        let visit = from.maybe_json()?;
        Ok(Self {
            zone,
            inside,
            visit,
            entered: from.maybe_at()?,
            pending: match (from.maybe_name()?, from.maybe_word(direction)?, from.take()?) {
                (Some(device), Some(direction), Some::<i64>(place)) => {
                    Some(ReservationKey { device, direction, place: place.cast_unsigned() })
                }
                _ => None,
            },
            lockers: from.json()?,
            left: from.maybe_json()?,
        })
    }
}

impl Stored for Occupancy {
    type Key = ZoneId;
    const SHEET: Sheet = Sheet {
        name: "occupancy",
        keys: &["zone"],
        values: &["inside", "reserved"],
        ids: &[],
        kind: Kind::State,
        weight: 2,
    };
    fn bind_key(key: &ZoneId, to: &mut Binds) {
        to.text(key.as_str());
    }
    fn bind(&self, to: &mut Binds) {
        to.int(self.inside);
        to.int(self.reserved);
    }
    fn read_key(from: &mut Cells<'_, '_>) -> Result<ZoneId, ReadError> {
        from.name()
    }
    fn read(from: &mut Cells<'_, '_>) -> Result<Self, ReadError> {
        Ok(Self { inside: from.take()?, reserved: from.take()? })
    }
}

impl Stored for Reservation {
    type Key = ReservationKey;
    const SHEET: Sheet = Sheet {
        name: "reservation",
        keys: &["device", "direction", "place"],
        values: &[
            "decision",
            "uid",
            "credential",
            "member",
            "granted",
            "timeout",
            "expires",
            "state",
            "lapsed_at",
            "starts_visit",
            "takes_from",
            "pass_of",
            "hours_end",
            "charges",
            "booked",
            "limited",
            "host",
            "comes_back",
            "undo",
        ],
        ids: &["decision", "credential", "member", "starts_visit", "takes_from", "pass_of", "host"],
        kind: Kind::State,
        weight: 1,
    };
    fn bind_key(key: &ReservationKey, to: &mut Binds) {
        to.text(key.device.as_str());
        to.text(key.direction.name());
        to.bits(key.place);
    }
    fn bind(&self, to: &mut Binds) {
        to.id(self.decision.0);
        to.text(self.uid.as_str());
        to.id(self.credential.0);
        to.id(self.member.0);
        to.at(self.granted);
        to.int(self.timeout.0);
        to.maybe_at(self.expires);
        to.text(self.state.name());
        to.maybe_at(match self.state {
            ReservationState::Lapsed { at } => Some(at),
            ReservationState::Live => None,
        });
        to.add(self.starts_visit.map(|visit| visit.0));
        to.add(self.takes_from.map(|key| key.pass.0));
        to.add(self.takes_from.map(|key| key.member.0));
        to.maybe_at(self.hours_end);
        to.json(&self.charges);
        to.add(self.booked);
        to.add(self.limited);
        to.add(self.host.map(|host| host.0));
        to.add(self.comes_back);
        to.maybe_json(self.undo.as_ref());
    }
    fn read_key(from: &mut Cells<'_, '_>) -> Result<ReservationKey, ReadError> {
        let (device, direction) = (from.name()?, from.word(direction)?);
        Ok(ReservationKey { device, direction, place: from.bits()? })
    }
    fn read(from: &mut Cells<'_, '_>) -> Result<Self, ReadError> {
        Ok(Self {
            decision: from.id().map(DecisionId)?,
            uid: from.text().map(|text| Uid::from(&*text))?,
            credential: from.id().map(CredentialId)?,
            member: from.id().map(MemberId)?,
            granted: from.at()?,
            timeout: from.int().map(Span)?,
            expires: from.maybe_at()?,
            state: {
                let lapsed = ReservationState::Lapsed { at: Timestamp::default() };
                let states = [ReservationState::Live, lapsed];
                let state = from.word(|word| states.into_iter().find(|state| state.name() == word));
                match (state?, from.maybe_at()?) {
                    (ReservationState::Lapsed { .. }, Some(at)) => ReservationState::Lapsed { at },
                    (state, _) => state,
                }
            },
            starts_visit: from.maybe_id()?.map(VisitId),
            takes_from: match (from.maybe_id()?, from.maybe_id()?) {
                (Some(pass), Some(member)) => {
                    Some(PassKey { member: MemberId(member), pass: PassId(pass) })
                }
                _ => None,
            },
            hours_end: from.maybe_at()?,
            charges: from.json()?,
            booked: from.take()?,
            limited: from.take()?,
            host: from.maybe_id()?.map(MemberId),
            comes_back: from.take()?,
            undo: from.maybe_json()?,
        })
    }
    /// A credential's old reservation ends before its new one begins: only one may live.
    fn rank(&self) -> u8 {
        u8::from(self.state == ReservationState::Live)
    }
}

impl Stored for LastRead {
    type Key = ReaderKey;
    const SHEET: Sheet = Sheet {
        name: "last_read",
        keys: &["device", "direction"],
        values: &["uid", "at", "next_place", "recent", "refused"],
        ids: &["refused"],
        kind: Kind::State,
        weight: 1,
    };
    fn bind_key(key: &ReaderKey, to: &mut Binds) {
        to.text(key.device.as_str());
        to.text(key.direction.name());
    }
    fn bind(&self, to: &mut Binds) {
        to.text(self.uid.as_str());
        to.at(self.at);
        to.bits(self.next_place);
        to.json(&self.recent);
        to.add(self.refused.map(|id| id.0));
    }
    fn read_key(from: &mut Cells<'_, '_>) -> Result<ReaderKey, ReadError> {
        Ok(ReaderKey { device: from.name()?, direction: from.word(direction)? })
    }
    fn read(from: &mut Cells<'_, '_>) -> Result<Self, ReadError> {
        let uid = from.text().map(|text| Uid::from(&*text))?;
        Ok(Self {
            uid,
            at: from.at()?,
            next_place: from.bits()?,
            recent: from.json()?,
            refused: from.maybe_id()?.map(DecisionId),
        })
    }
}

impl Stored for Mark {
    type Key = MarkKey;
    const SHEET: Sheet = Sheet {
        name: "mark",
        keys: &["device", "boot"],
        values: &["high", "taken"],
        ids: &[],
        kind: Kind::State,
        weight: 1,
    };
    fn bind_key(key: &MarkKey, to: &mut Binds) {
        to.text(key.device.as_str());
        to.bits(key.boot);
    }
    fn bind(&self, to: &mut Binds) {
        to.bits(self.high);
        to.bits(self.window);
    }
    fn read_key(from: &mut Cells<'_, '_>) -> Result<MarkKey, ReadError> {
        Ok(MarkKey { device: from.name()?, boot: from.bits()? })
    }
    fn read(from: &mut Cells<'_, '_>) -> Result<Self, ReadError> {
        Ok(Self { high: from.bits()?, window: from.bits()? })
    }
}

impl Stored for Emergency {
    type Key = ();
    const SHEET: Sheet = Sheet {
        name: "emergency",
        keys: &["id"],
        values: &["started", "source"],
        ids: &[],
        kind: Kind::State,
        weight: 1,
    };
    fn bind_key((): &(), to: &mut Binds) {
        to.int(1);
    }
    fn bind(&self, to: &mut Binds) {
        to.at(self.started);
        to.text(self.source.as_str());
    }
    fn read_key(from: &mut Cells<'_, '_>) -> Result<(), ReadError> {
        from.take::<i64>().map(|_| ())
    }
    fn read(from: &mut Cells<'_, '_>) -> Result<Self, ReadError> {
        Ok(Self { started: from.at()?, source: from.name()? })
    }
}

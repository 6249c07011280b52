//! What an earlier run left undone, made up for at the start.

use std::collections::VecDeque;

use devices::hub::Hub;
use domain::{
    command::Command,
    event::Happening,
    ids::DeviceId,
    state::{Input, State},
};
use store::Opened;

use crate::intake::Taken;

/// What an earlier run left undone: a latched emergency, and commands that may still take effect.
pub(crate) struct Undone {
    emergency: Option<DeviceId>,
    commands: Vec<Command>,
}

impl Undone {
    /// What `opened` found, and what the spill journal `held`.
    pub(crate) fn of(state: &State, opened: &Opened, held: &VecDeque<Taken>) -> Self {
        let emergency = state.tables.emergency.peek(&()).map(|row| row.source.clone());
        let emergency = emergency.or_else(|| fire(held));
        // To a device that does not drop repeats it went at most once; its reservation lapses by
        // itself.
        let drops_repeats = |command: &&Command| {
            state.site.gates.get(&command.device).is_some_and(|gate| gate.drops_repeats)
        };
        let commands = opened.unsent.iter().filter(drops_repeats).cloned().collect();
        Self { emergency, commands }
    }

    /// Makes up for it. `raised` is the release for an emergency that was reset, as the database
    /// says, and was not known to be.
    pub(crate) fn make_up(self, hub: &Hub, raised: Option<u64>, epoch: u64) {
        match (&self.emergency, raised) {
            (Some(source), _) => hub.emergency().raise(source),
            (None, Some(raised)) => hub.emergency().lift(raised),
            (None, None) => {}
        }
        for command in self.commands {
            let device = command.device.clone();
            if !hub.send(Command { epoch, ..command }) {
                tracing::warn!(%device, "a command of the last run could not be sent again");
            }
        }
    }
}

/// Whose life-safety input waits to be decided, if one does.
pub(crate) fn fire(held: &VecDeque<Taken>) -> Option<DeviceId> {
    held.iter().find_map(|taken| match &taken.input {
        Input::Device(event)
            if matches!(event.happening, Happening::FireInput { active: true }) =>
        {
            Some(event.device.clone())
        }
        _ => None,
    })
}

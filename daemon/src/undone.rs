//! What an earlier run left undone, made up for at the start.

use devices::hub::Hub;
use domain::{command::Command, ids::DeviceId, state::State};
use store::Opened;

/// What an earlier run left undone: a latched emergency, and commands that may still take effect.
pub(crate) struct Undone {
    emergency: Option<DeviceId>,
    commands: Vec<Command>,
}

impl Undone {
    /// What `opened` found.
    pub(crate) fn of(state: &State, opened: &Opened) -> Self {
        let emergency = state.tables.emergency.peek(&()).map(|row| row.source.clone());
        // To a device that does not drop repeats it went at most once; its reservation lapses by
        // itself.
        let drops_repeats = |command: &&Command| {
            state.site.gates.get(&command.device).is_some_and(|gate| gate.drops_repeats)
        };
        let commands = opened.unsent.iter().filter(drops_repeats).cloned().collect();
        Self { emergency, commands }
    }

    /// Makes up for it.
    pub(crate) fn make_up(self, hub: &Hub, epoch: u64) {
        if let Some(source) = &self.emergency {
            hub.emergency().raise(source);
        }
        for command in self.commands {
            let device = command.device.clone();
            if !hub.send(Command { epoch, ..command }) {
                tracing::warn!(%device, "a command of the last run could not be sent again");
            }
        }
    }
}

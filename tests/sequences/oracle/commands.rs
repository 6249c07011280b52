//! What is told to devices.

use domain::{command::Action, event::Direction, ids::DecisionId, state::Answer};

use super::{Oracle, Step, told};

impl Oracle {
    /// What opens belongs to a decision that opens.
    pub(super) fn commands(&mut self, step: &Step<'_>) -> Result<(), String> {
        let batch = step.batch();
        let find = |id| batch.decisions.iter().find(|decision| Some(decision.id) == id);
        for command in &batch.commands {
            let decision = find(command.decision);
            let opens = decision.is_some_and(|one| one.verdict.outcome.opens());
            let right = match &command.action {
                Action::OpenOnce { direction, .. } => {
                    self.counted("opened");
                    let same = decision.is_some_and(|one| {
                        one.direction == Some(*direction) && one.device == command.device
                    });
                    let shut = self.around.emergency.is_some() && !self.changing;
                    opens && same && !(shut && *direction == Direction::Entry)
                }
                Action::LockerUnlock { .. } | Action::LockerLock { .. } => opens,
                Action::Indicate { outcome, .. } => {
                    decision.is_some_and(|one| one.verdict.outcome == *outcome)
                }
                _ => true,
            };
            if !right || self.unanswered {
                return Err(format!("{command:?} of {decision:?}"));
            }
        }
        let opened = |id: DecisionId| {
            let mut all = batch.commands.iter().filter(|command| command.decision == Some(id));
            all.any(|command| command.action.opens())
        };
        let free = self.around.emergency.is_some() || self.unanswered;
        let shut = batch.decisions.iter().find(|decision| {
            let gate = decision.direction.is_some() && decision.verdict.outcome.opens();
            gate && !free && !opened(decision.id)
        });
        match (shut, step.answer) {
            (Some(decision), _) => Err(told("granted, and not opened", decision)),
            (_, Answer::Refused(_)) if !batch.decisions.is_empty() => {
                Err("refused, and decided".to_owned())
            }
            _ => Ok(()),
        }
    }
}

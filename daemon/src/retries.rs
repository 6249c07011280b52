//! What becomes of the inputs of a lost batch: they are decided again, then one by one; and what
//! cannot be durable, whatever is tried, leaves a line in the journal in its place.

use std::collections::VecDeque;

use domain::{
    ids::DeviceId,
    state::{Answer, Input},
};
use store::trouble::Trouble;

use crate::{
    intake::{Owed, Taken, answer},
    site_loop::SiteLoop,
};

/// How often a lost batch is decided again as a whole, and then each of its inputs by itself.
const RETRIES: u32 = 5;

/// Inputs that are decided as one batch.
pub(crate) struct Attempt {
    /// Which.
    pub(crate) inputs: Vec<Taken>,
    /// How often that batch was lost.
    pub(crate) lost: u32,
    /// The event that was refused, where a line about it stands in its place.
    pub(crate) instead_of: Option<Input>,
}

impl Attempt {
    /// Of inputs that were not tried yet.
    pub(crate) const fn new(inputs: Vec<Taken>) -> Self {
        Self { inputs, lost: 0, instead_of: None }
    }
}

impl SiteLoop {
    /// What becomes of the inputs of a lost batch: again, one by one, or given up. `false` where
    /// the store takes not even a line about what it refuses: then the store is at fault, and the
    /// event waits.
    pub(crate) fn again(
        &mut self,
        attempt: Attempt,
        why: &str,
        queue: &mut VecDeque<Attempt>,
    ) -> bool {
        if attempt.lost <= RETRIES {
            queue.push_front(attempt);
            return true;
        }
        let Attempt { mut inputs, instead_of, .. } = attempt;
        if let (Some(event), [line]) = (instead_of, inputs.as_mut_slice()) {
            self.standstill.report(Trouble::Refuses, why);
            line.input = event;
            queue.push_front(Attempt::new(inputs));
            return false;
        }
        let alone = inputs.len() == 1;
        for one in inputs.into_iter().rev() {
            let next = if alone { self.give_up(one, why) } else { Some(Attempt::new(vec![one])) };
            if let Some(next) = next {
                queue.push_front(next);
            }
        }
        true
    }

    /// An input that cannot be durable leaves a line in the journal in its place.
    fn give_up(&mut self, one: Taken, why: &str) -> Option<Attempt> {
        tracing::error!(input = ?one.input, why, "an input cannot be durable; it is left out");
        self.outward.given_up();
        let Taken { mut input, owed, .. } = one;
        self.stand_in().answer(&mut input);
        let line = |device: &DeviceId| {
            let why = format!("it could not be stored, so it is left out: {why}");
            Input::Unreadable { device: device.clone(), why }
        };
        let line = match &input {
            Input::Device(event) | Input::Unanswered(event) => Some(line(&event.device)),
            Input::Unreadable { device, .. } => Some(line(device)),
            _ => None,
        };
        match (line, owed) {
            (Some(line), owed) => {
                let inputs = vec![Taken { input: line, policy: None, owed }];
                Some(Attempt { inputs, lost: 0, instead_of: Some(input) })
            }
            (None, Owed::Reply(reply)) => {
                answer(reply, Answer::Refused(why.to_owned()));
                None
            }
            (None, _) => None,
        }
    }
}

//! What happens in a scenario, as its files write it: a local time, a verb and its words. Every
//! verb stands here once, and the manual in `tests/scenarios/README.md` is held against this table.

use domain::{
    event::Direction,
    state::{Answer, Input},
    time::Span,
};

use super::{
    World,
    words::{Words, seconds},
};

/// What a step's words came to: the inputs that they make, if any.
pub(super) type Made = Result<Vec<Input>, String>;

/// A kind of step.
pub struct Step {
    /// How it is written behind its time; the first word is its verb.
    pub form: &'static str,
    /// What it is.
    pub is: &'static str,
    run: fn(&mut World, &mut Words<'_>) -> Made,
}

impl Step {
    /// Its first word.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        self.form.split(' ').next().unwrap_or_default()
    }
}

const fn step(
    form: &'static str,
    is: &'static str,
    run: fn(&mut World, &mut Words<'_>) -> Made,
) -> Step {
    Step { form, is, run }
}

/// Every step that there is.
pub const STEPS: &[Step] = &[
    // What devices say.
    step("entry GATE BAND [pin CODE] [SENT]", "a band is read on the way in", |world, words| {
        world.reads(Direction::Entry, words)
    }),
    step("exit GATE BAND [pin CODE] [SENT]", "a band is read on the way out", |world, words| {
        world.reads(Direction::Exit, words)
    }),
    step("passed GATE in|out [SENT]", "somebody went through", World::passage),
    step("aborted GATE in|out [SENT]", "the gate took the grant back", World::abort),
    step("unexpected GATE in|out [SENT]", "somebody went through unasked", World::unexpected),
    step("collects GATE BAND [SENT]", "the slot at the gate took a band", World::collects),
    step("fire GATE on|off [SENT]", "the fire input of the gate", World::fire),
    step("door GATE open|closed|forced [SENT]", "a door contact", World::door),
    step(
        "health GATE tamper|battery|power VALUE [SENT]",
        "the gate reports its housing (`true` is open), its battery in percent, its supply",
        World::health,
    ),
    step("online DEVICE [SENT]", "the device can be spoken to again", |world, words| {
        world.presence(true, words)
    }),
    step("offline DEVICE [SENT]", "the device went", |world, words| world.presence(false, words)),
    step("fails GATE [maybe] [SENT]", "its last opening took no effect", World::fails),
    step("boots DEVICE", "the device starts anew and counts its messages from 1", World::boots),
    step("locks LOCKER BAND [SENT]", "a band is read to close a locker", |world, words| {
        world.asks_locker(false, words)
    }),
    step("opens LOCKER BAND [SENT]", "a band is read to open a locker", |world, words| {
        world.asks_locker(true, words)
    }),
    step(
        "locker LOCKER free|occupied|jammed|forced [SENT]",
        "what a lock reports",
        World::lock_reports,
    ),
    // What tills do.
    step(
        "sale TILL OPERATOR BAND LINE [plus LINE ...] [HOW] [SECOND] [SENT]",
        "a sale",
        World::sale,
    ),
    step(
        "topup TILL OPERATOR BAND AMOUNT cash|card [SECOND] [SENT]",
        "money into a wallet",
        |world, words| world.moves(true, words),
    ),
    step(
        "refund TILL OPERATOR BAND AMOUNT cash|card|wallet [SECOND] [SENT]",
        "money out of a wallet",
        |world, words| world.moves(false, words),
    ),
    step(
        "cash TILL OPERATOR open|in|out|close AMOUNT [SECOND] [SENT]",
        "a drawer gets its float, is filled, emptied, or counted at the end",
        World::drawer_moves,
    ),
    step("pays BAND AMOUNT", "a debt is paid at the desk", World::pays),
    // What operators do.
    step(
        "lifts DESK OPERATOR CODE[,CODE...] WHY [waives AMOUNT] [SECOND] [SENT]",
        "an override of the last refusal at a gate",
        World::lifts,
    ),
    step(
        "acts DESK OPERATOR ACTION [member BAND] [locker LOCKER] [SECOND] [SENT]",
        "an act, such as `emergency_reset`",
        World::acts,
    ),
    step(
        "sets DESK OPERATOR PARAMETER VALUE [SCOPE NAME] [SECOND] [SENT]",
        "a value of a parameter, as `kari params set` keeps it; `nothing` takes it away",
        World::sets,
    ),
    step("photo GATE BAND same|other", "the desk compares a face with the photo", World::photo),
    step("signs DESK OPERATOR PIN ACTION", "an act, proved by login and PIN", World::signs),
    step(
        "confirms DESK OPERATOR PIN",
        "a second person confirms, elsewhere, what waits at the desk",
        World::confirms,
    ),
    // What the desk changes of people.
    step("bans DESK OPERATOR BAND FROM [UNTIL] [SENT]", "a house ban from day to day", World::bans),
    step(
        "guardian DESK OPERATOR [not] CHILD BAND [SENT]",
        "who may pick a child up, or no longer",
        World::guardian,
    ),
    step(
        "certificate DESK OPERATOR BAND UNTIL [SENT]",
        "a medical certificate was shown",
        World::certificate,
    ),
    step(
        "turns DESK OPERATOR EVENT BAND [SENT]",
        "a band is `returned`, `lost`, `stolen`, `blocked` or `unblocked`",
        World::turns,
    ),
    step(
        "issues DESK OPERATOR NEW BAND [SENT]",
        "one more band for whoever has BAND",
        World::issues,
    ),
    step(
        "replaces DESK OPERATOR BAND NEW [SENT]",
        "a band in the place of another",
        World::replaces,
    ),
    // What happens around it all.
    step("desk on|off", "somebody sits at the desk, or nobody", World::desk_state),
    step("till TILL on|off", "the till is heard of, or not", World::till_state),
    step("clock SECONDS", "our own clock was set by so much; the time is the new one", World::set),
    step("rules NAME", "the rules of that name are put into the folder", World::rules_change),
    step("restarts", "the daemon ends and comes again", World::restarts),
    step("forgets", "old records lose who they were about", World::forgets),
    step("waits", "time goes on", |_, _| Ok(Vec::new())),
];

/// A part of a step: words that may stand in it.
pub struct Part {
    /// In which place of a form.
    pub place: &'static str,
    /// How it is written; the first word is its name.
    pub form: &'static str,
    /// What it says.
    pub is: &'static str,
}

impl Part {
    /// Its first word.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.form.split(' ').next().unwrap_or_default()
    }
}

const fn part(place: &'static str, form: &'static str, is: &'static str) -> Part {
    Part { place, form, is }
}

/// Every word that may stand in a step behind its first ones.
pub const PARTS: &[Part] = &[
    part("SENT", "told TIME", "the device's own time of it, where that is not the step's"),
    part("SENT", "late SECONDS", "the same as so many seconds before the step's time"),
    part("SENT", "untimed", "the device has no clock"),
    part("SENT", "kept SECONDS", "it may have waited on its way; its link was up for so long"),
    part(
        "SENT",
        "expires SECONDS",
        "with `kept`: what is left of the time that its sender gave it",
    ),
    part("SENT", "again", "the device's last message once more: it has the same number"),
    part("reads", "pin CODE", "the code that was typed with it"),
    part("fails", "maybe", "the gate may have opened all the same"),
    part("LINE", "good NAME", "one of the goods"),
    part("LINE", "tariff NAME", "a pass"),
    part("LINE", "for BAND", "whose pass, where it is not the buyer's"),
    part("LINE", "from DATE", "its first day"),
    part("LINE", "beside", "it may count beside another one of the tariff"),
    part("LINE", "load AMOUNT", "money into the buyer's wallet"),
    part("LINE", "deposit BAND", "the deposit for a band"),
    part("LINE", "returns BAND", "that deposit goes back"),
    part("LINE", "lost BAND", "the fee for a lost band"),
    part("LINE", "category NAME", "behind an AMOUNT: what it is, such as `alcohol`"),
    part("LINE", "count NUMBER", "so many of it"),
    part("LINE", "price AMOUNT", "what one costs, where the cashier says so"),
    part("LINE", "discount PERCENT", "so much off"),
    part("HOW", "cash AMOUNT", "paid in cash"),
    part("HOW", "card AMOUNT", "paid by card"),
    part("HOW", "rest cash|card|nobody|wallet", "who pays the rest; the wallet if not said"),
    part("HOW", "aged YEARS", "what a document says, where the buyer is not known"),
    part("SECOND", "second OPERATOR TERMINAL TIME", "a second person confirmed it there and then"),
    part("SECOND", "approved OPERATOR", "the same at another terminal, now"),
    part("lifts", "waives AMOUNT", "what is waived of the debt"),
    part("acts", "member BAND", "whom it is about"),
    part("acts", "locker LOCKER", "the locker that it is about"),
    part("guardian", "not", "no longer"),
];

/// Every step, one a line.
fn forms() -> String {
    STEPS.iter().map(|step| format!("  {}", step.form)).collect::<Vec<_>>().join("\n")
}

impl World {
    /// Runs one step.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn run(&mut self, text: &str) -> Result<(), String> {
        let mut words = Words::of(text);
        let time = words.time();
        let at = self.read_time(&time)?;
        // The time of a step of our clock is the new one; until then it was the old one.
        let set = if words.first() == Some("clock") { clock_step(text)? } else { Span(0) };
        let until = at.minus(set);
        if self.stepped.is_some_and(|before| until < before) {
            return Err(format!("{time} is before the step that comes before it"));
        }
        self.wait(until);
        (self.now, self.stepped) = (at, Some(at));
        let parts = words.split("and");
        let alone = parts.len() == 1;
        let mut inputs = Vec::new();
        for part in parts {
            let made = self.part(part)?;
            if made.is_empty() && !alone {
                return Err("only messages come together in one batch".to_owned());
            }
            inputs.extend(made);
        }
        if inputs.is_empty() {
            return Ok(());
        }
        let pays = inputs.iter().any(|input| matches!(input, Input::Payment(_)));
        match self.take_together(inputs).pop() {
            Some(Answer::Refused(why)) if pays => Err(why),
            _ => Ok(()),
        }
    }

    /// One part of a step: a verb and its words.
    fn part(&mut self, mut words: Words<'_>) -> Made {
        let verb = words.next("a verb")?;
        let Some(step) = STEPS.iter().find(|step| step.verb() == verb) else {
            return Err(format!("no step is called `{verb}`; the steps are\n{}", forms()));
        };
        let made = (step.run)(self, &mut words).and_then(|made| words.end().map(|()| made));
        made.map_err(|why| format!("{why}; it is written `{}`", step.form))
    }

    fn set(&mut self, words: &mut Words<'_>) -> Made {
        let by = seconds(words.next("a number of seconds")?)?;
        Ok(vec![Input::ClockStepped { by }])
    }

    fn rules_change(&mut self, words: &mut Words<'_>) -> Made {
        self.reload(words.next("the name of rules")?)?;
        Ok(Vec::new())
    }

    #[expect(clippy::unnecessary_wraps, reason = "a step, like the others")]
    const fn restarts(&mut self, _: &mut Words<'_>) -> Made {
        self.state.epoch += 1;
        Ok(Vec::new())
    }

    #[expect(clippy::unnecessary_wraps, reason = "a step, like the others")]
    fn forgets(&mut self, _: &mut Words<'_>) -> Made {
        Ok(vec![Input::Pseudonymise])
    }
}

/// By how much a step sets our own clock.
fn clock_step(text: &str) -> Result<Span, String> {
    let by = text.split_whitespace().skip_while(|word| *word != "clock").nth(1);
    seconds(by.unwrap_or_default())
}

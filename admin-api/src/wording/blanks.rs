//! What fills the blanks of a sentence: amounts, counts, times and words as people write them.

use domain::{
    decision::Decision,
    money::Money,
    time::{Span, Timestamp},
    verdict::{Detail, Finding},
};
use fluent_bundle::{FluentArgs, FluentValue};

use super::Wording;

/// For whom a sentence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// For a guest at a gate, on the day of the event: today's times without the date.
    Guest,
    /// For the desk.
    Desk,
}

/// Details that are instants, whether a rule hands on an instant, a span or its seconds; the sign
/// leads from the decision to the instant.
const INSTANTS: [(&str, i64); 3] = [("since", -1), ("until", 1), ("opens_at", 1)];

/// The groups of thousands are kept together by a no-break space.
const GROUP: char = '\u{a0}';

impl Wording {
    /// The blanks of `found`, by name.
    pub(super) fn blanks(
        &self,
        decision: &Decision,
        found: &Finding,
        style: Style,
    ) -> FluentArgs<'static> {
        let mut args = FluentArgs::new();
        for (name, detail) in &found.details {
            args.set(name.clone(), self.blank(decision, name, detail, style));
        }
        args
    }

    fn blank(
        &self,
        decision: &Decision,
        name: &str,
        detail: &Detail,
        style: Style,
    ) -> FluentValue<'static> {
        let instant = INSTANTS.iter().find(|(known, _)| *known == name);
        let from =
            |seconds: i64, sign: i64| decision.at.plus(Span::seconds(seconds.saturating_mul(sign)));
        let when = |at: Timestamp| match style {
            Style::Desk => self.date_time(at),
            Style::Guest => self.near(decision.at, at),
        };
        match (detail, instant) {
            (Detail::Time(at), _) => when(*at).into(),
            (Detail::Span(span), Some((_, sign))) => when(from(span.whole_seconds(), *sign)).into(),
            (Detail::Count(seconds), Some((_, sign))) => when(from(*seconds, *sign)).into(),
            (Detail::Span(span), None) => self.span(*span).into(),
            (Detail::Count(count), None) => (*count).into(),
            (Detail::Money(amount), _) => self.money(*amount).into(),
            (Detail::Word(word), _) if name == "state" => self.state(word).into(),
            (Detail::Word(word), _) => word.clone().into(),
        }
    }

    /// A state in words; a state that no file names stays as it is.
    fn state(&self, state: &str) -> String {
        let id = format!("state-{state}");
        let text = self.word(&id);
        if text == id { state.to_owned() } else { text }
    }

    /// `12,50 ₾`, with groups of thousands.
    #[must_use]
    pub fn money(&self, amount: Money) -> String {
        let shown = self.currency.shown(amount).to_string();
        let (whole, part) = shown.split_once('.').unwrap_or((&shown, ""));
        let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |rest| ("-", rest));
        let mut text = sign.to_owned();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place) % 3 == 0 {
                text.push(GROUP);
            }
            text.push(digit);
        }
        if !part.is_empty() {
            text.push(',');
            text.push_str(part);
        }
        text.push(GROUP);
        text.push_str(sign_of(self.currency.code.as_str()));
        text
    }

    /// `15.09.2026 17:45` in the site's local time.
    #[must_use]
    pub fn date_time(&self, at: Timestamp) -> String {
        self.formatted(at, "%d.%m.%Y %H:%M")
    }

    /// `17:45:03` in the site's local time.
    #[must_use]
    pub fn clock_time(&self, at: Timestamp) -> String {
        self.formatted(at, "%H:%M:%S")
    }

    /// The time alone where both instants lie on one local day.
    pub(super) fn near(&self, now: Timestamp, at: Timestamp) -> String {
        let day = |instant| self.formatted(instant, "%d.%m.%Y");
        if day(now) == day(at) { self.formatted(at, "%H:%M") } else { self.date_time(at) }
    }

    pub(super) fn formatted(&self, at: Timestamp, format: &str) -> String {
        at.to_calendar().to_zoned(self.time_zone.clone()).strftime(format).to_string()
    }

    /// `1 h 30 min`; an empty span is `0 s`.
    fn span(&self, span: Span) -> String {
        let seconds = span.whole_seconds().max(0);
        let units = [
            ("span-days", seconds / 86_400),
            ("span-hours", seconds / 3600 % 24),
            ("span-minutes", seconds / 60 % 60),
            ("span-seconds", seconds % 60),
        ];
        let some: Vec<_> = units
            .iter()
            .filter(|(id, n)| *n != 0 || (seconds == 0 && *id == "span-seconds"))
            .map(|(id, n)| self.with(id, "n", n.to_string()))
            .collect();
        some.join(" ")
    }
}

/// The sign of a currency, or its code.
fn sign_of(code: &str) -> &str {
    match code {
        "GEL" => "₾",
        "AMD" => "֏",
        "EUR" => "€",
        "USD" => "$",
        "RUB" => "₽",
        other => other,
    }
}

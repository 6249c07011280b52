//! What a check can do: raise reasons, with details.

use std::{cell::RefCell, sync::LazyLock};

use domain::{
    facts::{Fact, FactKind},
    money::Money,
    params::{CATALOGUE, Kind, Param, ParamSpec, Value},
    reasons::{Class, REASONS, Reason},
    time::{Span, Timestamp},
    verdict::Detail,
};
use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, Map, NativeCallContext};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::problem::{did_you_mean, short};

/// The most reasons of one event.
const FINDINGS_MAX: usize = 64;
/// The most details of a reason.
pub(crate) const DETAILS_MAX: usize = 8;
/// The most characters of a word handed on as a detail.
const WORD_CHARS_MAX: usize = 64;
/// Digits of the minor unit: 2 for every currency that Kari knows.
const MINOR_DIGITS: u32 = 2;

/// An instant in a rule file: only handed on, as a detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instant(pub(crate) Timestamp);

/// A span in a rule file: only handed on, as a detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Elapsed(Span);

/// A reason as a check raised it.
#[derive(Debug)]
pub(crate) struct Raised {
    pub(crate) reason: Reason,
    pub(crate) class: Class,
    pub(crate) alarm: bool,
    pub(crate) details: Vec<(String, Detail)>,
    /// The line in the numbering that the files of the set share.
    pub(crate) line: u16,
}

thread_local! {
    static RAISED: RefCell<Vec<Raised>> = const { RefCell::new(Vec::new()) };
}

/// Takes what was raised on this thread since the last time.
pub(crate) fn take_raised() -> Vec<Raised> {
    RAISED.with_borrow_mut(std::mem::take)
}

/// Adds the functions of checks to `engine`.
pub(crate) fn register(engine: &mut Engine) {
    engine.register_type_with_name::<Instant>("instant");
    engine.register_type_with_name::<Elapsed>("span");
    engine.register_fn("span", |seconds: i64| Elapsed(Span::seconds(seconds)));
    let raising = [
        ("deny", Class::Deny),
        ("warn", Class::Warn),
        ("hold", Class::Hold),
        ("charge", Class::Charge),
        ("note", Class::Grant),
    ];
    for (name, class) in raising {
        engine.register_fn(name, move |call: NativeCallContext, code: ImmutableString| {
            raise(&call, class, &code, Map::new())
        });
        engine.register_fn(
            name,
            move |call: NativeCallContext, code: ImmutableString, details: Map| {
                raise(&call, class, &code, details)
            },
        );
    }
}

type Refused = Box<EvalAltResult>;

fn raise(
    call: &NativeCallContext<'_>,
    class: Class,
    code: &str,
    details: Map,
) -> Result<(), Refused> {
    let at = call.call_position();
    let refuse =
        |message: String| -> Refused { Box::new(EvalAltResult::ErrorRuntime(message.into(), at)) };
    let reason = reason_for(call.fn_name(), class, code)
        .map_err(|(message, help)| refuse(format!("{message}; {help}")))?;
    let (alarm, details) = read_details(details).map_err(refuse)?;
    let line = at.line().and_then(|line| u16::try_from(line).ok()).unwrap_or(0);
    RAISED.with_borrow_mut(|raised| {
        if raised.len() >= FINDINGS_MAX {
            return Err(refuse(format!(
                "more than {FINDINGS_MAX} reasons were raised for one event; raise each once"
            )));
        }
        raised.push(Raised { reason, class, alarm, details, line });
        Ok(())
    })
}

/// The reason that `code` names, if a rule may raise it with `class`; else what is wrong, and help.
pub(crate) fn reason_for(
    function: &str,
    class: Class,
    code: &str,
) -> Result<Reason, (String, String)> {
    let Some(reason) = Reason::of(code) else {
        let known = || REASONS.iter().filter(|spec| spec.by_rule.contains(&class));
        let help = did_you_mean(code, known().map(|spec| spec.code), || {
            let codes: Vec<_> = known().map(|spec| spec.code).collect();
            format!("`{function}` takes {}", codes.join(", "))
        });
        return Err((format!("no reason has the code `{}`", short(code)), help));
    };
    let allowed = reason.spec().by_rule;
    if allowed.contains(&class) {
        return Ok(reason);
    }
    let message = format!("`{function}` cannot raise `{code}`");
    let names: Vec<_> = allowed.iter().filter_map(|class| function_of(*class)).collect();
    let help = if names.is_empty() {
        "only Kari itself raises it, below the rules".to_owned()
    } else {
        format!("raise it with {}", names.join(" or "))
    };
    Err((message, help))
}

const fn function_of(class: Class) -> Option<&'static str> {
    match class {
        Class::Deny => Some("`deny`"),
        Class::Warn => Some("`warn`"),
        Class::Hold => Some("`hold`"),
        Class::Charge => Some("`charge`"),
        Class::Grant => Some("`note`"),
        Class::Ignore | Class::Release => None,
    }
}

fn read_details(map: Map) -> Result<(bool, Vec<(String, Detail)>), String> {
    let mut alarm = false;
    let mut details = Vec::with_capacity(map.len());
    for (name, value) in map {
        if name == "alarm" {
            alarm = value
                .as_bool()
                .map_err(|_| "the detail `alarm` is not true or false; write `alarm: true`")?;
        } else if name.chars().count() > WORD_CHARS_MAX {
            return Err(format!(
                "a detail's name has more than {WORD_CHARS_MAX} characters; write a short one"
            ));
        } else if let Some(detail) = read_detail(&name, value)? {
            details.push((name.into(), detail));
        }
    }
    if details.len() > DETAILS_MAX {
        return Err(format!(
            "a reason has {} details; hand on at most {DETAILS_MAX}",
            details.len()
        ));
    }
    Ok((alarm, details))
}

/// A detail from a value of a rule file; none where there is no value, such as a next opening that
/// never comes.
fn read_detail(name: &str, value: Dynamic) -> Result<Option<Detail>, String> {
    if value.is_unit() {
        return Ok(None);
    }
    if let Ok(count) = value.as_int() {
        return Ok(Some(Detail::Count(count)));
    }
    if let Ok(amount) = value.as_decimal() {
        let money = to_money(amount)
            .ok_or_else(|| format!("the detail `{name}` is too large: {amount}; hand on less"))?;
        return Ok(Some(Detail::Money(money)));
    }
    if let Some(Instant(at)) = value.clone().try_cast::<Instant>() {
        return Ok(Some(Detail::Time(at)));
    }
    if let Some(Elapsed(span)) = value.clone().try_cast::<Elapsed>() {
        return Ok(Some(Detail::Span(span)));
    }
    let kind = value.type_name();
    match value.into_immutable_string() {
        Ok(word) if word.chars().count() <= WORD_CHARS_MAX => {
            Ok(Some(Detail::Word(word.to_string())))
        }
        Ok(_) => Err(format!(
            "the detail `{name}` has more than {WORD_CHARS_MAX} characters; hand on a word"
        )),
        Err(_) => Err(format!(
            "the detail `{name}` is of the kind `{kind}`; hand on an amount, a number, a word, \
             an instant or a span"
        )),
    }
}

/// Amounts in rule files are decimals of the currency's unit.
pub(crate) fn to_decimal(amount: Money) -> Decimal {
    Decimal::new(amount.minor(), MINOR_DIGITS)
}

/// The amount in minor units, rounded half away from zero.
fn to_money(amount: Decimal) -> Option<Money> {
    let mut minor =
        amount.round_dp_with_strategy(MINOR_DIGITS, RoundingStrategy::MidpointAwayFromZero);
    minor.rescale(MINOR_DIGITS);
    i64::try_from(minor.mantissa()).ok().map(Money)
}

/// The amount that `text` writes in the currency's unit.
pub(crate) fn money_of(text: &str) -> Option<Money> {
    let exact = text.parse::<Decimal>().ok().filter(|amount| amount.scale() <= MINOR_DIGITS)?;
    to_money(exact)
}

/// A fact as rule files see it.
pub(crate) fn fact_value(fact: &Fact<'_>) -> Dynamic {
    match fact {
        Fact::Bool(yes) => (*yes).into(),
        Fact::Int(number) => (*number).into(),
        Fact::Money(amount) => to_decimal(*amount).into(),
        Fact::Word(word) => (*word).into(),
        Fact::Time(Some(at)) => Dynamic::from(Instant(*at)),
        Fact::Time(None) => Dynamic::UNIT,
    }
}

/// A value of the right kind for a fact, to compile against.
pub(crate) fn fact_blank(kind: FactKind) -> Dynamic {
    match kind {
        FactKind::Bool => false.into(),
        FactKind::Int => 0_i64.into(),
        FactKind::Money => Decimal::ZERO.into(),
        FactKind::Word => ImmutableString::new().into(),
        FactKind::Time => Dynamic::UNIT,
    }
}

/// A parameter's value as rule files see it: what names several words is a list of texts, windows
/// are a text. A right that is denied is in no list.
pub(crate) fn param_value(param: Param, value: &Value) -> Dynamic {
    match value {
        Value::Choice(place, word) => {
            choice(param, *place).unwrap_or_else(|| (&**word).into()).into()
        }
        Value::Int(number) => (*number).into(),
        Value::Dur(dur) => dur.span().whole_seconds().into(),
        Value::Money(amount) => to_decimal(*amount).into(),
        Value::Set(bits) => list(words(param, *bits)),
        Value::Rights { allowed, denied } => list(words(param, allowed & !denied)),
        Value::Names(names) => list(names.iter().map(String::as_str)),
        Value::Codes(codes) => list(codes.iter().map(|code| code.code())),
        // The floor makes facts of these; a check that wants to show one has its text.
        Value::Rate(_)
        | Value::Limits(_)
        | Value::Windows(_)
        | Value::Ages(_)
        | Value::Retention(_)
        | Value::Each(_)
        | Value::Scheduled(..) => value.written(param).into(),
        Value::Uncapped => Dynamic::UNIT,
    }
}

fn list<'a>(words: impl Iterator<Item = &'a str>) -> Dynamic {
    words.map(Into::into).collect::<Vec<Dynamic>>().into()
}

/// The words of a set or of rights, by one bit each.
fn words(param: Param, bits: u32) -> impl Iterator<Item = &'static str> {
    let words = match param.spec().kind {
        Kind::Set(words) | Kind::Rights(words) => words,
        _ => &[],
    };
    let inside = move |(place, _): &(usize, &&str)| bits & (1 << place) != 0;
    words.iter().enumerate().filter(inside).map(|(_, word)| *word)
}

/// The word of a choice, shared and not made for each event.
fn choice(param: Param, place: u8) -> Option<ImmutableString> {
    static WORDS: LazyLock<Vec<Vec<ImmutableString>>> = LazyLock::new(|| {
        let words = |spec: &ParamSpec| match spec.kind {
            Kind::Choice(words) => words.iter().map(|word| (*word).into()).collect(),
            _ => Vec::new(),
        };
        CATALOGUE.iter().map(words).collect()
    });
    WORDS.get(param as usize)?.get(usize::from(place)).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_go_to_decimals_and_back_to_the_minor_unit() {
        for minor in [0, 1, -1, 1250, -413, i64::MAX, i64::MIN] {
            assert_eq!(to_money(to_decimal(Money(minor))), Some(Money(minor)));
        }
        for (text, minor) in [("0.005", 1), ("-0.005", -1), ("2.344", 234), ("7", 700)] {
            assert_eq!(to_money(text.parse().unwrap()), Some(Money(minor)), "{text}");
        }
        assert_eq!(to_money(Decimal::MAX), None);
    }

    #[test]
    fn a_rule_raises_no_reason_of_the_floor_and_none_with_a_foreign_class() {
        assert_eq!(reason_for("deny", Class::Deny, "ZONE_FULL"), Ok(Reason::ZoneFull));
        let (message, help) = reason_for("hold", Class::Hold, "DEBT_WARNING").unwrap_err();
        assert_eq!(
            (message.as_str(), help.as_str()),
            ("`hold` cannot raise `DEBT_WARNING`", "raise it with `warn`")
        );
        let (_, help) = reason_for("deny", Class::Deny, "EMERGENCY_RELEASE").unwrap_err();
        assert!(help.contains("only Kari itself"), "{help}");
        let (_, help) = reason_for("deny", Class::Deny, "ZONE_FUL").unwrap_err();
        assert_eq!(help, "did you mean `ZONE_FULL`?");
        for spec in REASONS {
            assert!(
                spec.by_rule.iter().all(|class| function_of(*class).is_some()),
                "{}",
                spec.code
            );
        }
    }
}

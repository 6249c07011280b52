//! What a plugin may ask for: a closed grammar, read in full before anything is granted.

/// What is allowed to be written, for help texts.
pub const GRAMMAR: &str = "`read:member.basic`, `read:visit`, `propose:charge<=20 GEL/day`, \
                           `notify:sms<=100/day`, `http:https://host:443/path`";

/// The largest number of messages a day, and of whole currency units a day (our choice).
const DAILY_MAX: u32 = 100_000;

/// One thing that a plugin asks the owner for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Capability {
    /// To see a member's number, groups and pass; no health, no phone.
    ReadMemberBasic,
    /// To see the open visit.
    ReadVisit,
    /// To propose charges up to an amount a day.
    ProposeCharge {
        /// In whole units of the currency.
        per_day: u32,
        /// The currency, by its ISO 4217 code.
        currency: String,
    },
    /// To have messages sent, up to a number a day.
    NotifySms {
        /// How many.
        per_day: u32,
    },
    /// To have the host fetch from one address, outside the decision.
    Http {
        /// The host's name.
        host: String,
        /// The port.
        port: u16,
        /// The path, from its slash.
        path: String,
    },
}

impl Capability {
    /// Reads one capability.
    ///
    /// # Errors
    /// What is wrong, and what to do.
    pub fn parse(text: &str) -> Result<Self, (String, String)> {
        if let Some(what) = text.strip_prefix("read:") {
            return read(text, what);
        }
        if let Some(rest) = text.strip_prefix("propose:charge<=") {
            return charge(rest).ok_or_else(|| {
                let message = format!("`{text}` is not a bound of charges");
                (message, "write `propose:charge<=20 GEL/day`: whole units, at least 1".into())
            });
        }
        if let Some(rest) = text.strip_prefix("notify:sms<=") {
            let per_day = rest.strip_suffix("/day").and_then(daily);
            return per_day.map(|per_day| Self::NotifySms { per_day }).ok_or_else(|| {
                let message = format!("`{text}` is not a bound of messages");
                (message, "write `notify:sms<=100/day`: a whole number, at least 1".into())
            });
        }
        if let Some(address) = text.strip_prefix("http:") {
            return http(address).map_err(|message| {
                (message, "write `http:https://host:443/path`, one for each address".into())
            });
        }
        Err((format!("no capability is called `{text}`"), format!("there are {GRAMMAR}")))
    }
}

fn read(text: &str, what: &str) -> Result<Capability, (String, String)> {
    match what {
        "member.basic" => Ok(Capability::ReadMemberBasic),
        "visit" => Ok(Capability::ReadVisit),
        health if health.split(['.', ':']).any(|part| part == "health") => Err((
            "plugins cannot read anything about health".into(),
            "remove the line; a check that needs health data belongs into the site's own rules"
                .into(),
        )),
        _ => Err((
            format!("`{text}` cannot be read by plugins"),
            "there are `read:member.basic` and `read:visit`".into(),
        )),
    }
}

fn charge(rest: &str) -> Option<Capability> {
    let (amount, currency) = rest.strip_suffix("/day")?.split_once(' ')?;
    let code = currency.len() == 3 && currency.bytes().all(|letter| letter.is_ascii_uppercase());
    let per_day = daily(amount).filter(|_| code)?;
    Some(Capability::ProposeCharge { per_day, currency: currency.to_owned() })
}

/// A whole number from 1, without sign or leading zero.
fn daily(text: &str) -> Option<u32> {
    let plain = !text.starts_with(['0', '+']);
    text.parse().ok().filter(|number| plain && (1..=DAILY_MAX).contains(number))
}

fn http(address: &str) -> Result<Capability, String> {
    let rest = address
        .strip_prefix("https://")
        .ok_or_else(|| format!("`{address}` is not an https address"))?;
    let (authority, path) =
        rest.split_once('/').ok_or_else(|| format!("`{address}` names no path"))?;
    let (host, port) =
        authority.split_once(':').ok_or_else(|| format!("`{address}` names no port"))?;
    let port = port.parse().ok().filter(|port| *port != 0);
    let port: u16 = port.ok_or_else(|| format!("`{address}` has no port from 1 to 65535"))?;
    if !is_name(host) {
        return Err(format!("`{host}` is not the name of a public host"));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    if !path.bytes().all(plain) || path.split('/').any(|part| part == "..") {
        return Err(format!("`/{path}` has more than letters, digits and `/-_.~`"));
    }
    Ok(Capability::Http { host: host.to_owned(), port, path: format!("/{path}") })
}

/// A name of DNS with a dot in it whose last part is no number: no address, no name of the local
/// network.
fn is_name(host: &str) -> bool {
    let part_fits = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !part.is_empty()
            && part.len() <= 63
            && part.bytes().all(plain)
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    host.len() <= 253
        && host.contains('.')
        && host.split('.').all(part_fits)
        && !matches!(last, "local" | "localhost" | "internal" | "lan")
        && !last.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_grammar_is_read() {
        for (text, capability) in [
            ("read:member.basic", Capability::ReadMemberBasic),
            ("read:visit", Capability::ReadVisit),
            (
                "propose:charge<=20 GEL/day",
                Capability::ProposeCharge { per_day: 20, currency: "GEL".into() },
            ),
            ("notify:sms<=100/day", Capability::NotifySms { per_day: 100 }),
            (
                "http:https://api.sms.ge:443/v1/send",
                Capability::Http { host: "api.sms.ge".into(), port: 443, path: "/v1/send".into() },
            ),
        ] {
            assert_eq!(Capability::parse(text), Ok(capability));
        }
    }

    #[test]
    fn everything_else_is_refused_with_a_reason() {
        for (text, message) in [
            ("", "no capability"),
            ("read", "no capability"),
            ("write:member", "no capability"),
            ("read:member", "cannot be read"),
            ("read:*", "cannot be read"),
            ("read:health", "about health"),
            ("read:member.health", "about health"),
            ("propose:charge<=0 GEL/day", "not a bound"),
            ("propose:charge<=020 GEL/day", "not a bound"),
            ("propose:charge<=+20 GEL/day", "not a bound"),
            ("propose:charge<=20.50 GEL/day", "not a bound"),
            ("propose:charge<=20 gel/day", "not a bound"),
            ("propose:charge<=20 GEL", "not a bound"),
            ("propose:charge<=99999999999 GEL/day", "not a bound"),
            ("notify:sms<=100", "not a bound"),
            ("notify:sms<=-1/day", "not a bound"),
            ("http:http://host.ge:80/", "not an https"),
            ("http:https://host.ge/path", "no port"),
            ("http:https://host.ge:0/path", "no port from"),
            ("http:https://host.ge:443", "no path"),
            ("http:https://127.0.0.1:443/", "public host"),
            ("http:https://localhost:443/", "public host"),
            ("http:https://printer.local:443/", "public host"),
            ("http:https://user@host.ge:443/", "public host"),
            ("http:https://Host.ge:443/", "public host"),
            ("http:https://host.ge:443/../x", "more than letters"),
            ("http:https://host.ge:443/a?b=c", "more than letters"),
        ] {
            let (found, help) = Capability::parse(text).unwrap_err();
            assert!(found.contains(message), "{text}: {found}");
            assert!(!help.is_empty(), "{text}");
        }
    }
}

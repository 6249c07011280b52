//! The Fluent files of each language, built into the program.

use std::{fmt, sync::LazyLock};

use fluent_bundle::{FluentArgs, FluentMessage, FluentResource, concurrent::FluentBundle};
use serde::Serialize;

use super::language::{self, Language};

macro_rules! files {
    ($tag:literal) => {
        &[
            include_str!(concat!("../../locales/", $tag, "/guest.ftl")),
            include_str!(concat!("../../locales/", $tag, "/desk.ftl")),
            include_str!(concat!("../../locales/", $tag, "/words.ftl")),
            include_str!(concat!("../../locales/", $tag, "/page.ftl")),
            include_str!(concat!("../../locales/", $tag, "/till.ftl")),
        ]
    };
}

/// The texts of one language.
pub(super) struct Texts {
    bundle: FluentBundle<FluentResource>,
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Texts")
    }
}

impl Texts {
    /// The texts of `language`.
    pub(super) fn of(language: Language) -> &'static Self {
        static KA: LazyLock<Texts> = LazyLock::new(|| Texts::read(Language::Ka));
        static HY: LazyLock<Texts> = LazyLock::new(|| Texts::read(Language::Hy));
        static RU: LazyLock<Texts> = LazyLock::new(|| Texts::read(Language::Ru));
        static EN: LazyLock<Texts> = LazyLock::new(|| Texts::read(Language::En));
        match language {
            Language::Ka => &KA,
            Language::Hy => &HY,
            Language::Ru => &RU,
            Language::En => &EN,
        }
    }

    /// The files of `language` as they stand in the repository.
    pub(super) const fn sources(language: Language) -> &'static [&'static str] {
        match language {
            Language::En => files!("en"),
            Language::Ka => files!("ka"),
            Language::Hy => files!("hy"),
            Language::Ru => files!("ru"),
        }
    }

    fn read(language: Language) -> Self {
        let mut bundle = FluentBundle::new_concurrent(vec![language::id(language)]);
        // The marks around blanks would end up in terminals and in records.
        bundle.set_use_isolating(false);
        for source in Self::sources(language) {
            // A file that does not parse in full is caught by a test; what does parse is still of
            // use.
            let resource = FluentResource::try_new((*source).to_owned())
                .unwrap_or_else(|(readable, _)| readable);
            bundle.add_resource_overriding(resource);
        }
        Self { bundle }
    }

    /// The richest form of message `id` whose blanks `args` can fill: its attributes in their
    /// order, then the message itself. An id that does not exist is its own text.
    pub(super) fn say(&self, id: &str, args: &FluentArgs<'_>) -> String {
        let Some(message) = self.bundle.get_message(id) else { return id.to_owned() };
        self.richest(&message, args).unwrap_or_else(|| id.to_owned())
    }

    fn richest(&self, message: &FluentMessage<'_>, args: &FluentArgs<'_>) -> Option<String> {
        let format = |pattern| {
            let mut errors = Vec::new();
            let text = self.bundle.format_pattern(pattern, Some(args), &mut errors).into_owned();
            (errors.is_empty(), text)
        };
        for attribute in message.attributes() {
            if let (true, text) = format(attribute.value()) {
                return Some(text);
            }
        }
        message.value().map(|pattern| format(pattern).1)
    }
}

/// The stable string of a code, as records write it.
pub(super) fn code<T: Serialize>(code: &T) -> String {
    match serde_json::to_value(code) {
        Ok(serde_json::Value::String(text)) => text,
        _ => String::new(),
    }
}

//! The four languages.

use unic_langid::LanguageIdentifier;

/// A language that Kari speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Georgian.
    Ka,
    /// Armenian.
    Hy,
    /// Russian.
    Ru,
}

/// Every language, in the order in which pages offer them.
pub const LANGUAGES: [Language; 4] = [Language::Ka, Language::Hy, Language::Ru, Language::En];

impl Language {
    /// The tag of BCP 47.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ka => "ka",
            Self::Hy => "hy",
            Self::Ru => "ru",
        }
    }

    /// Its own name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Ka => "ქართული",
            Self::Hy => "Հայերեն",
            Self::Ru => "Русский",
        }
    }

    /// The language of a tag such as `ka`, `ka-GE` or `ka_GE.UTF-8`.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        let head = tag.split(['-', '_', '.', ';']).next().unwrap_or(tag).trim();
        LANGUAGES.into_iter().find(|language| language.tag().eq_ignore_ascii_case(head))
    }

    /// The first language of an `Accept-Language` header that Kari speaks; weights are not read, as
    /// browsers list the languages in order.
    #[must_use]
    pub fn accepted(header: &str) -> Option<Self> {
        header.split(',').take(16).find_map(Self::parse)
    }

    /// Its tag, parsed; all four tags are well formed.
    pub(super) fn id(self) -> LanguageIdentifier {
        self.tag().parse().unwrap_or_default()
    }
}

//! What the four languages are called, and how people and browsers ask for one.

use unic_langid::LanguageIdentifier;

pub use domain::rows::Language;

/// Every language, in the order in which pages offer them.
pub const LANGUAGES: [Language; 4] = [Language::Ka, Language::Hy, Language::Ru, Language::En];

/// The language's own name.
#[must_use]
pub const fn name(language: Language) -> &'static str {
    match language {
        Language::En => "English",
        Language::Ka => "ქართული",
        Language::Hy => "Հայերեն",
        Language::Ru => "Русский",
    }
}

/// The language of a tag such as `ka`, `ka-GE` or `ka_GE.UTF-8`.
#[must_use]
pub fn parse(tag: &str) -> Option<Language> {
    let head = tag.split(['-', '_', '.', ';']).next().unwrap_or(tag).trim();
    LANGUAGES.into_iter().find(|language| language.tag().eq_ignore_ascii_case(head))
}

/// The first language of an `Accept-Language` header that Kari speaks; weights are not read, as
/// browsers list the languages in order.
#[must_use]
pub fn accepted(header: &str) -> Option<Language> {
    header.split(',').take(16).find_map(parse)
}

/// The tag, parsed; all four tags are well formed.
pub(super) fn id(language: Language) -> LanguageIdentifier {
    language.tag().parse().unwrap_or_default()
}

//! `GET /` and its files: the read-only desk page, built into the program.

use std::sync::Arc;

use axum::{
    extract::State,
    http::header,
    response::{Html, IntoResponse},
};

use crate::{
    guard::Asked,
    server::App,
    wording::{
        Wording,
        language::{LANGUAGES, name},
    },
};

const PAGE: &str = include_str!("../../page/desk.html");
const STYLE: &str = include_str!("../../page/desk.css");
const SCRIPT: &str = include_str!("../../page/desk.js");
const ICON: &str = include_str!("../../page/door.svg");

/// The page in the asked language.
pub(crate) async fn page(State(app): State<Arc<App>>, asked: Asked) -> Html<String> {
    Html(render(PAGE, &asked.words, &app.shared.site))
}

/// Its style sheet.
pub(crate) async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)
}

/// Its script.
pub(crate) async fn script() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT)
}

/// Its picture in the browser's tab.
pub(crate) async fn icon() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "image/svg+xml")], ICON)
}

/// Fills each `{{name}}` of the template with the message of that name.
fn render(template: &str, words: &Wording, site: &str) -> String {
    let mut page = String::with_capacity(template.len() + 2048);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, tail) = after.split_once("}}").unwrap_or((after, ""));
        page.push_str(before);
        match name {
            "lang" => page.push_str(words.language().tag()),
            "site" => page.push_str(&escaped(site)),
            "languages" => page.push_str(&languages(words)),
            message => page.push_str(&escaped(&words.word(message))),
        }
        rest = tail;
    }
    page.push_str(rest);
    page
}

fn languages(words: &Wording) -> String {
    let link = |language: crate::wording::language::Language| {
        let tag = language.tag();
        let current = if language == words.language() { " aria-current=\"true\"" } else { "" };
        let name = name(language);
        format!("<a href=\"/?lang={tag}\" lang=\"{tag}\" hreflang=\"{tag}\"{current}>{name}</a>")
    };
    LANGUAGES.map(link).join("\n")
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use domain::money::Currency;
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn the_page_is_whole_in_every_language_and_names_no_other_host() {
        for language in LANGUAGES {
            let words = Wording::new(language, Currency::of("GEL").unwrap(), TimeZone::UTC);
            let page = render(PAGE, &words, "<Pool & \"Spa\">");
            assert!(page.contains("&lt;Pool &amp; &quot;Spa&quot;&gt;"));
            assert!(!page.contains("{{") && !page.contains("page-"), "{page}");
            assert!(page.contains(&format!("<html lang=\"{}\"", language.tag())));
            for text in [page.as_str(), STYLE, SCRIPT] {
                for outside in ["http:", "https:", "\"//", "'//", "@import", "url("] {
                    assert!(!text.contains(outside), "{outside} in {text}");
                }
            }
            for inline in ["<script>", "<style", "style=", "onclick", "javascript:"] {
                assert!(!page.contains(inline), "{inline}");
            }
        }
        assert!(!SCRIPT.contains("innerHTML"), "texts are set as texts");
    }
}

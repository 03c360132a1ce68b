//! The kiosk page: rendered here in the visitor's language, kept up to date by its script.

use super::staff;
use super::state::PageState;
use crate::config::Language;
use crate::words::strings;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use clothingid_shared::taxonomy::Taxonomy;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

const TEMPLATE: &str = include_str!("assets/kiosk.html");

/// What `GET /` may be asked with.
#[derive(Debug, Default, Deserialize)]
pub struct Wish {
    /// Tag of a language.
    lang: Option<String>,
}

/// `GET /`
pub async fn page(State(state): State<Arc<PageState>>, Query(wish): Query<Wish>) -> Response {
    let language = wish.lang.as_deref().and_then(Language::of_tag).unwrap_or(state.facts.language);
    if state.staff.is_first_start() {
        return staff::settings::first(language);
    }
    Html(render(&state, language)).into_response()
}

/// `GET /assets/kiosk.css`
pub async fn style() -> impl IntoResponse {
    asset("text/css; charset=utf-8", include_str!("assets/kiosk.css"))
}

/// `GET /assets/kiosk.js`
pub async fn script() -> impl IntoResponse {
    asset("text/javascript; charset=utf-8", include_str!("assets/kiosk.js"))
}

/// `GET /assets/icon.svg`
pub async fn icon() -> impl IntoResponse {
    asset("image/svg+xml", include_str!("assets/icon.svg"))
}

fn asset(content_type: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "no-cache")], text)
}

/// What the script needs to know.
#[derive(Serialize)]
struct ForScript<'a> {
    language: &'a str,
    strings: &'a BTreeMap<String, String>,
    category14: BTreeMap<&'a str, &'a str>,
    category26: BTreeMap<&'a str, &'a str>,
    /// At or above this, a garment is the subject.
    garment_threshold: f64,
    /// At or above this, a match is called confident.
    confident_threshold: f64,
    matches: usize,
    made_of: String,
}

fn render(state: &PageState, language: Language) -> String {
    let manifest = &state.bundle.manifest;
    let texts = strings(language);
    let for_script = ForScript {
        language: language.tag(),
        strings: texts,
        category14: names(&manifest.category14.taxonomy, language),
        category26: names(&manifest.category26.taxonomy, language),
        garment_threshold: manifest.rejection.garment.threshold,
        confident_threshold: manifest.matching.confident.threshold,
        matches: state.facts.matches,
        made_of: state.facts.made_of(),
    };
    // Inside a script element only `<` could end the data early.
    let data = serde_json::to_string(&for_script).unwrap_or_default().replace('<', "\\u003c");
    let languages = language_links(language);
    fill(TEMPLATE, |key| match key {
        "tag" => Some(language.tag()),
        "shop" => Some(&state.facts.shop_name),
        "mark" => Some(state.facts.look.mark()),
        "engine_name" => Some(&state.facts.engine),
        "languages" => Some(&languages),
        "page" => Some(&data),
        _ => texts.get(key).map(String::as_str),
    })
}

fn names(taxonomy: &Taxonomy, language: Language) -> BTreeMap<&str, &str> {
    (0..taxonomy.len())
        .filter_map(|index| {
            let key = taxonomy.key(index)?;
            Some((key, taxonomy.name(index, language.tag()).unwrap_or(key)))
        })
        .collect()
}

/// One link a language, the present one marked.
fn language_links(present: Language) -> String {
    let mut html = String::new();
    for language in Language::ALL {
        let (tag, name) = (language.tag(), language.own_name());
        let current = if language == present { " aria-current=\"true\"" } else { "" };
        let _ = write!(html, "<a href=\"/?lang={tag}\" lang=\"{tag}\" hreflang=\"{tag}\"{current}>{name}</a>");
    }
    html
}

/// Puts values into a template: `{{key}}` as text, `{{{key}}}` as it is; a key without a value becomes nothing.
fn fill<'a>(template: &str, value: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut html = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        html.push_str(before);
        let (key, is_raw, left) = match after.strip_prefix('{').and_then(|raw| raw.split_once("}}}")) {
            Some((key, left)) => (key, true, left),
            None => {
                let (key, left) = after.split_once("}}").unwrap_or((after, ""));
                (key, false, left)
            }
        };
        let text = value(key).unwrap_or_default();
        if is_raw {
            html.push_str(text);
        } else {
            escape_into(text, &mut html);
        }
        rest = left;
    }
    html.push_str(rest);
    html
}

fn escape_into(text: &str, html: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            _ => html.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_html_is_not() {
        let value = |key: &str| match key {
            "a" => Some("<b title=\"x\">'&"),
            _ => None,
        };
        assert_eq!(
            fill("1{{a}}2{{{a}}}3{{none}}4", value),
            "1&lt;b title=&quot;x&quot;&gt;&#39;&amp;2<b title=\"x\">'&34"
        );
        assert_eq!(fill("no end {{a", value), "no end &lt;b title=&quot;x&quot;&gt;&#39;&amp;");
        assert_eq!(fill("", value), "");
    }

    #[test]
    fn the_template_asks_only_for_texts_that_each_language_has() {
        let own = ["tag", "shop", "mark", "engine_name", "languages", "page"];
        for language in Language::ALL {
            let missing = std::cell::RefCell::new(Vec::new());
            fill(TEMPLATE, |key| {
                if !own.contains(&key) && !strings(language).contains_key(key) {
                    missing.borrow_mut().push(key.to_owned());
                }
                None
            });
            assert!(missing.borrow().is_empty(), "{language:?}: {missing:?}");
        }
    }

    #[test]
    fn the_script_asks_only_for_texts_that_are_there() {
        let script = include_str!("assets/kiosk.js");
        let mut asked = 0;
        for part in script.split("say.").skip(1) {
            let key: String = part.chars().take_while(|letter| letter.is_ascii_lowercase() || *letter == '_').collect();
            assert!(strings(Language::English).contains_key(&key), "say.{key}");
            asked += 1;
        }
        assert!(asked > 5);
    }

    #[test]
    fn exactly_one_language_is_marked() {
        for language in Language::ALL {
            let html = language_links(language);
            assert_eq!(html.matches("aria-current").count(), 1);
            assert!(html.contains(&format!("hreflang=\"{}\" aria-current", language.tag())));
        }
    }
}

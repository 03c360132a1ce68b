//! The staff's pages as HTML: templates in `assets/staff/`, texts in `words/strings/staff/`.

use super::gate::Here;
use crate::config::Language;
use crate::page::state::PageState;
use crate::words::staff_strings;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use minijinja::value::Kwargs;
use minijinja::{Environment, Error, UndefinedBehavior, Value, context};
use std::sync::LazyLock;

/// All templates by the name that handlers use.
const TEMPLATES: [(&str, &str); 30] = [
    ("base.html", include_str!("../assets/staff/base.html")),
    ("product.html", include_str!("../assets/staff/product.html")),
    ("trouble.html", include_str!("../assets/staff/trouble.html")),
    ("login.html", include_str!("../assets/staff/login.html")),
    ("home.html", include_str!("../assets/staff/home.html")),
    ("log.html", include_str!("../assets/staff/log.html")),
    ("events.html", include_str!("../assets/staff/events.html")),
    ("undo.html", include_str!("../assets/staff/undo.html")),
    ("barcode.html", include_str!("../assets/staff/barcode.html")),
    ("wrong.html", include_str!("../assets/staff/wrong.html")),
    ("choose.html", include_str!("../assets/staff/choose.html")),
    ("kept.html", include_str!("../assets/staff/kept.html")),
    ("article.html", include_str!("../assets/staff/article.html")),
    ("added.html", include_str!("../assets/staff/added.html")),
    ("try.html", include_str!("../assets/staff/try.html")),
    ("devices.html", include_str!("../assets/staff/devices.html")),
    ("pair.html", include_str!("../assets/staff/pair.html")),
    ("backup.html", include_str!("../assets/staff/backup.html")),
    ("settings.html", include_str!("../assets/staff/settings.html")),
    ("settings-kept.html", include_str!("../assets/staff/settings-kept.html")),
    ("light.html", include_str!("../assets/staff/light.html")),
    ("help.html", include_str!("../assets/staff/help.html")),
    ("cleaning.html", include_str!("../assets/staff/cleaning.html")),
    ("cleaning-now.html", include_str!("../assets/staff/cleaning-now.html")),
    ("problems.html", include_str!("../assets/staff/problems.html")),
    ("import.html", include_str!("../assets/staff/import.html")),
    ("import-working.html", include_str!("../assets/staff/import-working.html")),
    ("import-tried.html", include_str!("../assets/staff/import-tried.html")),
    ("import-done.html", include_str!("../assets/staff/import-done.html")),
    ("import-failed.html", include_str!("../assets/staff/import-failed.html")),
];

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(environment);

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.add_filter("with", with);
    environment.add_filter("address", address);
    for (name, text) in TEMPLATES {
        // The files are part of the program, and a test adds each of them.
        let _ = environment.add_template(name, text);
    }
    environment
}

/// Puts values into a text: `{{ say.undone | with(what=…) }}` replaces `{what}`.
fn with(text: String, values: Kwargs) -> Result<String, Error> {
    let mut text = text;
    for name in values.args().map(ToOwned::to_owned).collect::<Vec<_>>() {
        let value: Value = values.get(&name)?;
        text = text.replace(&format!("{{{name}}}"), &value.to_string());
    }
    Ok(text)
}

/// A text as a part of an address.
fn address(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// A text of the staff's pages; its key where there is none.
#[must_use]
pub fn say(language: Language, key: &str) -> &str {
    staff_strings(language).get(key).map_or(key, String::as_str)
}

/// A page.
#[must_use]
pub fn page(state: &PageState, here: &Here, template: &str, values: Value) -> Response {
    page_with(state, here, (StatusCode::OK, template), values)
}

/// A page with a status of its own.
#[must_use]
pub fn page_with(state: &PageState, here: &Here, (status, template): (StatusCode, &str), values: Value) -> Response {
    match rendered(&state.facts.shop_name, here, template, values) {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            state.health.events.say(format!("the page `{template}` cannot be made: {error:#}"));
            (StatusCode::INTERNAL_SERVER_ERROR, "this page cannot be made").into_response()
        }
    }
}

fn rendered(shop: &str, here: &Here, template: &str, values: Value) -> Result<String, Error> {
    let languages: Vec<Value> = Language::ALL
        .into_iter()
        .map(|language| {
            let is_present = language == here.language;
            context! { tag => language.tag(), name => language.own_name(), is_present }
        })
        .collect();
    let all = context! {
        say => staff_strings(here.language),
        tag => here.language.tag(),
        path => here.path,
        token => here.form_token(),
        is_inside => here.inside.is_some(),
        shop,
        languages,
        ..values
    };
    ENVIRONMENT.get_template(template)?.render(all)
}

/// A page that says what is wrong, in words, with what a technician may want to know, and leads back to the page that was asked from.
#[must_use]
pub fn trouble(state: &PageState, here: &Here, status: StatusCode, key: &str, detail: &str) -> Response {
    trouble_at(state, here, status, key, detail, Some("/staff"))
}

/// As [`trouble`], and leads to `back`, if anywhere.
#[must_use]
pub fn trouble_at(
    state: &PageState,
    here: &Here,
    status: StatusCode,
    key: &str,
    detail: &str,
    back: Option<&str>,
) -> Response {
    let words = say(here.language, key);
    let more = staff_strings(here.language).get(&format!("{key}_more")).map_or("", String::as_str);
    page_with(state, here, (status, "trouble.html"), context! { words, more, detail, back })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_template_is_one() {
        let mut environment = Environment::new();
        environment.add_filter("with", with);
        environment.add_filter("address", address);
        for (name, text) in TEMPLATES {
            environment.add_template(name, text).unwrap_or_else(|error| panic!("{error:#}"));
        }
    }

    /// Texts that code asks for by name, in templates and handlers, are there; and no text is there that nobody asks for.
    #[test]
    fn every_text_that_is_asked_for_is_there_and_none_too_many() {
        let mut asked: BTreeSet<String> = BTreeSet::new();
        for (_, text) in TEMPLATES {
            for part in text.split("say.").skip(1) {
                asked.insert(
                    part.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_' || c.is_ascii_digit()).collect(),
                );
            }
        }
        let texts = staff_strings(Language::English);
        let missing: Vec<_> = asked.iter().filter(|key| !texts.contains_key(*key)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn values_stand_in_texts_and_are_escaped() {
        let environment = environment();
        let html = |template: &str| {
            let values = context! { text => "undone: {what}", what => "<b>" };
            environment.render_named_str("x.html", template, values).unwrap()
        };
        assert_eq!(html("{{ text | with(what=what) }}"), "undone: &lt;b&gt;");
        assert_eq!(html("<a href=\"/x/{{ what | address }}\">"), "<a href=\"/x/%3Cb%3E\">");
    }
}

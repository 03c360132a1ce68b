//! The settings that the shop makes itself; at the first start, with the PIN, before everything else.

use super::form::{Fields, from_elsewhere, has_token};
use super::gate::{Here, set_cookies};
use super::login::{TURN, seconds};
use super::render::{page_with, say, trouble_at};
use crate::camera::v4l2::Found;
use crate::camera::v4l2::discover::Places;
use crate::config::chosen::{ChoiceError, MOST_LETTERS};
use crate::config::{Chosen, Language};
use crate::page::lan::Arrival;
use crate::page::state::PageState;
use crate::pipeline::in_words;
use crate::staff::{AccessError, Pin, PinError, Settings, Staff, Tried};
use crate::token::Token;
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::{Value, context};
use std::sync::Arc;
use std::time::Instant;

/// Where the page is.
const PAGE: &str = "/staff/settings";

/// The camera's name for the first one that gives pictures.
const ANY_CAMERA: &str = "auto";

/// Leads to the page, from all others of an appliance that nobody has set up yet.
#[must_use]
pub fn first(language: Language) -> Response {
    Redirect::to(&format!("{PAGE}?lang={}", language.tag())).into_response()
}

/// `GET /staff/settings`
pub async fn page(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>) -> Response {
    let Some(settings) = &state.staff.settings else { return none(&state, &here) };
    form(&state, &here, settings, &present(&state, &here, settings), None).await
}

/// `POST /staff/settings`: all of them at once.
pub async fn keep(
    State(state): State<Arc<PageState>>,
    Extension(here): Extension<Here>,
    arrived: Option<Extension<Arrival>>,
    headers: HeaderMap,
    fields: Fields,
) -> Response {
    // At the first start there is no session that a token could be of; the gate has seen that the form is from here.
    if here.inside.is_some() && !has_token(&here, &headers, &fields) {
        return from_elsewhere(&state, &here);
    }
    let Some(settings) = &state.staff.settings else { return none(&state, &here) };
    let wished = wished(&fields);
    let refuse = async |refused| form(&state, &here, settings, &wished, Some(refused)).await;
    let pin = match new_pin(&fields, here.inside.is_none()) {
        Ok(pin) => pin,
        Err(key) => return refuse(Refused::of(key)).await,
    };
    if let Err(error) = wished.check() {
        return refuse(Refused::of(match error {
            ChoiceError::Shop => "setting_shop_wrong",
            ChoiceError::Camera => "setting_camera_wrong",
        }))
        .await;
    }
    if state.staff.importing.is_working() {
        return refuse(Refused { status: StatusCode::CONFLICT, ..Refused::of("settings_busy") }).await;
    }
    let Ok(Ok(turn)) = tokio::time::timeout(TURN, Arc::clone(&state.log_in_turn).acquire_owned()).await else {
        return refuse(Refused { status: StatusCode::TOO_MANY_REQUESTS, ..Refused::of("pin_busy") }).await;
    };
    let change = Change {
        wished: wished.clone(),
        pin,
        present: fields.get("present").to_owned(),
        here: here.clone(),
        arrival: arrived.map(|Extension(arrival)| arrival),
    };
    let staff = Arc::clone(&state.staff);
    let done = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        change.make(&staff)
    });
    let failed =
        |words: &str| trouble_at(&state, &here, StatusCode::INTERNAL_SERVER_ERROR, "failed", words, Some(PAGE));
    let Made { token, unkept } = match done.await {
        Ok(Ok(made)) => made,
        Ok(Err(NotMade::Refused(refused))) => return refuse(refused).await,
        Ok(Err(NotMade::Failed(words))) => return failed(&words),
        Err(error) => return failed(&error.to_string()),
    };
    let language = wished.language.unwrap_or(here.language);
    let is_opened_again = settings.have_changed() || here.inside.is_none();
    if is_opened_again {
        state.health.events.say("settings were changed on the staff's page".to_owned());
    }
    let here = Here { language, ..here };
    let mut response = match unkept {
        None => page_with(&state, &here, (StatusCode::OK, "settings-kept.html"), context! { is_opened_again }),
        // The PIN is the new one all the same, and whoever set it is logged in.
        Some(words) => {
            trouble_at(&state, &here, StatusCode::INTERNAL_SERVER_ERROR, "settings_not_kept", &words, Some(PAGE))
        }
    };
    for cookie in token.iter().flat_map(|token| set_cookies(Some(token), here.is_secure)) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// What is to be made of a form that is in order.
struct Change {
    wished: Chosen,
    pin: Option<Pin>,
    present: String,
    here: Here,
    /// Of a request over the network.
    arrival: Option<Arrival>,
}

/// What was made of it.
struct Made {
    /// The session that a new PIN begins.
    token: Option<Token>,
    /// Why the settings are those of before, in words for a technician.
    unkept: Option<String>,
}

/// Why nothing was changed.
enum NotMade {
    /// The form is shown again.
    Refused(Refused),
    /// In words for a technician.
    Failed(String),
}

/// Why a form is shown again.
struct Refused {
    status: StatusCode,
    key: &'static str,
    count: u64,
}

impl Refused {
    fn of(key: &'static str) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, key, count: 0 }
    }
}

impl From<AccessError> for NotMade {
    fn from(error: AccessError) -> Self {
        Self::Failed(in_words(&error))
    }
}

impl Change {
    /// Sets the PIN and keeps the settings. Without its PIN nothing is kept.
    fn make(self, staff: &Staff) -> Result<Made, NotMade> {
        let Some(settings) = &staff.settings else { return Ok(Made { token: None, unkept: None }) };
        let (language, now) = (self.wished.language.unwrap_or(self.here.language), Instant::now());
        let is_first = self.here.inside.is_none();
        let token = match &self.pin {
            None => None,
            Some(pin) if is_first => match staff.access.set_first(pin, language, now)? {
                Some(token) => Some(token),
                None => return Err(NotMade::Refused(Refused::of("settings_another"))),
            },
            Some(pin) => Some(match staff.access.change(&self.present, pin, language, now)? {
                Tried::Right(token) => token,
                Tried::Wrong { tries } => return Err(wrong("pin_wrong", u64::from(tries))),
                Tried::Wait(wait) => return Err(wrong("pin_wait", seconds(wait))),
                Tried::NoPin => return Err(NotMade::Refused(Refused::of("settings_another"))),
            }),
        };
        let mut unkept = settings.change(self.wished).err().map(|error| in_words(&error));
        // Whoever has read the code on the screen until now was not asked whether he belongs to the staff.
        if let (true, Some(lan)) = (is_first, &staff.lan) {
            let kept = self.arrival.map_or_else(|| lan.devices.keep_only(None), |arrival| arrival.keep_only_this());
            unkept = unkept.or(kept.err().map(|error| in_words(&error)));
        }
        Ok(Made { token, unkept })
    }
}

fn wrong(key: &'static str, count: u64) -> NotMade {
    NotMade::Refused(Refused { status: StatusCode::FORBIDDEN, key, count })
}

/// What holds now; at the first start, what is likely wanted.
fn present(state: &PageState, here: &Here, settings: &Settings) -> Chosen {
    let chosen = settings.present.clone();
    let is_first = here.inside.is_none();
    Chosen {
        language: Some(if is_first { here.language } else { chosen.language.unwrap_or(state.facts.language) }),
        // Who sets it up with a phone goes on with it.
        network: chosen.network || is_first && here.is_secure,
        ..chosen
    }
}

/// What a form wishes.
fn wished(fields: &Fields) -> Chosen {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Chosen {
        language: Language::of_tag(fields.get("language")),
        shop: some(fields.get("shop")),
        camera: some(fields.get("camera")).filter(|name| name != ANY_CAMERA),
        network: fields.get("network") == "1",
    }
}

/// The PIN that a form sets, if any; else the key of what is wrong with it.
fn new_pin(fields: &Fields, is_first: bool) -> Result<Option<Pin>, &'static str> {
    let (pin, again) = (fields.get("pin"), fields.get("again"));
    if pin.is_empty() && again.is_empty() && !is_first {
        return Ok(None);
    }
    if pin != again {
        return Err("pins_differ");
    }
    pin.parse().map(Some).map_err(|error| match error {
        PinError::Form => "pin_form",
        PinError::TooSimple => "pin_simple",
    })
}

async fn form(
    state: &PageState,
    here: &Here,
    settings: &Settings,
    shown: &Chosen,
    refused: Option<Refused>,
) -> Response {
    let present = shown.camera.as_deref().unwrap_or(ANY_CAMERA);
    let mut cameras = tokio::task::spawn_blocking(cameras).await.unwrap_or_default();
    if present != ANY_CAMERA && !cameras.iter().any(|(name, _)| name == present) {
        cameras.push((present.to_owned(), present.to_owned()));
    }
    let cameras: Vec<Value> = cameras
        .into_iter()
        .map(|(name, words)| {
            let is_present = name == present;
            context! { name, words, is_present }
        })
        .collect();
    let (status, notice, count) = match &refused {
        None => (StatusCode::OK, None, 0),
        Some(refused) => (refused.status, Some(say(here.language, refused.key)), refused.count),
    };
    let values = context! {
        is_first => here.inside.is_none(),
        notice,
        count,
        chosen => shown.language.map(Language::tag),
        shop_name => shown.shop,
        most_letters => MOST_LETTERS,
        cameras,
        is_any_camera => present == ANY_CAMERA,
        network => shown.network,
        fixed => context! {
            language => settings.fixed.language,
            shop => settings.fixed.shop,
            camera => settings.fixed.camera,
            network => settings.fixed.network,
        },
    };
    page_with(state, here, (status, "settings.html"), values)
}

/// The cameras that are there: the name that stays when others are plugged in, and words for people.
fn cameras() -> Vec<(String, String)> {
    let usable = Places::default().all().into_iter().filter(Found::is_camera);
    usable.map(|found| (found.lasting_name(), found.title())).collect()
}

/// The demo has no configuration.
fn none(state: &PageState, here: &Here) -> Response {
    let back = here.inside.as_ref().map(|_| "/staff");
    trouble_at(state, here, StatusCode::NOT_FOUND, "no_settings", "", back)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_pin_is_typed_twice_and_the_first_one_must_be_set() {
        let of = |text: &str, is_first| new_pin(&Fields::read(text.as_bytes()), is_first).map(|pin| pin.is_some());
        assert_eq!((of("", false), of("", true)), (Ok(false), Err("pin_form")));
        assert_eq!(of("pin=2580&again=2580", false), Ok(true));
        assert_eq!(of("pin=2580&again=2581", true), Err("pins_differ"));
        assert_eq!(of("pin=&again=2580", false), Err("pins_differ"));
        assert_eq!(of("pin=1234&again=1234", true), Err("pin_simple"));
        assert_eq!(of("pin=12&again=12", true), Err("pin_form"));
    }

    #[test]
    fn a_form_says_what_is_wished() {
        let of = |text: &str| wished(&Fields::read(text.as_bytes()));
        assert_eq!(of("language=fr&shop=+&camera=auto"), Chosen::default());
        let all = of("language=de&shop=Ecke&camera=port:1-2&network=1");
        let expected = Chosen {
            language: Some(Language::German),
            shop: Some("Ecke".to_owned()),
            camera: Some("port:1-2".to_owned()),
            network: true,
        };
        assert_eq!(all, expected);
    }
}

//! What holds when the configuration does not say otherwise.

use std::time::Duration;

/// Where the page is served: this machine only.
pub const LISTEN: &str = "127.0.0.1:8080";

/// Frames a second of a folder of photographs.
pub const FRAMES_PER_SECOND: f64 = 5.0;

/// How long each photograph of a folder is held.
pub const HOLD: Duration = Duration::from_secs(5);

/// The language of the page.
pub const LANGUAGE: &str = "en";

/// What is wrong with a number of frames a second, if anything. Below one, a stop would take longer than a second.
#[must_use]
pub fn frames_per_second_problem(value: f64) -> Option<&'static str> {
    if (1.0..=120.0).contains(&value) { None } else { Some("is not from 1 to 120") }
}

/// What is wrong with a number of seconds to hold a photograph, if anything.
#[must_use]
pub fn hold_seconds_problem(value: f64) -> Option<&'static str> {
    if (0.0..=3600.0).contains(&value) { None } else { Some("is not from 0 to 3600") }
}

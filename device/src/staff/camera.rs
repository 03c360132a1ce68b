//! The camera's controls as the staff set them: read from a form, kept over a restart.

use crate::camera::v4l2::{Control, Wish};
use crate::camera::{ControlReport, ControlWishes};
use clothingid_shared::files::{self, FileError};
use std::path::Path;

/// The file in the state folder.
const KEPT: &str = "camera-controls.toml";

/// It has less.
const MOST_BYTES: u64 = 4096;

/// What the staff have set before; nothing where that cannot be read, as the camera then does as it was made to.
#[must_use]
pub fn kept(folder: &Path) -> ControlWishes {
    let text = files::read_text_at_most(&folder.join(KEPT), MOST_BYTES);
    text.ok().and_then(|text| toml::from_str(&text).ok()).unwrap_or_default()
}

/// Keeps what they have set.
///
/// # Errors
/// The file cannot be written.
pub fn keep(folder: &Path, wishes: &ControlWishes) -> Result<(), FileError> {
    let lines: String = wishes
        .iter()
        .map(|(control, wish)| match wish {
            Wish::Automatic => format!("{} = \"auto\"\n", control.key()),
            Wish::Value(value) => format!("{} = {value}\n", control.key()),
        })
        .collect();
    files::create_folder(folder)?;
    files::write_private(&folder.join(KEPT), lines.as_bytes())
}

/// As it is now: what the camera chooses by itself stays at what it has chosen, so that one garment looks like the next.
#[must_use]
pub fn locked(controls: &[ControlReport]) -> ControlWishes {
    let chosen = controls.iter().filter(|one| one.is_automatic == Some(true));
    chosen.map(|one| (one.control, Wish::Value(one.value))).collect()
}

/// The camera chooses all that it can choose.
#[must_use]
pub fn automatic(controls: &[ControlReport]) -> ControlWishes {
    let able = controls.iter().filter(|one| one.is_automatic.is_some());
    able.map(|one| (one.control, Wish::Automatic)).collect()
}

/// What a form asks for: of each control that the camera has, automatic or a value within its range. What is no number is left as it is.
#[must_use]
pub fn wished<'a>(controls: &[ControlReport], field: impl Fn(&str) -> &'a str) -> ControlWishes {
    let wish = |one: &ControlReport| -> Option<(Control, Wish)> {
        let key = one.control.key();
        if one.is_automatic.is_some() && field(&format!("auto-{key}")) == "1" {
            return Some((one.control, Wish::Automatic));
        }
        let value: i64 = field(&format!("value-{key}")).parse().ok()?;
        let value = value.clamp(one.least, one.most.max(one.least));
        Some((one.control, Wish::Value(i32::try_from(value).ok()?)))
    };
    controls.iter().filter_map(wish).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(control: Control, value: i32, is_automatic: Option<bool>) -> ControlReport {
        ControlReport { control, least: 0, most: 255, step: 1, default: 128, value, is_automatic }
    }

    fn all() -> [ControlReport; 3] {
        [
            control(Control::Exposure, 33, Some(true)),
            control(Control::Gain, 7, Some(false)),
            control(Control::Contrast, 128, None),
        ]
    }

    #[test]
    fn what_the_camera_has_chosen_is_locked_and_given_back() {
        assert_eq!(locked(&all()), [(Control::Exposure, Wish::Value(33))].into());
        let given = [(Control::Exposure, Wish::Automatic), (Control::Gain, Wish::Automatic)].into();
        assert_eq!(automatic(&all()), given);
    }

    #[test]
    fn a_form_asks_for_what_the_camera_has_and_within_its_range() {
        let fields = [
            ("auto-exposure", "1"),
            ("value-gain", "900"),
            ("value-contrast", "x"),
            ("value-zoom", "3"),
            ("auto-contrast", "1"),
        ];
        let field = |name: &str| fields.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| *value);
        let expected = [(Control::Exposure, Wish::Automatic), (Control::Gain, Wish::Value(255))].into();
        assert_eq!(wished(&all(), field), expected);
    }

    #[test]
    fn what_was_set_is_kept_and_a_damaged_file_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("state");
        assert!(kept(&folder).is_empty());
        let wishes: ControlWishes = [(Control::Exposure, Wish::Automatic), (Control::Gain, Wish::Value(-7))].into();
        keep(&folder, &wishes).unwrap();
        assert_eq!(kept(&folder), wishes);
        files::write_private(&folder.join(KEPT), b"gain = \"much\"").unwrap();
        assert!(kept(&folder).is_empty());
    }
}

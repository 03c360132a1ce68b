//! Exposure, white balance, focus and the like: their ranges are read, what is configured is set, and what the camera made of it is read back.
//!
//! A value that depends on an automatic mode is set after that mode: while exposure is automatic, its time is the camera's. Ranges depend on
//! the input and may change while it runs, so nothing is remembered of them. All is done again whenever the camera is opened: a camera that
//! was unplugged has forgotten.
//!
//! **Source** Linux media documentation, "User Controls", "Camera Control Reference"; USB Video Class 1.5, 4.2.2.

use super::bindings::*;
use super::node::{Node, Range};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A property of a camera that can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// How the mains' flicker is filtered: 0 not at all, 1 at 50 Hz, 2 at 60 Hz, 3 as the camera finds.
    MainsFrequency,
    /// Exposure time in units of 0.1 ms, or automatic.
    Exposure,
    /// Amplification, or automatic.
    Gain,
    /// Colour temperature of the light in kelvins, or automatic.
    WhiteBalance,
    /// Distance of the focus in the camera's own units, or automatic.
    Focus,
    /// Brightness.
    Brightness,
    /// Contrast.
    Contrast,
    /// Saturation of colours.
    Saturation,
    /// Sharpening.
    Sharpness,
    /// Compensation of light from behind.
    BacklightCompensation,
    /// Zoom in the camera's own units.
    Zoom,
}

/// The kernel's control for a value, and for its automatic mode: the control, the value for automatic and the one for manual.
struct Ids {
    value: u32,
    automatic: Option<Automatic>,
}

struct Automatic {
    id: u32,
    /// In the order in which they are tried: not every camera has every entry.
    on: &'static [i32],
    off: i32,
}

impl Control {
    /// All, in the order in which they are set.
    pub const ALL: [Self; 11] = [
        Self::MainsFrequency,
        Self::Exposure,
        Self::Gain,
        Self::WhiteBalance,
        Self::Focus,
        Self::Brightness,
        Self::Contrast,
        Self::Saturation,
        Self::Sharpness,
        Self::BacklightCompensation,
        Self::Zoom,
    ];

    /// Its name in the configuration and in JSON.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::MainsFrequency => "mains_frequency",
            Self::Exposure => "exposure",
            Self::Gain => "gain",
            Self::WhiteBalance => "white_balance",
            Self::Focus => "focus",
            Self::Brightness => "brightness",
            Self::Contrast => "contrast",
            Self::Saturation => "saturation",
            Self::Sharpness => "sharpness",
            Self::BacklightCompensation => "backlight_compensation",
            Self::Zoom => "zoom",
        }
    }

    /// The control with this name.
    #[must_use]
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|control| control.key() == key)
    }

    /// Whether the camera can be left to choose it.
    #[must_use]
    pub fn has_automatic(self) -> bool {
        self.ids().automatic.is_some() || self == Self::MainsFrequency
    }

    fn ids(self) -> Ids {
        let plain = |value| Ids { value, automatic: None };
        let switched = |value, id| Ids { value, automatic: Some(Automatic { id, on: &[1], off: 0 }) };
        match self {
            // `V4L2_EXPOSURE_APERTURE_PRIORITY`, then `V4L2_EXPOSURE_AUTO`: most USB cameras have the first alone.
            Self::Exposure => Ids {
                value: V4L2_CID_EXPOSURE_ABSOLUTE,
                automatic: Some(Automatic { id: V4L2_CID_EXPOSURE_AUTO, on: &[3, 0], off: 1 }),
            },
            Self::Gain => switched(V4L2_CID_GAIN, V4L2_CID_AUTOGAIN),
            Self::WhiteBalance => switched(V4L2_CID_WHITE_BALANCE_TEMPERATURE, V4L2_CID_AUTO_WHITE_BALANCE),
            Self::Focus => switched(V4L2_CID_FOCUS_ABSOLUTE, V4L2_CID_FOCUS_AUTO),
            Self::MainsFrequency => plain(V4L2_CID_POWER_LINE_FREQUENCY),
            Self::Brightness => plain(V4L2_CID_BRIGHTNESS),
            Self::Contrast => plain(V4L2_CID_CONTRAST),
            Self::Saturation => plain(V4L2_CID_SATURATION),
            Self::Sharpness => plain(V4L2_CID_SHARPNESS),
            Self::BacklightCompensation => plain(V4L2_CID_BACKLIGHT_COMPENSATION),
            Self::Zoom => plain(V4L2_CID_ZOOM_ABSOLUTE),
        }
    }
}

impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key().replace('_', " "))
    }
}

/// What a control is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// As the camera finds best.
    Automatic,
    /// This value, as near as the camera has it.
    Value(i32),
}

impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Automatic => f.write_str("auto"),
            Self::Value(value) => value.fmt(f),
        }
    }
}

impl<'de> Deserialize<'de> for Wish {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Wish;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"auto\" or a whole number")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Wish, E> {
                if text == "auto" {
                    Ok(Wish::Automatic)
                } else {
                    Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
                }
            }
            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Wish, E> {
                let number = i32::try_from(value);
                number.map(Wish::Value).map_err(|_| E::invalid_value(serde::de::Unexpected::Signed(value), &self))
            }
            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Wish, E> {
                let number = i32::try_from(value);
                number.map(Wish::Value).map_err(|_| E::invalid_value(serde::de::Unexpected::Unsigned(value), &self))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl Serialize for Wish {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Automatic => serializer.serialize_str("auto"),
            Self::Value(value) => serializer.serialize_i32(*value),
        }
    }
}

/// What the controls are to be; those that are not named stay as they are.
pub type ControlWishes = BTreeMap<Control, Wish>;

/// A control of an open camera: its range and how it is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ControlReport {
    /// Which.
    pub control: Control,
    /// The least value.
    pub least: i64,
    /// The largest value.
    pub most: i64,
    /// Steps between values.
    pub step: u64,
    /// The maker's value.
    pub default: i64,
    /// The value now.
    pub value: i32,
    /// Whether the camera chooses it by itself; nothing where it cannot.
    pub is_automatic: Option<bool>,
}

/// The controls that an open camera has.
pub(super) fn report(node: &Node) -> Vec<ControlReport> {
    Control::ALL.into_iter().filter_map(|control| report_of(node, control)).collect()
}

fn report_of(node: &Node, control: Control) -> Option<ControlReport> {
    let ids = control.ids();
    let Range { least, most, step, default, .. } = node.range(ids.value)?;
    let value = node.control(ids.value).ok()?;
    let is_automatic = ids.automatic.and_then(|automatic| Some(node.control(automatic.id).ok()? != automatic.off));
    Some(ControlReport { control, least, most, step, default, value, is_automatic })
}

/// Sets what is wished and reads it back. What could not be done as wished is told, a sentence each.
pub(super) fn set(node: &Node, wishes: &ControlWishes) -> Vec<String> {
    Control::ALL
        .into_iter()
        .filter_map(|control| {
            let wish = *wishes.get(&control)?;
            set_one(node, control, wish).err()
        })
        .collect()
}

fn set_one(node: &Node, control: Control, wish: Wish) -> Result<(), String> {
    let Ids { value: id, automatic } = control.ids();
    match (wish, automatic) {
        (Wish::Automatic, Some(automatic)) => {
            if node.range(automatic.id).is_none() {
                return Err(format!("{control} cannot be left to this camera: it has no automatic {control}"));
            }
            let entry = automatic
                .on
                .iter()
                .copied()
                .find(|&value| automatic.on.len() == 1 || node.has_entry(automatic.id, value.unsigned_abs()));
            let value = entry.unwrap_or(automatic.on.first().copied().unwrap_or_default());
            put(node, automatic.id, control, value)
        }
        // The entry "as the camera finds" of this menu.
        (Wish::Automatic, None) if control == Control::MainsFrequency => put_value(node, id, control, 3),
        (Wish::Automatic, None) => Err(format!("{control} has no automatic mode")),
        (Wish::Value(value), automatic) => {
            if let Some(automatic) = automatic
                && node.range(automatic.id).is_some_and(|range| !range.is_read_only)
            {
                put(node, automatic.id, control, automatic.off)?;
            }
            put_value(node, id, control, value)
        }
    }
}

fn put_value(node: &Node, id: u32, control: Control, wanted: i32) -> Result<(), String> {
    let Some(range) = node.range(id) else {
        return Err(format!("this camera has no {control} to be set"));
    };
    if range.is_read_only {
        return Err(format!("{control} of this camera can be read but not set"));
    }
    let value = fitted(&range, wanted);
    put(node, id, control, value)?;
    if value == wanted {
        return Ok(());
    }
    Err(format!(
        "{control} is set to {value}: {wanted} is not in its range from {} to {} in steps of {}",
        range.least, range.most, range.step
    ))
}

/// Sets a value and reads it back.
fn put(node: &Node, id: u32, control: Control, value: i32) -> Result<(), String> {
    node.set_control(id, value).map_err(|error| format!("{control} could not be set to {value}: {error}"))?;
    match node.control(id) {
        Ok(now) if now == value => Ok(()),
        Ok(now) => Err(format!("{control} was set to {value}, and the camera made {now} of it")),
        Err(error) => Err(format!("{control} was set to {value}, but cannot be read back: {error}")),
    }
}

/// The value of a range that is nearest to the one that is wanted.
fn fitted(range: &Range, wanted: i32) -> i32 {
    let (least, most) = (range.least.min(range.most), range.most.max(range.least));
    let bounded = i64::from(wanted).clamp(least, most);
    let step = i64::try_from(range.step).unwrap_or(1).max(1);
    let steps = bounded.saturating_sub(least) / step;
    i32::try_from(least.saturating_add(steps.saturating_mul(step))).unwrap_or(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fit_into_ranges() {
        let range = Range { least: 3, most: 2047, step: 4, default: 250, is_read_only: false };
        for (wanted, expected) in [(3, 3), (0, 3), (9, 7), (2047, 2047), (99_999, 2047)] {
            assert_eq!(fitted(&range, wanted), expected, "{wanted}");
        }
        let odd = Range { least: 10, most: -10, step: u64::MAX, ..range };
        assert_eq!(fitted(&odd, 0), 0, "upside down");
    }

    #[test]
    fn keys_name_controls_and_wishes_are_read() {
        for control in Control::ALL {
            assert_eq!(Control::of_key(control.key()), Some(control));
            assert_eq!(serde_json::to_string(&control).unwrap(), format!("\"{}\"", control.key()));
        }
        let wishes: ControlWishes = toml::from_str("exposure = \"auto\"\nwhite_balance = 4600").unwrap();
        assert_eq!(wishes, [(Control::Exposure, Wish::Automatic), (Control::WhiteBalance, Wish::Value(4600))].into());
        for wrong in ["exposure = \"fast\"", "exposure = 1.5", "exposure = 99999999999", "shutter = 1"] {
            assert!(toml::from_str::<ControlWishes>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_device_without_controls_says_so_of_each() {
        let node = Node::open(std::path::Path::new("/dev/null")).unwrap();
        let wishes = Control::ALL
            .map(|control| (control, if control.has_automatic() { Wish::Automatic } else { Wish::Value(1) }));
        let said = set(&node, &wishes.into());
        assert_eq!(said.len(), Control::ALL.len());
        assert!(said.contains(&"this camera has no brightness to be set".to_owned()), "{said:?}");
        assert!(
            said.contains(&"exposure cannot be left to this camera: it has no automatic exposure".to_owned()),
            "{said:?}"
        );
        assert!(report(&node).is_empty());
    }
}

//! What the camera can be set to, in UVC's own units.

/// The camera terminal, as control requests name it.
pub(crate) const CAMERA: u8 = 1;

/// The processing unit.
pub(crate) const PROCESSING: u8 = 2;

/// Something that the camera can be set to.
#[derive(Debug)]
struct Control {
    name: &'static str,
    /// The unit that has it, and its number there.
    place: (u8, u8),
    bytes: usize,
    range: (i32, i32),
    /// By how much it can be changed; of the exposure a mask of what there is.
    step: i32,
    default: i32,
    value: i32,
}

/// What the camera can be set to, as it is made.
#[derive(Debug)]
pub(crate) struct Controls([Control; 8]);

impl Default for Controls {
    fn default() -> Self {
        let of =
            |name, place, bytes, range, step, value| Control { name, place, bytes, range, step, default: value, value };
        Self([
            of("brightness", (PROCESSING, 2), 2, (-64, 64), 1, 0),
            // 0: off, 1: 50 Hz, 2: 60 Hz.
            of("mains", (PROCESSING, 5), 1, (0, 2), 1, 2),
            of("white", (PROCESSING, 10), 2, (2800, 6500), 10, 4600),
            of("auto-white", (PROCESSING, 11), 1, (0, 1), 1, 1),
            // 1: by hand, 8: the camera chooses the time.
            of("exposure", (CAMERA, 2), 1, (1, 8), 1 | 8, 8),
            // In units of 0.1 ms.
            of("time", (CAMERA, 4), 4, (1, 5000), 1, 200),
            of("focus", (CAMERA, 6), 2, (0, 250), 1, 0),
            of("auto-focus", (CAMERA, 8), 1, (0, 1), 1, 1),
        ])
    }
}

impl Controls {
    /// What is asked of a control; nothing where there is no such control.
    pub(crate) fn get(&self, request: u8, unit: u8, selector: u8) -> Option<Vec<u8>> {
        let control = self.0.iter().find(|control| control.place == (unit, selector))?;
        let bytes = |value: i32| Some(value.to_le_bytes()[..control.bytes].to_vec());
        // `GET_CUR` and its like.
        match request {
            0x81 => bytes(control.value),
            0x82 => bytes(control.range.0),
            0x83 => bytes(control.range.1),
            0x84 => bytes(control.step),
            0x85 => Some(vec![control.bytes.to_le_bytes()[0], 0]),
            // It can be read and set; the focus changes by itself.
            0x86 => Some(vec![if control.name == "focus" { 0b1011 } else { 0b11 }]),
            0x87 => bytes(control.default),
            _ => None,
        }
    }

    /// Sets a control; nothing where there is no such control.
    pub(crate) fn set(&mut self, unit: u8, selector: u8, bytes: &[u8]) -> Option<Vec<u8>> {
        let control = self.0.iter_mut().find(|control| control.place == (unit, selector))?;
        let is_negative = bytes.len() < 4 && bytes.last().is_some_and(|last| last & 0x80 != 0);
        let mut all = [if is_negative { 0xFF } else { 0 }; 4];
        all.get_mut(..bytes.len())?.copy_from_slice(bytes);
        control.value = i32::from_le_bytes(all);
        // The focus has only even places.
        if control.name == "focus" {
            control.value &= !1;
        }
        let values: Vec<_> = self.0.iter().map(|control| format!("{} {}", control.name, control.value)).collect();
        println!("{}", values.join(", "));
        Some(Vec::new())
    }
}

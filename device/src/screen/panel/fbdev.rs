//! A framebuffer device (`/dev/fb0`), for boards whose panel has no DRM driver.
//!
//! The kernel says how its memory is laid out; what changed is copied into it.

mod memory;

use super::{Panel, PanelError};
use crate::screen::canvas::Canvas;
use crate::screen::pixels::{self, Field, Packing, Turn};
use embedded_graphics::geometry::Size;
use embedded_graphics::primitives::Rectangle;
use memory::{Facts, Memory};
use rustix::fs::{FlockOperation, OFlags};
use std::os::fd::OwnedFd;
use std::path::Path;

/// An open framebuffer.
pub struct Fbdev {
    device: String,
    memory: Memory,
    shape: Shape,
    turn: Turn,
    /// Locked while it is open: the kernel lets anyone draw there, and one program shows one picture.
    _lock: OwnedFd,
}

/// How the pixels of a framebuffer lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    size: Size,
    packing: Packing,
    /// Bytes from one row to the next.
    stride: usize,
    /// The first byte that is seen.
    start: usize,
    /// Bytes from there to the end of what is seen.
    byte_len: usize,
}

impl Fbdev {
    /// Maps a framebuffer's memory.
    ///
    /// **Errors** the device cannot be opened or mapped, belongs to another program that asks like this one, or its pixels are not of red, green and blue.
    pub fn open(device: &Path, turn: Turn) -> Result<Self, PanelError> {
        let name = device.display().to_string();
        let flags = OFlags::RDWR | OFlags::CLOEXEC;
        let fd = rustix::fs::open(device, flags, rustix::fs::Mode::empty())
            .map_err(|errno| PanelError::opening(&name, errno))?;
        rustix::fs::flock(&fd, FlockOperation::NonBlockingLockExclusive)
            .map_err(|errno| PanelError::Taken { device: name.clone(), cause: errno.into() })?;
        let failed = |step| {
            let device = name.clone();
            move |errno: rustix::io::Errno| PanelError::Step { device, step, cause: errno.into() }
        };
        let facts = memory::facts(&fd).map_err(failed("asking for its layout"))?;
        let shape = shape(&facts).ok_or_else(|| PanelError::Pixels {
            device: name.clone(),
            found: format!("{} bits in {} bytes a row", facts.bits_per_pixel, facts.stride),
        })?;
        let memory = Memory::map(&fd, facts.byte_len).map_err(failed("mapping its memory"))?;
        Ok(Self { device: name, memory, shape, turn, _lock: fd })
    }
}

/// The layout, where the facts are possible and everything that is seen lies in the memory.
fn shape(facts: &Facts) -> Option<Shape> {
    let byte_len = match facts.bits_per_pixel {
        // 15 bits are stored in 16.
        15 | 16 => 2,
        24 => 3,
        32 => 4,
        _ => return None,
    };
    let field = |(shift, bits)| Field { shift, bits };
    let packing = Packing { byte_len, red: field(facts.red), green: field(facts.green), blue: field(facts.blue) };
    let (width, height) = (facts.width as usize, facts.height as usize);
    let stride = facts.stride as usize;
    let row = width.checked_mul(byte_len)?;
    let start =
        (facts.y_offset as usize).checked_mul(stride)?.checked_add((facts.x_offset as usize).checked_mul(byte_len)?)?;
    let seen = height.checked_sub(1)?.checked_mul(stride)?.checked_add(row)?;
    let is_possible = packing.is_possible() && row > 0 && row <= stride && start.checked_add(seen)? <= facts.byte_len;
    is_possible.then_some(Shape { size: Size::new(facts.width, facts.height), packing, stride, start, byte_len: seen })
}

impl Panel for Fbdev {
    fn describe(&self) -> String {
        let Shape { size, packing, .. } = self.shape;
        format!("fbdev: {}×{} of {} bits on `{}`", size.width, size.height, packing.byte_len * 8, self.device)
    }

    fn size(&self) -> Size {
        self.turn.size(self.shape.size)
    }

    fn present(&mut self, canvas: &Canvas, changed: &[Rectangle]) -> Result<(), PanelError> {
        let Shape { packing, stride, start, byte_len, .. } = self.shape;
        let memory = self.memory.bytes().get_mut(start..start + byte_len).unwrap_or_default();
        for area in changed {
            pixels::copy(canvas, area, self.turn, packing, memory, stride);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A framebuffer of 800×480 and 32 bits.
    const USUAL: Facts = Facts {
        width: 800,
        height: 480,
        x_offset: 0,
        y_offset: 0,
        bits_per_pixel: 32,
        red: (16, 8),
        green: (8, 8),
        blue: (0, 8),
        stride: 3328,
        byte_len: 3328 * 960,
    };

    #[test]
    fn layouts_as_kernels_give_them() {
        let usual = shape(&USUAL).unwrap();
        assert_eq!((usual.packing, usual.stride, usual.byte_len), (Packing::XRGB8888, 3328, 3328 * 479 + 3200));
        // The second half of a memory that is twice as high.
        assert_eq!(shape(&Facts { y_offset: 480, ..USUAL }).unwrap().start, 3328 * 480);
        let small = Facts { bits_per_pixel: 16, red: (11, 5), green: (5, 6), blue: (0, 5), stride: 1600, ..USUAL };
        assert_eq!(shape(&small).unwrap().packing, Packing::RGB565);
        for wrong in [
            Facts { bits_per_pixel: 8, ..USUAL },
            Facts { y_offset: 481, ..USUAL },
            Facts { stride: 3199, ..USUAL },
            Facts { byte_len: 3328 * 400, ..USUAL },
            Facts { width: 0, ..USUAL },
            Facts { height: 0, ..USUAL },
            Facts { red: (0, 0), ..USUAL },
            Facts { red: (30, 8), ..USUAL },
        ] {
            assert_eq!(shape(&wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn one_program_at_a_time_draws_there() {
        let file = tempfile::NamedTempFile::new().unwrap();
        rustix::fs::flock(file.as_file(), FlockOperation::NonBlockingLockExclusive).unwrap();
        let error = Fbdev::open(file.path(), Turn::None).err().unwrap();
        assert!(error.to_string().ends_with("belongs to another program"), "{error}");
    }

    #[test]
    fn what_is_no_framebuffer_says_so() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Fbdev::open(file.path(), Turn::None).err().unwrap();
        assert!(error.to_string().ends_with("asking for its layout"), "{error}");
        assert!(Fbdev::open(Path::new("/nowhere/fb0"), Turn::None).is_err());
    }

    proptest! {
        /// Whatever a driver says, what is taken as possible lies in the memory.
        #[test]
        fn no_facts_lead_outside_the_memory(
            (width, height) in (any::<u32>(), any::<u32>()),
            (x_offset, y_offset) in (any::<u32>(), 0_u32..4000),
            bits_per_pixel in prop::sample::select(&[1, 8, 15, 16, 24, 32, 64][..]),
            (stride, byte_len) in (any::<u32>(), any::<usize>()),
        ) {
            let facts = Facts { width, height, x_offset, y_offset, bits_per_pixel, stride, byte_len, ..USUAL };
            if let Some(shape) = shape(&facts) {
                prop_assert!(shape.start + shape.byte_len <= byte_len);
            }
        }
    }
}

//! An output of a graphics card, over DRM and KMS: a dumb buffer in the card's preferred mode.
//!
//! One buffer is shown, what changed is copied into it, and the driver is told where (`DRM_IOCTL_MODE_DIRTYFB`): a virtual machine or a panel
//! behind USB sends those parts on, and a card that scans the buffer out by itself needs nothing. The first program that opens a card owns its
//! outputs (*master*); a second one is refused, and says so.
//!
//! **Source** drm-kms(7), drm-memory(7), `include/uapi/drm/drm_mode.h`.

use super::{Panel, PanelError};
use crate::screen::canvas::{Canvas, MOST_SIDE};
use crate::screen::pixels::{self, Packing, Turn};
use ::drm::Device as _;
use ::drm::buffer::{Buffer, DrmFourcc};
use ::drm::control::dumbbuffer::DumbBuffer;
use ::drm::control::{ClipRect, Device as _, Mode, ModeTypeFlags, ResourceHandles, connector, crtc, framebuffer};
use embedded_graphics::geometry::{OriginDimensions, Size};
use embedded_graphics::primitives::Rectangle;
use rustix::fs::OFlags;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Where cards are.
const CARDS: &str = "/dev/dri";

/// Rectangles that are told one by one; more are told as the whole.
const MOST_CLIPS: usize = 16;

/// An open card.
struct Card(OwnedFd);

impl AsFd for Card {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl ::drm::Device for Card {}
impl ::drm::control::Device for Card {}

/// An output that shows our buffer.
pub struct Drm {
    card: Card,
    device: String,
    output: String,
    mode: Size,
    buffer: DumbBuffer,
    framebuffer: framebuffer::Handle,
    packing: Packing,
    turn: Turn,
    /// Whether the driver wants to be told what changed.
    is_told: bool,
}

impl Drm {
    /// Takes the first connected output of a card, or of the first card that has one.
    ///
    /// **Errors** no card, nothing connected, the output belongs to another program, or the driver refuses.
    pub fn open(device: Option<&Path>, turn: Turn) -> Result<Self, PanelError> {
        if let Some(device) = device {
            return Self::of(device, turn);
        }
        let cards = cards(Path::new(CARDS));
        let mut first = None;
        for card in &cards {
            match Self::of(card, turn) {
                // A card without a screen (that renders only) is passed over; of all others the first says why.
                Err(error) => {
                    let is_better = matches!(first, None | Some(PanelError::NothingConnected { .. }));
                    if is_better {
                        first = Some(error);
                    }
                }
                opened => return opened,
            }
        }
        Err(first.unwrap_or_else(|| PanelError::NoCard { folder: CARDS.to_owned() }))
    }

    fn of(device: &Path, turn: Turn) -> Result<Self, PanelError> {
        let name = device.display().to_string();
        let flags = OFlags::RDWR | OFlags::CLOEXEC;
        let fd = rustix::fs::open(device, flags, rustix::fs::Mode::empty())
            .map_err(|errno| PanelError::opening(&name, errno))?;
        let card = Card(fd);
        let failed = |step| {
            let device = name.clone();
            move |cause| PanelError::Step { device, step, cause }
        };
        // A card that only computes has no outputs at all.
        let Ok(resources) = card.resource_handles() else { return Err(PanelError::NothingConnected { device: name }) };
        let Some((connector, mode)) = connected(&card, &resources) else {
            return Err(PanelError::NothingConnected { device: name });
        };
        // Who opens a card first is its master already; asking again is no error then.
        card.acquire_master_lock().map_err(|cause| PanelError::Taken { device: name.clone(), cause })?;
        let crtc = crtc_of(&card, &resources, &connector)
            .ok_or_else(|| failed("finding a free pipe for the output")(io::ErrorKind::NotFound.into()))?;

        let (width, height) = (u32::from(mode.size().0), u32::from(mode.size().1));
        let (buffer, framebuffer, packing) = buffer(&card, (width, height)).map_err(failed("making its buffer"))?;
        card.set_crtc(crtc, Some(framebuffer), (0, 0), &[connector.handle()], Some(mode)).map_err(
            |cause| match cause.raw_os_error() {
                Some(code)
                    if [rustix::io::Errno::ACCESS, rustix::io::Errno::PERM, rustix::io::Errno::BUSY]
                        .iter()
                        .any(|errno| errno.raw_os_error() == code) =>
                {
                    PanelError::Taken { device: name.clone(), cause }
                }
                _ => failed("setting its mode")(cause),
            },
        )?;
        let output = format!("{:?}-{}", connector.interface(), connector.interface_id());
        let mode = Size::new(width.min(MOST_SIDE), height.min(MOST_SIDE));
        Ok(Self { card, device: name, output, mode, buffer, framebuffer, packing, turn, is_told: true })
    }
}

/// The cards of this machine in the order of their numbers.
fn cards(folder: &Path) -> Vec<PathBuf> {
    let is_card =
        |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("card"));
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut cards: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_card).collect();
    cards.sort();
    cards
}

/// The first output with a screen on it, and the mode that the screen likes best.
fn connected(card: &Card, resources: &ResourceHandles) -> Option<(connector::Info, Mode)> {
    resources.connectors().iter().find_map(|&handle| {
        let info = card.get_connector(handle, true).ok().filter(|info| info.state() == connector::State::Connected)?;
        let preferred = |mode: &&Mode| mode.mode_type().contains(ModeTypeFlags::PREFERRED);
        let mode = *info.modes().iter().find(preferred).or(info.modes().first())?;
        Some((info, mode))
    })
}

/// The pipe that drives the output now, or one that can.
fn crtc_of(card: &Card, resources: &ResourceHandles, connector: &connector::Info) -> Option<crtc::Handle> {
    let current = connector.current_encoder().and_then(|encoder| card.get_encoder(encoder).ok()?.crtc());
    current.or_else(|| {
        let encoders = connector.encoders().iter().filter_map(|&encoder| card.get_encoder(encoder).ok());
        encoders.flat_map(|encoder| resources.filter_crtcs(encoder.possible_crtcs())).next()
    })
}

/// A buffer of 32 bits a pixel, or of 16 where the driver has no more.
fn buffer(card: &Card, size: (u32, u32)) -> io::Result<(DumbBuffer, framebuffer::Handle, Packing)> {
    let of = |format, depth, bits, packing| {
        let buffer = card.create_dumb_buffer(size, format, bits)?;
        let framebuffer = card.add_framebuffer(&buffer, depth, bits)?;
        Ok((buffer, framebuffer, packing))
    };
    of(DrmFourcc::Xrgb8888, 24, 32, Packing::XRGB8888)
        .or_else(|_: io::Error| of(DrmFourcc::Rgb565, 16, 16, Packing::RGB565))
}

impl Panel for Drm {
    fn describe(&self) -> String {
        format!("drm: {}×{} on {} of `{}`", self.mode.width, self.mode.height, self.output, self.device)
    }

    fn size(&self) -> Size {
        self.turn.size(self.mode)
    }

    fn present(&mut self, canvas: &Canvas, changed: &[Rectangle]) -> Result<(), PanelError> {
        let failed = |step| {
            let device = self.device.clone();
            move |cause| PanelError::Step { device, step, cause }
        };
        let stride = self.buffer.pitch() as usize;
        {
            let mut memory = self.card.map_dumb_buffer(&mut self.buffer).map_err(failed("mapping its buffer"))?;
            for area in changed {
                pixels::copy(canvas, area, self.turn, self.packing, &mut memory, stride);
            }
        }
        if self.is_told {
            let whole = Rectangle::new(embedded_graphics::geometry::Point::zero(), canvas.size());
            let mut clips = [ClipRect::new(0, 0, 0, 0); MOST_CLIPS];
            let areas = if changed.len() > MOST_CLIPS { std::slice::from_ref(&whole) } else { changed };
            for (clip, area) in clips.iter_mut().zip(areas) {
                *clip = clip_of(&self.turn.rectangle(canvas.size(), area));
            }
            let clips = clips.get(..areas.len()).unwrap_or_default();
            match self.card.dirty_framebuffer(self.framebuffer, clips) {
                // A driver that scans out by itself knows no such call.
                Err(cause)
                    if matches!(cause.kind(), io::ErrorKind::Unsupported)
                        || cause.raw_os_error() == Some(rustix::io::Errno::NOSYS.raw_os_error()) =>
                {
                    self.is_told = false;
                }
                told => told.map_err(failed("telling it what changed (it may belong to another program by now)"))?,
            }
        }
        Ok(())
    }
}

fn clip_of(area: &Rectangle) -> ClipRect {
    let to = |value: i64| u16::try_from(value.max(0)).unwrap_or(u16::MAX);
    let (left, top) = (i64::from(area.top_left.x), i64::from(area.top_left.y));
    ClipRect::new(to(left), to(top), to(left + i64::from(area.size.width)), to(top + i64::from(area.size.height)))
}

impl Drop for Drm {
    fn drop(&mut self) {
        // Best effort: the kernel takes both back when the card is closed, and shows its console again.
        let _ = self.card.destroy_framebuffer(self.framebuffer);
        let _ = self.card.destroy_dumb_buffer(self.buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_graphics::geometry::Point;

    #[test]
    fn cards_are_found_and_other_nodes_are_not() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["renderD128", "card1", "card0"] {
            clothingid_shared::files::write_atomic(&folder.path().join(name), b"").unwrap();
        }
        let names: Vec<_> = cards(folder.path()).into_iter().map(|path| path.file_name().unwrap().to_owned()).collect();
        assert_eq!(names, ["card0", "card1"]);
        assert!(cards(Path::new("/nowhere")).is_empty());
    }

    #[test]
    fn what_is_no_card_says_so() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Drm::open(Some(file.path()), Turn::None).err().unwrap();
        assert!(matches!(error, PanelError::NothingConnected { .. }), "{error}");
        let error = Drm::open(Some(Path::new("/nowhere/card9")), Turn::None).err().unwrap();
        assert!(matches!(error, PanelError::Open { .. }) && !error.hints().is_empty(), "{error}");
    }

    #[test]
    fn a_clip_ends_behind_its_last_pixel() {
        let clip = clip_of(&Rectangle::new(Point::new(-2, 3), Size::new(10, 100_000)));
        assert_eq!((clip.x1(), clip.y1(), clip.x2(), clip.y2()), (0, 3, 8, u16::MAX));
    }
}

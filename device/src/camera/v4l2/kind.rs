//! What a device node is: a camera that we can use, or why it is none, in words.
//!
//! One USB camera makes two nodes (pictures and metadata), a board's image sensor makes nodes of raw data, a video decoder makes nodes too:
//! most `/dev/video` nodes are no cameras.

use super::FourCc;
use super::bindings::*;
use super::node::{Capability, Node};

/// The unit that makes a camera of an image sensor on the board's camera connector.
pub const BRIDGE: &str = "clothingid-csi-camera.service";

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A camera, with the formats of it that we read.
    Camera(Vec<FourCc>),
    /// Data about pictures, beside the node that gives them.
    Metadata,
    /// Takes pictures instead of giving them. A loopback device is one until a program feeds it.
    Output,
    /// Converts pictures: a decoder, an encoder or a scaler.
    Converter,
    /// Gives pictures only in several planes at once.
    MultiPlanar,
    /// An image sensor that gives what it measures; a camera program has to make pictures of it.
    RawSensor,
    /// Gives pictures, in formats that we do not read.
    OtherFormats(Vec<FourCc>),
    /// Gives pictures, but cannot hand them over in buffers.
    NoStreaming,
    /// Radio, teletext, a touch pad.
    Other,
}

impl Kind {
    /// Asks a node what it is.
    pub(super) fn of(node: &Node) -> std::io::Result<(Capability, Self)> {
        let capability = node.capability()?;
        let kind = Self::told_by(capability.flags, || node.formats());
        Ok((capability, kind))
    }

    fn told_by(flags: u32, formats: impl FnOnce() -> Vec<FourCc>) -> Self {
        let has = |flag: u32| flags & flag != 0;
        if has(V4L2_CAP_META_CAPTURE | V4L2_CAP_META_OUTPUT) && !has(V4L2_CAP_VIDEO_CAPTURE) {
            return Self::Metadata;
        }
        if has(V4L2_CAP_VIDEO_M2M | V4L2_CAP_VIDEO_M2M_MPLANE) {
            return Self::Converter;
        }
        if has(V4L2_CAP_TOUCH | V4L2_CAP_VBI_CAPTURE) && !has(V4L2_CAP_VIDEO_CAPTURE) {
            return Self::Other;
        }
        if !has(V4L2_CAP_VIDEO_CAPTURE) {
            return if has(V4L2_CAP_VIDEO_CAPTURE_MPLANE) {
                Self::MultiPlanar
            } else if has(V4L2_CAP_VIDEO_OUTPUT | V4L2_CAP_VIDEO_OUTPUT_MPLANE) {
                Self::Output
            } else {
                Self::Other
            };
        }
        if !has(V4L2_CAP_STREAMING) {
            return Self::NoStreaming;
        }
        let formats = formats();
        let ours: Vec<_> = formats.iter().copied().filter(|format| format.pixel_format().is_some()).collect();
        if !ours.is_empty() {
            Self::Camera(ours)
        } else if !formats.is_empty() && formats.iter().all(|format| format.is_raw_bayer()) {
            Self::RawSensor
        } else {
            Self::OtherFormats(formats)
        }
    }

    /// Whether it is a camera that we can use.
    #[must_use]
    pub fn is_camera(&self) -> bool {
        matches!(self, Self::Camera(_))
    }

    /// What it is, as the end of a sentence that begins with its name.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Camera(formats) => format!("is a camera ({})", list(formats)),
            Self::Metadata => "gives data about pictures and no pictures: the camera itself is another node".into(),
            Self::Output => {
                "takes pictures and gives none (a loopback device gives some once a program feeds it)".into()
            }
            Self::Converter => "converts pictures (a decoder, encoder or scaler) and is no camera".into(),
            Self::MultiPlanar => {
                "gives pictures only in several planes (V4L2 multi-planar), which this program does not read".into()
            }
            Self::RawSensor => {
                "is an image sensor: it gives raw data (Bayer), of which a camera program makes pictures".into()
            }
            Self::OtherFormats(formats) if formats.is_empty() => "offers no format: nothing is connected to it".into(),
            Self::OtherFormats(formats) => {
                format!(
                    "gives pictures as {}, which this program does not read (it reads MJPG, YUYV, NV12, RGB3 and BGR3)",
                    list(formats)
                )
            }
            Self::NoStreaming => "cannot hand pictures over in buffers".into(),
            Self::Other => "is no camera".into(),
        }
    }

    /// What a person can do to get pictures.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::RawSensor | Self::MultiPlanar => {
                Some(format!("let the unit `{BRIDGE}` make pictures of it: `systemctl enable --now {BRIDGE}`"))
            }
            Self::OtherFormats(_) | Self::NoStreaming => {
                Some("use a USB camera that gives MJPEG or YUYV: nearly all do".into())
            }
            _ => None,
        }
    }
}

/// A few of the formats, for people.
fn list(formats: &[FourCc]) -> String {
    let mut text: Vec<_> = formats.iter().take(4).map(ToString::to_string).collect();
    if formats.len() > 4 {
        text.push(format!("{} others", formats.len() - 4));
    }
    text.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(flags: u32, formats: &[&[u8; 4]]) -> Kind {
        Kind::told_by(flags, || formats.iter().map(|letters| FourCc(**letters)).collect())
    }

    #[test]
    fn nodes_are_told_apart() {
        const CAMERA: u32 = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
        let ours = |letters: &[&[u8; 4]]| letters.iter().map(|letters| FourCc(**letters)).collect();
        for (flags, formats, expected) in [
            (CAMERA, &[b"MJPG", b"H264", b"YUYV"][..], Kind::Camera(ours(&[b"MJPG", b"YUYV"]))),
            (CAMERA | V4L2_CAP_META_CAPTURE, &[b"YUYV"], Kind::Camera(ours(&[b"YUYV"]))),
            (V4L2_CAP_META_CAPTURE | V4L2_CAP_STREAMING, &[], Kind::Metadata),
            (V4L2_CAP_VIDEO_OUTPUT | V4L2_CAP_STREAMING, &[], Kind::Output),
            (V4L2_CAP_VIDEO_M2M | V4L2_CAP_STREAMING, &[], Kind::Converter),
            (V4L2_CAP_VIDEO_M2M_MPLANE | V4L2_CAP_STREAMING, &[], Kind::Converter),
            (V4L2_CAP_VIDEO_CAPTURE_MPLANE | V4L2_CAP_STREAMING, &[], Kind::MultiPlanar),
            (CAMERA, &[b"RG10", b"pRAA"], Kind::RawSensor),
            (CAMERA, &[b"RG10", b"H264"], Kind::OtherFormats(ours(&[b"RG10", b"H264"]))),
            (CAMERA, &[], Kind::OtherFormats(Vec::new())),
            (V4L2_CAP_VIDEO_CAPTURE, &[b"YUYV"], Kind::NoStreaming),
            (V4L2_CAP_TOUCH | V4L2_CAP_STREAMING, &[], Kind::Other),
            (V4L2_CAP_VBI_CAPTURE | V4L2_CAP_STREAMING, &[], Kind::Other),
            (0, &[], Kind::Other),
        ] {
            let kind = of(flags, formats);
            assert_eq!(kind, expected, "{flags:x}");
            assert_eq!(kind.is_camera(), kind.describe().starts_with("is a camera"));
        }
    }

    #[test]
    fn every_kind_is_said_in_words() {
        let kinds = [
            of(V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING, &[b"MJPG", b"YUYV"]),
            Kind::Metadata,
            Kind::Output,
            Kind::Converter,
            Kind::MultiPlanar,
            Kind::RawSensor,
            Kind::OtherFormats(Vec::new()),
            Kind::OtherFormats(
                [b"H264", b"HEVC", b"UYVY", b"GREY", b"Y16 ", b"RGBP"].map(|letters| FourCc(*letters)).to_vec(),
            ),
            Kind::NoStreaming,
            Kind::Other,
        ];
        let lines: Vec<_> =
            kinds.iter().map(|kind| format!("{}\n    {}", kind.describe(), kind.hint().unwrap_or_default())).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }
}

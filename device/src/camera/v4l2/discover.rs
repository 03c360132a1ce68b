//! Which cameras there are, and which one is meant: by its node, by where it is plugged in, or by its serial number.
//!
//! The number of a node changes with the order of plugging in; the port and the serial number do not. Both are read from sysfs: the device
//! of a node is followed upwards to the USB device that it is part of.

use super::kind::Kind;
use super::node::Node;
use crate::camera::CameraError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Which camera to use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Which {
    /// The first that gives pictures.
    #[default]
    First,
    /// The one at this node.
    Node(PathBuf),
    /// The one that is plugged in there: `1-1.2` is port 2 of a hub on port 1 of the first USB controller.
    Port(String),
    /// The one with this serial number.
    Serial(String),
}

impl Which {
    /// Reads `auto`, `/dev/…`, `port:…` or `serial:…`.
    ///
    /// **Errors** in words: another text.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "auto" {
            return Ok(Self::First);
        }
        let named = |rest: &str| (!rest.trim().is_empty()).then(|| rest.trim().to_owned());
        if let Some(port) = text.strip_prefix("port:").and_then(named) {
            return Ok(Self::Port(port));
        }
        if let Some(serial) = text.strip_prefix("serial:").and_then(named) {
            return Ok(Self::Serial(serial));
        }
        if text.starts_with('/') {
            return Ok(Self::Node(text.into()));
        }
        Err("is not `auto`, `/dev/video…`, `port:…` or `serial:…` (`clothingid doctor` lists the cameras there are)")
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => f.write_str("the first that gives pictures"),
            Self::Node(path) => path.display().fmt(f),
            Self::Port(port) => write!(f, "the one at port {port}"),
            Self::Serial(serial) => write!(f, "the one with serial number {serial}"),
        }
    }
}

/// A node, with what is known of it.
#[derive(Debug)]
pub struct Found {
    /// `/dev/videoN`.
    pub path: PathBuf,
    /// The device's own name; empty where the node cannot be opened.
    pub card: String,
    /// Where it is plugged in.
    pub port: Option<String>,
    /// Its serial number, if it has one.
    pub serial: Option<String>,
    /// What it is, or why that cannot be said.
    pub kind: io::Result<Kind>,
}

impl Found {
    /// Whether it is a camera that we can use.
    #[must_use]
    pub fn is_camera(&self) -> bool {
        self.kind.as_ref().is_ok_and(Kind::is_camera)
    }

    /// What [`Which::parse`] finds it by, whatever else is plugged in: its serial number, else its port, else its node.
    #[must_use]
    pub fn lasting_name(&self) -> String {
        match (&self.serial, &self.port) {
            (Some(serial), _) => format!("serial:{serial}"),
            (None, Some(port)) => format!("port:{port}"),
            (None, None) => self.path.display().to_string(),
        }
    }

    /// Its own name with its node, as far as it has one.
    #[must_use]
    pub fn title(&self) -> String {
        let path = self.path.display();
        if self.card.is_empty() { path.to_string() } else { format!("{} ({path})", self.card) }
    }

    /// One line for people: node, name, place, and what it is.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = format!("`{}`", self.path.display());
        if !self.card.is_empty() {
            text.push_str(&format!(" ({})", self.card));
        }
        if let Some(port) = &self.port {
            text.push_str(&format!(", port:{port}"));
        }
        if let Some(serial) = &self.serial {
            text.push_str(&format!(", serial:{serial}"));
        }
        text.push(' ');
        match &self.kind {
            Ok(kind) => text.push_str(&kind.describe()),
            Err(error) => text.push_str(&format!("cannot be opened: {error}")),
        }
        text
    }
}

/// Where nodes and their places are.
#[derive(Debug, Clone)]
pub struct Places {
    /// `/dev`
    pub nodes: PathBuf,
    /// `/sys/class/video4linux`
    pub class: PathBuf,
}

impl Default for Places {
    fn default() -> Self {
        Self { nodes: "/dev".into(), class: "/sys/class/video4linux".into() }
    }
}

impl Places {
    /// All nodes, by number.
    #[must_use]
    pub fn all(&self) -> Vec<Found> {
        let mut numbers: Vec<u32> = std::fs::read_dir(&self.nodes)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.strip_prefix("video")?.parse().ok())
            .collect();
        numbers.sort_unstable();
        numbers.into_iter().map(|number| self.found(&self.nodes.join(format!("video{number}")))).collect()
    }

    fn found(&self, path: &Path) -> Found {
        let (port, serial) = self.place(path);
        let (card, kind) = match Node::open(path).and_then(|node| Kind::of(&node)) {
            Ok((capability, kind)) => (capability.card, Ok(kind)),
            Err(error) => (String::new(), Err(error)),
        };
        Found { path: path.to_owned(), card, port, serial, kind }
    }

    /// Where a node's device is plugged in, and its serial number.
    fn place(&self, path: &Path) -> (Option<String>, Option<String>) {
        let Some(name) = path.file_name() else { return (None, None) };
        let Ok(device) = self.class.join(name).join("device").canonicalize() else { return (None, None) };
        let text = |path: PathBuf| {
            let text = std::fs::read_to_string(path).ok()?;
            Some(text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        // The interface of a USB device lies in the device's own folder, which has the numbers of its maker.
        let usb = device.ancestors().find(|folder| folder.join("idVendor").exists());
        let name = |folder: &Path| folder.file_name().map(|name| name.to_string_lossy().into_owned());
        match usb {
            Some(usb) => (name(usb), text(usb.join("serial"))),
            None => (name(&device), None),
        }
    }

    /// The nodes of the camera that is meant, best first.
    ///
    /// **Errors** none is there, or the one that is meant is no camera or cannot be opened.
    pub fn nodes_of(&self, which: &Which) -> Result<Vec<PathBuf>, CameraError> {
        if let Which::Node(path) = which {
            return Ok(vec![path.clone()]);
        }
        let mut there = self.all();
        match which {
            Which::Port(port) => there.retain(|found| found.port.as_ref() == Some(port)),
            Which::Serial(serial) => there.retain(|found| found.serial.as_ref() == Some(serial)),
            Which::First | Which::Node(_) => {}
        }
        let cameras: Vec<_> = there.iter().filter(|found| found.is_camera()).map(|found| found.path.clone()).collect();
        if !cameras.is_empty() {
            return Ok(cameras);
        }
        // A node that may not be opened is worth more words than one that is no camera.
        there.sort_by_key(|found| found.kind.is_ok());
        match there.into_iter().next() {
            Some(Found { path, kind: Err(error), .. }) => Err(super::capture::cannot_open(&path, error)),
            Some(Found { path, kind: Ok(kind), .. }) => Err(CameraError::NotACamera { node: path, kind }),
            None => Err(CameraError::NotThere { which: which.clone() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn names_of_cameras_are_read() {
        for (text, which) in [
            ("auto", Which::First),
            ("/dev/video2", Which::Node("/dev/video2".into())),
            ("port:1-1.2", Which::Port("1-1.2".into())),
            ("serial: A1B2 ", Which::Serial("A1B2".into())),
        ] {
            assert_eq!(Which::parse(text), Ok(which), "{text}");
        }
        for text in ["", "video0", "port:", "serial: ", "usb:1"] {
            assert!(Which::parse(text).is_err(), "{text}");
        }
    }

    /// A sysfs with a USB camera on a hub and a camera of the board.
    fn sysfs() -> (tempfile::TempDir, Places) {
        let folder = tempfile::tempdir().unwrap();
        let usb = folder.path().join("devices/usb1/1-1/1-1.2");
        let interface = usb.join("1-1.2:1.0");
        let board = folder.path().join("devices/platform/vivid.0");
        let places = Places { nodes: folder.path().join("dev"), class: folder.path().join("class") };
        for path in [&interface, &board, &places.nodes, &places.class.join("video0"), &places.class.join("video3")] {
            std::fs::create_dir_all(path).unwrap();
        }
        let write = |path: PathBuf, text: &str| clothingid_shared::files::write_atomic(&path, text.as_bytes()).unwrap();
        write(usb.join("idVendor"), "046d\n");
        write(usb.join("serial"), "5F2A\n");
        symlink(&interface, places.class.join("video0/device")).unwrap();
        symlink(&board, places.class.join("video3/device")).unwrap();
        for node in ["video0", "video3", "video12", "videoX", "null"] {
            write(places.nodes.join(node), "");
        }
        (folder, places)
    }

    #[test]
    fn ports_and_serial_numbers_come_from_the_usb_device() {
        let (_folder, places) = sysfs();
        let found: Vec<_> = places.all().into_iter().map(|found| (found.port, found.serial)).collect();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(found, [(text("1-1.2"), text("5F2A")), (text("vivid.0"), None), (None, None)]);
    }

    #[test]
    fn a_camera_that_is_not_there_or_is_none_is_said() {
        let (_folder, places) = sysfs();
        let said = |which: &Which| places.nodes_of(which).unwrap_err().to_string();
        assert!(said(&Which::Serial("0".into())).contains("the one with serial number 0"));
        // The nodes here are files.
        assert!(said(&Which::Port("1-1.2".into())).contains("video0"), "{}", said(&Which::Port("1-1.2".into())));
        let empty = Places { nodes: "/nowhere".into(), class: "/nowhere".into() };
        assert!(empty.nodes_of(&Which::First).unwrap_err().to_string().contains("no camera"));
        let named = Which::Node("/dev/video9".into());
        assert_eq!(empty.nodes_of(&named).unwrap(), [PathBuf::from("/dev/video9")]);
    }
}

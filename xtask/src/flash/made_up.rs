//! A PC, NVIDIA's folder and a board on the cable, made up of small files: everything well, until a test spoils it.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::host::Host;
use crate::report::Report;

/// The tree, and what no file says.
pub(super) struct MadeUp {
    folder: tempfile::TempDir,
    pub(super) arch: &'static str,
    pub(super) available: fn(&Path) -> Option<u64>,
}

impl MadeUp {
    /// Ubuntu 22.04, Jetson Linux 36.4.3 with our package in it, a Jetson Orin Nano 8 GB in recovery mode.
    pub(super) fn good() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let tree = Self { folder, arch: "x86_64", available: |_| Some(100 << 30) };
        tree.write("etc/os-release", "PRETTY_NAME=\"Ubuntu 22.04.5 LTS\"\nVERSION_ID=\"22.04\"\nID=ubuntu\n");
        let version = "BSP_VERSION=\"${BSP_BRANCH}.${BSP_MAJOR}.${BSP_MINOR}\"";
        let numbers = format!("# a licence\n\nBSP_BRANCH=36\nBSP_MAJOR=4\nBSP_MINOR=3\n{version}\n");
        tree.write("l4t/nv_tegra/bsp_version", &numbers);
        for file in super::l4t::NEEDED {
            tree.write(&format!("l4t/{file}"), "");
        }
        tree.write("l4t/rootfs/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n");
        let release = "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64\n";
        tree.write("l4t/rootfs/etc/nv_tegra_release", release);
        tree.write("l4t/rootfs/opt/clothingid_0.1.0_arm64.deb", "");
        // What each PC has: a hub, and interfaces of devices, which have no vendor.
        tree.plug("usb1", "1d6b", "0002", "480");
        tree.write("sys/bus/usb/devices/1-3:1.0/bInterfaceClass", "ff\n");
        tree.plug("1-3", "0955", "7523", "480");
        tree
    }

    /// The PC as the checks see it. Whoever runs the tests owns the board's root here.
    pub(super) fn host(&self) -> Host {
        let owner = std::fs::metadata(self.folder.path()).expect("the folder").uid();
        Host {
            arch: self.arch,
            etc: self.path("etc"),
            sys: self.path("sys"),
            owner,
            available: self.available,
            sudo: "true".into(),
        }
    }

    /// NVIDIA's folder.
    pub(super) fn l4t(&self) -> PathBuf {
        self.path("l4t").canonicalize().expect("the folder")
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        #[expect(clippy::disallowed_methods, reason = "a tree of a test")]
        std::fs::write(path, text).expect("written");
    }

    pub(super) fn remove(&self, name: &str) {
        std::fs::remove_file(self.path(name)).expect("it was there");
    }

    /// A device at a port, as the kernel shows it.
    pub(super) fn plug(&self, port: &str, vendor: &str, product: &str, speed: &str) {
        for (file, text) in [("idVendor", vendor), ("idProduct", product), ("speed", speed)] {
            self.write(&format!("sys/bus/usb/devices/{port}/{file}"), &format!("{text}\n"));
        }
    }

    pub(super) fn unplug(&self, port: &str) {
        std::fs::remove_dir_all(self.path("sys/bus/usb/devices").join(port)).expect("it was there");
    }
}

/// What a failure prints. It has one thing to do next, and no more.
pub(super) fn failure<T>(result: Result<T, Report>) -> String {
    let text = result.err().expect("a failure").to_string();
    assert_eq!(text.matches("\nhint: ").count(), 1, "{text}");
    text
}

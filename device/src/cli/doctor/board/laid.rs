//! Trees of files as boards have them, laid out by what makers and kernel document; none is a board's own.

use super::tree::Tree;
use super::{Finding, of_tree};
use clothingid_shared::files::{create_folder, write_atomic};

/// A tree in a temporary folder.
pub(super) struct Laid {
    pub(super) folder: tempfile::TempDir,
    architecture: &'static str,
    pub(super) adapter: Result<String, String>,
}

impl Laid {
    pub(super) fn out(architecture: &'static str, adapter: Result<&str, &str>, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let laid = Self { folder, architecture, adapter: adapter.map(str::to_owned).map_err(str::to_owned) };
        files.iter().for_each(|(path, text)| laid.put(path, text));
        laid
    }

    pub(super) fn put(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path.trim_start_matches('/'));
        create_folder(path.parent().unwrap()).unwrap();
        write_atomic(&path, text.as_bytes()).unwrap();
    }

    pub(super) fn take(&self, path: &str) {
        let path = self.folder.path().join(path.trim_start_matches('/'));
        if path.is_dir() { std::fs::remove_dir_all(path).unwrap() } else { std::fs::remove_file(path).unwrap() }
    }

    pub(super) fn findings(&self, asked: Option<&str>) -> Vec<Finding> {
        let adapter = || self.adapter.clone();
        of_tree(&Tree::new(self.folder.path().to_owned()), asked, self.architecture, &adapter)
    }

    pub(super) fn finding(&self, part: &str) -> Finding {
        self.findings(None).into_iter().find(|finding| finding.part == part).unwrap_or_else(|| panic!("{part}"))
    }
}

/// What each board of ours has when all is well, beside its own.
const COMMON: [(&str, &str); 15] = [
    ("/sys/class/thermal/thermal_zone0/temp", "48250\n"),
    ("/sys/class/thermal/thermal_zone0/type", "cpu-thermal\n"),
    ("/sys/class/video4linux/video0/name", "HD Webcam: HD Webcam\n"),
    ("/dev/clothingid/camera-by-port-1-1.2", ""),
    ("/run/systemd/timesync/synchronized", ""),
    ("/usr/lib/systemd/system/clothingid.service", "[Unit]\n"),
    ("/etc/systemd/system/multi-user.target.wants/clothingid.service", ""),
    ("/sys/fs/cgroup/cgroup.controllers", "cpu memory\n"),
    ("/sys/fs/cgroup/system.slice/clothingid.service/cgroup.procs", "712\n"),
    ("/sys/class/watchdog/watchdog0/state", "active\n"),
    ("/sys/class/watchdog/watchdog0/timeout", "15\n"),
    ("/dev/disk/by-partlabel/clothingid-data", ""),
    ("/proc/cmdline", "root=/dev/mmcblk0p5 ro rauc.slot=A quiet\n"),
    ("/sys/block/mmcblk0/device/life_time", "0x01 0x02\n"),
    ("/sys/block/mmcblk0boot0/size", "8192\n"),
];

pub(super) fn pi() -> Laid {
    let files = [
        ("/proc/device-tree/model", "Raspberry Pi 5 Model B Rev 1.0\0"),
        ("/proc/device-tree/compatible", "raspberrypi,5-model-b\0brcm,bcm2712\0"),
        ("/sys/devices/system/cpu/online", "0-3\n"),
        ("/proc/meminfo", "MemTotal:        8249616 kB\nMemFree:         6000000 kB\n"),
        ("/usr/lib/aarch64-linux-gnu/libc.so.6", "GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36.\n"),
        ("/sys/class/hwmon/hwmon0/name", "cpu_thermal\n"),
        ("/sys/class/hwmon/hwmon2/name", "rpi_volt\n"),
        ("/sys/class/hwmon/hwmon2/in0_lcrit_alarm", "0\n"),
        ("/sys/class/drm/card1/dev", "226:1\n"),
        ("/sys/class/drm/card1-HDMI-A-1/status", "connected\n"),
        ("/sys/class/drm/card1-HDMI-A-2/status", "disconnected\n"),
        ("/sys/module/v3d/refcnt", "1\n"),
        ("/usr/lib/aarch64-linux-gnu/libvulkan_broadcom.so", ""),
        ("/usr/share/vulkan/icd.d/broadcom_icd.aarch64.json", "{}"),
        ("/boot/firmware/autoboot.txt", "[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n"),
        ("/etc/rauc/system.conf", "[system]\ncompatible=clothingid-raspberry-pi-5\nbootloader=custom\n"),
        ("/dev/disk/by-partlabel/boot-a", ""),
        ("/dev/disk/by-partlabel/boot-b", ""),
        ("/dev/disk/by-partlabel/root-a", ""),
        ("/dev/disk/by-partlabel/root-b", ""),
    ];
    Laid::out("aarch64", Ok("V3D 7.1.7, V3DV Mesa 24"), &[&COMMON[..], &files].concat())
}

pub(super) fn jetson() -> Laid {
    let files = [
        ("/proc/device-tree/model", "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super\0"),
        ("/proc/device-tree/compatible", "nvidia,p3768-0000+p3767-0005-super\0nvidia,p3767-0005\0nvidia,tegra234\0"),
        ("/sys/firmware/efi/fw_platform_size", "64\n"),
        ("/sys/devices/system/cpu/online", "0-5\n"),
        ("/proc/meminfo", "MemTotal:        7650336 kB\n"),
        (
            "/usr/lib/aarch64-linux-gnu/libc.so.6",
            "GNU C Library (Ubuntu GLIBC 2.35-0ubuntu3.8) stable release version 2.35.\n",
        ),
        ("/var/lib/nvpmodel/status", "pmode:0001\n"),
        (
            "/etc/nvpmodel.conf",
            "< POWER_MODEL ID=0 NAME=15W >\nCPU_ONLINE CORE_0 1\n< POWER_MODEL ID=1 NAME=25W >\n< POWER_MODEL ID=2 NAME=MAXN_SUPER >\n< PM_CONFIG DEFAULT=1 >\n",
        ),
        ("/sys/class/drm/card1-DP-1/status", "connected\n"),
        ("/sys/module/nvgpu/refcnt", "1\n"),
        ("/usr/lib/aarch64-linux-gnu/nvidia/libGLX_nvidia.so.0", ""),
        ("/etc/vulkan/icd.d/nvidia_icd.json", "{}"),
        ("/usr/sbin/nvbootctrl", ""),
        ("/etc/rauc/system.conf", "[system]\ncompatible=clothingid-jetson-orin-nano\n"),
        ("/dev/disk/by-partlabel/APP", ""),
        ("/dev/disk/by-partlabel/APP_b", ""),
    ];
    Laid::out("aarch64", Ok("NVIDIA Tegra Orin (nvgpu), NVIDIA 540.4.0"), &[&COMMON[..], &files].concat())
}

pub(super) fn pc() -> Laid {
    let files = [
        ("/sys/class/dmi/id/sys_vendor", "QEMU\n"),
        ("/sys/class/dmi/id/product_name", "Standard PC (Q35 + ICH9, 2009)\n"),
        ("/sys/firmware/efi/fw_platform_size", "64\n"),
        ("/sys/devices/system/cpu/online", "0-1\n"),
        ("/proc/meminfo", "MemTotal:        2030000 kB\n"),
        ("/usr/lib/x86_64-linux-gnu/libc.so.6", "stable release version 2.36.\n"),
        ("/sys/class/drm/card0-Virtual-1/status", "connected\n"),
        ("/sys/class/rtc/rtc0/since_epoch", "1700000000\n"),
        ("/etc/rauc/system.conf", "[system]\ncompatible=clothingid-generic-x86-64\n"),
        ("/dev/disk/by-partlabel/esp-a", ""),
        ("/dev/disk/by-partlabel/esp-b", ""),
        ("/dev/disk/by-partlabel/root-a", ""),
        ("/dev/disk/by-partlabel/root-b", ""),
    ];
    Laid::out("x86_64", Err("none"), &[&COMMON[..], &files].concat())
}

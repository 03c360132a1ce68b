//! The root of a system: Debian's packages, the program, and what the board's file makes of our units.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::bundle::Signer;
use super::{Image, call, unwritten, write};
use crate::cargo::workspace;
use crate::report::Report;
use crate::{package, units};

/// The release of Debian.
const RELEASE: &str = "bookworm";

/// Where its packages come from, if nothing else is said; what was mended since the release lies beside them.
const MIRROR: &str = "http://deb.debian.org";

/// What of a package nobody on a board reads. The licence texts stay.
const LEFT_OUT: [&str; 8] = [
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/gcc/*",
    "path-exclude=/usr/share/gdb/*",
    "path-exclude=/usr/share/bash-completion/*",
];

/// Done in the root once its packages are there; `$1` is where it is.
///
/// Settings that a running system would make for itself are made here, since it is read-only; then everything goes that differs between two
/// builds, and what lies under the mounted data partition. The kernel and what it starts with go to the boot partition.
const LAST: &str = r#"set -eu
chroot "$1" update-initramfs -u -k all
chroot "$1" systemctl preset-all --preset-mode=full
mkdir -p "$1/etc/clothingid" "$1/etc/systemd/system/local-fs.target.wants"
ln -sf /usr/share/systemd/tmp.mount "$1/etc/systemd/system/tmp.mount"
ln -sf ../tmp.mount "$1/etc/systemd/system/local-fs.target.wants/tmp.mount"
ln -sf ../run/systemd/resolve/stub-resolv.conf "$1/etc/resolv.conf"
echo clothingid > "$1/etc/hostname"
printf '127.0.0.1 localhost clothingid\n::1 localhost\n' > "$1/etc/hosts"
chmod 644 "$1/etc/hostname" "$1/etc/hosts"
passwd --root "$1" --lock root
: > "$1/etc/machine-id"
"#;

/// What the packages come to, in the tree that is packed.
const PACKED: &str = r#"set -eu
rm -rf "$1"/boot/* "$1"/var/* "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap "$1"/etc/apt/sources.list "$1"/etc/*-
rm -f "$1"/etc/ld.so.cache.old "$1"/etc/.pwd.lock
"#;

/// A root, and what is started beside it.
pub(super) struct Root {
    /// The packed root.
    pub(super) squashfs: PathBuf,
    /// The kernel.
    pub(super) kernel: PathBuf,
    /// What the kernel starts with.
    pub(super) initrd: PathBuf,
    /// What UEFI starts, which starts the kernel.
    pub(super) loader: PathBuf,
    /// One line a package: name, version, licence file's place is by the name.
    pub(super) packages: PathBuf,
}

/// Makes the root of a board's system.
pub(super) fn make(image: &Image<'_>, program: &Path, signer: &Signer, work: &Path) -> Result<Root, Report> {
    let overlay = work.join("overlay");
    units::write(image.board, image.patience, &overlay)?;
    package::place(program, &overlay.join("usr/bin/clothingid"), "755")?;
    package::documents(&overlay)?;
    let firmware = workspace().join("firmware-config");
    for (from, to, rights) in [
        ("image/initramfs/data", "etc/initramfs-tools/scripts/local-bottom/clothingid-data", "755"),
        ("image/initramfs/modules", "etc/initramfs-tools/modules", "644"),
    ] {
        package::place(&firmware.join(from), &overlay.join(to), rights)?;
    }
    package::place(&signer.certificate, &overlay.join("etc/rauc/keyring.pem"), "644")?;
    write(&overlay.join("usr/share/clothingid/version"), &format!("{}\n", image.version))?;
    let scripts = ["last.sh", "packed.sh"].map(|name| work.join(name));
    for (path, text) in scripts.iter().zip([LAST, PACKED]) {
        write(path, &format!("#!/bin/sh\n{text}"))?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
            .map_err(|error| unwritten(path, error))?;
    }
    let [last, packed] = scripts.map(|path| path.display().to_string());

    let tar = work.join("root.tar");
    let mut command = Command::new("mmdebstrap");
    command.env("SOURCE_DATE_EPOCH", image.epoch.to_string());
    command.args(["--variant=minbase", "--format=tar", "--components=main", "--quiet"]);
    // What `PACKED` takes away, it would look for.
    command.arg("--skip=cleanup/apt,cleanup/mmdebstrap");
    command.arg(format!("--include={}", packages(image)?.join(",")));
    command.arg("--aptopt=Apt::Install-Recommends \"false\"");
    command.args(LEFT_OUT.map(|option| format!("--dpkgopt={option}")));
    let (out, loader) = (work.display(), image.firmware().loader);
    for hook in [
        format!("sync-in {} /", overlay.display()),
        last,
        format!(
            "chroot \"$1\" dpkg-query -W -f '${{Package}} ${{Version}} ${{Architecture}} ${{source:Package}}\\n' > {out}/packages.txt"
        ),
        format!("cp \"$1\"/boot/vmlinuz-* {out}/vmlinuz"),
        format!("cp \"$1\"/boot/initrd.img-* {out}/initrd.img"),
        format!("cp \"$1\"/usr/lib/systemd/boot/efi/{loader} {out}/loader.efi"),
        packed,
    ] {
        command.arg(format!("--customize-hook={hook}"));
    }
    eprintln!("Debian's packages, the program and the board's files (some minutes)");
    call(command.arg(RELEASE).arg(&tar).args(sources()))?;

    let squashfs = work.join("root.squashfs");
    eprintln!("packing");
    let from = std::fs::File::open(&tar).map_err(|error| unwritten(&tar, error))?;
    call(
        Command::new("mksquashfs")
            .env("SOURCE_DATE_EPOCH", image.epoch.to_string())
            .arg("-")
            .arg(&squashfs)
            .args([
                "-tar",
                "-noappend",
                "-no-progress",
                "-comp",
                "zstd",
                "-Xcompression-level",
                "9",
                "-root-mode",
                "755",
            ])
            .stdin(from),
    )?;
    let _ = std::fs::remove_file(&tar);
    Ok(Root {
        squashfs,
        kernel: work.join("vmlinuz"),
        initrd: work.join("initrd.img"),
        loader: work.join("loader.efi"),
        packages: work.join("packages.txt"),
    })
}

/// Where packages come from, as `apt` reads it: below `CLOTHINGID_DEBIAN_MIRROR`, or Debian itself.
fn sources() -> [String; 2] {
    let set = std::env::var("CLOTHINGID_DEBIAN_MIRROR").ok().filter(|set| !set.is_empty());
    let mirror = set.unwrap_or_else(|| MIRROR.to_owned());
    [format!("deb {mirror}/debian {RELEASE} main"), format!("deb {mirror}/debian-security {RELEASE}-security main")]
}

/// The packages of all boards and those of this one.
fn packages(image: &Image<'_>) -> Result<Vec<String>, Report> {
    let mut names = Vec::new();
    for list in ["debian", image.board.name.as_str()] {
        let path = workspace().join(format!("firmware-config/image/packages/{list}.txt"));
        let text = std::fs::read_to_string(&path).map_err(|error| {
            Report::failure(format!("`{}` cannot be read", path.display()), "a board with an image has such a list")
                .caused_by(error)
        })?;
        names.extend(text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::to_owned));
    }
    Ok(names)
}

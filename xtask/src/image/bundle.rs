//! The bundle that RAUC installs into the slot that does not run: boot partition and root, signed.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::disk::Slots;
use super::{Image, call, unwritten, write};
use crate::cargo::workspace;
use crate::package;
use crate::report::Report;

/// Who signs bundles.
pub(super) struct Signer {
    /// What boards trust.
    pub(super) certificate: PathBuf,
    key: PathBuf,
}

impl Signer {
    /// The given one, or one for trying things out that is made in `folder` once.
    pub(super) fn of(given: Option<(PathBuf, PathBuf)>, folder: &Path) -> Result<Self, Report> {
        if let Some((certificate, key)) = given {
            return Ok(Self { certificate, key });
        }
        let (certificate, key) = (folder.join("development.cert.pem"), folder.join("development.key.pem"));
        if !(certificate.exists() && key.exists()) {
            // No board has a clock that one may rely on: the certificate holds for as long as its form can say.
            let request = [
                "req",
                "-x509",
                "-newkey",
                "rsa:3072",
                "-nodes",
                "-days",
                "36500",
                "-subj",
                "/CN=ClothingID development",
            ];
            call(Command::new("openssl").args(request).arg("-keyout").arg(&key).arg("-out").arg(&certificate))?;
        }
        eprintln!("signed for trying things out, by `{}`: boards in shops get `--cert` and `--key`", key.display());
        Ok(Self { certificate, key })
    }
}

/// Makes the bundle.
pub(super) fn make(image: &Image<'_>, slots: &Slots, signer: &Signer, work: &Path) -> Result<(), Report> {
    let folder = work.join("bundle");
    write(&folder.join("manifest.raucm"), &manifest(image))?;
    package::place(&workspace().join("firmware-config/update/hook.sh"), &folder.join("hook.sh"), "755")?;
    for (from, name) in [(&slots.boot, "boot.vfat"), (&slots.root, "root.img")] {
        let to = folder.join(name);
        std::fs::hard_link(from, &to).map_err(|error| unwritten(&to, error))?;
    }
    let path = work.join("raucb");
    let mut command = Command::new("rauc");
    command.env("SOURCE_DATE_EPOCH", image.epoch.to_string()).arg("bundle").arg("--cert").arg(&signer.certificate);
    call(command.arg("--key").arg(&signer.key).arg(&folder).arg(&path))
}

/// What RAUC reads: for which boards, and what goes where.
fn manifest(image: &Image<'_>) -> String {
    format!(
        "[update]\ncompatible={}\nversion={}\nbuild={}\n\n[bundle]\nformat=verity\n\n[hooks]\nfilename=hook.sh\n\n\
         [image.rootfs]\nfilename=root.img\n\n[image.boot]\nfilename=boot.vfat\nhooks=post-install\n",
        image.board.update.compatible, image.version, image.epoch
    )
}

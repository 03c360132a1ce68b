//! libtorch in the user's cache folder, linked as `third_party/libtorch`.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::cache;
use crate::cargo::workspace;
use crate::report::Report;

/// The release of PyTorch whose libraries fit `tch` and `torch-sys` 0.24.0.
pub(crate) const VERSION: &str = "2.11.0";

/// What a complete folder holds, beside the headers.
const FILES: [&str; 8] = [
    "torch/include/torch/csrc/api/include/torch/torch.h",
    "torch/lib/libc10.so",
    "torch/lib/libtorch.so",
    "torch/lib/libtorch_cpu.so",
    "torch/lib/libgomp.so.1",
    "torch/lib/libshm.so",
    "nvidia/cu13/lib/libcudart.so.13",
    "nvidia/cu13/lib/libcupti.so.13",
];

fn link() -> PathBuf {
    workspace().join("third_party").join("libtorch")
}

fn is_complete(folder: &Path) -> bool {
    let version = std::fs::read_to_string(folder.join("torch/build-version")).unwrap_or_default();
    version.trim() == VERSION && FILES.iter().all(|file| folder.join(file).is_file())
}

/// Whether the trainer can be built and run.
pub(crate) fn is_ready() -> bool {
    is_complete(&link())
}

/// Downloads, checks and links libtorch; nothing when it is there.
pub(crate) fn prepare() -> Result<(), Report> {
    if is_ready() {
        return Ok(());
    }
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(Report::failure(
            "libtorch is prepared on x86-64 Linux only",
            format!("put libtorch {VERSION} into `third_party/libtorch/torch` with a file `build-version`"),
        ));
    }
    let folder = cache()?.join(format!("libtorch-{VERSION}"));
    if !is_complete(&folder) {
        eprintln!("libtorch {VERSION}: downloading 544 MB into `{}`", folder.display());
        let script = workspace().join("xtask/src/setup/libtorch.py");
        let status = Command::new("python3").arg(script).arg(&folder).status().map_err(|error| {
            Report::failure(
                "cannot start `python3`, which downloads libtorch",
                "install it: `apt-get install python3-pip`",
            )
            .caused_by(error)
        })?;
        if !status.success() || !is_complete(&folder) {
            return Err(Report::failure(
                "libtorch could not be prepared",
                "the lines above say why; then `cargo xtask setup`",
            ));
        }
    }
    point(&link(), &folder)?;
    println!("libtorch {VERSION}: ready in `{}`", folder.display());
    Ok(())
}

/// Makes `link` a symbolic link to `folder`, in place of an older link; a real folder of the user's is never touched.
fn point(link: &Path, folder: &Path) -> Result<(), Report> {
    let failed = |error: std::io::Error| {
        Report::failure(
            format!("cannot link `{}` to `{}`", link.display(), folder.display()),
            "move away what is there, then `cargo xtask setup`",
        )
        .caused_by(error)
    };
    if let Some(parent) = link.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    if link.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) {
        std::fs::remove_file(link).map_err(failed)?;
    }
    std::os::unix::fs::symlink(folder, link).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_folder_is_not_complete_and_a_real_folder_is_not_replaced() {
        let folder = std::env::temp_dir().join(format!("clothingid-xtask-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        assert!(!is_complete(&folder));
        assert!(point(&folder, Path::new("/nowhere")).is_err());
        assert!(folder.is_dir());
        let link = folder.join("link");
        point(&link, Path::new("/one")).expect("a link");
        point(&link, Path::new("/two")).expect("the link again");
        assert_eq!(std::fs::read_link(&link).expect("the link"), Path::new("/two"));
        std::fs::remove_dir_all(&folder).expect("to clean up");
    }
}

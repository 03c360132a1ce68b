//! ONNX Runtime for `python3`, in the user's cache folder: the independent judge of the exported integer network.
//!
//! `pip install --target` needs neither root nor a virtual environment, and is no change to a Python that the system
//! manages (PEP 668).

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::cache;
use crate::report::Report;

/// The release that the tolerances of the comparison were derived with.
const VERSION: &str = "1.23.2";

/// What is installed, named one by one: ONNX Runtime's own list would bring 200 MB of symbolic algebra with it.
const REQUIREMENTS: [&str; 8] = [
    "onnxruntime==1.23.2",
    "onnx==1.19.1",
    "numpy>=1.26,<3",
    "protobuf>=4.25,<8",
    "flatbuffers>=25,<26",
    "packaging",
    "ml_dtypes>=0.5",
    "typing_extensions",
];

/// The folder for `PYTHONPATH`, one for each release of Python.
pub(crate) fn folder() -> Option<PathBuf> {
    let script = "import sys; print('cp%d%d' % sys.version_info[:2])";
    let output = Command::new("python3").args(["-c", script]).stderr(Stdio::null()).output().ok()?;
    let interpreter = String::from_utf8(output.stdout).ok()?;
    Some(cache().ok()?.join(format!("onnxruntime-{VERSION}-{}", interpreter.trim())))
}

/// The folder when it works.
pub(crate) fn ready() -> Option<PathBuf> {
    let folder = folder()?;
    works(&folder).then_some(folder)
}

fn works(folder: &std::path::Path) -> bool {
    let check = "import numpy, onnx, onnxruntime; onnxruntime.InferenceSession";
    let run = Command::new("python3")
        .args(["-c", check])
        .env("PYTHONPATH", folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    folder.is_dir() && run.is_ok_and(|status| status.success())
}

/// Installs ONNX Runtime; nothing when it is there.
#[expect(
    clippy::disallowed_methods,
    reason = "a whole folder changes its name; one torn by a power cut does not import and is made again"
)]
pub(crate) fn prepare() -> Result<(), Report> {
    let hint = "install Python 3.10 or later with pip: `apt-get install python3-pip`";
    let folder = folder().ok_or_else(|| Report::failure("`python3` does not run", hint))?;
    if works(&folder) {
        return Ok(());
    }
    let failed = |error: std::io::Error| {
        Report::failure(format!("cannot prepare `{}`", folder.display()), "see that the folder can be written")
            .caused_by(error)
    };
    eprintln!("ONNX Runtime {VERSION}: downloading 60 MB into `{}`", folder.display());
    let partial = folder.with_extension(format!("partial-{}", std::process::id()));
    let installed = Command::new("python3")
        .args(["-m", "pip", "install", "--no-deps", "--only-binary=:all:", "--quiet", "--no-input"])
        .args(["--disable-pip-version-check", "--no-warn-script-location", "--target"])
        .arg(&partial)
        .args(REQUIREMENTS)
        .env("PIP_ROOT_USER_ACTION", "ignore")
        .status()
        .map_err(failed)?;
    if !installed.success() || !works(&partial) {
        if partial.is_dir() {
            std::fs::remove_dir_all(&partial).map_err(failed)?;
        }
        return Err(Report::failure(format!("`pip install onnxruntime=={VERSION}` failed"), hint));
    }
    if folder.is_dir() {
        std::fs::remove_dir_all(&folder).map_err(failed)?;
    }
    std::fs::rename(&partial, &folder).map_err(failed)?;
    println!("ONNX Runtime {VERSION}: ready in `{}`", folder.display());
    Ok(())
}

//! A test's surroundings: built programs, corpus, demo shop, and a folder that vanishes with the test.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::command::Run;

/// One test's own folder, which is also the home and the state folder of every program that it starts.
///
/// ```no_run
/// let rig = clothingid_tests::Rig::new();
/// let outcome = rig.clothingid(["classify", "--json", "photo.jpg"]).run();
/// assert_eq!(outcome.code, Some(1));
/// ```
#[derive(Debug)]
pub struct Rig {
    folder: TempDir,
}

impl Default for Rig {
    fn default() -> Self {
        Self::new()
    }
}

impl Rig {
    /// A fresh, empty folder.
    ///
    /// **Panics** when the system's temporary folder cannot be written.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("clothingid-test-").tempdir().expect("a temporary folder");
        Self { folder }
    }

    /// The folder itself.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A path below the folder; nothing is created.
    #[must_use]
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder().join(name)
    }

    /// The state folder of the appliance in this rig: `$XDG_DATA_HOME/clothingid`.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.path("data").join("clothingid")
    }

    /// Writes a file below the folder, with the folders above it, and gives its path.
    ///
    /// **Panics** when that fails.
    pub fn write(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).expect("a folder in the rig");
        }
        #[allow(clippy::disallowed_methods, reason = "a test's input in the test's own folder, not a file of ours")]
        std::fs::write(&path, bytes).expect("a file in the rig");
        path
    }

    /// Copies a file into the folder under a new name and gives its path.
    ///
    /// **Panics** when that fails.
    pub fn copy(&self, from: impl AsRef<Path>, name: impl AsRef<Path>) -> PathBuf {
        let from = from.as_ref();
        let bytes = std::fs::read(from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        self.write(name, bytes)
    }

    /// The appliance's program, `clothingid`, with its state in this rig.
    #[must_use]
    pub fn clothingid<A: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Run {
        self.program("clothingid", arguments)
    }

    /// The trainer's program, `clothingid-train`, with its state in this rig.
    #[must_use]
    pub fn trainer<A: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Run {
        self.program("clothingid-train", arguments)
    }

    /// Any built program of the workspace, in surroundings that do not depend on who runs the test.
    #[must_use]
    pub fn program<A: AsRef<std::ffi::OsStr>>(&self, name: &str, arguments: impl IntoIterator<Item = A>) -> Run {
        self.surrounded(Run::new(program(name)).args(arguments))
    }

    /// A program from elsewhere in the same surroundings.
    #[must_use]
    pub fn surrounded(&self, run: Run) -> Run {
        run.current_dir(self.folder())
            .env("HOME", self.folder())
            .env("XDG_DATA_HOME", self.path("data"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("LANG", "C.UTF-8")
            .env("NO_COLOR", "1")
            .env("COLUMNS", "100")
            // libtorch's threads spin while they wait and would starve the tests beside this one.
            .env("GOMP_SPINCOUNT", "0")
            .env("OMP_NUM_THREADS", "1")
            .replacing(self.folder(), "[RIG]")
            .replacing(workspace(), "[WORKSPACE]")
    }
}

/// The workspace's root folder.
///
/// **Panics** when this crate was moved out of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace above the tests").to_path_buf()
}

/// The folder of the built programs: the one above the running test's `deps`.
///
/// **Panics** when the running program has no such folder.
#[must_use]
pub fn programs() -> PathBuf {
    let test = std::env::current_exe().expect("the running test's path");
    let folder = test.parent().expect("the running test's folder");
    if folder.ends_with("deps") {
        folder.parent().expect("the profile's folder").to_path_buf()
    } else {
        folder.to_path_buf()
    }
}

/// A built program by name.
///
/// **Panics** with the command that builds it when it is not there.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let path = programs().join(name);
    assert!(
        path.is_file(),
        "`{}` is not built; build it: `cargo build --profile ci -p clothingid-device -p clothingid-trainer`",
        path.display()
    );
    path
}

/// The corpus: shipped photographs and bad files, each named in `SOURCES.md`.
#[must_use]
pub fn corpus() -> PathBuf {
    workspace().join("tests").join("corpus")
}

/// The demo shop: `catalogue.csv`, `photos/`, `camera/`.
#[must_use]
pub fn demo() -> PathBuf {
    workspace().join("demo")
}

/// The bundle that ships inside the appliance.
#[must_use]
pub fn bundle() -> PathBuf {
    workspace().join("models").join("clothingid.bundle")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rig_has_its_own_folder_and_takes_it_along() {
        let (one, two) = (Rig::new(), Rig::new());
        assert_ne!(one.folder(), two.folder());
        let file = one.write("deep/er/file", b"x");
        assert_eq!(std::fs::read(&file).expect("the file"), b"x");
        drop(one);
        assert!(!file.exists());
    }

    #[test]
    fn the_workspace_is_the_folder_with_the_workspace_manifest() {
        let manifest = std::fs::read_to_string(workspace().join("Cargo.toml")).expect("Cargo.toml");
        assert!(manifest.contains("[workspace]"));
    }
}

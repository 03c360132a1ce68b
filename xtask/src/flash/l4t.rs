//! NVIDIA's folder `Linux_for_Tegra`: the right release, whole, with the board's root unpacked and NVIDIA's packages in it.
//!
//! **Source**: `flash.sh`, `apply_binaries.sh` and `nv_tegra/bsp_version` of Jetson Linux 36.2, as NVIDIA ships them.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::host::Host;
use crate::report::Report;

/// The release that the boards' files are for.
const RELEASE: &str = "36";

/// What our lines name of it, and what those read at once.
pub(super) const NEEDED: [&str; 7] = [
    "apply_binaries.sh",
    "flash.sh",
    "jetson-orin-nano-devkit.conf",
    "tools/l4t_flash_prerequisites.sh",
    "tools/kernel_flash/l4t_initrd_flash.sh",
    "tools/kernel_flash/flash_l4t_t234_nvme_rootfs_ab.xml",
    "bootloader/generic/cfg/flash_t234_qspi.xml",
];

/// The folder, as it was found.
pub(super) struct L4t {
    /// Its full path.
    pub(super) folder: PathBuf,
    /// As NVIDIA writes it: `36.4.3`.
    pub(super) release: String,
}

/// Looks at the folder.
pub(super) fn check(host: &Host, given: &Path) -> Result<L4t, Report> {
    let shown = given.display();
    let Ok(version) = std::fs::read_to_string(given.join("nv_tegra/bsp_version")) else {
        let what = format!("`{shown}` is not NVIDIA's folder: it has no `nv_tegra/bsp_version`");
        let inside = given.join("Linux_for_Tegra");
        return Err(Report::failure(
            what,
            if inside.join("nv_tegra/bsp_version").is_file() {
                format!("name the folder inside it: `--l4t {}`", inside.display())
            } else {
                unpack()
            },
        ));
    };
    let release = release(&version);
    if release.split('.').next() != Some(RELEASE) {
        let what = format!("`{shown}` is Jetson Linux {release}, and the boards' files are for {RELEASE}");
        return Err(Report::failure(what, unpack()));
    }
    if let Some(missing) = NEEDED.iter().find(|file| !given.join(file).is_file()) {
        let what = format!("`{missing}` is missing in `{shown}`");
        return Err(Report::failure(what, "unpack NVIDIA's driver package again, into an empty folder"));
    }
    let folder = given.canonicalize().map_err(|error| {
        Report::failure(format!("`{shown}` cannot be read"), "look at the folder's rights").caused_by(error)
    })?;
    // NVIDIA's scripts put commands together as text and let the shell take them apart again.
    if folder.to_string_lossy().contains(char::is_whitespace) {
        let what = format!("NVIDIA's scripts fail in a path with a space, and this is `{}`", folder.display());
        return Err(Report::failure(what, "move `Linux_for_Tegra` to a path without spaces"));
    }
    root(host, &folder)?;
    Ok(L4t { folder, release })
}

/// The board's root: unpacked by root, with NVIDIA's own packages of the same release.
fn root(host: &Host, folder: &Path) -> Result<(), Report> {
    let shown = folder.display();
    let by_root = format!(
        "as root, so that the files keep their owners: `sudo tar xpf Tegra_Linux_Sample-Root-Filesystem_…_aarch64.tbz2 -C {shown}/rootfs`"
    );
    let Ok(users) = std::fs::metadata(folder.join("rootfs/etc/passwd")) else {
        let what = format!("`{shown}/rootfs` has no root for the board: `etc/passwd` is missing");
        return Err(Report::failure(what, format!("unpack NVIDIA's sample root {by_root}")));
    };
    if users.uid() != host.owner {
        let what = format!("`{shown}/rootfs` was not unpacked by root: user {} owns `etc/passwd`", users.uid());
        return Err(Report::failure(what, format!("empty `rootfs` and unpack NVIDIA's sample root {by_root}")));
    }
    let applied = std::fs::read_to_string(folder.join("rootfs/etc/nv_tegra_release")).unwrap_or_default();
    if !applied.starts_with(&format!("# R{RELEASE} ")) {
        let what =
            format!("`{shown}/rootfs` lacks NVIDIA's packages of release {RELEASE}: `apply_binaries.sh` has not run");
        let run = format!("`cd {shown} && sudo ./tools/l4t_flash_prerequisites.sh && sudo ./apply_binaries.sh`");
        return Err(Report::failure(what, run));
    }
    Ok(())
}

fn unpack() -> String {
    format!(
        "unpack NVIDIA's driver package of release {RELEASE}, `Jetson_Linux_…_aarch64.tbz2`, and name its `Linux_for_Tegra`"
    )
}

/// `BSP_BRANCH=36`, `BSP_MAJOR=4`, `BSP_MINOR=3`, as lines of a shell: `36.4.3`.
fn release(version: &str) -> String {
    let number = |key: &str| {
        let line = version.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='));
        line.map_or("?", |number| number.trim_matches('"')).to_owned()
    };
    ["BSP_BRANCH", "BSP_MAJOR", "BSP_MINOR"].map(number).join(".")
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{MadeUp, failure};
    use super::*;

    fn told(tree: &MadeUp) -> String {
        failure(check(&tree.host(), &tree.l4t()))
    }

    #[test]
    fn a_whole_folder_is_told_by_its_release() {
        let tree = MadeUp::good();
        let found = check(&tree.host(), &tree.l4t()).unwrap_or_else(|report| panic!("{report}"));
        assert_eq!((found.folder, found.release.as_str()), (tree.l4t(), "36.4.3"));
    }

    #[test]
    fn what_is_not_nvidias_folder_is_told_with_the_way_to_it() {
        let tree = MadeUp::good();
        let told = failure(check(&tree.host(), &tree.path("etc")));
        assert!(
            told.contains("is not NVIDIA's folder") && told.contains("hint: unpack NVIDIA's driver package"),
            "{told}"
        );
        tree.write("etc/Linux_for_Tegra/nv_tegra/bsp_version", "");
        let told = failure(check(&tree.host(), &tree.path("etc")));
        assert!(
            told.contains("hint: name the folder inside it: `--l4t ") && told.contains("/etc/Linux_for_Tegra`"),
            "{told}"
        );
    }

    #[test]
    fn other_releases_are_refused() {
        let tree = MadeUp::good();
        for (text, release) in [
            ("BSP_BRANCH=35\nBSP_MAJOR=3\nBSP_MINOR=1\n", "35.3.1"),
            ("BSP_BRANCH=39\nBSP_MAJOR=2\nBSP_MINOR=0\n", "39.2.0"),
            ("BSP_BRANCH=3", "3.?.?"),
            ("", "?.?.?"),
        ] {
            tree.write("l4t/nv_tegra/bsp_version", text);
            let told = told(&tree);
            assert!(told.contains(&format!("is Jetson Linux {release}, and")), "{told}");
            assert!(told.contains("hint: unpack NVIDIA's driver package of release 36"), "{told}");
        }
    }

    #[test]
    fn each_file_that_our_lines_need_is_missed() {
        for file in NEEDED {
            let tree = MadeUp::good();
            tree.remove(&format!("l4t/{file}"));
            let told = told(&tree);
            assert!(told.contains(&format!("`{file}` is missing")) && told.contains("hint: unpack"), "{told}");
        }
    }

    #[test]
    fn a_path_with_a_space_is_refused() {
        let tree = MadeUp::good();
        let spaced = tree.path("my l4t");
        std::os::unix::fs::symlink(&spaced, tree.path("link")).expect("linked");
        #[expect(clippy::disallowed_methods, reason = "a tree of a test")]
        std::fs::rename(tree.l4t(), &spaced).expect("moved");
        // By a link, too: the scripts find out where they really are.
        let told = failure(check(&tree.host(), &tree.path("link")));
        assert!(told.contains("hint: move `Linux_for_Tegra` to a path without spaces"), "{told}");
    }

    #[test]
    fn the_boards_root_is_unpacked_by_root_and_has_nvidias_packages() {
        let tree = MadeUp::good();
        let mut host = tree.host();
        host.owner += 1;
        let owned = failure(check(&host, &tree.l4t()));
        assert!(
            owned.contains("was not unpacked by root") && owned.contains("hint: empty `rootfs` and unpack"),
            "{owned}"
        );
        tree.write("l4t/rootfs/etc/nv_tegra_release", "# R35 (release), REVISION: 4.1\n");
        assert!(told(&tree).contains("lacks NVIDIA's packages of release 36"));
        tree.remove("l4t/rootfs/etc/nv_tegra_release");
        assert!(told(&tree).contains(" && sudo ./apply_binaries.sh`"));
        tree.remove("l4t/rootfs/etc/passwd");
        let told = told(&tree);
        assert!(
            told.contains("has no root for the board") && told.contains("`sudo tar xpf Tegra_Linux_Sample"),
            "{told}"
        );
    }
}

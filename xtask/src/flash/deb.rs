//! Our package, which the board installs at its first start: in the board's root already, or about to be copied there.

use std::path::{Path, PathBuf};

use crate::report::Report;

/// How the name of a package for the boards' processor ends.
const ENDING: &str = "_arm64.deb";

/// The package.
pub(super) struct Deb {
    /// Its name in `rootfs/opt/`.
    pub(super) name: String,
    /// Where it is to be copied from, unless it is there.
    pub(super) from: Option<PathBuf>,
}

/// Looks at the package that was named, or else for the one in the board's root.
pub(super) fn check(named: Option<&Path>, l4t: &Path) -> Result<Deb, Report> {
    match named {
        Some(path) => named_one(path),
        None => copied_one(&l4t.join("rootfs/opt")),
    }
}

fn named_one(path: &Path) -> Result<Deb, Report> {
    let shown = path.display();
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if !name.ends_with(ENDING) {
        let what =
            format!("the package `{shown}` is not for the board's processor: its name does not end with `{ENDING}`");
        return Err(Report::failure(what, "make one: `cargo xtask package out/ --arch arm64`"));
    }
    // NVIDIA's lines are run in another folder.
    match path.canonicalize() {
        Ok(from) if from.is_file() => Ok(Deb { name, from: Some(from) }),
        _ => {
            let what = format!("the package `{shown}` is not there");
            Err(Report::failure(what, "look at its path, or make it: `cargo xtask package out/ --arch arm64`"))
        }
    }
}

fn copied_one(opt: &Path) -> Result<Deb, Report> {
    let entries = std::fs::read_dir(opt).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> =
        names.filter(|name| name.starts_with("clothingid_") && name.ends_with(ENDING)).collect();
    names.sort();
    match names.as_slice() {
        [name] => Ok(Deb { name: name.clone(), from: None }),
        [] => {
            let what = format!("`{}` has no package of ours for the board", opt.display());
            let hint = "make one with `cargo xtask package out/ --arch arm64`, and name it: `--package FILE.deb`";
            Err(Report::failure(what, hint))
        }
        [.., newest] => {
            let what = format!("`{}` has more than one package: `{}`", opt.display(), names.join("`, `"));
            Err(Report::failure(what, format!("remove all but one there, for example all but `{newest}`")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{MadeUp, failure};
    use super::*;

    #[test]
    fn a_package_that_is_named_is_copied() {
        let tree = MadeUp::good();
        tree.write("out/clothingid_0.2.0_arm64.deb", "");
        let path = tree.path("out/clothingid_0.2.0_arm64.deb");
        let found = check(Some(&path), &tree.l4t()).unwrap_or_else(|report| panic!("{report}"));
        assert_eq!(found.name, "clothingid_0.2.0_arm64.deb");
        assert!(found.from.is_some_and(|from| from.is_absolute() && from.ends_with("out/clothingid_0.2.0_arm64.deb")));
        tree.remove("out/clothingid_0.2.0_arm64.deb");
        let told = failure(check(Some(&path), &tree.l4t()));
        assert!(told.contains("is not there") && told.contains("hint: look at its path"), "{told}");
        let told = failure(check(Some(&tree.path("out/clothingid_0.2.0_amd64.deb")), &tree.l4t()));
        assert!(
            told.contains("not for the board's processor") && told.contains("hint: make one: `cargo xtask package")
        );
    }

    #[test]
    fn one_in_the_boards_root_need_not_be_named() {
        let tree = MadeUp::good();
        let found = check(None, &tree.l4t()).unwrap_or_else(|report| panic!("{report}"));
        assert_eq!((found.name.as_str(), found.from), ("clothingid_0.1.0_arm64.deb", None));
        tree.write("l4t/rootfs/opt/clothingid_0.0.9_arm64.deb", "");
        let told = failure(check(None, &tree.l4t()));
        assert!(
            told.contains("more than one package") && told.contains("all but `clothingid_0.1.0_arm64.deb`"),
            "{told}"
        );
        tree.remove("l4t/rootfs/opt/clothingid_0.0.9_arm64.deb");
        tree.remove("l4t/rootfs/opt/clothingid_0.1.0_arm64.deb");
        tree.write("l4t/rootfs/opt/clothingid_0.1.0_amd64.deb", "");
        let told = failure(check(None, &tree.l4t()));
        assert!(told.contains("has no package of ours") && told.contains("name it: `--package FILE.deb`"), "{told}");
    }
}

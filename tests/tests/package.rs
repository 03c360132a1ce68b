//! The Debian package and the archive: what is in them, and that the program in them starts.

use std::path::Path;
use std::process::Command;

use clothingid_tests::command::tool;
use clothingid_tests::{Rig, rig};

/// How many links of the documents in a folder lead to another document beside them, and those that lead nowhere. Links upwards are to the sources.
fn links_beside(folder: &Path) -> (usize, Vec<String>) {
    let (mut count, mut dead) = (0, Vec::new());
    for entry in std::fs::read_dir(folder).expect("the documents").flatten().filter(|entry| entry.path().is_file()) {
        let text = std::fs::read_to_string(entry.path()).expect("a document");
        let links = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        for link in links.filter(|link| link.ends_with(".md") && !link.contains('/')) {
            count += 1;
            if !folder.join(link).is_file() {
                dead.push(format!("{} in {}", link, entry.path().display()));
            }
        }
    }
    (count, dead)
}

#[test]
fn package_and_archive_hold_a_program_that_starts_and_a_service() {
    let rig = Rig::new();
    let (folder, program) = (rig.folder().display().to_string(), rig::program("clothingid"));
    let program = program.display().to_string();
    let made = tool("cargo", &["xtask", "package", &folder, "--program", &program]);
    let [archive, package] = made.lines().collect::<Vec<_>>().try_into().expect("an archive and a package");

    let information = tool("dpkg-deb", &["--field", package]);
    for line in ["Package: clothingid", "Architecture: amd64", "Depends: libc6 (>= 2.34), libgcc-s1"] {
        assert!(information.contains(line) || line.contains("amd64") && cfg!(target_arch = "aarch64"), "{information}");
    }
    let contents = tool("dpkg-deb", &["--contents", package]);
    let archived = tool("tar", &["-tzf", archive]);
    for file in [
        "usr/bin/clothingid",
        "lib/systemd/system/clothingid.service",
        "lib/systemd/system/clothingid-health.service",
        "lib/systemd/system/clothingid-update.timer",
        "lib/udev/rules.d/70-clothingid-camera.rules",
        "usr/share/clothingid/udev/71-clothingid-stick.rules",
        "etc/clothingid/config.toml",
        "usr/share/clothingid/sign/zh-Hant.txt",
        "usr/share/doc/clothingid/LICENSE-MIT",
    ] {
        assert!(contents.contains(&format!("./{file}")) && archived.contains(file), "{file}: {contents}");
    }
    assert!(!contents.contains("install.sh") && archived.contains("install.sh"));
    for line in contents.lines() {
        assert!(line.contains("root/root"), "everything is root's: {line}");
        assert!(line.starts_with('d') || line.starts_with("-rw-r--r--") || line.starts_with("-rwxr-xr-x"), "{line}");
    }

    let root = rig.path("root");
    tool("dpkg-deb", &["--extract", package, &root.display().to_string()]);
    let installed = root.join("usr/bin/clothingid").display().to_string();
    assert!(tool(&installed, &["--version"]).starts_with("clothingid "));
    let (links, dead) = links_beside(&root.join("usr/share/doc/clothingid"));
    assert!(links > 10 && dead.is_empty(), "{links} links, of which lead nowhere: {dead:?}");
    // The settings that come with it are settings.
    let config = root.join("etc/clothingid/config.toml").display().to_string();
    let doctor =
        Command::new(&installed).args(["doctor", "--json", "--config", &config]).env("HOME", rig.folder()).output();
    let lines = String::from_utf8(doctor.expect("doctor").stdout).expect("text");
    let config = lines.lines().find(|line| line.contains("\"config\"")).expect("a line on the settings");
    assert!(config.contains("\"ok\""), "{config}");
}

#[test]
fn scripts_of_the_package_are_sound() {
    let folder = rig::workspace().join("firmware-config/package");
    for script in ["postinst", "prerm", "postrm", "install.sh"] {
        let path = folder.join(script).display().to_string();
        tool("sh", &["-n", &path]);
    }
}

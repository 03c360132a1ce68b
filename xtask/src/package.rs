//! `cargo xtask package`: the appliance as a Debian package and as an archive, for machines that have a system already.
//!
//! Both hold the same tree: program, units, settings, documents and the sign that tells customers of the camera. The package is made with
//! `dpkg-deb`, the archive with `tar`.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::arm64;
use crate::cargo::{cargo, is_in_path, workspace};
use crate::report::Report;

/// Where files of the workspace go, and with which rights.
const FILES: [(&str, &str, &str); 27] = [
    ("firmware-config/systemd/clothingid.service", "lib/systemd/system/clothingid.service", "644"),
    (
        "firmware-config/systemd/clothingid-csi-camera.service",
        "lib/systemd/system/clothingid-csi-camera.service",
        "644",
    ),
    ("firmware-config/systemd/clothingid-health.service", "lib/systemd/system/clothingid-health.service", "644"),
    ("firmware-config/systemd/clothingid-update.service", "lib/systemd/system/clothingid-update.service", "644"),
    ("firmware-config/systemd/clothingid-update.timer", "lib/systemd/system/clothingid-update.timer", "644"),
    ("firmware-config/udev/70-clothingid-camera.rules", "lib/udev/rules.d/70-clothingid-camera.rules", "644"),
    // Not where udev reads it: desktops mount sticks themselves.
    ("firmware-config/udev/71-clothingid-stick.rules", "usr/share/clothingid/udev/71-clothingid-stick.rules", "644"),
    ("firmware-config/package/config.toml", "etc/clothingid/config.toml", "644"),
    ("firmware-config/package/sign/en.txt", "usr/share/clothingid/sign/en.txt", "644"),
    ("firmware-config/package/sign/de.txt", "usr/share/clothingid/sign/de.txt", "644"),
    ("firmware-config/package/sign/zh-Hant.txt", "usr/share/clothingid/sign/zh-Hant.txt", "644"),
    ("docs/staff.md", "usr/share/doc/clothingid/staff.md", "644"),
    ("docs/kiosk.md", "usr/share/doc/clothingid/kiosk.md", "644"),
    ("docs/messages.md", "usr/share/doc/clothingid/messages.md", "644"),
    ("docs/screen.md", "usr/share/doc/clothingid/screen.md", "644"),
    ("docs/security.md", "usr/share/doc/clothingid/security.md", "644"),
    ("docs/flashing.md", "usr/share/doc/clothingid/flashing.md", "644"),
    ("docs/boards.md", "usr/share/doc/clothingid/boards.md", "644"),
    ("docs/glossary.md", "usr/share/doc/clothingid/glossary.md", "644"),
    ("docs/supported-ops.md", "usr/share/doc/clothingid/supported-ops.md", "644"),
    ("docs/training.md", "usr/share/doc/clothingid/training.md", "644"),
    ("docs/updates.md", "usr/share/doc/clothingid/updates.md", "644"),
    ("docs/licences.md", "usr/share/doc/clothingid/licences.md", "644"),
    ("LICENSE-APACHE", "usr/share/doc/clothingid/LICENSE-APACHE", "644"),
    ("LICENSE-MIT", "usr/share/doc/clothingid/LICENSE-MIT", "644"),
    ("models/MODEL_CARD.md", "usr/share/doc/clothingid/MODEL_CARD.md", "644"),
    ("demo/ATTRIBUTION.md", "usr/share/doc/clothingid/demo-attribution.md", "644"),
];

/// Debian's name of the boards' processors.
const ARM64: &str = "arm64";

/// What was asked for.
struct Request {
    folder: PathBuf,
    /// Debian's name of the processor.
    arch: &'static str,
    /// A program that is built already.
    program: Option<PathBuf>,
}

impl Request {
    /// Reads `DIR [--arch amd64|arm64] [--program FILE]`.
    fn parse(arguments: &[String]) -> Result<Self, Report> {
        let own = if cfg!(target_arch = "aarch64") { ARM64 } else { "amd64" };
        let (mut folder, mut arch, mut program) = (None, own, None);
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().ok_or_else(|| Report::usage(format!("`{argument}` needs a value")));
            match argument.as_str() {
                "--arch" => {
                    arch = match value()?.as_str() {
                        "amd64" => "amd64",
                        "arm64" => ARM64,
                        other => return Err(Report::usage(format!("`--arch` is amd64 or arm64, not `{other}`"))),
                    }
                }
                "--program" => program = Some(PathBuf::from(value()?)),
                flag if flag.starts_with('-') => {
                    return Err(Report::usage(format!("`package` does not take `{flag}`")));
                }
                path => folder = Some(PathBuf::from(path)),
            }
        }
        let folder = folder.ok_or_else(|| Report::usage("`package` needs a folder for what it makes"))?;
        if program.is_none() && arch != own && arch != ARM64 {
            let hint = "build it first (firmware-config/README.md), then name it: `--program FILE`";
            return Err(Report::failure(format!("the program for {arch} is not built from here"), hint));
        }
        Ok(Self { folder, arch, program })
    }
}

/// Makes the package and the archive.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, Report> {
    let request = Request::parse(arguments)?;
    let program = match &request.program {
        Some(program) => program.clone(),
        None if request.arch == ARM64 && !cfg!(target_arch = "aarch64") => {
            arm64::build(&arm64::tools()?, arm64::Profile::Release)?
        }
        None => build()?,
    };
    check_machine(&program, request.arch)?;
    let io = |what: &str, error: std::io::Error| {
        Report::failure(what, "look at the folder's rights and room").caused_by(error)
    };
    let version = version()?;
    let name = format!("clothingid_{version}_{}", request.arch);
    std::fs::create_dir_all(&request.folder).map_err(|error| io("the folder cannot be made", error))?;
    let tree = request.folder.join(&name);
    let _ = std::fs::remove_dir_all(&tree);
    place(&program, &tree.join("usr/bin/clothingid"), "755")?;
    for (from, to, rights) in FILES {
        place(&workspace().join(from), &tree.join(to), rights)?;
    }
    let archive = request.folder.join(format!("{name}.tar.gz"));
    place(&workspace().join("firmware-config/package/install.sh"), &tree.join("install.sh"), "755")?;
    let tar = ["--owner=0", "--group=0", "--sort=name", "-czf"];
    call(Command::new("tar").args(tar).arg(&archive).arg("-C").arg(&request.folder).arg(&name))?;
    println!("{}", archive.display());

    if is_in_path("dpkg-deb") {
        std::fs::remove_file(tree.join("install.sh")).map_err(|error| io("a file cannot be removed", error))?;
        let control = control(&version, request.arch, kibibytes(&tree));
        let folder = tree.join("DEBIAN");
        std::fs::create_dir_all(&folder).map_err(|error| io("the folder cannot be made", error))?;
        #[expect(clippy::disallowed_methods, reason = "in a folder that each call makes anew")]
        std::fs::write(folder.join("control"), control).map_err(|error| io("a file cannot be written", error))?;
        place(&workspace().join("firmware-config/package/conffiles"), &folder.join("conffiles"), "644")?;
        for script in ["postinst", "prerm", "postrm"] {
            place(&workspace().join("firmware-config/package").join(script), &folder.join(script), "755")?;
        }
        let package = request.folder.join(format!("{name}.deb"));
        call(
            Command::new("dpkg-deb")
                .args(["--root-owner-group", "-Zxz", "-z1", "--build"])
                .arg(&tree)
                .arg(&package)
                .stdout(std::process::Stdio::null()),
        )?;
        println!("{}", package.display());
    } else {
        eprintln!("`dpkg-deb` is not there: only the archive was made");
    }
    let _ = std::fs::remove_dir_all(&tree);
    Ok(ExitCode::SUCCESS)
}

fn build() -> Result<PathBuf, Report> {
    call(cargo().args(["build", "--release", "--locked", "--package", "clothingid-device"]))?;
    Ok(workspace().join("target/release/clothingid"))
}

/// The version of the workspace.
pub(crate) fn version() -> Result<String, Report> {
    let manifest = std::fs::read_to_string(workspace().join("Cargo.toml")).unwrap_or_default();
    let line = manifest.lines().find_map(|line| line.strip_prefix("version = \""));
    line.and_then(|rest| rest.split('"').next())
        .map(str::to_owned)
        .ok_or_else(|| Report::failure("`Cargo.toml` has no version", "run this in the workspace"))
}

fn control(version: &str, arch: &str, kibibytes: u64) -> String {
    format!(
        "Package: clothingid\n\
         Version: {version}\n\
         Architecture: {arch}\n\
         Maintainer: The ClothingID developers <noreply@clothingid.invalid>\n\
         Installed-Size: {kibibytes}\n\
         Depends: libc6 (>= 2.34), libgcc-s1\n\
         Recommends: libvulkan1, mesa-vulkan-drivers\n\
         Section: graphics\n\
         Priority: optional\n\
         Description: recognises garments with a camera and finds them in the shop's catalogue\n \
         An appliance for shops: a camera, a network that runs on the processor or the graphics\n \
         unit, the shop's catalogue, and a page for customers. Works without a network connection.\n"
    )
}

pub(crate) fn place(from: &Path, to: &Path, rights: &str) -> Result<(), Report> {
    call(Command::new("install").args(["-D", "-m", rights]).arg(from).arg(to))
}

/// Puts the documents that go with the program into a tree: licences, and where photographs and network are from.
pub(crate) fn documents(tree: &Path) -> Result<(), Report> {
    let documents = FILES.iter().filter(|(_, to, _)| to.starts_with("usr/share/doc/"));
    documents.into_iter().try_for_each(|(from, to, rights)| place(&workspace().join(from), &tree.join(to), rights))
}

fn call(command: &mut Command) -> Result<(), Report> {
    let shown = format!("{command:?}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Report::failure(format!("`{shown}` failed"), "see what it printed").caused_by(status)),
        Err(error) => Err(Report::failure(format!("cannot start `{shown}`"), "install it").caused_by(error)),
    }
}

fn kibibytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| {
            let path = entry.path();
            if path.is_dir() {
                kibibytes(&path)
            } else {
                entry.metadata().map_or(0, |facts| facts.len().div_ceil(1024))
            }
        })
        .sum()
}

/// Whether a program is one for machines of this kind.
///
/// **Source** System V ABI, chapter 4, "ELF Header": the kind of file in its first four bytes, `e_machine` at byte 18.
fn check_machine(program: &Path, arch: &str) -> Result<(), Report> {
    let wrong = |what: &str| {
        Report::failure(
            format!("`{}` {what}", program.display()),
            "name the program that was built for it: `--program FILE`",
        )
    };
    let mut head = [0; 20];
    let read = std::fs::File::open(program).and_then(|mut file| file.read_exact(&mut head));
    read.map_err(|error| wrong("cannot be read as a program").caused_by(error))?;
    let [0x7f, b'E', b'L', b'F', .., low, high] = head else { return Err(wrong("is no program for Linux")) };
    let found = match u16::from_le_bytes([low, high]) {
        62 => "amd64",
        183 => ARM64,
        _ => "another kind of machine",
    };
    if found == arch { Ok(()) } else { Err(wrong(&format!("is for {found}, and the package for {arch}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_for_other_machines_is_not_packed() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("clothingid");
        let told = |head: &[u8], arch: &str| {
            #[expect(clippy::disallowed_methods, reason = "a folder of the test's own")]
            std::fs::write(&file, head).expect("a file");
            check_machine(&file, arch).map_err(|report| report.to_string())
        };
        let elf = |machine: u8| [b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0".as_slice(), &[machine, 0, 1]].concat();
        assert_eq!((told(&elf(62), "amd64"), told(&elf(183), ARM64)), (Ok(()), Ok(())));
        assert!(told(&elf(62), ARM64).is_err_and(|said| said.contains("is for amd64, and the package for arm64")));
        assert!(told(&elf(40), ARM64).is_err_and(|said| said.contains("another kind of machine")));
        assert!(told(b"#!/bin/sh\nexec something\n", ARM64).is_err_and(|said| said.contains("no program for Linux")));
        assert!(told(b"", ARM64).is_err_and(|said| said.contains("cannot be read")));
    }

    fn parse(arguments: &[&str]) -> Result<Request, Report> {
        Request::parse(&arguments.iter().map(|&argument| argument.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn requests_are_read_and_wrong_ones_named() {
        let request =
            parse(&["out", "--arch", "arm64", "--program", "x"]).map_err(|report| report.to_string()).expect("good");
        assert_eq!((request.folder, request.arch), (PathBuf::from("out"), "arm64"));
        for wrong in [&[][..], &["out", "--arch"], &["out", "--arch", "mips"], &["out", "--fast"]] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn every_file_of_the_package_is_there() {
        for (from, _, _) in FILES {
            assert!(workspace().join(from).is_file(), "{from}");
        }
        assert!(version().is_ok_and(|version| version.split('.').count() == 3));
    }
}

//! `cargo xtask image --board NAME --out DIR`: a system for a board as an image to flash, and the same as a bundle that boards install.
//!
//! 1. [`root`]: Debian's packages, the program and the board's files as one packed root (`mmdebstrap`, `mksquashfs`);
//! 2. [`disk`]: two slots, of which the first is written, as a disk that UEFI starts;
//! 3. [`bundle`]: the slot's files, signed, for RAUC;
//! 4. [`sbom`]: what is in it, as CycloneDX.
//!
//! No container and no loop device: partitions are files that are put side by side. Times in it are those of the workspace's last commit, so that
//! the same packages make the same bytes.

mod bundle;
mod disk;
mod root;
mod sbom;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::boards::{self, Backend, Board};
use crate::cargo::{cargo, is_in_path, workspace};
use crate::report::Report;
use crate::units;

/// What it is made with, and Debian's package of each.
pub(crate) const PROGRAMS: [(&str, &str); 8] = [
    ("mmdebstrap", "mmdebstrap"),
    ("mksquashfs", "squashfs-tools"),
    ("mkfs.vfat", "dosfstools"),
    ("mcopy", "mtools"),
    ("sfdisk", "fdisk"),
    ("rauc", "rauc"),
    ("openssl", "openssl"),
    ("dpkg-query", "dpkg"),
];

/// UEFI for a virtual machine, of Debian's package `ovmf`.
pub(crate) const UEFI: &str = "/usr/share/OVMF/OVMF_CODE_4M.fd";

/// What was asked for.
struct Request {
    board: Board,
    folder: PathBuf,
    /// A program that is built already.
    program: Option<PathBuf>,
    /// Certificate and key that sign the bundle; boards trust the certificate.
    signer: Option<(PathBuf, PathBuf)>,
    /// What the kernel is told besides.
    kernel_options: String,
    /// How long a start may take until it is given up.
    patience: u32,
}

impl Request {
    /// Reads `--board NAME --out DIR [--program FILE] [--cert FILE --key FILE] [--kernel-options TEXT] [--patience SECONDS]`.
    fn parse(arguments: &[String]) -> Result<Self, Report> {
        let (mut board, mut folder, mut program, mut cert, mut key) = (None, None, None, None, None);
        let (mut kernel_options, mut patience) = (String::new(), units::PATIENCE);
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let value = rest.next().ok_or_else(|| Report::usage(format!("`{argument}` needs a value")))?;
            match argument.as_str() {
                "--board" => board = Some(value.as_str()),
                "--out" => folder = Some(PathBuf::from(value)),
                "--program" => program = Some(PathBuf::from(value)),
                "--cert" => cert = Some(PathBuf::from(value)),
                "--key" => key = Some(PathBuf::from(value)),
                // A shell on a serial port, say: for trying things out, never for a shop.
                "--kernel-options" => kernel_options = format!(" {value}"),
                // Where the processor is emulated, say.
                "--patience" => {
                    let seconds = value.parse();
                    patience = seconds.map_err(|_| Report::usage(format!("`--patience` is seconds, not `{value}`")))?;
                }
                other => return Err(Report::usage(format!("`image` does not take `{other}`"))),
            }
        }
        let board = board.ok_or_else(|| Report::usage("`image` needs a board: `--board NAME`"))?;
        let folder = folder.ok_or_else(|| Report::usage("`image` needs a folder for what it makes: `--out DIR`"))?;
        let signer = match (cert, key) {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            _ => return Err(Report::usage("`--cert` and `--key` belong together")),
        };
        Ok(Self { board: boards::open(board)?, folder, program, signer, kernel_options, patience })
    }
}

/// What is made for one board.
struct Image<'a> {
    board: &'a Board,
    /// Where it is made.
    folder: &'a Path,
    /// As in `Cargo.toml`.
    version: String,
    /// Seconds since 1970 that every file in it has.
    epoch: u64,
    /// What the kernel is told besides: nothing, or a blank and words.
    kernel_options: &'a str,
    /// Seconds that a start may take until it is given up.
    patience: u32,
}

/// What differs between the processors that UEFI starts.
struct Firmware {
    /// systemd's loader, as its package calls it.
    loader: &'static str,
    /// What every UEFI of the kind starts by itself.
    first: &'static str,
    /// A root partition, in GPT's words.
    root_type: &'static str,
}

const X86_64: Firmware =
    Firmware { loader: "systemd-bootx64.efi", first: "BOOTX64.EFI", root_type: "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709" };

const AARCH64: Firmware = Firmware {
    loader: "systemd-bootaa64.efi",
    first: "BOOTAA64.EFI",
    root_type: "B921B045-1DF0-41C3-AF44-4C6F280D3FAE",
};

impl Image<'_> {
    fn firmware(&self) -> &'static Firmware {
        if self.board.target.starts_with("aarch64") { &AARCH64 } else { &X86_64 }
    }

    /// A file of it: `clothingid-VERSION-BOARD.END`.
    fn named(&self, end: &str) -> PathBuf {
        self.folder.join(format!("clothingid-{}-{}.{end}", self.version, self.board.name))
    }
}

/// Makes image, bundle and the list of what is in them.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, Report> {
    let request = Request::parse(arguments)?;
    let board = &request.board;
    is_possible(board)?;
    if let Some((_, package)) = PROGRAMS.iter().find(|(program, _)| !is_installed(program)) {
        let hint = "run `cargo xtask setup --system` as root";
        return Err(Report::failure(format!("`{package}` is missing, which an image is made with"), hint));
    }
    std::fs::create_dir_all(&request.folder).map_err(|error| unwritten(&request.folder, error))?;
    let program = match &request.program {
        Some(program) => program.clone(),
        None => {
            call(cargo().args(["build", "--release", "--locked", "--package", "clothingid-device"]))?;
            workspace().join("target/release/clothingid")
        }
    };
    let image = Image {
        board,
        folder: &request.folder,
        version: crate::package::version()?,
        epoch: last_commit()?,
        kernel_options: &request.kernel_options,
        patience: request.patience,
    };
    let signer = bundle::Signer::of(request.signer, &request.folder)?;
    let work = request.folder.join("work");
    let _ = std::fs::remove_dir_all(&work);
    std::fs::create_dir_all(&work).map_err(|error| unwritten(&work, error))?;
    let root = root::make(&image, &program, &signer, &work)?;
    let slots = disk::make(&image, &root, &work)?;
    bundle::make(&image, &slots, &signer, &work)?;
    sbom::make(&image, &root, &work)?;
    // A call that is interrupted leaves no half image.
    for end in ["img", "raucb", "cdx.json"] {
        let path = image.named(end);
        #[expect(clippy::disallowed_methods, reason = "made again where it is lost; the image itself is synced")]
        std::fs::rename(work.join(end), &path).map_err(|error| unwritten(&path, error))?;
        println!("{}", path.display());
    }
    let _ = std::fs::remove_dir_all(&work);
    Ok(ExitCode::SUCCESS)
}

/// Which boards' systems are made here.
fn is_possible(board: &Board) -> Result<(), Report> {
    if board.update.backend != Backend::Uefi {
        let what = format!("the system of `{}` is not made of Debian's packages", board.name);
        return Err(Report::failure(what, "docs/flashing.md says how its maker's system becomes the appliance"));
    }
    let own = std::env::consts::ARCH;
    if !board.target.starts_with(own) {
        let what =
            format!("an image for `{}` is made on a machine with its processor; this one is {own}", board.target);
        return Err(Report::failure(what, "run it on such a machine, or in a virtual one"));
    }
    Ok(())
}

/// Whether a program is there, those for root included.
pub(crate) fn is_installed(program: &str) -> bool {
    is_in_path(program) || Path::new("/usr/sbin").join(program).is_file()
}

/// When the workspace was last changed, in seconds since 1970.
fn last_commit() -> Result<u64, Report> {
    let output = Command::new("git").current_dir(workspace()).args(["log", "-1", "--format=%ct"]).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    text.parse()
        .map_err(|_| Report::failure("the time of the last commit is not known", "run this in a clone, with git"))
}

fn unwritten(path: &Path, error: impl std::fmt::Display) -> Report {
    Report::failure(format!("`{}` cannot be written", path.display()), "look at the folder's rights and room")
        .caused_by(error)
}

/// Writes a file into the folder that each call makes anew.
fn write(path: &Path, text: &str) -> Result<(), Report> {
    let folder = path.parent().unwrap_or(path);
    #[expect(clippy::disallowed_methods, reason = "in a folder that each call makes anew")]
    std::fs::create_dir_all(folder).and_then(|()| std::fs::write(path, text)).map_err(|error| unwritten(path, error))
}

/// Runs a program, whose output is shown where it fails.
fn call(command: &mut Command) -> Result<(), Report> {
    let shown = command.get_program().to_string_lossy().into_owned();
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said);
            let last: Vec<&str> = said.lines().rev().take(12).collect();
            let last: Vec<&str> = last.into_iter().rev().collect();
            Err(Report::failure(format!("`{shown}` failed"), "what it printed last stands above").caused_by(format!(
                "{}\n{}",
                output.status,
                last.join("\n")
            )))
        }
        Err(error) => Err(Report::failure(format!("cannot start `{shown}`"), "install it").caused_by(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(arguments: &[&str]) -> String {
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let request = Request::parse(&arguments).and_then(|request| is_possible(&request.board));
        request.err().map(|report| report.to_string()).unwrap_or_default()
    }

    #[test]
    fn wrong_requests_and_boards_of_other_makers_are_named() {
        assert!(told(&[]).contains("--board NAME"));
        assert!(told(&["--board", "generic-x86-64"]).contains("--out DIR"));
        assert!(told(&["--board", "x", "--out", "y"]).contains("there is no board `x`"));
        assert!(told(&["--board", "generic-x86-64", "--out", "y", "--key", "k"]).contains("belong together"));
        assert!(told(&["--fast", "x"]).contains("does not take `--fast`"));
        assert!(told(&["--board", "jetson-orin-nano", "--out", "y"]).contains("docs/flashing.md"));
    }

    #[test]
    fn a_program_that_fails_is_named_with_what_it_said() {
        let report = call(Command::new("sh").args(["-c", "echo so it is; exit 3"])).expect_err("it fails").to_string();
        assert!(report.contains("`sh` failed") && report.contains("so it is"), "{report}");
    }
}

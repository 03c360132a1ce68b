//! What a program of the other processor asks of the system that it is started on.

use std::path::Path;
use std::process::Command;

use super::Profile;
use crate::report::Report;
use crate::setup::arm64::OBJDUMP;

/// The libraries that every board's system has.
const LIBRARIES: [&str; 4] = ["libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux-aarch64.so.1"];

/// The C library of JetPack 6, which is Ubuntu 22.04; JetPack 7 and Raspberry Pi OS 12 have later ones.
const FLOOR: Glibc = Glibc(2, 35);

/// The largest program that ships, stripped: what the program for x86-64 is held to as well.
const LARGEST: u64 = 40 << 20;

/// A version of the C library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Glibc(u32, u32);

impl Glibc {
    /// Reads `GLIBC_2.17` or `GLIBC_2.2.5`.
    fn parse(symbol_version: &str) -> Option<Self> {
        let mut numbers = symbol_version.strip_prefix("GLIBC_")?.split('.').map(str::parse);
        Some(Self(numbers.next()?.ok()?, numbers.next()?.ok()?))
    }
}

/// The needs of a program.
#[derive(Debug, PartialEq, Eq)]
struct Needs {
    libraries: Vec<String>,
    /// Versions of symbols as the program names them, with those that are no version of the C library.
    versions: Vec<String>,
}

impl Needs {
    /// Reads what `objdump -p` prints.
    fn parse(printed: &str) -> Self {
        let library = |line: &str| line.trim().strip_prefix("NEEDED").map(|name| name.trim().to_owned());
        // `    0x06969197 0x00 04 GLIBC_2.17`, below `  required from libc.so.6:`.
        let references = printed.split_once("Version References:").map_or("", |(_, references)| references);
        let version = |line: &str| match line.split_whitespace().collect::<Vec<_>>()[..] {
            [hash, _, _, version] if hash.starts_with("0x") => Some(version.to_owned()),
            _ => None,
        };
        Self {
            libraries: printed.lines().filter_map(library).collect(),
            versions: references.lines().filter_map(version).collect(),
        }
    }

    /// The latest version of the C library that a symbol is of.
    fn glibc(&self) -> Option<Glibc> {
        self.versions.iter().filter_map(|version| Glibc::parse(version)).max()
    }

    /// What no board may be asked for, in words.
    fn excess(&self) -> Option<String> {
        if let Some(library) = self.libraries.iter().find(|name| !LIBRARIES.contains(&name.as_str())) {
            return Some(format!("it needs `{library}`, beside {}", LIBRARIES.join(", ")));
        }
        // libgcc's own versions are those of its ABI, which has not changed since 2003 but for additions.
        let is_known = |version: &&String| Glibc::parse(version).is_some() || version.starts_with("GCC_");
        if let Some(version) = self.versions.iter().find(|version| !is_known(version)) {
            return Some(format!("it needs symbols of `{version}`"));
        }
        match self.glibc() {
            None => Some("it names no version of the C library".to_owned()),
            Some(glibc) if glibc > FLOOR => {
                Some(format!("it needs glibc {}.{}, and boards have {}.{}", glibc.0, glibc.1, FLOOR.0, FLOOR.1))
            }
            Some(_) => None,
        }
    }
}

/// Says what a program needs and how large it is, and refuses one that some board cannot start.
pub(super) fn check(program: &Path, profile: Profile) -> Result<(), Report> {
    let shown = program.display();
    let output = Command::new(OBJDUMP).arg("-p").arg(program).output();
    let hint = "the program was not built for 64-bit Arm, or not to its end: build it again";
    let failed = || Report::failure(format!("`{OBJDUMP}` cannot read `{shown}`"), hint);
    let output = output.map_err(|error| failed().caused_by(error))?;
    if !output.status.success() {
        return Err(failed().caused_by(String::from_utf8_lossy(&output.stderr).trim()));
    }
    let needs = Needs::parse(&String::from_utf8_lossy(&output.stdout));
    let bytes = program.metadata().map_err(|error| failed().caused_by(error))?.len();
    let glibc = needs.glibc().map_or_else(|| "none".to_owned(), |version| format!("{}.{}", version.0, version.1));
    println!("{shown}: {bytes} bytes, needs {} and glibc {glibc}", needs.libraries.join(", "));
    match needs.excess() {
        Some(excess) => Err(Report::failure(
            format!("`{shown}` does not start on every board: {excess}"),
            "find the crate that brought it in, or build on Debian 12",
        )),
        None if profile == Profile::Release && bytes > LARGEST => Err(Report::failure(
            format!("`{shown}` has {bytes} bytes, at most {LARGEST} are allowed"),
            "`cargo bloat --release --crates -p clothingid-device` says what takes the room",
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a program of ours, shortened.
    const PRINTED: &str = "
/target/clothingid:     file format elf64-littleaarch64

Program Header:
    PHDR off    0x0000000000000040 vaddr 0x0000000000000040 paddr 0x0000000000000040 align 2**3

Dynamic Section:
  NEEDED               libgcc_s.so.1
  NEEDED               libm.so.6
  NEEDED               libc.so.6
  NEEDED               ld-linux-aarch64.so.1
  FLAGS                0x0000000000000008

Version References:
  required from libgcc_s.so.1:
    0x0b792650 0x00 06 GCC_3.0
  required from libc.so.6:
    0x06969197 0x00 03 GLIBC_2.17
    0x069691b4 0x00 02 GLIBC_2.34
    0x069691b3 0x00 09 GLIBC_2.4
";

    #[test]
    fn libraries_and_versions_are_read_and_taken() {
        let needs = Needs::parse(PRINTED);
        assert_eq!(needs.libraries, ["libgcc_s.so.1", "libm.so.6", "libc.so.6", "ld-linux-aarch64.so.1"]);
        assert_eq!(needs.versions, ["GCC_3.0", "GLIBC_2.17", "GLIBC_2.34", "GLIBC_2.4"]);
        assert_eq!((needs.glibc(), needs.excess()), (Some(Glibc(2, 34)), None));
    }

    #[test]
    fn the_floor_itself_is_taken_and_what_is_beyond_is_refused() {
        let changed = |from: &str, to: &str| Needs::parse(&PRINTED.replace(from, to)).excess();
        assert_eq!(changed("GLIBC_2.34", "GLIBC_2.35"), None);
        for (from, to, named) in [
            ("GLIBC_2.34", "GLIBC_2.36", "glibc 2.36"),
            ("GLIBC_2.4", "GLIBC_3.0", "glibc 3.0"),
            ("GLIBC_2.17", "GLIBC_PRIVATE", "`GLIBC_PRIVATE`"),
            ("GCC_3.0", "GLIBCXX_3.4.30", "`GLIBCXX_3.4.30`"),
            ("libm.so.6", "libstdc++.so.6", "`libstdc++.so.6`"),
            ("Version References", "", "no version"),
        ] {
            let excess = changed(from, to).unwrap_or_default();
            assert!(excess.contains(named), "{to}: {excess}");
        }
    }

    #[test]
    fn versions_are_numbers() {
        for (text, expected) in [
            ("GLIBC_2.4", Some(Glibc(2, 4))),
            ("GLIBC_2.2.5", Some(Glibc(2, 2))),
            ("GLIBC_PRIVATE", None),
            ("GLIBC_2", None),
            ("GCC_3.0", None),
        ] {
            assert_eq!(Glibc::parse(text), expected, "{text}");
        }
        assert!(Glibc(2, 9) < Glibc(2, 35));
    }
}

//! Names of files in a ZIP, and in a catalogue file that names them.

/// A name that leads out of the ZIP file: an absolute one, or one with more `..` than folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outside;

/// The one form of a name: `/` between folders, no `.` and no `..`. Names from Windows have `\` between folders. A `/` at the end stays:
/// it makes the name that of a folder.
pub(super) fn plain(name: &str) -> Result<String, Outside> {
    let name = name.replace('\\', "/");
    let mut parts: Vec<&str> = Vec::new();
    for (place, part) in name.split('/').enumerate() {
        match part {
            "" if place == 0 && name.len() > 1 => return Err(Outside),
            "" | "." => {}
            ".." => drop(parts.pop().ok_or(Outside)?),
            part if place == 0 && is_drive(part) => return Err(Outside),
            part => parts.push(part),
        }
    }
    let mut plain = parts.join("/");
    if name.ends_with('/') {
        plain.push('/');
    }
    Ok(plain)
}

/// A drive of Windows, as `C:`.
fn is_drive(part: &str) -> bool {
    matches!(part.as_bytes(), [letter, b':'] if letter.is_ascii_alphabetic())
}

/// What the Mac's archiver adds: a second file beside each one, with its icon and the like.
pub(super) fn is_of_the_archiver(plain: &str) -> bool {
    plain.starts_with("__MACOSX/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_form() {
        for (name, expected) in [
            ("a.jpg", Ok("a.jpg")),
            ("in/a.jpg", Ok("in/a.jpg")),
            ("in\\a.jpg", Ok("in/a.jpg")),
            ("./in//.\\a.jpg", Ok("in/a.jpg")),
            ("in/../in/a.jpg", Ok("in/a.jpg")),
            ("in/", Ok("in/")),
            ("", Ok("")),
            (".", Ok("")),
            ("C:a.jpg", Ok("C:a.jpg")),
            ("https://example.org/a.jpg", Ok("https:/example.org/a.jpg")),
            ("/a.jpg", Err(Outside)),
            ("\\\\server\\a.jpg", Err(Outside)),
            ("C:\\a.jpg", Err(Outside)),
            ("../a.jpg", Err(Outside)),
            ("in/../../a.jpg", Err(Outside)),
        ] {
            assert_eq!(plain(name).as_deref(), expected.as_ref().map(|n| *n), "{name}");
        }
    }
}

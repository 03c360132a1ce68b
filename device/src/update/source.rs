//! Where updates come from: a folder, which a USB stick is, or an HTTPS folder, which the system's `curl` fetches from.

use super::error::UpdateError;
use super::program::Ended;
use clothingid_shared::files::{self, FileError};
use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What curl's exit status says where the server does not give a part of a file.
const NO_PARTS: [i32; 2] = [33, 36];

/// Of what curl says, this much is told.
const MOST_SAID: u64 = 4 << 10;

/// A place that holds an index and the files that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A folder.
    Folder(PathBuf),
    /// A folder that a server gives, without the slash at its end.
    Https(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Https(url) => f.write_str(url),
        }
    }
}

impl Source {
    /// What people wrote: an address that begins with `https://`, or a path.
    ///
    /// # Errors
    /// An address of another kind: what crosses a network in the clear can be held up and watched.
    pub fn parse(text: &str) -> Result<Self, UpdateError> {
        match text.split_once("://") {
            Some(("https", rest)) if !rest.trim_end_matches('/').is_empty() => {
                Ok(Self::Https(text.trim_end_matches('/').to_owned()))
            }
            Some(_) => Err(UpdateError::Address { address: text.to_owned() }),
            None => Ok(Self::Folder(text.into())),
        }
    }

    /// What a file of it is called in messages.
    #[must_use]
    pub fn name_of(&self, name: &str) -> String {
        match self {
            Self::Folder(path) => path.join(name).display().to_string(),
            Self::Https(url) => format!("{url}/{name}"),
        }
    }

    /// The whole of a small file.
    ///
    /// # Errors
    /// It cannot be had, or has more than `limit` bytes.
    pub fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>, UpdateError> {
        match self {
            Self::Folder(path) => {
                let path = path.join(name);
                only_a_file(&path)?;
                Ok(files::read_at_most(&path, limit)?)
            }
            Self::Https(_) => {
                let mut bytes = Vec::new();
                self.curl(name, 0, limit, &mut bytes)?;
                Ok(bytes)
            }
        }
    }

    /// Appends what a file has from byte `offset` on, up to `byte_len` in all. Where the server gives no parts of a file nothing is appended, and
    /// the answer is false.
    ///
    /// # Errors
    /// It cannot be had, or `to` cannot be written.
    pub fn append(&self, name: &str, offset: u64, byte_len: u64, to: &mut impl Write) -> Result<bool, UpdateError> {
        match self {
            Self::Folder(path) => {
                let path = path.join(name);
                only_a_file(&path)?;
                let unread = |source| FileError::Read { path: path.clone(), source };
                let mut file = File::open(&path).map_err(unread)?;
                file.seek(SeekFrom::Start(offset)).map_err(unread)?;
                pass_on(&mut file, byte_len.saturating_sub(offset), to, unread)?;
                Ok(true)
            }
            Self::Https(_) => self.curl(name, offset, byte_len, to),
        }
    }

    fn curl(&self, name: &str, offset: u64, byte_len: u64, to: &mut impl Write) -> Result<bool, UpdateError> {
        let place = self.name_of(name);
        let mut command = Command::new("curl");
        // Without the user's own settings of curl, which might allow what is forbidden here.
        command.args(["--disable", "--silent", "--show-error", "--fail", "--location", "--max-redirs", "5"]);
        command.args(["--proto", "=https", "--proto-redir", "=https", "--tlsv1.2"]);
        command.args(["--connect-timeout", "30", "--speed-limit", "100", "--speed-time", "60"]);
        command.arg("--max-filesize").arg(byte_len.to_string());
        if offset > 0 {
            command.arg("--continue-at").arg(offset.to_string());
        }
        command.args(["--output", "-", "--"]).arg(&place);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let unfetched = |cause: String| UpdateError::Fetch { place: place.clone(), cause };
        let mut child = Ended(command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => UpdateError::NoCurl,
            _ => unfetched(error.to_string()),
        })?);
        let (Some(mut bytes), Some(said)) = (child.0.stdout.take(), child.0.stderr.take()) else {
            return Err(unfetched("curl has no output".to_owned()));
        };
        let said = std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = said.take(MOST_SAID).read_to_end(&mut text);
            String::from_utf8_lossy(&text).trim().to_owned()
        });
        let unread = |source| FileError::Read { path: place.clone().into(), source };
        // One byte more than there may be: a server that sends more is found out, whatever it has said before.
        let left = byte_len.saturating_sub(offset);
        if pass_on(&mut bytes, left, to, unread)? == left && bytes.read(&mut [0]).map_err(unread)? > 0 {
            return Err(UpdateError::TooLong { place, byte_len });
        }
        let status = child.0.wait().map_err(unread)?;
        let said = said.join().unwrap_or_default();
        match status.code() {
            Some(0) => Ok(true),
            Some(code) if offset > 0 && NO_PARTS.contains(&code) => Ok(false),
            _ => Err(unfetched(if said.is_empty() { format!("curl ended with {status}") } else { said })),
        }
    }
}

/// A link on a stick might lead to a file of the board's own.
fn only_a_file(path: &Path) -> Result<(), FileError> {
    let facts = std::fs::symlink_metadata(path).map_err(|source| FileError::Read { path: path.to_owned(), source })?;
    if facts.is_file() { Ok(()) } else { Err(FileError::NotAFile { path: path.to_owned() }) }
}

/// Copies at most so many bytes; how many there were.
fn pass_on(
    from: &mut impl Read,
    limit: u64,
    to: &mut impl Write,
    unread: impl Fn(io::Error) -> FileError,
) -> Result<u64, UpdateError> {
    let mut buffer = vec![0; 64 << 10];
    let mut copied = 0;
    while copied < limit {
        let room = usize::try_from(limit - copied).unwrap_or(usize::MAX).min(buffer.len());
        let Some(chunk) = buffer.get_mut(..room) else { break };
        let count = match from.read(chunk) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(unread(error).into()),
        };
        to.write_all(chunk.get(..count).unwrap_or_default()).map_err(UpdateError::Unwritten)?;
        copied += count as u64;
    }
    Ok(copied)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clothingid_shared::files::write_atomic;

    #[test]
    fn only_paths_and_https_are_places() {
        assert_eq!(Source::parse("/media/stick").unwrap(), Source::Folder("/media/stick".into()));
        assert_eq!(Source::parse("https://a.example/u/").unwrap(), Source::Https("https://a.example/u".into()));
        assert_eq!(Source::parse("https://a/u").unwrap().name_of("x"), "https://a/u/x");
        for bad in ["http://a/u", "ftp://a", "file:///etc", "https://", "HTTPS://a"] {
            assert!(matches!(Source::parse(bad), Err(UpdateError::Address { .. })), "{bad}");
        }
    }

    #[test]
    fn a_folder_gives_files_from_any_byte_on_and_no_links() {
        let folder = tempfile::tempdir().unwrap();
        write_atomic(&folder.path().join("a"), b"0123456789").unwrap();
        std::os::unix::fs::symlink("a", folder.path().join("link")).unwrap();
        let source = Source::Folder(folder.path().to_owned());
        let of = |offset, byte_len| {
            let mut bytes = Vec::new();
            assert!(source.append("a", offset, byte_len, &mut bytes).unwrap());
            bytes
        };
        assert_eq!(
            (of(0, 10), of(4, 10), of(0, 3), of(12, 20)),
            (b"0123456789".into(), b"456789".into(), b"012".into(), vec![])
        );
        assert!(source.read("link", 99).is_err() && source.read("a", 9).is_err() && source.read("b", 9).is_err());
    }
}

//! The flags of every subcommand that runs the network: `--engine`, `--threads`, `--bundle`.

use super::Report;
use crate::catalogue::import::NetworkEmbedders;
use crate::network::{EngineChoice, EngineError, PhotoPath, golden, read_bundle};
use crate::state;
use crate::update::memory::Place;
use crate::update::{Which, fetch};
use clothingid_shared::bundle::{Bundle, BundleError};
use std::path::{Path, PathBuf};

/// Which network on which engine. Flatten it into a subcommand's `Args`.
#[derive(clap::Args, Debug, Clone)]
pub struct NetworkArgs {
    /// What computes: `auto` takes the fastest that is there
    #[arg(long, value_enum, default_value_t = EngineChoice::Auto)]
    pub engine: EngineChoice,

    /// Threads that the network may use for one picture
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: u16,

    /// Use this bundle instead of the one in use: what an update has put in place, or the one inside the program
    #[arg(long, value_name = "FILE")]
    pub bundle: Option<PathBuf>,
}

/// Which network embeds photographs, and how many of them at a time. Flatten it into a subcommand's `Args`.
#[derive(clap::Args, Debug, Clone)]
pub struct EmbedArgs {
    /// What computes: `auto` takes the fastest that is there
    #[arg(long, value_enum, default_value_t)]
    pub engine: EngineChoice,

    /// Photographs embedded at a time [default: one a processor core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,

    /// Use this bundle instead of the one in use: what an update has put in place, or the one inside the program
    #[arg(long, value_name = "FILE")]
    pub bundle: Option<PathBuf>,
}

impl EmbedArgs {
    /// As [`NetworkArgs::bundle`].
    ///
    /// # Errors
    /// The bundle is missing, torn, altered or newer than this program.
    pub fn bundle(&self) -> Result<Bundle, Report> {
        bundle_of(self.bundle.as_deref())
    }

    /// How many photographs are embedded at a time.
    #[must_use]
    pub fn threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.threads.map_or_else(cores, usize::from)
    }
}

impl NetworkArgs {
    /// Reads the bundle that was asked for, or the one in use.
    ///
    /// # Errors
    /// The bundle is missing, torn, altered or newer than this program.
    pub fn bundle(&self) -> Result<Bundle, Report> {
        bundle_of(self.bundle.as_deref())
    }

    /// Opens bundle and engine, and has the engine answer the first golden photographs.
    ///
    /// # Errors
    /// The engine is missing, cannot run the network, or gives other answers than the bundle promises.
    pub fn open(&self, bundle: &Bundle) -> Result<PhotoPath, Report> {
        let mut path = self.open_unchecked(bundle)?;
        golden::check(&mut path, bundle, golden::AT_START).map_err(|error| {
            Report::of(&error)
                .during(format!("checking the engine `{}` against the bundle's golden answers", path.engine().name()))
                .hint(error.hint())
        })?;
        Ok(path)
    }

    /// As [`NetworkArgs::open`], without the golden answers.
    ///
    /// # Errors
    /// The engine is missing or cannot run the network.
    pub fn open_unchecked(&self, bundle: &Bundle) -> Result<PhotoPath, Report> {
        let path = PhotoPath::new(bundle, self.engine, usize::from(self.threads)).map_err(|error| of_engine(&error))?;
        if let Some(why) = path.why().filter(|why| why.is_news) {
            eprintln!("note: `{}` is the faster engine here: {}", path.engine().name(), why.reason);
        }
        let (engine, used) = (path.engine().name(), path.engine().threads());
        if used < usize::from(self.threads) {
            eprintln!(
                "note: `{engine}` works on {used} thread(s) in this version; `--threads {}` changes nothing",
                self.threads
            );
        }
        Ok(path)
    }
}

/// Opens the network of a bundle for embedding photographs, as many at a time as are asked for later.
///
/// # Errors
/// The engine is missing, cannot run the network, or gives other answers than the bundle promises.
pub(super) fn open_embedders(bundle: &Bundle, engine: EngineChoice) -> Result<NetworkEmbedders<'_>, Report> {
    NetworkEmbedders::new(bundle, engine).map_err(|error| Report::of(&error).hinted(error.hint()))
}

/// What an engine could not do, and what the user may do about it.
pub(super) fn of_engine(error: &EngineError) -> Report {
    Report::of(error).hinted(error.hint())
}

/// Reads a bundle file, or the bundle in use: what an update has put in place, else the embedded one.
pub(super) fn bundle_of(file: Option<&Path>) -> Result<Bundle, Report> {
    let file = bundle_in_use(file)?;
    let file = file.as_deref();
    read_bundle(file).map_err(|error| match (&error, file) {
        (BundleError::Refused { .. }, None) => {
            Report::of(&error).hint("the program itself is damaged: install it again")
        }
        _ => Report::of(&error).hint(error.hint()).hint("or leave `--bundle` out to use the bundle inside the program"),
    })
}

/// The file of the bundle that is named, or that an update has put in place; nothing where it is the one inside the program.
pub(super) fn bundle_in_use(named: Option<&Path>) -> Result<Option<PathBuf>, Report> {
    match named {
        Some(file) => Ok(Some(file.to_owned())),
        None => Ok(state::folder().ok().map(|state| installed(&Place::new(&state))).transpose()?.flatten()),
    }
}

/// The bundle that an update has put in place: the catalogue of the appliance is embedded with it.
fn installed(place: &Place) -> Result<Option<PathBuf>, Report> {
    let during = |report: Report| report.during("looking for the network that an update has put in place");
    let memory = place.read().map_err(|error| during(Report::of(&error)))?;
    let Which::Update(version) = memory.network.current else { return Ok(None) };
    let path = place.file(&version.file);
    match fetch::is_sound(&path, &version.sha256) {
        Ok(true) => Ok(Some(path)),
        Ok(false) => Err(during(
            Report::new(format!("`{}` is not what was verified", path.display()))
                .hint("go back to the network before it: `clothingid update rollback network`")
                .hint("or name another with `--bundle`"),
        )),
        Err(error) => Err(during(
            Report::of(&error).hint("go back to the network before it: `clothingid update rollback network`"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::update::slots::Version;
    use clothingid_shared::files::sha256_hex;
    use clothingid_shared::files::write_atomic;

    #[test]
    fn what_an_update_has_put_in_place_is_used_while_it_is_sound() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path());
        assert_eq!(installed(&place).unwrap(), None);
        let bytes = read_bundle(None).unwrap().to_bytes().unwrap();
        let path = place.file("network-7.bundle");
        clothingid_shared::files::create_folder(path.parent().unwrap()).unwrap();
        write_atomic(&path, &bytes).unwrap();
        let version = Version {
            serial: 7,
            version: "spring".into(),
            file: "network-7.bundle".into(),
            sha256: sha256_hex(&bytes),
        };
        place.change(|memory| memory.network.current = Which::Update(version)).unwrap();
        assert_eq!(installed(&place).unwrap(), Some(path.clone()));
        write_atomic(&path, &bytes[1..]).unwrap();
        let report = installed(&place).unwrap_err().to_string();
        assert!(report.contains("is not what was verified") && report.contains("update rollback network"), "{report}");
    }

    /// The report of a bundle file with these bytes, the file's name left out.
    fn report(bytes: Option<&[u8]>) -> String {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.bundle");
        if let Some(bytes) = bytes {
            write_atomic(&file, bytes).unwrap();
        }
        let args = NetworkArgs { engine: EngineChoice::Auto, threads: 1, bundle: Some(file.clone()) };
        args.bundle().unwrap_err().to_string().replace(&*file.to_string_lossy(), "x.bundle")
    }

    fn position(bytes: &[u8], text: &[u8]) -> usize {
        bytes.windows(text.len()).position(|window| window == text).unwrap()
    }

    #[test]
    fn a_bad_bundle_says_what_is_wrong_and_what_to_do() {
        let good = read_bundle(None).unwrap();
        let bytes = good.to_bytes().unwrap();
        insta::assert_snapshot!("bundle-missing", report(None));
        insta::assert_snapshot!("bundle-empty", report(Some(b"")));
        insta::assert_snapshot!("bundle-not-one", report(Some(b"hello, this is no bundle")));

        let mut altered = bytes.clone();
        let middle = position(&altered, &good.network[good.network.len() / 2..][..64]);
        altered[middle] ^= 1;
        let text = report(Some(&altered));
        assert!(text.contains("`network.onnx` was altered: its SHA-256 begins"), "{text}");

        let text = report(Some(&bytes[..bytes.len() / 2]));
        assert!(text.contains("`x.bundle` is not a bundle that can be used") && text.contains("hint: copy"), "{text}");

        let mut newer = bytes;
        let digit = position(&newer, b"\"format\"")
            + newer[position(&newer, b"\"format\"")..].iter().position(|b| *b == b'1').unwrap();
        newer[digit] = b'9';
        let text = report(Some(&newer)).replace(&good.manifest.written_by, "clothingid-train 9.0.0");
        insta::assert_snapshot!("bundle-newer", text);
    }

    #[test]
    fn the_engine_that_was_asked_for_is_the_one_that_answers() {
        let bundle = read_bundle(None).unwrap();
        let open = |engine| NetworkArgs { engine, threads: 1, bundle: None }.open(&bundle);
        assert!(open(EngineChoice::Cpu).unwrap().engine().name().starts_with("cpu: int8 "));
        assert_eq!(open(EngineChoice::Tract).unwrap().engine().name(), "tract: float");
    }
}

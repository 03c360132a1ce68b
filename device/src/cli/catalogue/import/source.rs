//! What is imported: a shop's table with its photographs, or an edition of a head office.

use super::{Args, From, import, while_importing};
use crate::catalogue::csv;
use crate::catalogue::edition::{Edition, EditionError};
use crate::catalogue::import::{NetworkEmbedders, Removes};
use crate::catalogue::photos;
use crate::catalogue::store::quoted;
use crate::catalogue::{Store, StoreError};
use crate::cli::catalogue::store_report;
use crate::cli::network::open_embedders;
use crate::cli::{Outcome, Report, say};
use crate::signature;
use clothingid_shared::files::{self, FileError};
use std::fs::{File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// A table of a hundred thousand products has some 20 MB.
const MOST_CSV_BYTES: u64 = 256 << 20;

/// Whether the file is an edition, or anything else that SQLite wrote.
pub(super) fn is_database(path: &Path) -> bool {
    let mut first = [0; 15];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut first));
    read.is_ok() && &first == b"SQLite format 3"
}

pub(super) fn run_table(args: &Args) -> Result<Outcome, Report> {
    let csv = files::read_at_most(&args.file, MOST_CSV_BYTES).map_err(|e| {
        Report::of(&e)
            .during(while_importing(args))
            .hint("name the shop's catalogue file: its first line has `sku,title,photo`")
    })?;
    let folder = "name the folder of photographs, or a ZIP file of them: `--photos DIR`";
    let photos = args
        .photos
        .as_ref()
        .ok_or_else(|| Report::new("a catalogue file names photographs, and `--photos DIR` is missing").hint(folder))?;
    let source = photos::open(photos).map_err(|e| Report::of(&e).during(while_importing(args)).hinted(e.hints()))?;
    let name = args.file.display().to_string();
    let listing = csv::read(&name, &csv).map_err(|e| Report::of(&e).during(while_importing(args)).hinted(e.hints()))?;
    let names = [&args.file, photos].map(|path| absolute(path));
    with_network(args, |embedders| {
        let arguments = Some((names[0].as_str(), names[1].as_str()));
        let what =
            From { name: &name, listing: &listing, removes: Removes::Nothing, photos: source.as_ref(), arguments };
        import(args, what, embedders)
    })
}

pub(super) fn run_edition(args: &Args) -> Result<Outcome, Report> {
    let report = |error: EditionError| Report::of(&error).during(while_importing(args)).hinted(error.hints());
    let unread = |source| FileError::Read { path: args.file.clone(), source };
    let facts = || std::fs::metadata(&args.file).map_err(|e| Report::of(&unread(e)).during(while_importing(args)));
    let signed = facts()?;
    match &args.key {
        Some(key) => signature::verify(&args.file, key).map_err(|e| report(e.into()))?,
        None if args.unsigned => say("note: nobody looks who made this edition (`--unsigned`)"),
        None => {
            return Err(Report::new("an edition is taken from a head office that is known, and `--key KEY` is missing")
                .hint("name its public key or the file of it: `--key head-office.key.pub`; or trust the file as it is: `--unsigned`"));
        }
    }
    let edition = Edition::open(&args.file).map_err(report)?;
    let opened = facts()?;
    let of = |facts: &Metadata| {
        (facts.dev(), facts.ino(), facts.len(), facts.mtime_nsec(), facts.ctime(), facts.ctime_nsec())
    };
    if of(&signed) != of(&opened) {
        return Err(Report::new("the file was changed while its signature was looked at").during(while_importing(args)));
    }
    let name = args.file.display().to_string();
    let target = match Store::open(&args.catalogue.path()?) {
        Err(StoreError::Missing { .. }) => None,
        opened => Some(opened.map_err(|e| store_report(&e))?),
    };
    let wanted = edition.wanted(&name, target.as_ref()).map_err(report)?;
    drop(target);
    with_network(args, |network| {
        let embedders = edition.embedders(network).map_err(report)?;
        let (listing, removes) = (&wanted.listing, wanted.removes());
        import(args, From { name: &name, listing, removes, photos: &edition, arguments: None }, &embedders)
    })
}

/// A path as a shell takes it, from wherever.
fn absolute(path: &Path) -> String {
    quoted(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

fn with_network(
    args: &Args,
    work: impl FnOnce(&NetworkEmbedders<'_>) -> Result<Outcome, Report>,
) -> Result<Outcome, Report> {
    let bundle = args.network.bundle()?;
    work(&open_embedders(&bundle, args.network.engine)?)
}

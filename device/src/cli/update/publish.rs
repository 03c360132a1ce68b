//! `clothingid update publish`: what a head office does.

use crate::catalogue::edition::Edition;
use crate::cli::network::bundle_of;
use crate::cli::{Outcome, Report, print_line};
use crate::signature::{self, KeyId};
use crate::update::Kind;
use crate::update::publish::{Changes, New, publish};
use std::path::{Path, PathBuf};

pub(super) const EXAMPLES: &str = "Examples:
  clothingid catalogue key head-office.key
  clothingid update publish updates/ --key head-office.key --network winter.bundle --label 2026.11
  clothingid update publish updates/ --key head-office.key --catalogue winter.edition
  clothingid update publish updates/ --key head-office.key --system board.raucb --board generic-x86-64
  clothingid update publish updates/ --key head-office.key --add-key next.key.pub

The folder goes onto sticks, or onto a server that gives it by HTTPS. Boards trust the public key, `head-office.key.pub`, where it lies in the
folder `keys` beside their configuration. Serials count on from what the folder has.";

/// Arguments of `update publish`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The folder for boards; made where there is none
    pub folder: PathBuf,

    /// The secret key that signs (`clothingid catalogue key` makes one)
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,

    /// Offer this network bundle
    #[arg(long, value_name = "BUNDLE")]
    pub network: Option<PathBuf>,

    /// Offer this edition of the catalogue (`clothingid catalogue export` makes one)
    #[arg(long, value_name = "EDITION")]
    pub catalogue: Option<PathBuf>,

    /// Offer this system image
    #[arg(long, value_name = "FILE", requires = "board")]
    pub system: Option<PathBuf>,

    /// The board that what is offered is for; may be given more than once
    #[arg(long, value_name = "NAME")]
    pub board: Vec<String>,

    /// What people call what is offered [default: the bundle's own name, or the file's]
    #[arg(long, value_name = "TEXT")]
    pub label: Option<String>,

    /// Boards trust this public key from now on, or the one in this file; may be given more than once
    #[arg(long, value_name = "PUB")]
    pub add_key: Vec<String>,

    /// Boards do not trust the key of this number, this public key, or the one in this file, any more; may be given more than once
    #[arg(long, value_name = "PUB")]
    pub retire_key: Vec<String>,

    /// The public key, or its file, that the folder was signed with before, where it is another one
    #[arg(long, value_name = "PUB")]
    pub signed_by: Vec<String>,
}

pub(super) fn run(args: &Args) -> Result<Outcome, Report> {
    let keys = |names: &[String]| names.iter().map(|name| signature::public_key(name)).collect::<Result<Vec<_>, _>>();
    let of_key = |error: signature::SignatureError| Report::of(&error).hinted(error.hints());
    let key = signature::secret_key(&args.key).map_err(of_key)?;
    let of_name = |name: &String| match KeyId::parse(name) {
        Some(id) => Ok(id),
        None => signature::public_key(name).map(|key| signature::id_of(&key)),
    };
    let changes = Changes {
        files: files(args)?,
        keys: keys(&args.add_key).map_err(of_key)?,
        retired: args.retire_key.iter().map(of_name).collect::<Result<_, _>>().map_err(of_key)?,
    };
    let earlier = keys(&args.signed_by).map_err(of_key)?;
    let index = publish(&args.folder, &key, &earlier, changes).map_err(|error| {
        Report::of(&error).during(format!("publishing in `{}`", args.folder.display())).hinted(error.hints())
    })?;
    print_line(&format!("{}: index {}, signed", args.folder.display(), index.serial))?;
    for update in &index.updates {
        let boards =
            if update.boards.is_empty() { String::new() } else { format!(", for {}", update.boards.join(", ")) };
        print_line(&format!("  {}: {}{boards}", update.file, update.title()))?;
    }
    Ok(Outcome::Done)
}

/// What is to be offered; what no board could use is not.
fn files(args: &Args) -> Result<Vec<New>, Report> {
    let stem = |file: &Path| file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut files = Vec::new();
    let mut add = |kind, file: &Path, name: String| {
        let version = args.label.clone().unwrap_or(name).chars().filter(|c| !c.is_control()).take(64).collect();
        files.push(New { kind, file: file.to_owned(), version, boards: args.board.clone() });
    };
    if let Some(file) = &args.network {
        let manifest = bundle_of(Some(file))?.manifest;
        add(Kind::Network, file, format!("{} of {}", manifest.name, manifest.created));
    }
    if let Some(file) = &args.catalogue {
        let edition = Edition::open(file).and_then(|edition| edition.expect_for_others());
        edition.map_err(|error| Report::of(&error).hinted(error.hints()))?;
        add(Kind::Catalogue, file, stem(file));
    }
    if let Some(file) = &args.system {
        add(Kind::System, file, stem(file));
    }
    Ok(files)
}

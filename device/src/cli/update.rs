//! `clothingid update`: networks, catalogues and system images that a head office has signed.

mod publish;
mod status;

use super::run::{catalogue, config_report, quiet};
use super::{Outcome, Report, print_line, say};
use crate::config::board::{Machine, found};
use crate::config::{self, Config};
use crate::state;
use crate::update::catalogue::Target;
use crate::update::choice::{Choice, Older};
use crate::update::install::{self, Board, When};
use crate::update::memory::Place;
use crate::update::proof::Runner;
use crate::update::source::Source;
use crate::update::{Kind, UpdateError, Which, keys};
use clap::Subcommand;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Arguments of `update`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
}

/// What may be done with updates.
#[derive(Subcommand, Debug)]
pub enum Action {
    /// Say what is offered, and what of it would be taken
    #[command(
        after_help = "Examples:\n  clothingid update check\n  clothingid update check /media/stick\n  clothingid update check \
                      https://updates.example/shops --json"
    )]
    Check(CheckArgs),
    /// Take what is offered and new
    #[command(after_help = INSTALL)]
    Install(InstallArgs),
    /// Say what the board has, what waits, and what happened
    Status(StatusArgs),
    /// Go back to the network or catalogue before
    #[command(after_help = "Examples:\n  clothingid update rollback network\n  clothingid update rollback catalogue")]
    Rollback(RollbackArgs),
    /// Of a head office: put files into a folder for boards, and sign its index
    #[command(after_help = publish::EXAMPLES)]
    Publish(publish::Args),
}

const INSTALL: &str = "Examples:
  clothingid update install
  clothingid update install /media/stick --kind network
  clothingid update install /media/stick --now

Everything is verified before it is used: the signature of the index, then size and SHA-256 of each file. A network is asked for its golden
answers; the appliance then changes over to it when no customer is there, and goes back by itself where it is not well within two minutes.";

/// Arguments of `update check`.
#[derive(clap::Args, Debug)]
pub struct CheckArgs {
    /// The folder, stick or `https://` folder of the updates [default: `source` of `[update]` in the configuration]
    pub source: Option<String>,

    /// Read this configuration and no other
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `update install`.
#[derive(clap::Args, Debug)]
pub struct InstallArgs {
    /// The folder, stick or `https://` folder of the updates [default: `source` of `[update]` in the configuration]
    pub source: Option<String>,

    /// Only this kind; may be given more than once
    #[arg(long, value_enum)]
    pub kind: Vec<Kind>,

    /// Take an index and updates that are older than what was here
    #[arg(long)]
    pub allow_downgrade: bool,

    /// Do not wait until no customer is there
    #[arg(long)]
    pub now: bool,

    /// Where the configuration names no source, do nothing: for a timer
    #[arg(long, conflicts_with = "source")]
    pub if_configured: bool,

    /// Read this configuration and no other
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `update status`.
#[derive(clap::Args, Debug)]
pub struct StatusArgs {
    /// Print a JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `update rollback`.
#[derive(clap::Args, Debug)]
pub struct RollbackArgs {
    /// Which
    #[arg(value_enum, default_value_t = Undone::Network)]
    pub kind: Undone,

    /// Read this configuration and no other
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What can be gone back from by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Undone {
    /// The network.
    Network,
    /// The catalogue.
    Catalogue,
}

/// Does what was asked.
///
/// # Errors
/// Nothing can be looked at: no source, no key, no index.
pub fn run(args: &Args) -> Result<Outcome, Report> {
    match &args.action {
        Action::Check(args) => check(args),
        Action::Install(args) => install(args),
        Action::Status(args) => status::run(args),
        Action::Rollback(args) => roll_back(args),
        Action::Publish(args) => publish::run(args),
    }
}

fn report(error: &UpdateError) -> Report {
    Report::of(error).hinted(error.hints())
}

/// The folder of updates.
fn place() -> Result<Place, Report> {
    Ok(Place::new(&state::folder()?))
}

fn load(file: Option<&Path>) -> Result<Config, Report> {
    config::load(file).map_err(|error| config_report(&error))
}

/// Where updates come from.
fn source(asked: Option<&str>, config: &Config) -> Result<Source, Report> {
    let configured = config.update.source.as_ref().map(|source| source.get_ref().as_str());
    let text = asked.or(configured).ok_or_else(|| {
        Report::new("nothing says where updates come from")
            .hint("name the folder, the stick or the address: `clothingid update install /media/stick`")
            .hint("or set `source` in the table `[update]` of the configuration")
    })?;
    Source::parse(text).map_err(|error| report(&error))
}

/// This board.
fn board(file: Option<&Path>, config: Config) -> Result<Board, Report> {
    let place = place()?;
    // What embeds the photographs that a head office has not: the network in use.
    let current = match place.read().map(|memory| memory.network.current) {
        Ok(Which::Update(version)) => Some(place.file(&version.file)),
        _ => None,
    };
    let quiet = quiet(&config);
    let runner = Runner {
        program: std::env::current_exe()?,
        engine: config.engine.unwrap_or_default(),
        threads: config.threads.map_or(1, |threads| usize::from(threads.into_inner())),
    };
    Ok(Board {
        place,
        key_folders: keys::folders(file),
        name: found(&Machine::read(Path::new("/"), std::env::consts::ARCH)).map(|board| board.name),
        target: Target { catalogue: catalogue(config.catalogue)?, bundle: config.bundle.clone().or(current), runner },
        configured: config.bundle,
        kinds: config.update.allow.unwrap_or_else(|| Kind::ALL.to_vec()),
        is_asked: false,
        older: Older::Refused,
        when: When::Quiet(quiet),
    })
}

/// What would be done with an update.
#[derive(Serialize)]
struct Offered<'a> {
    kind: Kind,
    serial: u64,
    version: &'a str,
    bytes: u64,
    would: &'static str,
}

/// A line of what is said, for machines.
#[derive(Serialize)]
struct Said<'a> {
    said: &'a str,
}

fn check(args: &CheckArgs) -> Result<Outcome, Report> {
    let config = load(args.config.as_deref())?;
    let source = source(args.source.as_deref(), &config)?;
    let board = board(args.config.as_deref(), config)?;
    let offer =
        install::look(&board, &source).map_err(|error| report(&error).during(format!("looking at `{source}`")))?;
    let choices = offer.choices(&board);
    if choices.is_empty() && !args.json {
        print_line("nothing is offered")?;
    }
    let mut outcome = Outcome::Done;
    for (_, choice) in choices {
        let (update, would) = match choice {
            Choice::Take(update) => (update, "take"),
            Choice::NothingNew(update) => (update, "nothing new"),
            Choice::TriedBefore(update) => (update, "tried before"),
            Choice::Refused(error) => {
                eprint!("{}", report(&error));
                outcome = Outcome::SomeFailed;
                continue;
            }
        };
        if args.json {
            let (kind, serial, version, bytes) = (update.kind, update.serial, update.version.as_str(), update.bytes);
            print_line(&serde_json::to_string(&Offered { kind, serial, version, bytes, would })?)?;
        } else {
            let mib = update.bytes.div_ceil(1 << 20);
            print_line(&format!("{would:<13} {}, {mib} MiB", update.title()))?;
        }
    }
    Ok(outcome)
}

fn install(args: &InstallArgs) -> Result<Outcome, Report> {
    let config = load(args.config.as_deref())?;
    if args.if_configured && config.update.source.is_none() {
        say("no updates are looked for: the configuration names no `source` in the table `[update]`");
        return Ok(Outcome::Done);
    }
    let source = source(args.source.as_deref(), &config)?;
    let mut board = board(args.config.as_deref(), config)?;
    board.is_asked = !args.kind.is_empty();
    if board.is_asked {
        board.kinds = args.kind.clone();
    }
    if args.allow_downgrade {
        board.older = Older::Allowed;
    }
    if args.now {
        board.when = When::Now;
    }
    let mut told = |line: &str| {
        let json = serde_json::to_string(&Said { said: line }).ok().filter(|_| args.json);
        if let Err(error) = print_line(json.as_deref().unwrap_or(line)) {
            say(error);
        }
    };
    let installed = install::install(&board, &source, &mut told);
    let is_well = installed.map_err(|error| report(&error).during(format!("installing from `{source}`")))?;
    Ok(if is_well { Outcome::Done } else { Outcome::SomeFailed })
}

fn roll_back(args: &RollbackArgs) -> Result<Outcome, Report> {
    let board = board(args.config.as_deref(), load(args.config.as_deref())?)?;
    let kind = match args.kind {
        Undone::Network => Kind::Network,
        Undone::Catalogue => Kind::Catalogue,
    };
    print_line(&install::roll_back(&board, kind).map_err(|error| report(&error))?)?;
    Ok(Outcome::Done)
}

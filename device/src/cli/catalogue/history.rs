//! `clothingid catalogue history` and `undo`.

use super::list::counted;
use super::{ByArgs, CatalogueArgs, store_report};
use crate::catalogue::store::{Change, Store, UndoError, Undone, embed_command};
use crate::cli::{Outcome, Report, print_line};
use crate::network::EngineChoice;
use serde::Serialize;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Arguments of `catalogue history`.
#[derive(clap::Args, Debug)]
pub struct HistoryArgs {
    /// Which catalogue.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,

    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `catalogue undo`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  clothingid catalogue undo\n  clothingid catalogue history\n  clothingid catalogue undo 12\n\nAn import, a correction, a \
                        removal and an undo are changes, and can be undone for 30 days. Undoing an undo does the change again."
)]
pub struct UndoArgs {
    /// The change's number in `catalogue history` [default: the last one that holds]
    pub number: Option<i64>,

    /// Which catalogue.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,

    /// Who undoes.
    #[command(flatten)]
    pub by: ByArgs,

    /// Print a JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct UndoLine<'a> {
    undone: i64,
    what: &'a str,
    products: usize,
    left: usize,
    unembedded: usize,
}

pub(super) fn history(args: &HistoryArgs) -> Result<Outcome, Report> {
    let store = Store::open(&args.catalogue.path()?).map_err(|e| store_report(&e))?;
    let changes = store.history().map_err(|e| store_report(&e))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    for change in &changes {
        print_line(&if args.json { serde_json::to_string(change)? } else { line(change, now) })?;
    }
    let damaged: Vec<String> = changes.iter().filter(|c| !c.is_sound).map(|c| c.number.to_string()).collect();
    if damaged.is_empty() {
        return Ok(Outcome::Done);
    }
    eprintln!("error: not what was written: the history of the changes {}", damaged.join(", "));
    Ok(Outcome::SomeFailed)
}

/// A change for people. How long ago, since a board may have no idea of its time zone.
fn line(change: &Change, now: Duration) -> String {
    let Change { number, at, who, what, products, .. } = change;
    let ago = now.as_secs().saturating_sub(u64::try_from(*at).unwrap_or(0));
    let ago = match (ago / 86_400, ago / 3600, ago / 60) {
        (0, 0, 0) => "just now".to_owned(),
        (0, 0, minutes) => format!("{minutes} min ago"),
        (0, hours, _) => format!("{hours} h ago"),
        (days, ..) => format!("{} ago", counted(usize::try_from(days).unwrap_or(0), "day")),
    };
    let by = if who.is_empty() { String::new() } else { format!(" by {who}") };
    let undone = if change.is_undone { "  (undone)" } else { "" };
    format!("{number:>4}  {ago:<11}  {what}{by}: {}{undone}", counted(*products, "product"))
}

pub(super) fn undo(args: &UndoArgs) -> Result<Outcome, Report> {
    let mut store = Store::open(&args.catalogue.path()?).map_err(|e| store_report(&e))?;
    store.sign(args.by.author(args.number.map_or_else(|| "undo".to_owned(), |number| format!("undo {number}"))));
    let undone = store
        .undo(args.number)
        .map_err(|error: UndoError| Report::of(&error).during("undoing a change").hinted(error.hints()))?;
    let Undone { products, left, unembedded, .. } = undone;
    let what = undone.what.as_str();
    print_line(&if args.json {
        serde_json::to_string(&UndoLine { undone: undone.number, what, products, left, unembedded })?
    } else {
        format!("undone: {what} ({} as before)", counted(products, "product"))
    })?;
    if left > 0 {
        eprintln!("error: left as they are, since they were damaged before the change: {}", counted(left, "product"));
    }
    if unembedded > 0 {
        let embed = embed_command(args.catalogue.catalogue.as_deref(), (None, EngineChoice::default()));
        eprintln!(
            "error: found by no search until they are embedded with the network in use: {}",
            counted(unembedded, "photo")
        );
        eprintln!("\nhint: embed them: `{embed}`");
    }
    Ok(if left + unembedded == 0 { Outcome::Done } else { Outcome::SomeFailed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_when_and_by_whom() {
        let change = |number, ago: i64, is_undone| {
            let (who, what) = (if number == 1 { "" } else { "mia" }.to_owned(), "import summer.csv".to_owned());
            let at = 2_000_000_000 - ago;
            line(
                &Change {
                    number,
                    at,
                    who,
                    what,
                    products: 12,
                    undoes: None,
                    is_undone,
                    has_effect: true,
                    is_sound: true,
                },
                Duration::from_secs(2_000_000_000),
            )
        };
        let lines = [change(4, 5, false), change(3, 600, true), change(2, 7300, false), change(1, 90_000, false)];
        insta::assert_snapshot!(lines.join("\n"));
    }
}

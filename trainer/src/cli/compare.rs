//! `clothingid-train compare`: two reports or two runs side by side.

use std::path::PathBuf;

use clothingid_shared::files;

use super::{ExitStatus, Report};
use crate::report::ReportError;
use crate::report::comparison::Comparison;
use crate::report::metric::Metric;
use crate::report::page::{Page, Section};
use crate::report::side::Side;
use crate::report::slice::Slice;

/// Arguments of `compare`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  clothingid-train compare old/report.md.json new/report.md.json
  clothingid-train compare runs/finetune runs/other --html compare.html

A and B are each the JSON that `report --out` writes beside its markdown, a file that `report --jsonl` wrote, or the folder of a training
run. Two reports hold their answers, and are paired photograph by photograph; all else is compared by its intervals, or without any.")]
pub struct Args {
    /// What is compared with
    #[arg(value_name = "A")]
    pub a: PathBuf,
    /// What is compared
    #[arg(value_name = "B")]
    pub b: PathBuf,
    /// Every metric: by category, source and size too, of float and of the rival
    #[arg(long)]
    pub all: bool,
    /// Page to write
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Print one JSON object a line, one for each metric
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// A side cannot be read, or they have no metric in common.
pub fn run(args: &Args) -> Result<ExitStatus, Report> {
    let [a, b] = [&args.a, &args.b].map(|path| {
        Side::read(path).map_err(|error| {
            let report = Report::of(&error).during(format!("reading `{}`", path.display()));
            match error {
                ReportError::Form { .. } | ReportError::NoSteps { .. } => report.hint(
                    "give the JSON that `report --out` writes, a file of `report --jsonl`, or the folder of a training run",
                ),
                _ => report,
            }
        })
    });
    let comparison = Comparison::of(a?, b?, |line| args.all || is_main(line));
    if comparison.rows.is_empty() {
        let what = format!("`{}` and `{}` have no metric in common", args.a.display(), args.b.display());
        return Err(Report::new(what).hint("compare two reports, or two runs"));
    }
    if let Some(path) = &args.html {
        files::write_atomic(path, page(&comparison).html()?.as_bytes())?;
    }
    if args.json {
        for row in &comparison.rows {
            println!("{}", serde_json::to_string(row)?);
        }
    } else {
        print!("{}", comparison.text());
    }
    Ok(ExitStatus::Done)
}

/// What is compared without being asked for: whole heads, of the network that ships. Studies and runs name their networks themselves.
fn is_main(line: &Metric) -> bool {
    let is_slice = matches!(line.slice, Slice::Category(_) | Slice::Source(_) | Slice::Size(_));
    let is_beside = ["float", "rival", "int8 - float", "int8 - rival"].contains(&line.network.as_str());
    !is_slice && !is_beside
}

fn page(comparison: &Comparison) -> Page {
    let mut page = Page::new("Two side by side");
    page.lead.push(format!("A: `{}`, {}.", comparison.a.path, comparison.a.name).into());
    page.lead.push(format!("B: `{}`, {}.", comparison.b.path, comparison.b.name).into());
    let mut section = Section::new("Differences");
    comparison.notes().iter().for_each(|note| section.words(note.replace("`*`", "bold")));
    section.table(comparison.table());
    page.section(section);
    page
}

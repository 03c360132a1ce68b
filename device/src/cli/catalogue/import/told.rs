//! What an import will do and has done, for people and for machines.

use super::again;
use crate::catalogue::csv::{Encoding, Problem};
use crate::catalogue::import::{Change, LoneVariant, Plan, SharedPhoto, Summary};
use crate::cli::catalogue::list::counted;
use crate::cli::{Outcome, Report, Told, say};
use serde::Serialize;
use std::io::Stdout;
use std::path::Path;

/// Photographs of several products, and variants without a style, that are named one by one.
const MOST_SHARED: usize = 10;

/// One line of `--json`.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Line<'a> {
    Committed {
        skus: Vec<&'a str>,
        photos: usize,
        reembedded: usize,
    },
    Would {
        sku: &'a str,
        change: &'a str,
        what: &'a [String],
    },
    SharedPhoto {
        photo: &'a str,
        skus: &'a [String],
    },
    LoneVariant {
        sku: &'a str,
        style: &'a str,
    },
    WouldRemove {
        sku: &'a str,
    },
    WouldKeep {
        picture: &'a str,
        of: Vec<&'a str>,
    },
    Problem {
        line: u64,
        column: Option<&'a str>,
        sku: Option<&'a str>,
        error: String,
    },
    Done {
        new: usize,
        changed: usize,
        unchanged: usize,
        wrong: usize,
        kept: usize,
        removed: usize,
        photos: usize,
        evidence: usize,
        reembedded: usize,
        interrupted: bool,
    },
    DryRun {
        new: usize,
        changed: usize,
        unchanged: usize,
        wrong: usize,
        kept: usize,
        removed: usize,
        evidence: usize,
    },
}

pub(super) fn tell_json(line: &Line<'_>, told: &mut Told<Stdout>) -> Result<(), Report> {
    told.line(&serde_json::to_string(line)?);
    Ok(())
}

fn show_problems(problems: &[Problem], json: bool, told: &mut Told<Stdout>) -> Result<(), Report> {
    for problem in problems {
        say(format_args!("error: {problem}"));
        if json {
            let column = problem.column.map(|c| c.name());
            let (sku, error) = (problem.sku.as_deref(), problem.to_string());
            tell_json(&Line::Problem { line: problem.line, column, sku, error }, told)?;
        }
    }
    Ok(())
}

/// What is no error, and worth a look.
pub(super) fn note(plan: &Plan, json: bool, told: &mut Told<Stdout>) {
    if plan.encoding == Encoding::Windows1252 {
        say("note: the file is not UTF-8 and was read as Windows-1252: look at letters with accents");
    }
    if !plan.ignored_columns.is_empty() {
        let names: Vec<String> = plan.ignored_columns.iter().map(|c| format!("`{c}`")).collect();
        say(format_args!("note: columns that are not used: {}", names.join(", ")));
    }
    for SharedPhoto { name, skus } in plan.shared.iter().take(MOST_SHARED) {
        let skus: Vec<String> = skus.iter().map(|sku| format!("`{sku}`")).collect();
        say(format_args!("note: the photo `{name}` is that of several products: {}", skus.join(", ")));
    }
    if plan.shared.len() > MOST_SHARED {
        say(format_args!("note: and {} more such photos: `--json` names all", plan.shared.len() - MOST_SHARED));
    }
    for LoneVariant { sku, style } in plan.lone.iter().take(MOST_SHARED) {
        say(format_args!("note: `{sku}` is a variant of `{style}`, which is no product, and no other one is"));
    }
    if plan.lone.len() > MOST_SHARED {
        say(format_args!("note: and {} more such variants: `--json` names all", plan.lone.len() - MOST_SHARED));
    }
    let shared = plan.shared.iter().map(|SharedPhoto { name, skus }| Line::SharedPhoto { photo: name, skus });
    let lone = plan.lone.iter().map(|LoneVariant { sku, style }| Line::LoneVariant { sku, style });
    for line in shared.chain(lone).filter(|_| json) {
        // These lines are made of texts: they have a form in JSON.
        let _ = tell_json(&line, told);
    }
}

pub(super) fn show_plan(plan: &Plan, json: bool, told: &mut Told<Stdout>) -> Result<Outcome, Report> {
    for step in &plan.steps {
        let product = &step.product;
        let change = match &step.change {
            Change::New => "new",
            Change::Changed(_) => "changed",
        };
        let what = step.differences();
        if json {
            tell_json(&Line::Would { sku: &product.sku, change, what: &what }, told)?;
        } else {
            let what = if step.change == Change::New { counted(step.photos.len(), "photo") } else { what.join(", ") };
            told.line(&format!("{change:<8} {}  {}  ({what})", product.sku, product.title));
        }
    }
    for sku in &plan.going {
        if json {
            tell_json(&Line::WouldRemove { sku }, told)?;
        } else {
            told.line(&format!("{:<8} {sku}", "removed"));
        }
    }
    for one in &plan.evidence {
        let of: Vec<&str> = one.says.iter().map(|(sku, _)| sku.as_str()).collect();
        if json {
            tell_json(&Line::WouldKeep { picture: &one.photo.name, of }, told)?;
        } else {
            told.line(&format!("{:<8} {}  ({})", "kept", of.join(", "), one.photo.name));
        }
    }
    show_problems(&plan.problems, json, told)?;
    let removed = plan.going.len();
    let (new, unchanged, wrong, kept) = (plan.new_count(), plan.unchanged, plan.problems.len(), plan.kept.len());
    let (changed, evidence) = (plan.steps.len() - new, plan.evidence.len());
    if json {
        tell_json(&Line::DryRun { new, changed, unchanged, wrong, kept, removed, evidence }, told)?;
    } else {
        let sum = sum(new, changed, unchanged, wrong, [kept, removed]);
        told.line(&format!("{sum}{}; nothing was changed (dry run)", of_evidence(evidence)));
    }
    Ok(if wrong == 0 { Outcome::Done } else { Outcome::SomeFailed })
}

fn sum(new: usize, changed: usize, unchanged: usize, wrong: usize, [kept, removed]: [usize; 2]) -> String {
    let kept = if kept == 0 { String::new() } else { format!(", not in the file {kept} (kept)") };
    let removed = if removed == 0 { String::new() } else { format!(", removed {removed}") };
    format!("new {new}, changed {changed}, unchanged {unchanged}, wrong {wrong}{kept}{removed}")
}

/// What was found out at a counter, where it comes along.
fn of_evidence(count: usize) -> String {
    if count == 0 { String::new() } else { format!("; {} of the counter", counted(count, "picture")) }
}

pub(super) fn show_summary(
    summary: &Summary,
    args: &super::Args,
    catalogue: &Path,
    told: &mut Told<Stdout>,
) -> Result<Outcome, Report> {
    show_problems(&summary.problems, args.json, told)?;
    for damage in &summary.damage {
        say(format_args!("error: {damage}"));
    }
    let &Summary { new, changed, unchanged, photos, evidence, reembedded, is_interrupted: interrupted, .. } = summary;
    let (wrong, kept, removed) = (summary.problems.len(), summary.kept.len(), summary.removed);
    if args.json {
        tell_json(
            &Line::Done { new, changed, unchanged, wrong, kept, removed, photos, evidence, reembedded, interrupted },
            told,
        )?;
    } else {
        let of_photos = match (photos, reembedded) {
            (0, 0) => String::new(),
            (_, 0) => format!("; {} stored", counted(photos, "photo")),
            _ => format!("; {} stored, {reembedded} embedded with the network in use", counted(photos, "photo")),
        };
        let sum = sum(new, changed, unchanged, wrong, [kept, removed]);
        told.line(&format!("{sum}{of_photos}{}", of_evidence(evidence)));
    }
    if interrupted {
        say(format_args!("stopped; what is told above is stored. Go on with: `{}`", again(args, catalogue)));
        return Ok(Outcome::Interrupted);
    }
    Ok(if wrong == 0 && summary.damage.is_empty() { Outcome::Done } else { Outcome::SomeFailed })
}

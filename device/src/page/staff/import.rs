//! Bringing in a catalogue file: received from a browser or found on a USB stick, tried first, made when the staff say so.

use super::changes::column_key;
use super::form::Posted;
use super::gate::Here;
use super::problems::words;
use super::receive::Received;
use super::render::{self, say, trouble_at};
use crate::catalogue::csv::Problem;
use crate::catalogue::import::Plan;
use crate::config::Language;
use crate::page::answer::json_text;
use crate::page::state::PageState;
use crate::staff::importing::{self, Doing, Into, Shown, Source, Working};
use crate::staff::sticks;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::{Value, context};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows of each kind that are shown.
const ROWS: usize = 100;

/// Where the page is.
pub(super) const PAGE: &str = "/staff/import";

/// `GET /staff/import`: how far it is, and what can be done about it.
pub async fn page(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>) -> Response {
    let language = here.language;
    match state.staff.importing.shown() {
        Shown::Idle => {
            let media = state.staff.media.clone();
            let tables = tokio::task::spawn_blocking(move || sticks::tables(&media)).await.unwrap_or_default();
            let tables: Vec<Value> = tables
                .iter()
                .map(|table| {
                    let photos: Vec<String> = table.photos.iter().map(|path| path.display().to_string()).collect();
                    context! { path => table.path.display().to_string(), photos }
                })
                .collect();
            render::page(&state, &here, "import.html", context! { tables })
        }
        Shown::Working(working) => render::page(&state, &here, "import-working.html", of_working(&working)),
        Shown::Tried(name, plan) => render::page(&state, &here, "import-tried.html", of_plan(language, &name, &plan)),
        Shown::Copied(..) => Redirect::to("/staff/backup").into_response(),
        Shown::Done(name, summary, change) => {
            let values = context! {
                name,
                change,
                new => summary.new,
                changed => summary.changed,
                unchanged => summary.unchanged,
                photos => summary.photos,
                evidence => summary.evidence,
                is_interrupted => summary.is_interrupted,
                problems => problems(language, &summary.problems),
                problem_count => summary.problems.len(),
                more_problems => summary.problems.len().saturating_sub(ROWS),
            };
            render::page(&state, &here, "import-done.html", values)
        }
        Shown::Failed(doing, name, words) => {
            render::page(&state, &here, "import-failed.html", context! { doing => key(doing), name, detail => words })
        }
    }
}

/// What is done, for templates and scripts.
fn key(doing: Doing) -> &'static str {
    match doing {
        Doing::Trying => "trying",
        Doing::Making => "making",
        Doing::Copying => "copying",
    }
}

fn of_working(working: &Working) -> Value {
    let Working { name, doing, total, embedded, stored, is_stopping } = working.clone();
    let percent = total.filter(|total| *total > 0).map(|total| embedded.min(total) * 100 / total);
    let doing = key(doing);
    context! { name, doing, total, embedded, stored, is_stopping, percent }
}

fn of_plan(language: Language, name: &str, plan: &Plan) -> Value {
    let counted = |key, count: usize| say(language, key).replace("{count}", &count.to_string());
    let rows = |is_new: bool| -> (Vec<Value>, usize) {
        let steps: Vec<_> = plan
            .steps
            .iter()
            .map(|step| (step, importing::of_step(step)))
            .filter(|(_, (columns, ..))| columns.is_none() == is_new)
            .collect();
        let shown = steps.iter().take(ROWS).map(|(step, (columns, added, removed))| {
            let mut what: Vec<String> =
                columns.unwrap_or_default().iter().map(|column| say(language, column_key(column)).to_owned()).collect();
            if *added > 0 {
                what.push(counted("photos_added", *added));
            }
            if *removed > 0 {
                what.push(counted("photos_removed", *removed));
            }
            context! { sku => step.product.sku, title => step.product.title, what => what.join(" · ") }
        });
        (shown.collect(), steps.len())
    };
    let ((new, new_count), (changed, changed_count)) = (rows(true), rows(false));
    let shared: Vec<Value> =
        plan.shared.iter().take(ROWS).map(|one| context! { photo => one.name, skus => one.skus.join(", ") }).collect();
    context! {
        name,
        new,
        new_count,
        changed,
        changed_count,
        unchanged => plan.unchanged,
        kept => plan.kept.len(),
        going => plan.going,
        photos => plan.embed_count(),
        evidence => plan.evidence.len(),
        evidence_of => evidence_of(plan),
        problems => problems(language, &plan.problems),
        problem_count => plan.problems.len(),
        more_problems => plan.problems.len().saturating_sub(ROWS),
        ignored => plan.ignored_columns.join(", "),
        shared,
        has_work => !plan.steps.is_empty() || !plan.going.is_empty() || !plan.evidence.is_empty(),
    }
}

/// The articles that something was said of.
fn evidence_of(plan: &Plan) -> Vec<&str> {
    let skus: BTreeSet<&str> = plan.evidence.iter().flat_map(|one| &one.says).map(|(sku, _)| sku.as_str()).collect();
    skus.into_iter().take(ROWS).collect()
}

fn problems(language: Language, problems: &[Problem]) -> Vec<Value> {
    let rows = problems.iter().take(ROWS).map(|problem| {
        let (line, column, sku) = importing::of_problem(problem);
        context! { line, column, sku, what => words(language, &problem.kind) }
    });
    rows.collect()
}

/// With what an import is made now.
fn into(state: &PageState) -> Into {
    Into {
        catalogue: state.shop.path().to_owned(),
        bundle: Arc::clone(&state.bundle),
        engine: state.facts.engine_choice,
        identity: state.shop.identity().clone(),
    }
}

pub(super) fn begin(state: &PageState, here: &Here, source: Source) -> Response {
    if state.shop.is_of_another() {
        return trouble_at(state, here, StatusCode::CONFLICT, "catalogue_of_another", "", Some(PAGE));
    }
    match state.staff.importing.try_out(source, into(state)) {
        Ok(()) => Redirect::to(PAGE).into_response(),
        Err(importing::Busy) => trouble_at(state, here, StatusCode::CONFLICT, "import_busy", "", Some(PAGE)),
    }
}

/// `POST /staff/import/upload`: receives a table and its photographs, and tries them.
pub async fn upload(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>, form: Received) -> Response {
    begin(&state, &here, form.source)
}

/// `POST /staff/import/stick`: tries a table of a USB stick.
pub async fn stick(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>, form: Posted) -> Response {
    let media = state.staff.media.clone();
    let (table, photos) = (form.get("table").to_owned(), form.get("photos").to_owned());
    let found = tokio::task::spawn_blocking(move || -> Option<(PathBuf, PathBuf)> {
        let inside = |path: &str| sticks::inside(&media.roots, Path::new(path));
        Some((inside(&table).filter(|path| path.is_file())?, inside(&photos)?))
    });
    match found.await {
        Ok(Some((table, photos))) => begin(&state, &here, Source { table, photos, received: None }),
        _ => trouble_at(&state, &here, StatusCode::NOT_FOUND, "stick_gone", "", Some(PAGE)),
    }
}

/// `POST /staff/import/make`: makes what was tried.
pub async fn make(State(state): State<Arc<PageState>>, Extension(here): Extension<Here>, _form: Posted) -> Response {
    match state.staff.importing.make(into(&state)) {
        Ok(()) => Redirect::to(PAGE).into_response(),
        Err(importing::Busy) => trouble_at(&state, &here, StatusCode::CONFLICT, "import_busy", "", Some(PAGE)),
    }
}

/// `POST /staff/import/stop`: stops after what has begun.
pub async fn stop(State(state): State<Arc<PageState>>, _form: Posted) -> Response {
    state.staff.importing.stop();
    Redirect::to(PAGE).into_response()
}

/// `POST /staff/import/forget`: another one, or none; what was received goes.
pub async fn forget(State(state): State<Arc<PageState>>, _form: Posted) -> Response {
    let staff = Arc::clone(&state.staff);
    // Thousands of files may go.
    let _ = tokio::task::spawn_blocking(move || staff.importing.forget()).await;
    Redirect::to(PAGE).into_response()
}

/// `GET /api/v1/staff/import`: how far it is, for the page's script.
pub async fn progress(State(state): State<Arc<PageState>>) -> Response {
    let value = match state.staff.importing.shown() {
        Shown::Idle => serde_json::json!({"state": "idle"}),
        Shown::Working(Working { doing, total, embedded, stored, .. }) => {
            serde_json::json!({"state": key(doing), "total": total, "embedded": embedded, "stored": stored})
        }
        Shown::Tried(..) => serde_json::json!({"state": "tried"}),
        Shown::Copied(..) => serde_json::json!({"state": "copied"}),
        Shown::Done(..) => serde_json::json!({"state": "done"}),
        Shown::Failed(..) => serde_json::json!({"state": "failed"}),
    };
    json_text(value.to_string())
}

//! A catalogue file and its photographs as a browser sends them: streamed to the disk, never in memory as a whole.

use super::form::{Fields, from_elsewhere, has_token};
use super::gate::Here;
use super::render::{trouble, trouble_at};
use crate::page::state::PageState;
use crate::pipeline::in_words;
use crate::staff::importing::Source;
use crate::staff::incoming::{Incoming, IncomingError, Receiving};
use axum::body::Bytes;
use axum::extract::multipart::{Multipart, MultipartError};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::Response;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// How long a sender may be silent.
const SILENCE: Duration = Duration::from_secs(30);

/// How long all of it may take: a stick's worth over a slow network.
const ALTOGETHER: Duration = Duration::from_secs(1800);

/// Fields of a form that are no files, at most.
const MOST_FIELDS: usize = 32;

/// Pieces on their way to the disk: what waits in memory.
const WAITING: usize = 8;

/// Where the import begins.
const START: &str = "/staff/import";

/// A form of the session with an import that was received.
#[derive(Debug)]
pub struct Received {
    /// The table and its photographs.
    pub source: Source,
    /// Held until it is tried: one upload at a time.
    _turn: OwnedSemaphorePermit,
}

/// A piece on its way to the disk.
enum Piece {
    /// A file begins.
    Begin { name: String, is_table: bool },
    /// More of it.
    More(Bytes),
    /// The sender has failed: what was received goes.
    Abandon,
}

/// What is wrong with an upload.
enum Bad {
    Elsewhere,
    Silent,
    Form(MultipartError),
    /// The disk's thread has ended: it says why.
    Disk,
}

impl From<MultipartError> for Bad {
    fn from(error: MultipartError) -> Self {
        Self::Form(error)
    }
}

impl FromRequest<Arc<PageState>> for Received {
    type Rejection = Response;

    async fn from_request(request: Request, state: &Arc<PageState>) -> Result<Self, Response> {
        let Some(here) = request.extensions().get::<Here>().cloned() else {
            use axum::response::IntoResponse as _;
            return Err(StatusCode::UNAUTHORIZED.into_response());
        };
        let headers = request.headers().clone();
        let form = Multipart::from_request(request, state).await.map_err(|_| from_elsewhere(state, &here))?;
        let Ok(turn) = Arc::clone(&state.files_turn).try_acquire_owned() else {
            return Err(trouble_at(state, &here, StatusCode::TOO_MANY_REQUESTS, "busy", "", Some(START)));
        };
        let (pieces, waiting) = channel(WAITING);
        let place = state.staff.importing.place().to_owned();
        let is_mine = |fields: &Fields| has_token(&here, &headers, fields);
        // The folder is made with the first file, so that a form from elsewhere makes none.
        let disk = tokio::task::spawn_blocking(move || to_disk(&place, waiting));
        let sent = tokio::time::timeout(ALTOGETHER, send(form, &pieces, is_mine)).await.unwrap_or(Err(Bad::Silent));
        if sent.is_err() {
            // Where the disk's side has ended already, it is gone.
            let _ = pieces.send(Piece::Abandon).await;
        }
        drop(pieces);
        let written = disk.await;
        let say = |status, key, detail: &str| trouble_at(state, &here, status, key, detail, Some(START));
        match (sent, written) {
            (Ok(()), Ok(Ok(source))) => Ok(Self { source, _turn: turn }),
            (Err(Bad::Elsewhere), _) => Err(from_elsewhere(state, &here)),
            (Err(Bad::Silent), _) => Err(say(StatusCode::REQUEST_TIMEOUT, "form_too_slow", "")),
            (Err(Bad::Form(error)), _) => Err(say(error.status(), "form_incomplete", &error.body_text())),
            (Ok(()) | Err(Bad::Disk), Ok(Err(Unwritten::NoTable))) => {
                Err(say(StatusCode::BAD_REQUEST, "import_no_table", ""))
            }
            (_, Ok(Err(Unwritten::Incoming(error)))) => {
                let (status, key) = match &error {
                    IncomingError::TooMuch => (StatusCode::PAYLOAD_TOO_LARGE, "import_too_much"),
                    IncomingError::NoRoom => (StatusCode::INSUFFICIENT_STORAGE, "import_no_room"),
                    IncomingError::Name { .. } => (StatusCode::BAD_REQUEST, "import_bad_name"),
                    IncomingError::File(_) => (StatusCode::INTERNAL_SERVER_ERROR, "failed"),
                };
                Err(say(status, key, &in_words(&error)))
            }
            _ => Err(trouble(state, &here, StatusCode::INTERNAL_SERVER_ERROR, "failed", "")),
        }
    }
}

/// Hands on the files of a form whose token comes before them.
async fn send(mut form: Multipart, to: &Sender<Piece>, is_mine: impl Fn(&Fields) -> bool) -> Result<(), Bad> {
    let (mut fields, mut count) = (Fields::default(), 0);
    let soon = |_| Bad::Silent;
    while let Some(mut field) = tokio::time::timeout(SILENCE, form.next_field()).await.map_err(soon)?? {
        let name = field.name().unwrap_or_default().to_owned();
        let Some(file) = field.file_name().map(ToOwned::to_owned) else {
            let mut value = Vec::new();
            while let Some(chunk) = tokio::time::timeout(SILENCE, field.chunk()).await.map_err(soon)?? {
                value.extend(chunk.iter().take(4096_usize.saturating_sub(value.len())));
            }
            count += 1;
            if count > MOST_FIELDS {
                return Err(Bad::Elsewhere);
            }
            fields.push(name, String::from_utf8_lossy(&value).into_owned());
            continue;
        };
        if !is_mine(&fields) {
            return Err(Bad::Elsewhere);
        }
        let mut has_begun = false;
        while let Some(chunk) = tokio::time::timeout(SILENCE, field.chunk()).await.map_err(soon)?? {
            // A field for files that nobody chose sends one without a byte.
            if !std::mem::replace(&mut has_begun, true) {
                let is_table = name == "table" || file.to_ascii_lowercase().ends_with(".csv");
                to.send(Piece::Begin { name: file.clone(), is_table }).await.map_err(|_| Bad::Disk)?;
            }
            to.send(Piece::More(chunk)).await.map_err(|_| Bad::Disk)?;
        }
    }
    if is_mine(&fields) { Ok(()) } else { Err(Bad::Elsewhere) }
}

/// Why an upload is not on the disk.
enum Unwritten {
    Abandoned,
    NoTable,
    Incoming(IncomingError),
}

impl<E: Into<IncomingError>> From<E> for Unwritten {
    fn from(error: E) -> Self {
        Self::Incoming(error.into())
    }
}

/// The disk's side: writes what comes.
fn to_disk(place: &std::path::Path, mut pieces: Receiver<Piece>) -> Result<Source, Unwritten> {
    let mut incoming: Option<Incoming> = None;
    let mut receiving: Option<Receiving> = None;
    let (mut table, mut packed): (Option<PathBuf>, Vec<PathBuf>) = (None, Vec::new());
    while let Some(piece) = pieces.blocking_recv() {
        match piece {
            Piece::Abandon => return Err(Unwritten::Abandoned),
            Piece::Begin { name, is_table } => {
                let folder = match &mut incoming {
                    Some(folder) => folder,
                    none => none.insert(Incoming::new(place)?),
                };
                let file = folder.begin(&name)?;
                if is_table {
                    table.get_or_insert_with(|| file.path().to_owned());
                } else if name.to_ascii_lowercase().ends_with(".zip") {
                    packed.push(file.path().to_owned());
                }
                receiving = Some(file);
            }
            Piece::More(bytes) => {
                if let (Some(folder), Some(file)) = (&mut incoming, &mut receiving) {
                    folder.add(file, &bytes)?;
                }
            }
        }
    }
    let (Some(incoming), Some(table)) = (incoming, table) else { return Err(Unwritten::NoTable) };
    let photos = match packed.as_slice() {
        [one] => one.clone(),
        _ => incoming.folder().to_owned(),
    };
    Ok(Source { table, photos, received: Some(incoming) })
}

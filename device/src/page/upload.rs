//! Photographs that are sent to the API: read with a bound on size, time and number, answered by one worker, kept nowhere.

use super::answer::{ApiError, of_gallery};
use super::rate::RateLimit;
use super::state::PageState;
use super::wish::Wish;
use crate::catalogue::Filter;
use crate::catalogue::store::Embedded;
use crate::health::{Health, Metrics, Stage};
use crate::pipeline::supervise::{StageError, Stop, supervise};
use crate::pipeline::{LiveReading, LookError, Looker, LookerSettings, in_words};
use axum::body::Bytes;
use axum::extract::{FromRequest, Multipart, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use clothingid_shared::picture;
use serde_json::json;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, oneshot};

/// The largest photograph that is taken, in bytes. Phones make up to about 12 MB.
pub const MAX_BYTES: usize = 16 << 20;

/// The most pixels of a photograph that is taken: 150 MB decoded, on a board that does other work. Phones make up to 50 million.
pub const MOST_PIXELS: u64 = 50_000_000;

/// Photographs that are being read, waiting or answered at once; the next one is turned away.
pub const AT_ONCE: usize = 4;

/// How long a sender may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// A photograph on its way to the worker.
struct Job {
    name: String,
    photo: Bytes,
    wanted: Wanted,
}

/// What is wanted of a photograph, and where it goes.
enum Wanted {
    /// What it shows, and the garments that look like it.
    Reading { top: usize, filter: Filter, reply: Reply<LiveReading> },
    /// What a catalogue keeps of it.
    Embedding(Reply<Embedded>),
}

type Reply<T> = oneshot::Sender<Result<T, ApiError>>;

/// The way to the worker.
#[derive(Debug)]
pub struct Uploads {
    jobs: SyncSender<Job>,
    room: Arc<Semaphore>,
    rate: RateLimit,
}

impl Uploads {
    /// Starts the worker, which answers so many photographs `per_second` at most. It opens an engine of its own when the first one comes.
    ///
    /// **Errors** the system gives no thread.
    pub fn start(
        settings: LookerSettings,
        per_second: f64,
        health: &Arc<Health>,
        stop: &Stop,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        // The staff's photographs take none of the customers' places.
        let (jobs, waiting) = sync_channel(AT_ONCE + 1);
        let waiting = Mutex::new(waiting);
        let (heard, ends) = (Arc::clone(health), stop.clone());
        // A photograph that is sent is looked at once.
        let settings = LookerSettings { second_look: false, ..settings };
        let body = move || {
            let waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            work(&waiting, &settings, &heard, &ends)
        };
        let thread = supervise(Stage::Upload, stop, health, body)?;
        let room = Arc::new(Semaphore::new(AT_ONCE));
        Ok((Self { jobs, room, rate: RateLimit::new(per_second) }, thread))
    }
}

/// Answers photographs until the end; an engine that fails ends this, and another one is opened.
fn work(waiting: &Receiver<Job>, settings: &LookerSettings, health: &Health, stop: &Stop) -> Result<(), StageError> {
    let metrics = &health.metrics;
    let mut looker: Option<Looker> = None;
    while !stop.is_asked() {
        let job = match waiting.recv_timeout(Duration::from_millis(200)) {
            Ok(job) => job,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        };
        let opened = match looker.take() {
            Some(looker) => Ok(looker),
            None => Looker::open(settings),
        };
        let started = std::time::Instant::now();
        let Job { name, photo, wanted } = job;
        let failed = match wanted {
            Wanted::Reading { top, filter, reply } => {
                let look = |opened: &mut Looker| opened.look_once(&name, &photo, top, &filter);
                tell(&name, with(opened, &mut looker, look), reply, metrics)
            }
            Wanted::Embedding(reply) => {
                let embed = |opened: &mut Looker| opened.embed_once(&photo);
                tell(&name, with(opened, &mut looker, embed), reply, metrics)
            }
        };
        metrics.took(Stage::Upload, started.elapsed());
        if let Some(error) = failed {
            return Err(error.into());
        }
    }
    Ok(())
}

/// Works with the looker, and keeps it unless it is at fault.
fn with<T>(
    opened: Result<Looker, LookError>,
    kept: &mut Option<Looker>,
    work: impl FnOnce(&mut Looker) -> Result<T, LookError>,
) -> Result<T, LookError> {
    let mut opened = opened?;
    let answer = work(&mut opened);
    if answer.as_ref().err().is_none_or(LookError::spares_the_looker) {
        *kept = Some(opened);
    }
    answer
}

/// Tells the sender, and counts; gives back what ends the worker. The sender may have gone away: then nobody is left to be told.
fn tell<T>(name: &str, looked: Result<T, LookError>, reply: Reply<T>, metrics: &Metrics) -> Option<LookError> {
    match looked {
        Ok(answer) => {
            metrics.count(&metrics.uploads);
            let _ = reply.send(Ok(answer));
            None
        }
        Err(error) if error.is_the_pictures() => {
            metrics.count(&metrics.uploads_unreadable);
            let words = in_words(&error);
            let _ = reply.send(Err(ApiError::about(name, StatusCode::UNPROCESSABLE_ENTITY, words)));
            None
        }
        Err(error) => {
            let words = in_words(&error);
            let _ = reply.send(Err(ApiError::about(name, status(&error), words)));
            (!error.spares_the_looker()).then_some(error)
        }
    }
}

/// Of an error that is not the photograph's.
fn status(error: &LookError) -> StatusCode {
    match error {
        LookError::Gallery(error) => of_gallery(error),
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// `POST /api/v1/classify`: what a photograph shows.
pub async fn classify(State(state): State<Arc<PageState>>, request: Request) -> Response {
    match answer(&state, request, 0, Filter::default()).await {
        Ok(r) => {
            let mut value = json!({"path": r.path, "ms": r.ms, "engine": r.engine});
            if let (Some(all), Ok(serde_json::Value::Object(reading))) =
                (value.as_object_mut(), serde_json::to_value(&r.reading))
            {
                all.extend(reading);
            }
            axum::Json(value).into_response()
        }
        Err(error) => error.into_response(),
    }
}

/// `POST /api/v1/search?top=K&…`: garments of the shop that look like a photograph.
pub async fn search(State(state): State<Arc<PageState>>, Query(wish): Query<Wish>, request: Request) -> Response {
    let filter = match wish.filter() {
        Ok(filter) => filter,
        Err(error) => return error.into_response(),
    };
    match answer(&state, request, wish.top(), filter).await {
        Ok(r) => {
            let found = json!({"path": r.path, "matches": r.matches, "confident": r.confident, "verdict": r.verdict});
            axum::Json(found).into_response()
        }
        Err(error) => error.into_response(),
    }
}

async fn answer(state: &PageState, request: Request, top: usize, filter: Filter) -> Result<LiveReading, ApiError> {
    let metrics = &state.health.metrics;
    if let Err(wait) = state.uploads.rate.take(Instant::now()) {
        metrics.uploads_turned_away.fetch_add(1, Ordering::Relaxed);
        let error =
            format!("photographs come faster than they are taken: try again in {:.1} s", wait.as_secs_f64().max(0.1));
        return Err(ApiError::new(StatusCode::TOO_MANY_REQUESTS, error).after(wait));
    }
    // The place is taken before the body is read, so that no more than this many bodies are ever in memory.
    let Ok(_place) = Arc::clone(&state.uploads.room).try_acquire_owned() else {
        metrics.uploads_turned_away.fetch_add(1, Ordering::Relaxed);
        let error = format!("{AT_ONCE} photographs are being answered already: try again in a moment");
        return Err(ApiError::new(StatusCode::TOO_MANY_REQUESTS, error));
    };
    let read = tokio::time::timeout(PATIENCE, read(request)).await;
    let (name, photo) = read.map_err(|_| {
        ApiError::new(
            StatusCode::REQUEST_TIMEOUT,
            format!("the photograph did not come within {} s", PATIENCE.as_secs()),
        )
    })??;
    let (reply, answered) = oneshot::channel();
    let wanted = Wanted::Reading { top, filter, reply };
    state.uploads.jobs.try_send(Job { name, photo, wanted }).map_err(|_| stopped())?;
    answered.await.map_err(|_| stopped())?
}

impl Uploads {
    /// What a catalogue keeps of a photograph.
    ///
    /// **Errors** it is none that can be used, the network fails, or the worker has too much to do.
    pub async fn embed(&self, name: String, photo: Bytes) -> Result<Embedded, ApiError> {
        check_pixels(&name, &photo)?;
        let (reply, answered) = oneshot::channel();
        self.jobs.try_send(Job { name, photo, wanted: Wanted::Embedding(reply) }).map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }
}

fn stopped() -> ApiError {
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "the worker is being started again")
}

/// The photograph of a request: its body, or the first file of a form.
async fn read(request: Request) -> Result<(String, Bytes), ApiError> {
    if declared_length(request.headers()).is_some_and(|length| length > MAX_BYTES) {
        return Err(too_large());
    }
    let is_form = request
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().to_ascii_lowercase().starts_with(b"multipart/form-data"));
    let (name, photo) = if is_form { from_form(request).await? } else { from_body(request).await? };
    if photo.is_empty() {
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "there is no photograph in the request"));
    }
    check_pixels(&name, &photo)?;
    Ok((name, photo))
}

/// Refuses what would take too much memory once it is decoded. What has no header that can be read is left to the worker, who says why.
pub(in crate::page) fn check_pixels(name: &str, photo: &[u8]) -> Result<(), ApiError> {
    match picture::dimensions(photo) {
        Ok((width, height)) if u64::from(width) * u64::from(height) > MOST_PIXELS => {
            let most = MOST_PIXELS / 1_000_000;
            let error =
                format!("{width}×{height} pixels are more than the {most} million that are taken: send a smaller one");
            Err(ApiError::about(name, StatusCode::UNPROCESSABLE_ENTITY, error))
        }
        _ => Ok(()),
    }
}

async fn from_body(request: Request) -> Result<(String, Bytes), ApiError> {
    match Bytes::from_request(request, &()).await {
        Ok(bytes) => Ok(("photo".to_owned(), bytes)),
        Err(rejection) => Err(of_status(rejection.status(), rejection.body_text())),
    }
}

async fn from_form(request: Request) -> Result<(String, Bytes), ApiError> {
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|rejection| of_status(rejection.status(), rejection.body_text()))?;
    let malformed = |error: axum::extract::multipart::MultipartError| of_status(error.status(), error.body_text());
    while let Some(field) = form.next_field().await.map_err(malformed)? {
        let name = field.file_name().map(ToOwned::to_owned);
        if name.is_some() || field.name() == Some("photo") {
            let bytes = field.bytes().await.map_err(malformed)?;
            return Ok((name.unwrap_or_else(|| "photo".to_owned()), bytes));
        }
    }
    Err(ApiError::new(StatusCode::BAD_REQUEST, "there is no file in the form"))
}

fn of_status(status: StatusCode, error: String) -> ApiError {
    if status == StatusCode::PAYLOAD_TOO_LARGE { too_large() } else { ApiError::new(status, error) }
}

fn too_large() -> ApiError {
    let error = format!("the photograph has more than {} MiB", MAX_BYTES >> 20);
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, error)
}

fn declared_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The start of a PNG of this size, with the checksum that belongs to it.
    fn header(width: u32, height: u32, checksum: u32) -> Vec<u8> {
        let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
        let start =
            [&b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"[..], &size, &[8, 0, 0, 0, 0], &checksum.to_be_bytes()].concat();
        [&start[..], b"\0\0\0\0IDAT\x35\xaf\x06\x1e"].concat()
    }

    #[test]
    fn a_photograph_of_too_many_pixels_is_refused_before_it_is_decoded() {
        let error = check_pixels("a.png", &header(10_000, 5_001, 0xf960_fb31)).unwrap_err();
        assert_eq!(error.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(error.error.starts_with("10000×5001 pixels are more than the 50 million"), "{error:?}");
        assert!(check_pixels("a.png", &header(10_000, 5_000, 0x323c_2894)).is_ok());
        assert!(check_pixels("a.png", b"text").is_ok(), "the worker says what it is");
    }
}

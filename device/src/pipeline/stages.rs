//! The stages in their order: capture, inference, output.

use super::latest::{Latest, Taken};
use super::look::{Looker, LookerSettings};
use super::result::{Looked, Output};
use super::supervise::{StageError, Stop, in_words, supervise};
use crate::camera::{Camera, CameraChoice, CameraError, ControlDesk, Frame, FrameNumber};
use crate::health::{CameraState, Health, Stage};
use std::mem;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a stage waits before it looks whether it should end.
const PATIENCE: Duration = Duration::from_millis(200);

/// A camera that gives nothing but frames that cannot be read for so long is opened anew.
const UNREADABLE: Duration = Duration::from_secs(5);

/// How many names of unreadable frames are remembered, so that each is said once.
const NAMES: usize = 64;

/// The running stages. Dropped, they end without being waited for.
#[derive(Debug)]
pub struct Pipeline {
    threads: Vec<JoinHandle<()>>,
    stop: Stop,
}

impl Pipeline {
    /// Starts the stages. `looker` looks first; when it fails, another one is opened from `settings`.
    ///
    /// **Errors** the system gives no thread.
    pub fn start(
        camera: CameraChoice,
        looker: Looker,
        settings: LookerSettings,
        desk: &Arc<ControlDesk>,
        outputs: Vec<Box<dyn Output>>,
        health: &Arc<Health>,
    ) -> std::io::Result<Self> {
        let stop = &Stop::new();
        let frames = Arc::new(Latest::new(Frame::empty()));
        let results = Arc::new(Latest::new(Looked::default()));
        let mut pipeline = Self { threads: Vec::new(), stop: stop.clone() };

        let (to, heard, ends) = (Arc::clone(&frames), Arc::clone(health), stop.clone());
        let mut capture = Capture { number: FrameNumber::default(), said: Vec::new(), desk: Arc::clone(desk) };
        let body = move || capture.run(&camera, &to, &heard, &ends);
        pipeline.threads.push(supervise(Stage::Capture, stop, health, body)?);

        let (to, heard, ends) = (Arc::clone(&results), Arc::clone(health), stop.clone());
        let asked = Arc::clone(desk);
        let mut first = Some(looker);
        let body = move || {
            let looker = match first.take() {
                Some(looker) => looker,
                None => Looker::open(&settings)?,
            };
            infer(looker, &frames, &to, &asked, &heard, &ends)
        };
        pipeline.threads.push(supervise(Stage::Inference, stop, health, body)?);

        let (heard, ends) = (Arc::clone(health), stop.clone());
        let outputs = Mutex::new(outputs);
        let body = move || {
            let mut outputs = outputs.lock().unwrap_or_else(PoisonError::into_inner);
            show(&results, &mut outputs, &heard, &ends);
            Ok(())
        };
        pipeline.threads.push(supervise(Stage::Output, stop, health, body)?);
        Ok(pipeline)
    }

    /// Asks all stages to end, and does not wait: the camera looks once in half a second where no picture comes.
    pub fn ask_to_end(&self) {
        self.stop.ask();
    }

    /// Ends all stages and waits for them.
    pub fn end(mut self) {
        self.ask_to_end();
        for thread in mem::take(&mut self.threads) {
            // The supervisor catches panics of the stage, so there is nothing to be told here.
            let _ = thread.join();
        }
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        self.ask_to_end();
    }
}

/// The first stage: frames from the camera.
struct Capture {
    number: FrameNumber,
    said: Vec<String>,
    desk: Arc<ControlDesk>,
}

impl Capture {
    /// Opens the camera and passes its frames on, until it is gone.
    fn run(
        &mut self,
        choice: &CameraChoice,
        to: &Latest<Frame>,
        health: &Health,
        stop: &Stop,
    ) -> Result<(), StageError> {
        let opened = choice.open_unless(&|| stop.is_asked());
        if stop.is_asked() {
            return Ok(());
        }
        let ended = opened.and_then(|mut camera| self.frames(camera.as_mut(), to, health, stop));
        match ended {
            Ok(()) => Ok(()),
            Err(error @ CameraError::Ended { .. }) => {
                health.set_camera(CameraState::Ended);
                health.events.say(in_words(&error));
                Ok(())
            }
            Err(error) => {
                self.desk.clear();
                health.set_camera_problem(Some(in_words(&error)));
                if health.set_camera(CameraState::Lost) {
                    health.metrics.count(&health.metrics.camera_losses);
                }
                Err(error.into())
            }
        }
    }

    fn frames(
        &mut self,
        camera: &mut dyn Camera,
        to: &Latest<Frame>,
        health: &Health,
        stop: &Stop,
    ) -> Result<(), CameraError> {
        let metrics = &health.metrics;
        let mut frame = Frame::empty();
        let mut remarks = camera.take_remarks();
        self.desk.set_all(camera);
        while !stop.is_asked() {
            self.desk.see_to(camera);
            if self.desk.has_given_up() {
                let camera = camera.describe().to_owned();
                return Err(CameraError::Gone { camera, cause: "none of its pictures can be read".into() });
            }
            let next = camera.next(&mut frame);
            metrics.frames_lost.fetch_add(camera.lost(), Ordering::Relaxed);
            match next {
                Ok(()) => {
                    self.number = self.number.next();
                    frame.number = self.number;
                    metrics.count(&metrics.frames);
                    metrics.took(Stage::Capture, frame.captured.elapsed());
                    if health.set_camera(CameraState::Ok) {
                        health.set_camera_problem(None);
                        health.events.say(format!("frames come from camera `{}`", camera.describe()));
                        for remark in remarks.drain(..).chain(self.desk.answer().remarks) {
                            health.events.say(remark);
                        }
                    }
                    if to.put(&mut frame) {
                        metrics.count(&metrics.frames_dropped);
                    }
                }
                Err(error @ CameraError::Corrupt { .. }) => {
                    metrics.count(&metrics.frames_corrupt);
                    self.say_once(&error, health);
                }
                Err(CameraError::Timeout { .. }) => metrics.count(&metrics.frames_late),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Names each unreadable frame once, not in each round of a replay.
    fn say_once(&mut self, error: &CameraError, health: &Health) {
        let words = in_words(error);
        if !self.said.contains(&words) && self.said.len() < NAMES {
            health.events.say(words.clone());
            self.said.push(words);
        }
    }
}

/// The second stage: what may be said of each frame that it has time for.
fn infer(
    mut looker: Looker,
    frames: &Latest<Frame>,
    to: &Latest<Looked>,
    desk: &ControlDesk,
    health: &Health,
    stop: &Stop,
) -> Result<(), StageError> {
    let metrics = &health.metrics;
    let mut unreadable_since: Option<Instant> = None;
    let mut looked = Looked::default();
    health.set_ready(true);
    while !stop.is_asked() {
        match frames.take(&mut looked.frame, PATIENCE) {
            Taken::TimedOut => continue,
            Taken::Closed => break,
            Taken::Fresh => {}
        }
        if looker.passes_over() {
            metrics.count(&metrics.frames_passed_over);
            continue;
        }
        let started = std::time::Instant::now();
        match looker.look_into(&mut looked, health) {
            Ok(()) => {
                unreadable_since = None;
                health.set_idle(looker.is_idle());
                metrics.took(Stage::Inference, started.elapsed());
                metrics.took(Stage::Whole, looked.frame.captured.elapsed());
                if to.put(&mut looked) {
                    metrics.count(&metrics.results_dropped);
                }
            }
            Err(error) if error.is_the_pictures() => {
                metrics.count(&metrics.frames_corrupt);
                metrics.count(&metrics.frames_unreadable);
                if unreadable_since.get_or_insert_with(Instant::now).elapsed() >= UNREADABLE {
                    unreadable_since = None;
                    desk.give_up();
                }
            }
            Err(error) => {
                health.set_ready(false);
                return Err(error.into());
            }
        }
    }
    Ok(())
}

/// The third stage: results to those who show them.
fn show(results: &Latest<Looked>, outputs: &mut [Box<dyn Output>], health: &Health, stop: &Stop) {
    let (mut looked, mut was_lost) = (Looked::default(), false);
    while !stop.is_asked() {
        match results.take(&mut looked, PATIENCE) {
            Taken::TimedOut => {
                // What the camera saw last is forgotten with it.
                let is_lost = health.status().camera == CameraState::Lost;
                if is_lost && !was_lost {
                    looked = Looked::default();
                    outputs.iter_mut().for_each(|output| output.camera_lost());
                }
                was_lost = is_lost;
                continue;
            }
            Taken::Closed => break,
            Taken::Fresh => was_lost = false,
        }
        let started = std::time::Instant::now();
        for output in &mut *outputs {
            output.show(&looked);
        }
        health.metrics.count(&health.metrics.results);
        health.metrics.took(Stage::Output, started.elapsed());
    }
}

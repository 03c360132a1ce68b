//! The screen's own thread: results in, pictures out.
//!
//! Results come by a newest-wins slot, so a slow panel drops some and holds nobody up. How the appliance is is looked at several times a
//! second besides, because it changes when no frames come. A panel that fails is opened again by the supervisor, with back-off, and counted.

use super::article::Article;
use super::canvas::Canvas;
use super::draw::Painter;
use super::layout::Layout;
use super::panel::{Panel, PanelChoice, PanelError, png};
use super::seen::{Seen, Source};
use super::view::{Facts, Situation, View};
use crate::config::Language;
use crate::health::{CameraState, Health, Stage};
use crate::lan::Invitation;
use crate::pipeline::latest::{Latest, Taken};
use crate::pipeline::supervise::{StageError, supervise};
use crate::pipeline::{Looked, Output, Stop};
use embedded_graphics::geometry::Size;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often it is looked whether something changed while no results come.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What a screen is started with.
#[derive(Debug, Clone)]
pub struct ScreenSettings {
    /// The panel.
    pub panel: PanelChoice,
    /// The language.
    pub language: Language,
    /// The shop's name.
    pub shop_name: String,
}

/// A running screen. It outlives a change of network: each network's results come by an [`Output`] of their own.
pub struct Screen {
    shared: Arc<Shared>,
    stop: Stop,
    thread: JoinHandle<()>,
}

/// What the thread shares with everyone else.
struct Shared {
    results: Latest<Seen>,
    situation: Mutex<Situation>,
    shown: Shown,
}

/// The page's way to the screen; cheap to clone.
#[derive(Clone)]
pub struct Shown {
    canvas: Arc<Mutex<Canvas>>,
    invitation: Arc<Mutex<Option<Invitation>>>,
}

impl Shown {
    /// The screen as a PNG file.
    ///
    /// **Errors** it cannot be encoded.
    pub fn to_png(&self) -> Result<Vec<u8>, PanelError> {
        // The thread goes on drawing while this is encoded.
        let canvas = self.canvas.lock().unwrap_or_else(PoisonError::into_inner).clone();
        png::encode(&canvas)
    }
}

impl Shown {
    /// Shows how a device is paired, in place of everything else; or that no more.
    pub fn invite(&self, invitation: Option<Invitation>) {
        *self.invitation.lock().unwrap_or_else(PoisonError::into_inner) = invitation;
    }
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shown").finish_non_exhaustive()
    }
}

impl Screen {
    /// Starts the thread. The panel is opened there: one that is missing is said and tried again.
    ///
    /// **Errors** the system gives no thread.
    pub fn start(settings: ScreenSettings, health: &Arc<Health>) -> std::io::Result<Self> {
        let shown = Shown { canvas: Arc::new(Mutex::new(Canvas::new(Size::new(1, 1)))), invitation: Arc::default() };
        let shared = Arc::new(Shared { results: Latest::new(Seen::default()), situation: Mutex::default(), shown });
        let stop = Stop::new();
        let (to, heard, ends) = (Arc::clone(&shared), Arc::clone(health), stop.clone());
        let mut state = State::new(settings.language, settings.shop_name);
        let body = move || {
            let mut panel = settings.panel.open()?;
            heard.events.say(format!("the screen is {}", panel.describe()));
            state.run(panel.as_mut(), &to, &heard, &ends)
        };
        let thread = supervise(Stage::Screen, &stop, health, body)?;
        Ok(Self { shared, stop, thread })
    }

    /// One who shows the results of a network on this screen.
    #[must_use]
    pub fn output(&self, source: Source) -> Box<dyn Output> {
        Box::new(ToScreen { shared: Arc::clone(&self.shared), source, spare: Seen::default() })
    }

    /// Says what the appliance is doing, beyond its health.
    pub fn set_situation(&self, situation: Situation) {
        *self.shared.situation.lock().unwrap_or_else(PoisonError::into_inner) = situation;
    }

    /// What is on the screen now, for the page.
    #[must_use]
    pub fn shown(&self) -> Shown {
        self.shared.shown.clone()
    }

    /// Ends the thread and waits for it.
    pub fn end(self) {
        self.stop.ask();
        // The supervisor catches panics of the stage, so there is nothing to be told here.
        let _ = self.thread.join();
    }
}

/// Passes results on.
struct ToScreen {
    shared: Arc<Shared>,
    source: Source,
    spare: Seen,
}

impl Output for ToScreen {
    fn show(&mut self, looked: &Looked) {
        if self.spare.take_from(looked, &self.source) {
            self.shared.results.put(&mut self.spare);
        }
    }
}

/// What the thread keeps, also while its panel is opened again.
struct State {
    language: Language,
    shop_name: String,
    seen: Seen,
    /// Whether `seen` still holds: not after the camera or the network was lost.
    holds: bool,
    has_seen: bool,
    article: Article,
    painter: Painter,
}

impl State {
    fn new(language: Language, shop_name: String) -> Self {
        Self {
            language,
            shop_name,
            seen: Seen::default(),
            holds: false,
            has_seen: false,
            article: Article::default(),
            painter: Painter::new(),
        }
    }

    fn run(&mut self, panel: &mut dyn Panel, shared: &Shared, health: &Health, stop: &Stop) -> Result<(), StageError> {
        let layout = Layout::of(panel.size());
        *shared.shown.canvas.lock().unwrap_or_else(PoisonError::into_inner) = Canvas::new(panel.size());
        self.painter.forget();
        let mut due = Instant::now();
        while !stop.is_asked() {
            if shared.results.take(&mut self.seen, LOOK_EVERY) == Taken::Fresh {
                (self.holds, self.has_seen) = (true, true);
            }
            self.redraw(panel, &layout, shared, health)?;
            due = (due + panel.pace()).max(Instant::now());
            if stop.wait(due - Instant::now().min(due)) {
                break;
            }
        }
        Ok(())
    }

    /// Draws what changed and hands it to the panel.
    fn redraw(
        &mut self,
        panel: &mut dyn Panel,
        layout: &Layout,
        shared: &Shared,
        health: &Health,
    ) -> Result<(), PanelError> {
        let status = health.status();
        if status.camera == CameraState::Lost || !status.ready {
            self.holds = false;
        }
        if self.holds {
            match (self.seen.best(), &self.seen.source) {
                (Some(best), Some(source)) => self.article.show(best, source, self.language),
                _ => self.article.forget(),
            }
        }
        let started = Instant::now();
        let situation = shared.situation.lock().unwrap_or_else(PoisonError::into_inner);
        let invitation = shared.shown.invitation.lock().unwrap_or_else(PoisonError::into_inner);
        let view = View::of(Facts {
            language: self.language,
            shop_name: &self.shop_name,
            situation: &situation,
            status,
            seen: self.holds.then_some(&self.seen),
            has_seen: self.has_seen,
            article: Some(&self.article),
            invitation: invitation.as_ref(),
        });
        let mut canvas = shared.shown.canvas.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = self.painter.paint(&view, &self.seen.frame, layout, &mut canvas);
        if !changed.is_empty() {
            panel.present(&canvas, changed)?;
            health.metrics.count(&health.metrics.screen_pictures);
            health.metrics.took(Stage::Screen, started.elapsed());
        }
        let missing = self.painter.newly_missing();
        health.metrics.add(&health.metrics.glyphs_missing, missing);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clothingid_shared::files;
    use embedded_graphics::primitives::Rectangle;
    use std::path::Path;
    use std::sync::atomic::Ordering;

    fn to_file(file: &Path) -> ScreenSettings {
        let panel = PanelChoice::Png { file: file.to_owned(), size: Size::new(240, 240) };
        ScreenSettings { panel, language: Language::English, shop_name: "Shop".into() }
    }

    /// Waits for something that must happen.
    fn eventually(what: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !is_so() {
            assert!(Instant::now() < deadline, "{what} never came");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn the_screen_follows_health_and_situation_without_frames() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("screen.png");
        let health = Arc::new(Health::silent());
        let screen = Screen::start(to_file(&file), &health).unwrap();
        let mut before = Vec::new();
        let mut wait = |what: &str| {
            eventually(what, || files::read(&file).is_ok_and(|bytes| bytes != before));
            before = files::read(&file).unwrap();
        };
        wait("the first picture");
        health.set_camera(CameraState::Lost);
        wait("the lost camera");
        screen.set_situation(Situation::Updating);
        wait("the update");
        let (seen, shown) = (files::read(&file).unwrap(), screen.shown());
        eventually("the same for the page", || shown.to_png().is_ok_and(|png| png == seen));
        screen.end();
        assert_eq!(health.metrics.stage_failures(Stage::Screen), 0);
    }

    #[test]
    fn a_panel_that_fails_is_opened_again_and_counted() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("later/screen.png");
        let health = Arc::new(Health::silent());
        let screen = Screen::start(to_file(&file), &health).unwrap();
        eventually("a second try", || health.metrics.stage_failures(Stage::Screen) >= 2);
        files::create_folder(file.parent().unwrap()).unwrap();
        eventually("the picture", || file.exists());
        screen.end();
        let said: Vec<String> = health.events.newest(9).into_iter().map(|event| event.what).collect();
        assert!(said.iter().any(|what| what.contains("screen.png")), "{said:?}");
    }

    /// Counts what it is given.
    struct Counting(usize);

    impl Panel for Counting {
        fn describe(&self) -> String {
            "counting".to_owned()
        }

        fn size(&self) -> Size {
            Size::new(320, 240)
        }

        fn present(&mut self, _canvas: &Canvas, changed: &[Rectangle]) -> Result<(), PanelError> {
            assert!(!changed.is_empty());
            self.0 += 1;
            Ok(())
        }
    }

    #[test]
    fn nothing_is_sent_while_nothing_changes() {
        let (health, mut panel) = (Health::silent(), Counting(0));
        let canvas = Arc::new(Mutex::new(Canvas::new(panel.size())));
        let shown = Shown { canvas, invitation: Arc::default() };
        let shared = Shared { results: Latest::new(Seen::default()), situation: Mutex::default(), shown };
        let layout = Layout::of(panel.size());
        let mut state = State::new(Language::German, "\u{1F455}".into());
        for _ in 0..3 {
            state.redraw(&mut panel, &layout, &shared, &health).unwrap();
        }
        assert_eq!(panel.0, 1);
        health.set_camera(CameraState::Lost);
        for _ in 0..3 {
            state.redraw(&mut panel, &layout, &shared, &health).unwrap();
        }
        assert_eq!(panel.0, 2);
        assert_eq!(health.metrics.screen_pictures.load(Ordering::Relaxed), 2);
        assert_eq!(health.metrics.stage_failures(Stage::Screen), 0);
    }
}

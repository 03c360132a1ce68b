//! What works now.

use super::{Activity, Event, Events, Metrics};
use serde::Serialize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Whether frames come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CameraState {
    /// No frame yet.
    #[default]
    Starting,
    /// Frames come.
    Ok,
    /// The camera is gone; it is looked for again and again.
    Lost,
    /// The camera has given its last frame.
    Ended,
}

/// Whether the catalogue can be searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CatalogueState {
    /// It can, as far as is known.
    #[default]
    Ok,
    /// The last search failed; readings come without matches until one succeeds.
    Failed,
}

/// How far the photographs of the catalogue are embedded with the network in use, after another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Reembedding {
    /// Photographs that are done.
    pub done: usize,
    /// Photographs in all.
    pub photos: usize,
}

/// Health as machines and the page read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The golden photographs were answered as the bundle promises, and the network runs.
    pub ready: bool,
    /// Whether frames come.
    pub camera: CameraState,
    /// Why no frames come, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub camera_problem: Option<String>,
    /// Whether nothing has happened for a while, so that few frames are looked at.
    pub idle: bool,
    /// Whether the catalogue can be searched.
    pub catalogue: CatalogueState,
    /// How far a change of network is; nothing where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reembedding: Option<Reembedding>,
}

/// All that is known of how the appliance is.
#[derive(Debug)]
pub struct Health {
    /// Counters and timings.
    pub metrics: Metrics,
    /// What happened lately.
    pub events: Events,
    /// When it was last used.
    pub activity: Activity,
    camera: Mutex<CameraState>,
    camera_problem: Mutex<Option<String>>,
    catalogue: Mutex<CatalogueState>,
    reembedding: Mutex<Option<Reembedding>>,
    is_ready: AtomicBool,
    is_idle: AtomicBool,
}

impl Health {
    /// Nothing happened yet; `listener` hears each event.
    #[must_use]
    pub fn new(listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self {
            metrics: Metrics::default(),
            events: Events::new(listener),
            activity: Activity::default(),
            camera: Mutex::default(),
            camera_problem: Mutex::default(),
            catalogue: Mutex::default(),
            reembedding: Mutex::default(),
            is_ready: AtomicBool::new(false),
            is_idle: AtomicBool::new(false),
        }
    }

    /// Nobody listens to the events.
    #[must_use]
    pub fn silent() -> Self {
        Self::new(|_| ())
    }

    /// Notes whether frames come; returns whether that is news.
    pub fn set_camera(&self, state: CameraState) -> bool {
        let mut camera = self.camera.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *camera, state) != state
    }

    /// Notes why no frames come; nothing once they do.
    pub fn set_camera_problem(&self, problem: Option<String>) {
        *self.camera_problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    /// Notes whether the catalogue can be searched; returns whether that is news.
    pub fn set_catalogue(&self, state: CatalogueState) -> bool {
        let mut catalogue = self.catalogue.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *catalogue, state) != state
    }

    /// Notes how far a change of network is; nothing once it is done.
    pub fn set_reembedding(&self, progress: Option<Reembedding>) {
        *self.reembedding.lock().unwrap_or_else(PoisonError::into_inner) = progress;
    }

    /// Notes whether the network runs and answered its golden photographs.
    pub fn set_ready(&self, is_ready: bool) {
        self.is_ready.store(is_ready, Ordering::Release);
    }

    /// Notes whether nothing has happened for a while.
    pub fn set_idle(&self, is_idle: bool) {
        self.is_idle.store(is_idle, Ordering::Release);
    }

    /// How it is now.
    #[must_use]
    pub fn status(&self) -> Status {
        Status {
            ready: self.is_ready.load(Ordering::Acquire),
            camera: *self.camera.lock().unwrap_or_else(PoisonError::into_inner),
            camera_problem: self.camera_problem.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            idle: self.is_idle.load(Ordering::Acquire),
            catalogue: *self.catalogue.lock().unwrap_or_else(PoisonError::into_inner),
            reembedding: *self.reembedding.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_change_is_news() {
        let health = Health::silent();
        let catalogue = CatalogueState::Ok;
        let status = Status {
            ready: false,
            camera: CameraState::Starting,
            camera_problem: None,
            idle: false,
            catalogue,
            reembedding: None,
        };
        assert_eq!(health.status(), status);
        assert!(health.set_camera(CameraState::Lost));
        assert!(!health.set_camera(CameraState::Lost));
        health.set_ready(true);
        assert_eq!(health.status(), Status { ready: true, camera: CameraState::Lost, ..status });
        assert!(health.set_catalogue(CatalogueState::Failed) && !health.set_catalogue(CatalogueState::Failed));
        assert_eq!(
            serde_json::to_string(&health.status()).unwrap(),
            r#"{"ready":true,"camera":"lost","idle":false,"catalogue":"failed"}"#
        );
        health.set_reembedding(Some(Reembedding { done: 5, photos: 40 }));
        let text = serde_json::to_string(&health.status()).unwrap();
        assert!(text.ends_with(r#""reembedding":{"done":5,"photos":40}}"#), "{text}");
    }
}

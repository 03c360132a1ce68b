//! How the appliance is: counters, what happened lately, and whether it is ready.
//!
//! [`metrics`] counts and times, [`events`] remembers the last things that happened, [`state`] says what works now, [`activity`] when it was last used, [`watchdog`] tells systemd that it goes on. All
//! of it is written by the pipeline and the page and read by `/metrics`, `/readyz` and the page's status line.

pub mod activity;
pub mod events;
pub mod metrics;
pub mod state;
pub mod watchdog;

pub use activity::Activity;
pub use events::{Event, Events};
pub use metrics::{Histogram, Metrics, Stage};
pub use state::{CameraState, CatalogueState, Health, Reembedding, Status};

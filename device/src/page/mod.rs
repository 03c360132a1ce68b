//! The kiosk page and the API, served by `axum`. The only part of the appliance that is asynchronous.
//!
//! [`server`] binds and serves, [`routes`] is the table of all addresses, [`guard`] stands before them, [`kiosk`] renders
//! the page from `assets/` in a [language](crate::words), [`live`] gives the latest reading, its frame and the event stream from
//! the [`board`], [`upload`] takes photographs to a worker of their own ([`rate`] says how many), [`shop`] shows the catalogue, [`machine`] is
//! health for machines, [`staff`] are the pages behind a PIN, [`look`] is the shop's own, [`lan`] lets paired devices of the shop's network in, `visitors` serves them, `connection` is one of anybody's, [`safe_mode`] is what is shown where the settings cannot be used, [`answer`] is the form of errors.
//!
//! Nothing that a camera or a customer shows is ever written to disk here.

pub mod answer;
pub mod board;
mod connection;
pub mod guard;
pub mod kiosk;
pub mod lan;
pub mod live;
pub mod look;
pub mod machine;
pub mod rate;
pub mod routes;
pub mod safe_mode;
pub mod server;
pub mod shop;
pub mod staff;
pub mod state;
pub mod upload;
mod visitors;
pub mod wish;

pub use board::Board;
pub use look::{Look, LookError};
pub use server::{ServeError, Server, bind, bind_here};
pub use state::{Facts, PageState};
pub use upload::Uploads;

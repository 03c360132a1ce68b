//! The screen: what customers see on a panel of the appliance itself, without a browser.
//!
//! In order: [`seen`] is what is kept of a result, [`article`] the garment of the shop beside it, [`view`] what is to be shown (pure data),
//! [`layout`] where it stands on a screen of any size, [`draw`] both onto a [`canvas`], with [`text`] from the glyphs of [`font`] and
//! [`picture`]s scaled into their places; [`pixels`] makes the bytes of a [`panel`] of it, and [`output`] does all that on a thread of its
//! own, as often as something changed and at most fifteen times a second.
//!
//! Once each text and size has been drawn, drawing allocates nothing. The decoder of JPEG frames does, and so does what a panel's driver does.

pub mod article;
pub mod canvas;
pub mod draw;
pub mod font;
pub mod layout;
pub mod output;
pub mod panel;
pub mod picture;
pub mod pixels;
pub mod seen;
pub mod text;
pub mod view;

pub use output::{Screen, ScreenSettings, Shown};
pub use panel::{Panel, PanelChoice, PanelError};
pub use seen::Source;
pub use view::Situation;

//! The staff's pages, at `/staff`: rendered here, usable without JavaScript.
//!
//! [`table`] has their addresses and says which of them are open to everyone, [`gate`] stands before all of them, [`form`] reads what is sent and
//! refuses what no page of ours has sent, [`form_files`] those with photographs, [`render`] fills the templates in `assets/staff/`. Then a file a page: [`login`], [`home`] (and [`log`]: all that happened),
//! [`changes`] (undo), [`scan`] (barcode check), [`wrong`] (wrong match), [`article`] (add one),
//! [`import`] (with [`receive`], which streams an upload to the disk, and
//! [`problems`], which says what is wrong with a row), [`trial`] (how often the answer is right),
//! [`devices`] (phones and PCs of the staff), [`backup`] (to a USB stick and back), [`settings`] (and the first start), [`light`] (enough of it?), [`plain`] (help, cleaning).
//!
//! What the pages decide lies in [`crate::staff`].

pub mod article;
pub mod backup;
pub mod changes;
pub mod devices;
pub mod files;
pub mod form;
pub mod form_files;
pub mod gate;
pub mod home;
pub mod import;
pub mod light;
pub mod log;
pub mod login;
pub mod plain;
pub mod problems;
pub mod receive;
pub mod render;
pub mod scan;
pub mod settings;
pub mod table;
pub mod trial;
pub mod words;
pub mod wrong;

use super::state::PageState;
use crate::staff::Books;

/// The books of the shop that is shown.
fn books(state: &PageState) -> Books {
    Books::new(state.shop.path().to_owned())
}

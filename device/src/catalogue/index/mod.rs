//! What is searched, in memory: int8 rows, and of the products only what ranks and filters them.
//!
//! `store → keeper → index → finder → candidates`
//!
//! - [`index`] is the catalogue at one time. It never changes and is cheap to clone: its parts are shared with the next one; [`finder`] is a query on its way through it;
//! - [`keeper`] makes it from the store, and the next one from what has changed since; [`position`] knows what that is;
//! - [`segment`] is rows with what they show, [`products`] the products' columns, [`facet`] what filters look at, [`names`] numbers for texts;
//! - [`sidecar`] keeps the index in a file beside the catalogue, so that the next start need not read every row; [`retry`] says when
//!   that is tried again after it failed.
//!
//! Not here: titles, names of photographs, float rows. They are read from the store when they are shown.

pub mod facet;
pub mod finder;
#[expect(clippy::module_inception, reason = "the index is what the module is about")]
pub mod index;
pub mod keeper;
pub mod names;
pub mod position;
pub mod products;
pub mod retry;
pub mod segment;
pub mod sidecar;

pub use finder::Finder;
pub use index::Index;
pub use keeper::Keeper;
pub use retry::Retry;

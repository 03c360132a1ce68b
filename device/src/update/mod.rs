//! Updates that a head office signs: a network, a catalogue, a system image. What a board takes, when it changes over, and how it goes back.
//!
//! - [`index`] is what a head office offers: a signed list that pins size and SHA-256 of every file;
//! - [`keys`] says whose signature counts; [`source`] is the folder, the stick or the HTTPS folder that all of it lies in;
//! - [`choice`] decides what of it is for this board and new, [`fetch`] brings it here whole;
//! - [`memory`] is what the board keeps: serials, networks, keys and what happened; [`slots`] is how one network follows another;
//! - [`install`] does it in this order; [`proof`] asks a network for its golden answers before it is let near customers
//!   (in a [`program`] of its own);
//! - [`catalogue`] imports an edition and takes it back; [`system`] hands an image to RAUC;
//! - [`quiet`] says whether a customer is there; [`publish`] is the head office's side.
//!
//! No decision hangs on the wall clock: a board has no battery. What counts are serials and clocks that nobody sets.
//!
//! Not here: how the appliance changes over (`cli/run`).

pub mod catalogue;
pub mod choice;
pub mod error;
pub mod fetch;
pub mod index;
pub mod install;
pub mod keys;
pub mod memory;
pub mod program;
pub mod proof;
pub mod publish;
pub mod quiet;
pub mod slots;
pub mod source;
pub mod system;

pub use error::UpdateError;
pub use index::{Index, Kind, Update};
pub use memory::Memory;
pub use slots::{Slots, Which};

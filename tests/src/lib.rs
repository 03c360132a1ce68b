//! What the end-to-end tests stand on.
//!
//! 1. [`rig`]: where the built programs, the corpus and the demo shop are, and a state folder of its own for each test.
//! 2. [`command`]: runs a program to its end or in the background, and turns what it printed into a stable snapshot ([`filter`]).
//! 3. [`demo`]: the running demo, asked over HTTP.
//!    [`clerk`]: one of the shop's staff there. [`browser`]: what a real one needs. [`metrics`]: its figures.
//! 4. [`documented`]: the commands that the documents name.
//!    [`messages`]: what the program may say of troubles, and the document that lists it. [`trace`]: what it wrote, and where.
//! 5. [`photographs`]: good ones that ship, bad ones made from them.
//! 6. [`readers`]: the readers of outside bytes, for fuzzing and its replay, and [`seeds`], good files for each.
//! 7. [`made_up`]: a catalogue without a network, and [`contents`], all that it answers with.
//! 8. [`dice`]: chance that comes out the same in each run.
//! 9. [`machine`]: a virtual machine, for cameras, screens and a stock system; what its cameras see ([`virtual_camera`]), USB sticks ([`stick`]).
//! 10. [`virtual_board`]: a board in a virtual machine, flashed with an image and started by UEFI.
//!
//! The programs are not built from here: `cargo xtask test` builds them first, and so must whoever runs one test by hand
//! (`cargo build --profile ci -p clothingid-device -p clothingid-trainer`).

pub mod browser;
pub mod clerk;
pub mod command;
pub mod contents;
pub mod demo;
pub mod dice;
pub mod documented;
pub mod filter;
pub mod machine;
pub mod made_up;
pub mod memory;
pub mod messages;
pub mod metrics;
pub mod phone;
pub mod photographs;
pub mod readers;
pub mod rig;
pub mod seeds;
pub mod stick;
pub mod trace;
pub mod virtual_board;
pub mod virtual_camera;

pub use command::{Outcome, Run, Running};
pub use machine::Machine;
pub use rig::Rig;
pub use virtual_board::VirtualBoard;

//! The ClothingID appliance: the path of a frame, from a camera or a photograph to what may be said of it.
//!
//! `camera → frame → picture → network → reading → steady → search → result → screen, page, log`; each arrow is one module
//! with one public type on either side, and a stage never imports a later one:
//! [`camera`] gives frames, [`network`] turns a photograph into an [`Answer`](network::Answer), [`reading`] says what
//! may be said of the answer, [`catalogue`] finds the shop's garments that look like it, [`pipeline`] joins these into
//! the live appliance, [`screen`] and [`page`] show it in the [`words`] of each language, [`staff`] is what the shop's people may do beyond that,
//! and [`lan`] lets them do it from their phones; [`health`] watches it, [`update`] brings it a new network or catalogue that a head office has signed ([`signature`]), [`config`] sets it up and [`cli`] is its command line. `processor`
//! says which instructions loops may use, `resample` which samples a smaller picture is made of.
//!
//! Not here: how a network is trained (the trainer), and what trainer and device must agree on (`clothingid-shared`).

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod camera;
pub mod catalogue;
pub mod cli;
pub mod config;
pub mod health;
pub mod lan;
pub mod network;
pub mod page;
pub mod pipeline;
mod processor;
pub mod reading;
mod resample;
pub mod screen;
pub mod signature;
pub mod staff;
pub mod state;
pub mod token;
pub mod update;
pub mod words;

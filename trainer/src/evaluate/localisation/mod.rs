//! Where is the garment? A box from the network's own activations, and what a second look at it is worth.
//!
//! None of our photographs says where its garment is. So garments that stand before a studio's plain background are cut out and pasted
//! onto photographs of other things, at a place and size that are then known: a *proxy* for a garment somewhere in a shop, and named so
//! wherever a figure of it is quoted. Garments and scenes are of one part of a pack, so that the figure is as honest as the part.
//!
//! - `composites.rs`: the pasted photographs. `measure.rs`: the figures. Boxes are [`clothingid_shared::picture::region`]'s, as the device's are.
//!
//! **Source**: Zhou et al. 2016, "Learning Deep Features for Discriminative Localization": with a global pool before a linear head, the
//! weights of a category times the activations before the pool say where the category is.

pub mod composites;
pub mod measure;

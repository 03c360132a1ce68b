//! The exact search: every int8 row in memory against the query.
//!
//! 100,000 rows of 256 values are 26 MB: reading them is all that a query costs, so that an index which skips rows
//! would buy little and lose answers. [`rows`] holds them, [`query`] is what they are compared with, `kernels` multiply, one file an instruction set, [`mask`] says
//! which rows count, `gathered` puts those together where they are few, [`candidates`] keeps of what comes by the [`best`] rows and the best of each of the best [`groups`], [`mod@rerank`] orders
//! those by their float rows.

pub mod best;
pub mod candidates;
mod gathered;
pub mod groups;
mod kernels;
pub mod mask;
pub mod query;
pub mod rerank;
pub mod rows;

pub use best::Hit;
pub use candidates::Candidates;
pub use mask::Mask;
pub use query::Query;
pub use rerank::{RERANKED, Rerank};
pub use rows::Rows;

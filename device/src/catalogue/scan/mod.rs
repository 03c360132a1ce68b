//! The exact search: every int8 row in memory against the query.
//!
//! 100,000 rows of 256 values are 26 MB: reading them is all that a query costs, so that an index which skips rows
//! would buy little and lose answers. [`rows`] holds them, `kernels` multiply, one file an instruction set, [`best`] keeps
//! the best of what comes by, [`mod@rerank`] orders those by their float rows.

pub mod best;
mod kernels;
pub mod rerank;
pub mod rows;

pub use best::{Best, Hit};
pub use rerank::{RERANKED, rerank};
pub use rows::Rows;

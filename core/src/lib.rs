//! memcached as near as a function call.
mod cache;
mod error;
mod stats;
pub use cache::*;
pub use error::*;
pub use stats::*;

//! The arena: one region of atomic words addressed by offsets, and the segments it is cut into.

#[cfg(not(loom))]
mod arena;
#[cfg(not(loom))]
mod copy;
#[cfg(not(loom))]
mod layout;
#[cfg(not(loom))]
mod region;
pub(crate) mod segment;

#[cfg(not(loom))]
pub(crate) use arena::{Arena, PerSegment};
#[cfg(not(loom))]
pub(crate) use copy::load;
#[cfg(not(loom))]
pub(crate) use layout::Geometry;

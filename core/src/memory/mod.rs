//! The arena: one region of atomic words addressed by offsets, and the segments it is cut into.

#[cfg(not(loom))]
mod arena;
#[cfg(not(loom))]
mod copy;
#[cfg(not(loom))]
mod file;
#[cfg(not(loom))]
mod fork;
#[cfg(not(loom))]
mod home;
#[cfg(not(loom))]
mod layout;
#[cfg(not(loom))]
mod member;
#[cfg(not(loom))]
mod process;
#[cfg(not(loom))]
mod region;
pub(crate) mod segment;

#[cfg(not(loom))]
pub(crate) use arena::{Arena, PerSegment};
#[cfg(not(loom))]
pub(crate) use copy::{end_of, load};
#[cfg(not(loom))]
pub(crate) use fork::era;
#[cfg(not(loom))]
pub(crate) use home::{directory, path_of, trouble_at, unlink};
#[cfg(not(loom))]
pub(crate) use layout::{ACCESS_BYTES, Geometry, VERSION};
#[cfg(not(loom))]
pub(crate) use process::ProcessId;

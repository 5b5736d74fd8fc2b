//! Space: lanes take it, eviction, cleaning and expiry give it back. Done inline by the writer that needs a
//! segment; there is no thread.

mod drain;
mod extent;
mod ghost;
mod grow;
mod lane;
mod promote;
mod survey;

pub(crate) use grow::Growth;
pub(crate) use lane::Origin;

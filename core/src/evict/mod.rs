//! Space: lanes take it, eviction, cleaning and expiry give it back. Done by the writers in passing, a few items at a
//! time, and by the one that needs a segment when there is none; there is no thread.

mod drain;
mod extent;
mod ghost;
mod grow;
mod lane;
mod limit;
mod observe;
mod pace;
mod promote;
mod survey;

pub(crate) use grow::Growth;
pub(crate) use lane::Origin;

//! Has this process forked since? The committer's thread and the engine's stay in the parent, and its locks may be held
//! for ever in the child: a child's use of a store is an error, which costs a load to find out.

use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many forks lie between this process and the first.
static FORKS: AtomicU64 = AtomicU64::new(0);

extern "C" fn in_child() {
    // Relaxed: a child has one thread.
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// The process that made something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Maker(u64);

impl Maker {
    /// This process.
    pub fn this() -> Maker {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            // SAFETY: the handler is a function without captures, and adds to an atomic word, which is allowed in a
            // child. (It fails for want of memory alone; then a child is not noticed.)
            let _ = unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
        });
        // Relaxed: only a fork changes it.
        Maker(FORKS.load(Ordering::Relaxed))
    }

    /// Is this process the maker?
    #[inline(always)]
    pub fn is_this(self) -> bool {
        // Relaxed: as above.
        FORKS.load(Ordering::Relaxed) == self.0
    }
}

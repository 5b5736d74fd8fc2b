//! The caches of this process: which are open (for `phpinfo`), and which are kept from one request to the next: the one
//! of php.ini, those with a name, those with a `persistent_id`, and the one of `\Memcached` where php.ini has none.
//!
//! A cold path: the lock is taken when an object is made, and for `phpinfo`, never by a verb. It is never held
//! while PHP code or the Zend allocator runs.

use nearcache::{Access, Cache, Error, Home, Options};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// What an object was asked to be; two objects of one `persistent_id` must ask the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The memory limit in bytes.
    pub size: u64,
    /// The largest item in bytes.
    pub item_size_max: usize,
    /// Evict when full.
    pub evict: bool,
    /// The expected average of key and value in bytes.
    pub item_size_hint: usize,
    /// A clock moved by hand.
    pub manual_clock: bool,
    /// Where it lives.
    pub home: Home,
    /// What to do about a cache that is there, or is not.
    pub access: Access,
    /// Permission bits of a file that is made.
    pub permissions: u32,
}

impl Wish {
    /// The core's defaults at this size.
    pub fn new(size: u64) -> Wish {
        let core = Options::new(size);
        Wish {
            size,
            item_size_max: core.item_size_max,
            evict: core.evict,
            item_size_hint: core.item_size_hint,
            manual_clock: core.manual_clock,
            home: core.home,
            access: core.access,
            permissions: core.permissions,
        }
    }

    fn open(&self) -> Result<Cache, Error> {
        let mut core = Options::new(self.size).home(self.home.clone()).access(self.access);
        core.permissions = self.permissions;
        core.item_size_max = self.item_size_max;
        core.evict = self.evict;
        core.item_size_hint = self.item_size_hint;
        core.manual_clock = self.manual_clock;
        core.open()
    }
}

#[derive(Default)]
struct Registry {
    /// Every cache made; the dead are dropped when another is made.
    open: Vec<Weak<Cache>>,
    kept: BTreeMap<Vec<u8>, (Wish, Arc<Cache>)>,
    named: Vec<Named>,
    shared: Shared,
}

/// The cache of php.ini.
#[derive(Default)]
enum Shared {
    /// Nothing was asked for.
    #[default]
    Unasked,
    /// It is mapped when it is first used.
    Late,
    /// It is mapped; if that was late, for the user that the process had then.
    Mapped(Arc<Cache>, Option<u32>),
    /// It cannot be had; the sentence says why.
    Refused(String),
}

/// A cache that stays attached, for making its mapping anew for every request would cost more than most requests' use
/// of it.
struct Named {
    home: Home,
    read_only: bool,
    /// Device and inode of its file.
    file: Option<(u64, u64)>,
    cache: Arc<Cache>,
}

impl Named {
    /// Does the name still lead to this cache? It may have been removed, and made anew by another process.
    fn stands(&self) -> bool {
        let there = self.cache.info().path.and_then(|path| std::fs::metadata(path).ok());
        let there = there.map(|file| (file.dev(), file.ino()));
        there.is_some() && there == self.file
    }
}

/// Device and inode of a cache's file.
fn file_of(cache: &Cache) -> Option<(u64, u64)> {
    let file = std::fs::File::from(cache.descriptor()?.try_clone_to_owned().ok()?);
    file.metadata().ok().map(|file| (file.dev(), file.ino()))
}

// From the C library.
unsafe extern "C" {
    fn geteuid() -> u32;
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry {
    open: Vec::new(),
    kept: BTreeMap::new(),
    named: Vec::new(),
    shared: Shared::Unasked,
});

fn registry() -> MutexGuard<'static, Registry> {
    // Nothing in here can be left half done by a panic.
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registry {
    fn make(&mut self, wish: &Wish) -> Result<Arc<Cache>, Error> {
        let cache = Arc::new(wish.open()?);
        self.open.retain(|known| known.strong_count() > 0);
        self.open.push(Arc::downgrade(&cache));
        Ok(cache)
    }
}

/// Maps the cache of php.ini, for as long as the module lives.
pub fn share(wish: &Wish) -> Result<(), Error> {
    let mut registry = registry();
    registry.shared = Shared::Mapped(registry.make(wish)?, None);
    Ok(())
}

/// Notes that the cache of php.ini is to be mapped when it is first used.
pub fn share_late() {
    registry().shared = Shared::Late;
}

/// Notes why the cache of php.ini cannot be had.
pub fn refuse_shared(why: String) {
    registry().shared = Shared::Refused(why);
}

/// The cache of php.ini, if there is one. One that is mapped late is mapped now, and anew after a change of user.
pub fn shared() -> Option<Arc<Cache>> {
    // SAFETY: asks the system for a number.
    let user = || unsafe { geteuid() };
    match &registry().shared {
        Shared::Unasked | Shared::Refused(_) => return None,
        Shared::Mapped(cache, by) if by.is_none_or(|by| by == user()) => {
            return Some(Arc::clone(cache));
        }
        Shared::Mapped(..) | Shared::Late => {}
    }
    let attached =
        crate::shared::late().and_then(|wish| named(&wish).map_err(|error| error.to_string()));
    match attached {
        Ok(cache) => {
            registry().shared = Shared::Mapped(Arc::clone(&cache), Some(user()));
            Some(cache)
        }
        Err(why) => {
            crate::shared::refuse("", why);
            None
        }
    }
}

/// How the cache of php.ini stands, in words.
pub fn shared_in_words() -> String {
    match &registry().shared {
        Shared::Unasked => "none".to_owned(),
        Shared::Late => "not used yet".to_owned(),
        Shared::Refused(why) => format!("none: {why}"),
        Shared::Mapped(cache, _) => match cache.info().path {
            Some(path) => path.display().to_string(),
            None => "inherited by workers".to_owned(),
        },
    }
}

/// How many caches are open in this process, and how many of those are kept under a `persistent_id`.
pub fn counts() -> (usize, usize) {
    let registry = registry();
    let open = registry.open.iter().filter(|known| known.strong_count() > 0).count();
    (open, registry.kept.len())
}

/// The cache that the wish's name leads to, which stays attached until the name leads elsewhere.
pub fn named(wish: &Wish) -> Result<Arc<Cache>, Error> {
    let mut registry = registry();
    let read_only = wish.access == Access::ReadOnly;
    registry.named.retain(Named::stands);
    let known = |named: &&Named| named.home == wish.home && named.read_only == read_only;
    if let Some(named) = registry.named.iter().find(known) {
        return Ok(Arc::clone(&named.cache));
    }
    let cache = registry.make(wish)?;
    registry.named.push(Named {
        home: wish.home.clone(),
        read_only,
        file: file_of(&cache),
        cache: Arc::clone(&cache),
    });
    Ok(cache)
}

/// A cache of its own, which dies with the last object that holds it.
pub fn private(wish: &Wish) -> Result<Arc<Cache>, Error> {
    registry().make(wish)
}

/// The cache kept in this process under `name`; the first to ask makes it. An error if it was made otherwise
/// than `wish` says.
pub fn persistent(name: &[u8], wish: &Wish) -> Result<Arc<Cache>, Error> {
    let mut registry = registry();
    if let Some((made, cache)) = registry.kept.get(name) {
        if made != wish {
            return Err(Error::InvalidOptions(format!(
                "the cache kept as persistent_id \"{}\" was made with other options ({} bytes of memory): \
                 ask for the same, or choose another persistent_id",
                String::from_utf8_lossy(name),
                made.size,
            )));
        }
        return Ok(Arc::clone(cache));
    }
    let cache = registry.make(wish)?;
    registry.kept.insert(name.to_vec(), (wish.clone(), Arc::clone(&cache)));
    Ok(cache)
}

/// The cache of this process that needs no name; the first to ask makes it.
pub fn of_process(wish: &Wish) -> Result<Arc<Cache>, Error> {
    // No `persistent_id` is empty.
    persistent(b"", wish)
}

/// How often the module was stopped in this process.
static STOPS: AtomicU64 = AtomicU64::new(0);

/// Forgets every cache; those that objects still hold live on until these are gone.
pub fn clear() {
    *registry() = Registry::default();
    // Relaxed: whoever started a thread after this saw to it that it sees this.
    STOPS.fetch_add(1, Ordering::Relaxed);
}

/// Changes when the module is stopped: what a thread keeps from before is of no use any more.
#[inline]
pub fn stops() -> u64 {
    // Relaxed: as in `clear`.
    STOPS.load(Ordering::Relaxed)
}

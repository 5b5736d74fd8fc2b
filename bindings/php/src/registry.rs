//! The caches of this process: which are open (for `phpinfo`), and which are kept from one request to the next: the one
//! of php.ini, those with a name, and those with a `persistent_id`.
//!
//! A cold path: the lock is taken when an object is made, and for `phpinfo`, never by a verb. It is never held
//! while PHP code or the Zend allocator runs.

use nearcache::{Access, Cache, Error, Home, Options, Stats};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
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

/// What php.ini asked for.
#[derive(Default)]
enum Shared {
    /// Nothing.
    #[default]
    Unasked,
    /// It is mapped.
    Mapped(Arc<Cache>),
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
    registry.shared = Shared::Mapped(registry.make(wish)?);
    Ok(())
}

/// Notes why the cache of php.ini cannot be had.
pub fn refuse_shared(why: String) {
    registry().shared = Shared::Refused(why);
}

/// The cache of php.ini, if there is one.
pub fn shared() -> Option<Arc<Cache>> {
    match &registry().shared {
        Shared::Mapped(cache) => Some(Arc::clone(cache)),
        _ => None,
    }
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

/// Forgets every cache; those that objects still hold live on until these are gone.
pub fn clear() {
    *registry() = Registry::default();
}

/// The sums over the open caches.
#[derive(Default)]
pub struct Totals {
    /// Caches that are open.
    pub caches: usize,
    /// Of those, kept under a `persistent_id`.
    pub persistent: usize,
    /// The cache of php.ini, in words.
    pub shared: String,
    sums: [u64; ROWS.len()],
}

type Row = (&'static str, fn(&Stats) -> u64);

const ROWS: [Row; 8] = [
    ("Memory limit (bytes)", |s| s.limit_maxbytes),
    ("Bytes", |s| s.bytes),
    ("Items", |s| s.curr_items),
    ("Gets", |s| s.cmd_get),
    ("Hits", |s| s.get_hits),
    ("Misses", |s| s.get_misses),
    ("Sets", |s| s.cmd_set),
    ("Evictions", |s| s.evictions),
];

impl Totals {
    /// The rows of `phpinfo`.
    pub fn rows(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        ROWS.iter().zip(self.sums).map(|((name, _), sum)| (*name, sum))
    }
}

/// Reads the counters of every open cache.
pub fn totals() -> Totals {
    let (open, persistent, shared) = {
        let registry = registry();
        let open: Vec<Arc<Cache>> = registry.open.iter().filter_map(Weak::upgrade).collect();
        let shared = match &registry.shared {
            Shared::Unasked => "none".to_owned(),
            Shared::Refused(why) => format!("none: {why}"),
            Shared::Mapped(cache) => match cache.info().path {
                Some(path) => path.display().to_string(),
                None => "inherited by workers".to_owned(),
            },
        };
        (open, registry.kept.len(), shared)
    };
    let mut totals = Totals { caches: open.len(), persistent, shared, ..Totals::default() };
    for cache in &open {
        let stats = cache.stats();
        for (sum, (_, read)) in totals.sums.iter_mut().zip(&ROWS) {
            *sum += read(&stats);
        }
    }
    totals
}

//! Opening the directories of the roles, and closing them.

use super::queue::Hall;
use super::{Durable, Ground, Role};
use crate::inbox;
use crate::options::{EX_USAGE, Options, RoleOptions, Wrong};
use crate::process::EX_OSERR;
use nearcache_store::wire::Service;
use nearcache_store::{Database, Error, Observer, Tx};
use std::path::Path;
use std::sync::Arc;

impl Durable {
    /// Opens what the options ask for; `now` is where a clock stands that is moved by hand.
    pub fn open(options: &Options, now: i64) -> Result<Durable, Wrong> {
        let mut durable = Durable::default();
        for (role, asked) in options.roles() {
            let Some(dir) = &asked.dir else {
                continue;
            };
            let open = || {
                let db = database(dir, asked, options, now).map_err(refused)?;
                let service = Service::on(db).map_err(refused)?;
                let hall = Hall::open(service.queues.clone()).map_err(|e| Wrong {
                    sentence: format!("cannot start a thread for the queues: {e}"),
                    status: EX_OSERR,
                })?;
                Ok(Arc::new(Ground { service, hall: Arc::new(hall) }))
            };
            match role {
                Role::Cache => {}
                Role::Store => durable.store = Some(open()?),
                Role::Queue => {
                    let shared = durable.store.as_ref();
                    let shared = shared.filter(|one| is_same(one.service.database().dir(), dir));
                    durable.queues = Some(match shared {
                        Some(shared) => joined(shared, asked)?,
                        None => open()?,
                    });
                }
            }
        }
        Ok(durable)
    }

    /// Commits and syncs everything. What is written later fails.
    pub fn close(&self) {
        self.chores.stop();
        for ground in self.store.iter().chain(&self.queues) {
            ground.service.database().close();
        }
    }
}

/// The database of a role.
fn database(
    dir: &Path,
    asked: &RoleOptions,
    options: &Options,
    now: i64,
) -> Result<Arc<Database>, Error> {
    let mut wanted = nearcache_store::Options::default();
    wanted.policy = asked.policy.unwrap_or_default();
    wanted.near = asked.near.unwrap_or(wanted.near);
    if let Some(home) = &asked.near_home {
        wanted.near_home = home.clone();
    }
    wanted.item_size_max = options.item_size_max;
    wanted.quota = asked.quota;
    wanted.accept_loss = asked.accept_loss;
    // No worker may wait here; what a connection may have on its way is bounded by its replies.
    wanted.queue_bytes = usize::MAX;
    wanted.manual_clock = options.debug_clock.then_some(now);
    let db = Arc::new(Database::open(dir, wanted)?);
    db.committer().observe(Arc::new(Wake));
    Ok(db)
}

/// The store's database for the queues, too.
fn joined(shared: &Arc<Ground>, asked: &RoleOptions) -> Result<Arc<Ground>, Wrong> {
    match asked.own() {
        None => Ok(Arc::clone(shared)),
        Some(name) => Err(Wrong {
            sentence: format!(
                "--queue-{name}: the queues are in the store's directory, {}, and one database with it: give --store-{name}",
                shared.service.database().dir().display()
            ),
            status: EX_USAGE,
        }),
    }
}

/// Are these two names of one directory? The first is there.
fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    real(one).is_some_and(|one| real(other).as_ref() == Some(&one))
}

fn refused(error: Error) -> Wrong {
    let status = if matches!(error, Error::InvalidOptions(_)) { EX_USAGE } else { EX_OSERR };
    Wrong { sentence: error.to_string(), status }
}

/// Has the workers woken when all answers of a commit were given out, and not by each of them.
#[derive(Debug)]
struct Wake;

impl Observer for Wake {
    fn committed(&self, _: &Tx<'_>) {}

    fn answering(&self) {
        inbox::gather();
    }

    fn answered(&self) {
        inbox::wake_gathered();
    }
}

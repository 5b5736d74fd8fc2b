//! What is done to a queue besides its messages: settings, pauses, moving, removing, counts.

use nearcache_store::queue::Settings;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::errors::is_missing;
use super::queue::{self, Queue};
use super::seconds;
use crate::cache::Any;
use crate::{number, size};

/// Most messages that are moved in one step.
const STEP: u64 = 10_000;

#[pymethods]
impl Queue {
    /// Change settings; those that are not given stay. The queue is made if there is none.
    ///
    /// max_messages, max_bytes and max_message (bytes, or a str as "1MiB") are limits, 0 for none (of max_message: the store's
    /// item_size_max); a full queue refuses what is put in, or with discard_old drops its oldest message. lease is how long a
    /// message is its consumer's, 1 second to a week. After max_deliveries (0 for no end) a message goes to the queue
    /// dead_letters, NAME.dead unless named. expire is what put does unless told otherwise, 0 for never; what has expired goes to
    /// the queue expired_to, or is dropped. Ids are remembered for dedup_window seconds, 0 not at all. A message that comes back
    /// waits for retry_delay seconds.
    ///
    /// >>> q.configure(lease=30, max_deliveries=3)
    /// >>> q.settings["lease"], q.settings["max_deliveries"]
    /// (30, 3)
    #[pyo3(signature = (*, max_messages=None, max_bytes=None, max_message=None, discard_old=None, lease=None, max_deliveries=None, dead_letters=None, expire=None, expired_to=None, dedup_window=None, retry_delay=None))]
    #[expect(clippy::too_many_arguments, reason = "Python's keyword arguments")]
    fn configure(
        &self,
        py: Python<'_>,
        max_messages: Any<'_, '_>,
        max_bytes: Any<'_, '_>,
        max_message: Any<'_, '_>,
        discard_old: Option<bool>,
        lease: Any<'_, '_>,
        max_deliveries: Any<'_, '_>,
        dead_letters: Any<'_, '_>,
        expire: Any<'_, '_>,
        expired_to: Any<'_, '_>,
        dedup_window: Any<'_, '_>,
        retry_delay: Any<'_, '_>,
    ) -> PyResult<()> {
        let mut settings = match self.call(py, |durable, name| durable.settings(name)) {
            Ok(settings) => settings,
            Err(error) if is_missing(py, &error) => Settings::default(),
            Err(error) => return Err(error),
        };
        if let Some(most) = max_messages {
            settings.max_messages = number::natural("max_messages", most)?;
        }
        for (field, name, bytes) in [
            (&mut settings.max_bytes, "max_bytes", max_bytes),
            (&mut settings.max_message, "max_message", max_message),
        ] {
            if let Some(bytes) = bytes {
                *field = size::parse(name, bytes)?;
            }
        }
        if let Some(discard_old) = discard_old {
            settings.discard_old = discard_old;
        }
        if let Some(most) = max_deliveries {
            settings.max_deliveries = number::natural32("max_deliveries", most)?;
        }
        for (field, name, time) in [
            (&mut settings.lease, "lease", lease),
            (&mut settings.expire, "expire", expire),
            (&mut settings.dedup_window, "dedup_window", dedup_window),
            (&mut settings.retry_delay, "retry_delay", retry_delay),
        ] {
            if let Some(time) = time {
                *field = seconds::whole(name, time)?;
            }
        }
        for (field, other) in
            [(&mut settings.dead_letters, dead_letters), (&mut settings.expired_to, expired_to)]
        {
            if let Some(other) = other {
                *field = queue::name(other)?;
            }
        }
        self.call(py, |durable, name| durable.configure(name, settings))
    }

    /// The settings, under the names that configure has. NoQueueError is raised if there is no such queue.
    ///
    /// >>> q.configure(max_messages=1000)
    /// >>> q.settings["max_messages"], q.settings["dead_letters"], q.settings["retry_delay"]
    /// (1000, '', 0)
    #[getter]
    fn settings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let settings = self.call(py, |durable, name| durable.settings(name))?;
        let dict = PyDict::new(py);
        dict.set_item("max_messages", settings.max_messages)?;
        dict.set_item("max_bytes", settings.max_bytes)?;
        dict.set_item("max_message", settings.max_message)?;
        dict.set_item("discard_old", settings.discard_old)?;
        dict.set_item("lease", settings.lease)?;
        dict.set_item("max_deliveries", settings.max_deliveries)?;
        dict.set_item("dead_letters", queue::shown(py, &settings.dead_letters)?)?;
        dict.set_item("expire", settings.expire)?;
        dict.set_item("expired_to", queue::shown(py, &settings.expired_to)?)?;
        dict.set_item("dedup_window", settings.dedup_window)?;
        dict.set_item("retry_delay", settings.retry_delay)?;
        Ok(dict)
    }

    /// Return what is in the queue and, from "pushed" on, what has happened since it was made. NoQueueError is raised if there is
    /// no such queue.
    ///
    /// >>> q.put("tea") > 0, q.stats()["ready"], q.stats()["pushed"]
    /// (True, 1, 1)
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = self.call(py, |durable, name| durable.queue_stats(name))?;
        let readers = stats.readers.iter().map(|name| queue::shown(py, name));
        let dict = PyDict::new(py);
        dict.set_item("name", queue::shown(py, &stats.name)?)?;
        dict.set_item("paused", stats.is_paused)?;
        dict.set_item("readers", readers.collect::<PyResult<Vec<_>>>()?)?;
        let totals = stats.totals;
        for (name, number) in [
            ("messages", stats.messages),
            ("ready", stats.ready),
            ("reserved", stats.reserved),
            ("delayed", stats.delayed),
            ("bytes", stats.bytes),
            ("age", stats.age),
            ("made", stats.made),
            ("pushed", totals.pushed),
            ("delivered", totals.delivered),
            ("acked", totals.acked),
            ("returned", totals.returned),
            ("dead", totals.dead),
            ("expired", totals.expired),
            ("discarded", totals.discarded),
            ("duplicates", totals.duplicates),
        ] {
            dict.set_item(name, number)?;
        }
        Ok(dict)
    }

    /// Hand nothing out until resume; messages are put in as before.
    ///
    /// >>> q.put("tea") > 0, q.pause(), q.get(), q.resume(), q.get().value
    /// (True, None, None, None, 'tea')
    fn pause(&self, py: Python<'_>) -> PyResult<()> {
        self.call(py, |durable, name| durable.pause(name, true))
    }

    /// Go on after pause.
    ///
    /// >>> q.configure()
    /// >>> q.resume()
    fn resume(&self, py: Python<'_>) -> PyResult<()> {
        self.call(py, |durable, name| durable.pause(name, false))
    }

    /// Drop every message, whoever has it. Return how many there were.
    ///
    /// >>> q.put("tea") > 0, q.purge(), len(q)
    /// (True, 1, 0)
    fn purge(&self, py: Python<'_>) -> PyResult<u64> {
        self.call(py, |durable, name| durable.purge(name))
    }

    /// Remove the queue with its messages and settings. Return False if there was none.
    ///
    /// >>> q.put("tea") > 0, q.delete(), q.delete(), s.queues()
    /// (True, True, False, [])
    fn delete(&self, py: Python<'_>) -> PyResult<bool> {
        self.call(py, |durable, name| durable.delete_queue(name))
    }

    /// Move messages to the queues that they come from, as dead letters do, or to the queue to (a name, or a Queue of this
    /// store): at most max, or all that are there now. Return how many.
    ///
    /// >>> q.configure(max_deliveries=1)
    /// >>> q.put("tea") > 0, q.get().nak(), len(q)
    /// (True, False, 0)
    /// >>> s.queue("tasks.dead").requeue(), q.get().value
    /// (1, 'tea')
    #[pyo3(signature = (to=None, max=None))]
    fn requeue(&self, py: Python<'_>, to: Any<'_, '_>, max: Any<'_, '_>) -> PyResult<u64> {
        let to = match to {
            Some(to) => Some(target(self, to)?),
            None => None,
        };
        let mut left = match max {
            Some(max) => number::natural("max", max)?,
            // Not what comes meanwhile.
            None => self.call(py, |durable, name| durable.queue_stats(name))?.ready,
        };
        let mut all = 0;
        while left > 0 {
            let max = left.min(STEP) as usize;
            let moved = self.call(py, |durable, name| durable.requeue(name, to.as_deref(), max))?;
            all += moved;
            left = if moved == 0 { 0 } else { left - moved.min(left) };
            py.check_signals()?;
        }
        Ok(all)
    }
}

fn target(from: &Queue, to: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if to.is_instance_of::<PyString>() {
        return queue::name(to);
    }
    match to.cast::<Queue>() {
        Ok(queue) if queue.get().store().get().handle.place == from.store().get().handle.place => {
            Ok(queue.get().name().to_vec())
        }
        Ok(_) => {
            Err(PyTypeError::new_err("to is a queue of another store: get and put the messages"))
        }
        Err(_) => queue::name(to),
    }
}

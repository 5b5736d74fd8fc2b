//! Servers, keys of servers, SASL: `\Memcached` asks one of many, and here is one cache. So what is said about them is
//! taken and given back, and has no effect; only what would be believed to protect data is refused.

use super::{refused, settle};
use crate::handle::Handle;
use crate::number;
use crate::prefix::Room;
use crate::reply;
use crate::zend::array::{answer, insert, push};
use crate::zend::call::{Answer, Call, Thrown, run};
use crate::zend::{thrown, warn};
use ext_php_rs::boxed::ZBox;
use ext_php_rs::types::{ZendHashTable, ZendStr, Zval};
use ext_php_rs::zend::ExecuteData;

/// `addServer(string $host, int $port, int $weight = 0): bool`
pub extern "C" fn add_server(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (2, 3), |call, out| {
        let this = call.this()?;
        let (host, port) = (call.string(0)?, call.long(1, 0)?);
        call.long(2, 0)?;
        let mut list = listed(this)?;
        push(&mut list, described(host, port)?)?;
        keep(this, list);
        out.set_bool(true);
        Ok(())
    });
}

/// `addServers(array $servers): bool`: of each a list of host, port and weight.
pub extern "C" fn add_servers(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (1, 1), |call, out| {
        let this = call.this()?;
        let mut list = listed(this)?;
        for (index, entry) in call.array(0)?.values().enumerate() {
            match server_in(entry) {
                Some((host, port)) => push(&mut list, described(host.as_bytes(), port)?)?,
                None => {
                    warn(&format!(
                        "entry #{} is no server: it must be a list of host, port and, if you like, weight; the others \
                         are added",
                        index + 1
                    ));
                    if thrown() {
                        return Err(Thrown);
                    }
                }
            }
        }
        keep(this, list);
        out.set_bool(true);
        Ok(())
    });
}

/// Adds the servers that a connection string of libmemcached's names: `--SERVER=host:port`, among other words.
pub fn add_named(this: &Handle, words: &[u8]) -> Answer {
    let mut list = listed(this)?;
    for word in words.split(u8::is_ascii_whitespace) {
        let Some(server) = word.strip_prefix(b"--SERVER=") else {
            continue;
        };
        let server = server.split(|byte| *byte == b'/').next().unwrap_or(server);
        let colon = server.iter().rposition(|byte| *byte == b':').unwrap_or(server.len());
        let port = server.get(colon + 1..).and_then(number::parse_u64).unwrap_or(11211);
        push(&mut list, described(&server[..colon], port as i64)?)?;
    }
    if !list.is_empty() {
        keep(this, list);
    }
    Ok(())
}

fn server_in(entry: &Zval) -> Option<(&ZendStr, i64)> {
    let entry = entry.dereference().array()?;
    let mut parts = entry.values().map(Zval::dereference);
    Some((parts.next()?.zend_str()?, parts.next()?.coerce_to_long()?))
}

/// A server as `getServerList` tells of it.
fn described(host: &[u8], port: i64) -> Result<ZBox<ZendHashTable>, Thrown> {
    let mut name = Zval::new();
    name.set_zend_string(ZendStr::new(host, false));
    let kind = if host.starts_with(b"/") { "SOCKET" } else { "TCP" };
    let mut server = ZendHashTable::with_capacity(3);
    insert(&mut server, "host", name)?;
    insert(&mut server, "port", port)?;
    insert(&mut server, "type", kind)?;
    Ok(server)
}

/// A copy of the list, to be added to.
fn listed(this: &Handle) -> Result<ZBox<ZendHashTable>, Thrown> {
    let mut list = ZendHashTable::new();
    if let Some(servers) = taken(this) {
        for server in servers.array().into_iter().flat_map(ZendHashTable::values) {
            push(&mut list, server.shallow_clone())?;
        }
    }
    Ok(list)
}

/// The list, which stays.
fn taken(this: &Handle) -> Option<Zval> {
    let servers = this.kept().servers.take();
    let copy = servers.as_ref().map(Zval::shallow_clone);
    this.kept().servers.set(servers);
    copy
}

fn keep(this: &Handle, list: ZBox<ZendHashTable>) {
    let mut zval = Zval::new();
    answer(&mut zval, list);
    this.kept().servers.set(Some(zval));
    this.note(reply::SUCCESS);
}

/// `getServerList(): array`
pub extern "C" fn get_server_list(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 0), |call, out| {
        let this = call.this()?;
        match taken(this) {
            Some(servers) => *out = servers,
            None => answer(out, ZendHashTable::new()),
        }
        Ok(())
    });
}

/// `getServerByKey(string $server_key): array|false`: the first, for there is no choice among them.
pub extern "C" fn get_server_by_key(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (1, 1), |call, out| {
        let this = call.this()?;
        let key = call.string(0)?;
        let servers = taken(this);
        let first = servers.as_ref().and_then(Zval::array).and_then(|list| list.get_index(0));
        let Some(first) = first.and_then(Zval::array) else {
            return deny(this, reply::NO_SERVERS, out, "no server was added, and none is needed");
        };
        if key.is_empty() {
            return deny(this, reply::BAD_KEY_PROVIDED, out, "the key of a server is empty");
        }
        let mut server = ZendHashTable::with_capacity(3);
        for part in ["host", "port"] {
            let value = first.get(part).map_or(Zval::null(), Zval::shallow_clone);
            insert(&mut server, part, value)?;
        }
        insert(&mut server, "weight", 0_i64)?;
        this.note(reply::SUCCESS);
        answer(out, server);
        Ok(())
    });
}

fn deny(this: &Handle, code: reply::Code, out: &mut Zval, sentence: &str) -> Answer {
    this.refuse(code, sentence);
    out.set_bool(false);
    Ok(())
}

/// `resetServerList(): bool`
pub extern "C" fn reset_server_list(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 0), |call, out| {
        let this = call.this()?;
        this.kept().servers.set(None);
        this.note(reply::SUCCESS);
        out.set_bool(true);
        Ok(())
    });
}

/// `quit(): bool` and `flushBuffers(): bool`: there is no connection, and nothing is held back.
pub extern "C" fn nothing(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 0), |call, out| {
        call.this()?.note(reply::SUCCESS);
        out.set_bool(true);
        Ok(())
    });
}

/// `getLastDisconnectedServer(): array|false`: none ever was.
pub extern "C" fn get_last_disconnected_server(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 0), |call, out| {
        call.this()?;
        out.set_bool(false);
        Ok(())
    });
}

/// `setSaslAuthData(string $username, string $password): bool`: who may use a cache is a matter of its file's permissions.
pub extern "C" fn set_sasl_auth_data(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (2, 2), |call, out| {
        let this = call.this()?;
        call.string(0)?;
        call.string(1)?;
        this.note(reply::SUCCESS);
        out.set_bool(true);
        Ok(())
    });
}

/// `setEncodingKey(string $key): bool`: refused, for who sets one believes that the values are encrypted then.
pub extern "C" fn set_encoding_key(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (1, 1), |call, out| {
        let this = call.this()?;
        call.string(0)?;
        refused(
            this,
            reply::NOT_SUPPORTED,
            out,
            "values are not encrypted: they stay in the memory of this machine, where no wire is to be protected; \
             encrypt what others who have this cache must not read before you store it",
        )
    });
}

/// `setBucket(array $host_map, ?array $forward_map, int $replicas): bool`: which server has what; checked, without effect.
pub extern "C" fn set_bucket(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (3, 3), |call, out| {
        let this = call.this()?;
        let hosts = call.array(0)?;
        let forward = match call.arg(1) {
            Some(map) if !map.is_null() => Some(call.array(1)?),
            _ => None,
        };
        let replicas = call.long(2, 0)?;
        let wrong = if hosts.is_empty() {
            Some("the map of servers cannot be empty")
        } else if replicas < 0 {
            Some("the number of replicas cannot be negative")
        } else if forward.is_some_and(|map| map.len() != hosts.len()) {
            Some("the forward map must be as long as the map of servers")
        } else if !is_map(hosts) || !forward.is_none_or(is_map) {
            Some("the maps must hold ints of 0 or more")
        } else {
            None
        };
        match wrong {
            Some(sentence) => refused(this, reply::INVALID_ARGUMENTS, out, sentence),
            None => {
                this.note(reply::SUCCESS);
                out.set_bool(true);
                Ok(())
            }
        }
    });
}

fn is_map(map: &ZendHashTable) -> bool {
    map.values().all(|entry| entry.dereference().coerce_to_long().is_some_and(|index| index >= 0))
}

/// `isPersistent(): bool`
pub extern "C" fn is_persistent(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 0), |call, out| {
        out.set_bool(call.this()?.kept().is_persistent.get());
        Ok(())
    });
}

/// `isPristine(): bool`: always, for servers and options are the object's own, and it is new.
pub extern "C" fn is_pristine(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 0), |call, out| {
        call.this()?;
        out.set_bool(true);
        Ok(())
    });
}

/// `checkKey(string $key): bool`: would the cache take it, with this object's prefix?
pub extern "C" fn check_key(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (1, 1), |call: &Call<'_>, out| {
        let this = call.this()?;
        let key = call.key(0)?;
        let mut room = Room::new();
        let looked = this.cache().contains(this.place(&key, &mut room));
        out.set_bool(settle(this, looked, |_| reply::SUCCESS));
        Ok(())
    });
}

//! Redis as a store and as a queue (a stream with a group of consumers): a server of this run's own, with an append-only
//! file, asked over its unix socket.

use crate::contest::{Key, Random, Value, value};
use crate::peers::{Asks, Peer, Safety};
use crate::queues::{Line, Works};
use redis::{Client, Connection, Value as Reply, cmd, pipe};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The server; it ends with this, as if it were killed.
pub struct Redis {
    server: Child,
    client: Client,
}

const GROUP: &str = "workers";

impl Redis {
    /// Starts it on a directory; `None`: there is no Redis on this machine.
    pub fn open(dir: &Path, safety: Safety) -> Option<Redis> {
        std::fs::create_dir_all(dir).expect("the directory can be made");
        let socket = dir.join("socket");
        let level = match safety {
            Safety::Synced => "always",
            Safety::Written => "no",
        };
        // Debian's redis-server is this link to another name of the same program, and a service; the program alone is in
        // redis-tools.
        let program = find("redis-server").or_else(|| find("redis-check-rdb"))?;
        let mut server = Command::new(program);
        server.arg0("redis-server").current_dir(dir).stdout(Stdio::null());
        server.args(["--port", "0", "--unixsocket"]).arg(&socket);
        // It is not to rewrite its file in the middle of a round.
        server.args(["--appendonly", "yes", "--appendfsync", level, "--save", ""]);
        server.args(["--auto-aof-rewrite-percentage", "0"]);
        // SAFETY: between fork and exec only this one system call is made.
        unsafe {
            server.pre_exec(|| {
                // It does not outlive whoever started it, however that ends.
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                Ok(())
            })
        };
        let server = server.spawn().expect("redis-server starts");
        let client = Client::open(format!("unix://{}", socket.display())).expect("it is a socket");
        let mut redis = Redis { server, client };
        redis.wait_until_loaded();
        Some(redis)
    }

    fn wait_until_loaded(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            if let Ok(mut connection) = self.client.get_connection()
                && cmd("PING").exec(&mut connection).is_ok()
            {
                return;
            }
            let ended = self.server.try_wait().expect("the server can be waited for");
            assert!(ended.is_none(), "redis-server has ended: {ended:?}");
            assert!(Instant::now() < deadline, "redis-server does not answer");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn connect(&self) -> Connection {
        self.client.get_connection().expect("the server is there")
    }

    /// A queue of this name, made with so many messages.
    pub fn queue(&self, name: &'static str, count: u64) -> Stream<'_> {
        let mut connection = self.connect();
        let made =
            cmd("XGROUP").arg(&["CREATE", name, GROUP, "0", "MKSTREAM"]).exec(&mut connection);
        made.expect("the group is made");
        // Some at a time: the server copies each call to its file.
        let fill = "for n = 1, ARGV[1] do redis.call('XADD', KEYS[1], '*', 'm', ARGV[2]) end";
        let body = value(&mut Random::new(1));
        let mut left = count;
        while left > 0 {
            let some = left.min(10_000);
            let filled =
                cmd("EVAL").arg(fill).arg(1).arg(name).arg(some).arg(&body).exec(&mut connection);
            filled.expect("the queue is filled");
            left -= some;
        }
        Stream { redis: self, name }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file())
}

impl Peer for Redis {
    fn name(&self) -> &'static str {
        "Redis"
    }

    fn client(&self) -> Box<dyn Asks + '_> {
        Box::new(self.connect())
    }
}

impl Asks for Connection {
    fn put(&mut self, items: &[(Key, Value)]) {
        if let [(key, value)] = items {
            cmd("SET").arg(key).arg(value).exec(self).expect("the put is done");
            return;
        }
        let mut puts = pipe();
        puts.atomic();
        for (key, value) in items {
            puts.cmd("SET").arg(key).arg(value).ignore();
        }
        puts.exec(self).expect("the transaction is done");
    }

    fn get(&mut self, key: &Key) -> bool {
        let value: Option<Vec<u8>> = cmd("GET").arg(key).query(self).expect("the get is done");
        value.is_some()
    }

    fn scan(&mut self, _from: &Key, _count: usize) -> Option<usize> {
        None
    }
}

/// A queue of a server.
pub struct Stream<'a> {
    redis: &'a Redis,
    name: &'static str,
}

impl Line for Stream<'_> {
    fn name(&self) -> &'static str {
        "Redis"
    }

    fn client(&self) -> Box<dyn Works + '_> {
        Box::new((self.redis.connect(), self.name))
    }
}

impl Works for (Connection, &'static str) {
    fn push(&mut self, body: &Value) {
        let (connection, name) = self;
        let push = cmd("XADD").arg(*name).arg("*").arg("m").arg(body).exec(connection);
        push.expect("the message is in");
    }

    fn take(&mut self) -> bool {
        let (connection, name) = self;
        let mut reserve = cmd("XREADGROUP");
        reserve.arg(&["GROUP", GROUP, "worker", "COUNT", "1", "STREAMS", *name, ">"]);
        let reserved: Reply = reserve.query(connection).expect("a message is reserved");
        let Some(id) = first_id(&reserved) else {
            return false;
        };
        let mut ack = pipe();
        ack.atomic().cmd("XACK").arg(*name).arg(GROUP).arg(id).cmd("XDEL").arg(*name).arg(id);
        let acked: (u32, u32) = ack.query(connection).expect("it is acknowledged");
        assert_eq!(acked, (1, 1));
        true
    }
}

/// The id of the first message of `[[stream, [[id, [field, value]]]]]`.
fn first_id(reply: &Reply) -> Option<&Vec<u8>> {
    fn at(reply: &Reply, n: usize) -> Option<&Reply> {
        match reply {
            Reply::Array(replies) => replies.get(n),
            _ => None,
        }
    }
    match at(at(at(at(reply, 0)?, 1)?, 0)?, 0)? {
        Reply::BulkString(id) => Some(id),
        _ => None,
    }
}

//! Where `--http` listens, and which names a visitor may call it by.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};

/// Is this a place that can be listened at, as far as one can tell without trying?
pub fn check(place: &str) -> Result<(), String> {
    split(place).map(drop)
}

/// `port`, `:port`, `host:port` or `[v6]:port`. A port alone is this machine's alone.
fn split(place: &str) -> Result<(&str, u16), String> {
    let (host, port) = place.rsplit_once(':').unwrap_or(("", place));
    let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(v6) => v6,
        None if host.contains(':') => {
            return Err(format!("--http {place}: an IPv6 address wants brackets, [::1]:9150"));
        }
        None => host,
    };
    let host = if host == "*" { "0.0.0.0" } else { host };
    match port.parse() {
        Ok(port) => Ok((host, port)),
        Err(_) => Err(format!(
            "--http {place}: wants a port, which is then this machine's alone, or host:port"
        )),
    }
}

/// The addresses of a place.
pub fn addresses(place: &str) -> Result<Vec<SocketAddr>, String> {
    let (host, port) = split(place)?;
    if host.is_empty() {
        return Ok(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))]);
    }
    let addresses = (host, port).to_socket_addrs();
    Ok(addresses.map_err(|error| format!("--http {place}: {error}"))?.collect())
}

/// May a visitor of this address name its host so? A page of somebody else's that made its own name mean this machine
/// (DNS rebinding) could otherwise have a browser here read for it. Only what is bound to this machine alone can tell: any
/// other is meant to be reached by names that it does not know.
pub fn is_named_rightly(address: SocketAddr, host: &str) -> bool {
    if !address.ip().is_loopback() {
        return true;
    }
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let first = |place| addresses(place).map(|all| all[0].to_string());
        assert_eq!(first("9150").as_deref(), Ok("127.0.0.1:9150"));
        assert_eq!(first(":9150").as_deref(), Ok("127.0.0.1:9150"));
        assert_eq!(first("[::1]:1").as_deref(), Ok("[::1]:1"));
        assert_eq!(first("*:1").as_deref(), Ok("0.0.0.0:1"));
        for wrong in ["", "host", "host:", "::1", "1.2.3.4:99999"] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names() {
        let here = SocketAddr::from(([127, 0, 0, 1], 9150));
        for name in ["localhost", "LOCALHOST:9150", "127.0.0.1:9150", "[::1]:9150", "127.1.2.3"] {
            assert!(is_named_rightly(here, name), "{name}");
        }
        for name in ["", "evil.example", "evil.example:9150", "localhost.evil.example", "10.0.0.1"]
        {
            assert!(!is_named_rightly(here, name), "{name}");
        }
        assert!(is_named_rightly(SocketAddr::from(([10, 0, 0, 1], 9150)), "cache.example"));
    }
}

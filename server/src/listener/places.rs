//! The places of `-l`: addresses, and what is said of each by its prefixes.

use crate::options::{Options, Protocol, Security, Verify};
use std::net::{SocketAddr, ToSocketAddrs};

/// The port to bind: -1 is any.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Port {
    /// Where `-l` names no other.
    Unnamed(i32),
    /// At each host of `-l`: the ports that it names are the cache's.
    Own(i32),
}

/// Binds the port at each place of `-l`, or else at every address of this machine, by both families if both are there.
pub(crate) fn bind_all<T>(
    options: &Options,
    port: Port,
    bind: impl Fn(SocketAddr, &Prefixed<'_>) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let (port, is_own) = match port {
        Port::Unnamed(port) => (port, false),
        Port::Own(port) => (port, true),
    };
    let port = u16::try_from(port).unwrap_or(0);
    if options.listen.is_empty() {
        let spoken = prefixes("", options)?;
        let v4 = bind(SocketAddr::from(([0; 4], port)), &spoken);
        let v6 = bind(SocketAddr::from(([0u16; 8], port)), &spoken);
        return match (v4, v6) {
            // A machine without IPv6 (or without IPv4) is served by what it has.
            (Ok(v4), v6) => Ok([Some(v4), v6.ok()].into_iter().flatten().collect()),
            (Err(_), Ok(v6)) if port == 0 => Ok(vec![v6]),
            (Err(error), _) => Err(error),
        };
    }
    let (mut bound, mut hosts) = (Vec::new(), Vec::new());
    for place in &options.listen {
        let spoken = prefixes(place, options)?;
        let before = bound.len();
        let mut trouble = format!("-l {place}: no such address");
        for mut address in addresses(place, spoken.rest, port)? {
            if is_own {
                address.set_port(port);
                // A host may be there twice, with a port each.
                if hosts.contains(&address.ip()) {
                    trouble.clear();
                    continue;
                }
                hosts.push(address.ip());
            }
            match bind(address, &spoken) {
                Ok(socket) => bound.push(socket),
                Err(error) => trouble = error,
            }
        }
        if bound.len() == before && !trouble.is_empty() {
            return Err(trouble);
        }
    }
    Ok(bound)
}

/// The addresses of `host`, `host:port`, `[v6]` or `[v6]:port`, which is what is left of this place of `-l`.
fn addresses(place: &str, rest: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    let named = host_and_port(rest, port)
        .ok_or_else(|| format!("-l {place}: wants host, host:port or [v6]:port"))?;
    let found = named.to_socket_addrs().map_err(|error| format!("-l {place}: {error}"))?;
    Ok(found.collect())
}

/// A place of `-l` without its prefixes, and what they say.
pub(crate) struct Prefixed<'a> {
    rest: &'a str,
    pub(crate) protocol: Protocol,
    pub(crate) security: Security,
}

/// Reads `notls:`, `btls:`, `mtls:`, `proto[<name>]:`, `tag[<name>]:` and `tag_<name>_:`, in any order.
fn prefixes<'a>(place: &'a str, options: &Options) -> Result<Prefixed<'a>, String> {
    let security = match options.tls {
        true => Security::Tls(options.tls_options.verify()),
        false => Security::Plain,
    };
    let mut found = Prefixed { rest: place, protocol: options.protocol, security };
    loop {
        let rest = found.rest;
        if let Some(rest) = rest.strip_prefix("notls:") {
            found.rest = rest;
            found.security = Security::Plain;
        } else if let Some(rest) = rest.strip_prefix("btls:") {
            found.rest = rest;
            found.security = tls_of(place, Verify::No, options)?;
        } else if let Some(rest) = rest.strip_prefix("mtls:") {
            found.rest = rest;
            found.security = tls_of(place, Verify::Demanded, options)?;
        } else if let Some((name, rest)) =
            rest.strip_prefix("proto[").and_then(|rest| rest.split_once("]:"))
        {
            found.rest = rest;
            found.protocol = match name {
                "ascii" => Protocol::Ascii,
                "binary" => Protocol::Binary,
                "negotiating" => Protocol::Negotiated,
                _ => {
                    return Err(format!(
                        "-l {place}: proto[{name}] wants ascii, binary or negotiating"
                    ));
                }
            };
            if options.sasl {
                if found.protocol == Protocol::Ascii {
                    return Err(format!("-l {place}: with -S the binary protocol alone is spoken"));
                }
                found.protocol = Protocol::Binary;
            } else if options.auth_file.is_some() {
                if found.protocol == Protocol::Binary {
                    return Err(format!("-l {place}: with -Y clients say in text who they are"));
                }
                found.protocol = Protocol::Ascii;
            }
        } else if let Some((_, rest)) =
            rest.strip_prefix("tag[").and_then(|rest| rest.split_once("]:"))
        {
            // A tag is for memcached's proxy, which looks at it; nothing here does.
            found.rest = rest;
        } else if let Some((_, rest)) =
            rest.strip_prefix("tag_").and_then(|rest| rest.split_once("_:"))
        {
            found.rest = rest;
        } else {
            return Ok(found);
        }
    }
}

fn tls_of(place: &str, verify: Verify, options: &Options) -> Result<Security, String> {
    if !options.tls {
        return Err(format!("-l {place}: TLS is served with -Z only"));
    }
    if verify != Verify::No && options.tls_options.ca.is_none() {
        return Err(format!("-l {place}: mtls wants -o ssl_ca_cert=<file>"));
    }
    Ok(Security::Tls(verify))
}

fn host_and_port(place: &str, default: u16) -> Option<(&str, u16)> {
    if let Some(rest) = place.strip_prefix('[') {
        let (host, tail) = rest.split_once(']')?;
        return match tail.strip_prefix(':') {
            Some(port) => Some((host, port.parse().ok()?)),
            None if tail.is_empty() => Some((host, default)),
            None => None,
        };
    }
    let (host, port) = match place.split_once(':') {
        // More than one colon without brackets is an IPv6 address.
        Some((_, tail)) if tail.contains(':') => (place, default),
        Some((host, port)) => (host, port.parse().ok()?),
        None => (place, default),
    };
    // memcached's `*` is every address.
    Some((if host == "*" { "0.0.0.0" } else { host }, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        assert_eq!(host_and_port("127.0.0.1", 5), Some(("127.0.0.1", 5)));
        assert_eq!(host_and_port("localhost:7", 5), Some(("localhost", 7)));
        assert_eq!(host_and_port("::1", 5), Some(("::1", 5)));
        assert_eq!(host_and_port("[::1]", 5), Some(("::1", 5)));
        assert_eq!(host_and_port("[::1]:7", 5), Some(("::1", 7)));
        assert_eq!(host_and_port("*:7", 5), Some(("0.0.0.0", 7)));
        for wrong in ["[::1", "host:", "host:port", "[::1]7"] {
            assert_eq!(host_and_port(wrong, 5), None, "{wrong}");
        }
    }
}

//! `-o`: memcached's comma list of extended options, and `region`, which is this server's own. Those of TLS have a room of
//! their own, and many are knobs that turn nothing here (see [`knobs`](super::knobs)): a start script goes on working, and
//! a typing error is still found.

use super::knobs::Turned;
use super::{Options, Wrong, wrong};

/// Applies one `-o` list.
pub fn apply(list: &str, options: &mut Options) -> Result<(), Wrong> {
    for part in list.split(',').filter(|part| !part.is_empty()) {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (part, None),
        };
        match (name, value) {
            ("maxconns_fast", None) => options.refuse_over_limit = true,
            ("no_modern", None) => {
                options.refuse_over_limit = false;
                options.knobs.turn(name, value)?;
            }
            ("no_maxconns_fast", None) => options.refuse_over_limit = false,
            ("idle_timeout", Some(value)) => match value.parse() {
                Ok(seconds) => options.idle_timeout = seconds,
                Err(_) => {
                    return wrong(format!("-o idle_timeout={value}: wants a number of seconds"));
                }
            },
            ("read_buf_mem_limit", value) => options.read_memory = megabytes(name, value)?,
            ("resp_obj_mem_limit", value) => options.reply_memory = megabytes(name, value)?,
            ("region", Some(name)) => options.region = Some(super::region(name)?),
            ("region", None) => return wrong("-o region: wants a name, or a path"),
            ("idle_timeout", None) => return wrong("-o idle_timeout: wants a number of seconds"),
            _ if name.starts_with("ssl_") => super::tls::apply(name, value, options)?,
            _ if name.starts_with("proxy_") => {
                return wrong(format!("-o {name}: the proxy is not served"));
            }
            _ => match options.knobs.turn(name, value)? {
                Turned::Obeyed => {}
                Turned::Idle => options.without_effect.push(format!("-o {name} has no effect")),
                Turned::Unknown => {
                    let sentence = format!("Illegal suboption \"{name}\"");
                    return Err(Wrong { sentence, status: 1 });
                }
            },
        }
    }
    Ok(())
}

fn megabytes(name: &str, value: Option<&str>) -> Result<u64, Wrong> {
    let megabytes: Option<u64> = value.and_then(|value| value.parse().ok());
    match megabytes.filter(|&megabytes| megabytes <= 1 << 24) {
        Some(megabytes) => Ok(megabytes << 20),
        None => wrong(format!(
            "-o {name}={}: wants a number of megabytes, 0 for no limit",
            value.unwrap_or_default()
        )),
    }
}

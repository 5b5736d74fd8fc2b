//! What caches there are, and what one is: ls and stat.

use crate::arguments::{Ls, Stat};
use crate::attach::{Place, life, living, owner, path_text, process_json};
use crate::escape::escape;
use crate::failure::{Answer, Failure, note};
use crate::table::{Paint, Side, Table, Tone};
use crate::units;
use nearcache::{Cache, Info, Life, Process, Region, Stats};
use serde_json::{Map, Value, json};
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// The system's time in whole seconds since 1970.
pub fn unix_time() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(i64::MAX))
}

/// Hits among gets.
pub fn hit_ratio(stats: &Stats) -> Option<f64> {
    (stats.cmd_get > 0).then(|| stats.get_hits as f64 / stats.cmd_get as f64)
}

/// What `ls` tells of a region: the cache, or why there is none.
struct Listed {
    region: Region,
    found: Result<(Info, Stats, Vec<Process>), String>,
}

impl Listed {
    fn of(region: Region) -> Listed {
        let found = match &region.trouble {
            Some(trouble) => Err(trouble.clone()),
            None => attach(&region),
        };
        Listed { region, found }
    }
}

fn attach(region: &Region) -> Result<(Info, Stats, Vec<Process>), String> {
    let cache = Place::parse(&region.name)?.read().map_err(|failure| match failure {
        Failure::Told(why) | Failure::No(why) => why,
        Failure::Pipe => "the file went away".to_string(),
    })?;
    Ok((cache.info(), cache.stats(), cache.processes()))
}

/// Lists the caches.
pub fn ls(asked: &Ls, out: &mut dyn Write) -> Result<Answer, Failure> {
    let listed: Vec<Listed> = nearcache::regions()?.into_iter().map(Listed::of).collect();
    if asked.json {
        let told: Vec<Value> = listed.iter().map(listed_json).collect();
        writeln!(out, "{}", json!(told))?;
        return Ok(Answer::Yes);
    }
    if listed.is_empty() {
        note("this user has no caches here; `nearcache create NAME SIZE` makes one");
        return Ok(Answer::Yes);
    }
    let mut table = Table::new(&[
        ("NAME", Side::Left),
        ("SIZE", Side::Right),
        ("OWNER", Side::Left),
        ("ITEMS", Side::Right),
        ("USED", Side::Right),
        ("PROCESSES", Side::Right),
        ("LAYOUT", Side::Right),
        ("AGE", Side::Right),
        ("", Side::Left),
    ]);
    let now = unix_time();
    for Listed { region, found } in &listed {
        let name = escape(region.name.as_bytes());
        match found {
            Ok((info, stats, processes)) => table.row(
                Tone::Plain,
                [
                    name,
                    units::bytes(info.size),
                    owner(info.uid),
                    units::count(stats.curr_items),
                    units::bytes(stats.bytes),
                    units::count(living(processes).len() as u64),
                    info.layout.to_string(),
                    units::duration(now - info.created),
                ],
            ),
            Err(trouble) => {
                let [none, size, owner] = ["-".into(), units::bytes(region.len), owner(region.uid)];
                let dash = || String::clone(&none);
                let cells = [name, size, owner, dash(), dash(), dash(), dash(), dash()];
                table.row(Tone::Alarm, cells.into_iter().chain([trouble.clone()]));
            }
        }
    }
    table.print(Paint::of_output(), out)?;
    Ok(Answer::Yes)
}

fn listed_json(listed: &Listed) -> Value {
    let Listed { region, found } = listed;
    let mut told = json!({
        "name": region.name,
        "path": path_text(&region.path),
        "file_size": region.len,
        "uid": region.uid,
        "owner": owner(region.uid),
        "trouble": found.as_ref().err(),
    });
    if let Ok((info, stats, processes)) = found {
        told["size"] = json!(info.size);
        told["layout"] = json!(info.layout);
        told["created"] = json!(info.created);
        told["items"] = json!(stats.curr_items);
        told["bytes"] = json!(stats.bytes);
        told["processes"] = json!(living(processes).len());
    }
    told
}

/// What a cache is, as JSON.
pub fn info_json(info: &Info) -> Value {
    json!({
        "path": info.path.as_deref().map(path_text),
        "size": info.size,
        "layout": info.layout,
        "created": info.created,
        "uid": info.uid,
        "owner": owner(info.uid),
        "permissions": format!("{:03o}", info.permissions),
        "processes_max": info.processes_max,
        "threads_max": info.threads_max,
    })
}

/// Statistics under memcached's names, as JSON.
pub fn stats_json(stats: &Stats) -> Value {
    Value::Object(
        stats
            .pairs()
            .map(|(name, number)| (name.to_string(), json!(number)))
            .collect::<Map<_, _>>(),
    )
}

/// Shows one cache.
pub fn stat(asked: &Stat, out: &mut dyn Write) -> Result<Answer, Failure> {
    let cache = asked.name.read()?;
    if asked.json {
        let stats = cache.stats();
        let told = json!({
            "name": asked.name.text,
            "info": info_json(&cache.info()),
            "stats": stats_json(&stats),
            "hit_ratio": hit_ratio(&stats),
            "processes": cache.processes().iter().map(process_json).collect::<Vec<_>>(),
        });
        writeln!(out, "{told}")?;
        return Ok(Answer::Yes);
    }
    let paint = Paint::of_output();
    writeln!(out, "{}", paint.set(Tone::Head, &asked.name.text))?;
    info_table(&cache.info()).print(paint, out)?;
    writeln!(out, "\n{}", paint.set(Tone::Head, "Statistics"))?;
    stats_table(&cache).print(paint, out)?;
    writeln!(out, "\n{}", paint.set(Tone::Head, "Processes"))?;
    let processes = cache.processes();
    match processes.is_empty() {
        true => writeln!(out, "  none has used it, or all of them are forgotten")?,
        false => process_table(&processes).print(paint, out)?,
    }
    Ok(Answer::Yes)
}

fn info_table(info: &Info) -> Table {
    let mut table = Table::new(&[("", Side::Left), ("", Side::Left)]);
    let path = info.path.as_deref().map_or("-".to_string(), path_text);
    let age = units::duration(unix_time() - info.created);
    for (name, text) in [
        ("file", path),
        ("size", format!("{} ({} bytes)", units::bytes(info.size), units::count(info.size))),
        ("layout", info.layout.to_string()),
        ("age", format!("{age} (created at the Unix time {})", info.created)),
        ("owner", owner(info.uid)),
        ("permissions", format!("{:03o}", info.permissions)),
        ("places", format!("{} processes, {} threads", info.processes_max, info.threads_max)),
    ] {
        table.row(Tone::Plain, [format!("  {name}"), text]);
    }
    table
}

fn stats_table(cache: &Cache) -> Table {
    let stats = cache.stats();
    let mut table = Table::new(&[("", Side::Left), ("", Side::Right), ("", Side::Left)]);
    for (name, number) in stats.pairs() {
        let unit = match name {
            "bytes" | "limit_maxbytes" => units::bytes(number),
            _ => String::new(),
        };
        table.row(Tone::Plain, [format!("  {name}"), units::count(number), unit]);
    }
    table.row(Tone::Head, ["  hit ratio".to_string(), units::percent(hit_ratio(&stats))]);
    table
}

/// The processes of a cache, the dead ones faint.
pub fn process_table(processes: &[Process]) -> Table {
    let mut table = Table::new(&[
        ("  PID", Side::Right),
        ("NAME", Side::Left),
        ("LIFE", Side::Left),
        ("THREADS", Side::Right),
        ("SINCE", Side::Right),
    ]);
    let now = unix_time();
    for process in processes {
        let tone = if process.life == Life::Alive { Tone::Plain } else { Tone::Faint };
        let cells = [
            process.pid.to_string(),
            escape(process.name.as_bytes()),
            life(process.life).to_string(),
            units::count(process.threads as u64),
            units::duration(now - process.since),
        ];
        table.row(tone, cells);
    }
    table
}

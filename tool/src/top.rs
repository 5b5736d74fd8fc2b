//! What goes on in the caches, as it goes on: on a screen, or as lines.

use crate::arguments::Top;
use crate::attach::{Place, living};
use crate::escape::escape;
use crate::failure::{Answer, Failure, note};
use crate::look::process_table;
use crate::rates::{Rates, Reading};
use crate::table::{Paint, Side, Table, Tone};
use crate::terminal::{self, Screen, Waited};
use crate::units;
use nearcache::{Cache, Info};
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

/// Watches until the user, the number of iterations or the cache ends.
pub fn top(asked: &Top, out: &mut dyn Write) -> Result<Answer, Failure> {
    let mut watch = Watch::new(asked.name.clone())?;
    let interval = Duration::from_secs_f64(asked.interval);
    match asked.iterations.is_none() && !asked.json && terminal::is_there() {
        true => on_screen(&mut watch, interval, out),
        false => in_lines(&mut watch, interval, asked, out),
    }
}

fn on_screen(
    watch: &mut Watch,
    interval: Duration,
    out: &mut dyn Write,
) -> Result<Answer, Failure> {
    let paint = Paint::of_output();
    let mut screen = Screen::enter(out)?;
    loop {
        screen.draw(&frame(watch, interval, paint))?;
        if screen.wait(interval)? == Waited::Quit {
            return Ok(Answer::Yes);
        }
        if !watch.refresh()? {
            drop(screen);
            return Ok(watch.is_gone());
        }
    }
}

fn frame(watch: &Watch, interval: Duration, paint: Paint) -> Vec<String> {
    let title = match &watch.only {
        Some(place) => format!("nearcache top {}", place.text),
        None => "nearcache top: all caches".to_string(),
    };
    let every = format!("every {} s; q ends", interval.as_secs_f64());
    let mut lines = vec![format!("{}  {every}", paint.set(Tone::Head, &title)), String::new()];
    lines.extend(rates_table(watch).lines(paint));
    if let (Some(_), Some(cache)) = (&watch.only, watch.caches.first()) {
        lines.push(String::new());
        lines.extend(process_table(&cache.now.processes).lines(paint));
    }
    lines
}

fn rates_table(watch: &Watch) -> Table {
    let number = |head| (head, Side::Right);
    let mut table = Table::new(&[
        ("NAME", Side::Left),
        number("GETS/S"),
        number("HITS/S"),
        number("HIT"),
        number("SETS/S"),
        number("EVICTIONS/S"),
        number("BYTES"),
        number("OF"),
        number("ITEMS"),
        number("PROCESSES"),
    ]);
    for cache in &watch.caches {
        let rate = |of: fn(&Rates) -> f64| {
            cache.rates().as_ref().map_or("-".to_string(), |rates| units::rate(of(rates)))
        };
        let stats = &cache.now.stats;
        table.row(
            Tone::Plain,
            [
                escape(cache.name.as_bytes()),
                rate(|rates| rates.gets),
                rate(|rates| rates.hits),
                units::percent(cache.rates().and_then(|rates| rates.hit_ratio())),
                rate(|rates| rates.sets),
                rate(|rates| rates.evictions),
                units::bytes(stats.bytes),
                units::bytes(stats.limit_maxbytes),
                units::count(stats.curr_items),
                living(&cache.now.processes).len().to_string(),
            ],
        );
    }
    table
}

/// Each line is written whole and at once, so that whoever reads it is up to date.
fn in_lines(
    watch: &mut Watch,
    interval: Duration,
    asked: &Top,
    out: &mut dyn Write,
) -> Result<Answer, Failure> {
    if !asked.json {
        let heads = ["GETS/S", "HITS/S", "HIT", "SETS/S", "EVICTIONS/S", "BYTES", "ITEMS"];
        write_line(out, "NAME", &heads.map(String::from))?;
        out.flush()?;
    }
    let mut left = asked.iterations;
    while left != Some(0) {
        std::thread::sleep(interval);
        if !watch.refresh()? {
            return Ok(watch.is_gone());
        }
        for cache in &watch.caches {
            let Some(rates) = cache.rates() else {
                continue;
            };
            let stats = &cache.now.stats;
            if asked.json {
                writeln!(out, "{}", rates.json(&cache.name, &cache.now))?;
                continue;
            }
            let cells = [
                units::rate(rates.gets),
                units::rate(rates.hits),
                units::percent(rates.hit_ratio()),
                units::rate(rates.sets),
                units::rate(rates.evictions),
                units::bytes(stats.bytes),
                units::count(stats.curr_items),
            ];
            write_line(out, &escape(cache.name.as_bytes()), &cells)?;
        }
        out.flush()?;
        left = left.map(|left| left - 1);
    }
    Ok(Answer::Yes)
}

fn write_line(out: &mut dyn Write, name: &str, cells: &[String; 7]) -> Result<(), Failure> {
    let [gets, hits, ratio, sets, evictions, bytes, items] = cells;
    writeln!(
        out,
        "{name:<16} {gets:>12} {hits:>12} {ratio:>8} {sets:>12} {evictions:>12} {bytes:>11} {items:>14}"
    )?;
    Ok(())
}

/// The caches that are watched.
struct Watch {
    /// `None`: all there are.
    only: Option<Place>,
    caches: Vec<Watched>,
}

/// One of them, with its last two readings.
struct Watched {
    name: String,
    cache: Cache,
    /// Which file it is: another one under the same name is another cache.
    file: Option<(u64, u64)>,
    before: Option<Reading>,
    now: Reading,
}

impl Watch {
    fn new(only: Option<Place>) -> Result<Watch, Failure> {
        let mut watch = Watch { only, caches: Vec::new() };
        match &watch.only {
            Some(place) => watch.caches.push(Watched::attach(place)?),
            None => watch.find_all()?,
        }
        Ok(watch)
    }

    /// Reads the counters again; `false` if the cache that was asked for is gone.
    fn refresh(&mut self) -> Result<bool, Failure> {
        for cache in &mut self.caches {
            let now = Reading::of(&cache.cache);
            cache.before = Some(std::mem::replace(&mut cache.now, now));
        }
        match &self.only {
            None => self.find_all()?,
            Some(place) => {
                let Some(cache) = self.caches.first_mut() else {
                    return Ok(false);
                };
                if cache.is_replaced() {
                    match Watched::attach(place) {
                        Ok(other) => *cache = other,
                        Err(_) => return Ok(false),
                    }
                }
            }
        }
        Ok(true)
    }

    /// Attaches what is new, and forgets what is gone. What cannot be attached is `ls`'s to tell.
    fn find_all(&mut self) -> Result<(), Failure> {
        self.caches.retain(|cache| !cache.is_replaced());
        for region in nearcache::regions()? {
            let known = self.caches.iter().any(|cache| cache.name == region.name);
            if known || region.trouble.is_some() {
                continue;
            }
            if let Ok(place) = Place::parse(&region.name) {
                self.caches.extend(Watched::attach(&place).ok());
            }
        }
        self.caches.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(())
    }

    /// Tells that the cache is gone; the answer is no.
    fn is_gone(&self) -> Answer {
        let name = self.only.as_ref().map_or("the cache", |place| &place.text);
        note(&format!("{name} was removed"));
        Answer::No
    }
}

impl Watched {
    fn attach(place: &Place) -> Result<Watched, Failure> {
        let cache = place.read()?;
        let now = Reading::of(&cache);
        Ok(Watched { name: place.text.clone(), file: file_of(&cache), cache, before: None, now })
    }

    fn rates(&self) -> Option<Rates> {
        self.before.as_ref().map(|before| Rates::between(before, &self.now))
    }

    /// Has its file lost its name, or another file got it? What has no path is never replaced.
    fn is_replaced(&self) -> bool {
        let Info { path: Some(path), .. } = self.cache.info() else {
            return false;
        };
        let there = std::fs::symlink_metadata(path).ok();
        self.file.is_some() && there.map(|found| (found.dev(), found.ino())) != self.file
    }
}

/// Device and number of the file that is mapped.
fn file_of(cache: &Cache) -> Option<(u64, u64)> {
    let file = File::from(cache.descriptor()?.try_clone_to_owned().ok()?);
    file.metadata().ok().map(|found| (found.dev(), found.ino()))
}

//! ls, stat, create, rm and check: caches as a whole.

mod support;

use nearcache::{Expiry, Options};
use serde_json::{Value, json};
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};
use support::Place;

/// A process that has used the cache and is there until it is ended: a `set` whose value does not come to its end.
struct Neighbour(Child);

impl Neighbour {
    /// `top` only reads; a `load` that waits for the rest of its dump has stored what came before.
    fn of(place: &Place, name: &str) -> Neighbour {
        use std::io::Write;
        let dumped = place.run(&["dump", name]).expect(0).out.clone();
        // All but the end: the items are stored, and the end is waited for.
        let end =
            dumped.len() - dumped.iter().rev().skip(1).position(|byte| *byte == b'\n').unwrap() - 1;
        let mut child = place.command(&["load", name]).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.as_mut().unwrap().write_all(&dumped[..end]).unwrap();
        Neighbour(child)
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Ends it in the middle of what it does.
    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Asks until the answer is as wanted; what is waited for comes from another process.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !holds() {
        assert!(std::time::Instant::now() < end, "{what}: not within a minute");
        std::thread::yield_now();
    }
}

fn found<'a>(list: &'a Value, name: &str) -> &'a Value {
    let list = list.as_array().unwrap();
    list.iter()
        .find(|one| one["name"] == name)
        .unwrap_or_else(|| panic!("{name} is not in {list:?}"))
}

#[test]
fn ls_lists_what_is_there_and_why_the_rest_cannot_be_attached() {
    let place = Place::new();
    assert_eq!(place.json(&["ls", "--json"]), json!([]));
    place.run(&["ls"]).complains(0, "no caches");
    let cache = place.create("app");
    for number in 0..1234 {
        cache.set(format!("key:{number}").as_bytes(), b"value", 0, Expiry::Never).unwrap();
    }
    place.run(&["create", "second", "1M"]).expect(0);
    fs::write(place.path("notes.txt"), "this is no cache").unwrap();
    fs::write(place.path("empty"), "").unwrap();
    std::os::unix::fs::symlink(place.path("app"), place.path("link")).unwrap();

    let list = place.json(&["ls", "--json"]);
    assert_eq!(list.as_array().unwrap().len(), 5);
    let app = found(&list, "app");
    let expected = json!({"name": "app", "size": cache.info().size, "items": 1234, "processes": 1,
        "bytes": cache.stats().bytes, "layout": cache.info().layout, "created": cache.info().created,
        "trouble": null});
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&app[field], value, "{field}");
    }
    assert_eq!(app["path"], place.path("app").to_str().unwrap());
    assert_eq!(found(&list, "second")["items"], 0);
    assert_eq!(found(&list, "second")["processes"], 0);
    for (name, why) in
        [("notes.txt", "does not begin as a cache"), ("empty", "is empty"), ("link", "link")]
    {
        let trouble = found(&list, name)["trouble"].as_str().unwrap();
        assert!(trouble.contains(why), "{trouble}");
        assert!(found(&list, name).get("items").is_none());
    }
    let ran = place.run(&["ls"]);
    let lines: Vec<&str> = ran.expect(0).text().lines().collect();
    assert_eq!(lines.len(), 6);
    assert!(lines[0].starts_with("NAME") && lines[0].ends_with("AGE"), "{}", lines[0]);
    let words: Vec<&str> = lines[1].split_whitespace().collect();
    assert_eq!(
        (words[0], words[1], words[2], words[4]),
        ("app", "4.0", "MiB", "1,234"),
        "{words:?}"
    );
    assert!(!ran.text().contains('\x1b'), "no colours in a pipe");
}

#[test]
fn stat_shows_a_cache_under_memcacheds_names() {
    let place = Place::new();
    let cache = place.create("app");
    cache.set(b"k", b"v", 0, Expiry::Never).unwrap();
    for key in [b"k", b"k", b"k", b"x"] {
        cache.get(key).unwrap();
    }
    let told = place.json(&["stat", "app", "--json"]);
    assert_eq!(told["name"], "app");
    for (name, number) in cache.stats().pairs() {
        assert_eq!(told["stats"][name], number, "{name}");
    }
    assert_eq!(told["hit_ratio"], 0.75);
    assert_eq!(told["info"]["size"], cache.info().size);
    assert_eq!(told["info"]["permissions"], "600");
    let processes = told["processes"].as_array().unwrap();
    assert_eq!(processes.len(), 1);
    assert_eq!(processes[0]["pid"], std::process::id());
    assert_eq!(processes[0]["life"], "alive");
    let ran = place.run(&["stat", "app"]);
    for words in
        ["get_hits", "hit ratio", "75.0 %", "4.0 MiB", &std::process::id().to_string(), "alive"]
    {
        assert!(ran.expect(0).text().contains(words), "{words:?} is not in {}", ran.text());
    }
    // By its path it is the same cache.
    let by_path = place.json(&["stat", place.path("app").to_str().unwrap(), "--json"]);
    assert_eq!(by_path["info"], told["info"]);
    place.run(&["create", "new", "1M"]).expect(0);
    assert_eq!(place.json(&["stat", "new", "--json"])["hit_ratio"], json!(null));
    fs::write(place.path("notes.txt"), "this is no cache").unwrap();
    place.run(&["stat", "notes.txt"]).complains(2, "does not begin as a cache");
    place.run(&["stat", "nothere"]).complains(2, "there is no cache at");
}

#[test]
fn stat_tells_the_living_from_the_dead() {
    let place = Place::new();
    place.create("app").set(b"k", b"v", 0, Expiry::Never).unwrap();
    let neighbour = Neighbour::of(&place, "app");
    let pid = neighbour.pid();
    let life = || {
        let told = place.json(&["stat", "app", "--json"]);
        let processes = told["processes"].as_array().unwrap();
        let own = processes.iter().find(|process| process["pid"] == pid);
        own.map(|process| process["life"].as_str().unwrap().to_string())
    };
    until("the neighbour attaches", || life().as_deref() == Some("alive"));
    neighbour.kill();
    assert_ne!(life().as_deref(), Some("alive"));
}

#[test]
fn create_makes_what_was_asked_for_and_nothing_twice() {
    let place = Place::new();
    let asked = [
        "create",
        "app",
        "2.5M",
        "--permissions",
        "640",
        "--no-evict",
        "--item-size-max",
        "64K",
        "--json",
    ];
    let told = place.json(&asked);
    assert_eq!(told["path"], place.path("app").to_str().unwrap());
    let made = fs::metadata(place.path("app")).unwrap();
    assert_eq!(made.permissions().mode() & 0o777, 0o640);
    let cache = Options::attach(nearcache::Home::At(place.path("app"))).open().unwrap();
    assert_eq!(cache.item_size_max(), 64 << 10);
    assert_eq!(told["size"], cache.info().size);
    assert!(cache.info().size <= 5 << 19 && cache.info().size > 2 << 20, "{told}");
    place.run(&["create", "app", "1M"]).complains(1, "is there already");
    place.run(&["create", "tiny", "1K"]).complains(2, "1048576");
    place.run(&["create", "odd", "many"]).complains(2, "is no size");
    place.run(&["create", "odd", "1M", "--permissions", "999"]).complains(2, "octal");
    assert!(!place.path("tiny").exists() && !place.path("odd").exists());
    let plain = place.run(&["create", "plain", "1M"]);
    assert!(plain.expect(0).text().starts_with("created plain: 1.0 MiB in "), "{plain:?}");
}

#[test]
fn rm_removes_what_nobody_has_and_says_so() {
    let place = Place::new();
    place.run(&["create", "one", "1M"]).expect(0);
    place.run(&["create", "two", "1M"]).expect(0);
    let cache = place.create("used");
    cache.set(b"k", b"v", 0, Expiry::Never).unwrap();
    fs::write(place.path("notes.txt"), "this is no cache").unwrap();

    let ran = place.run(&["rm", "one", "used", "two"]);
    ran.complains(2, "used: 1 process is attached; --force");
    let path = |name: &str| place.path(name).display().to_string();
    let expected = format!(
        "removed one: 1.0 MiB with 0 items in {}\nremoved two: 1.0 MiB with 0 items in {}\n",
        path("one"),
        path("two")
    );
    assert_eq!(ran.text(), expected);
    assert!(
        !place.path("one").exists() && !place.path("two").exists() && place.path("used").exists()
    );
    place.run(&["rm", "one"]).complains(1, "one: there is no such cache");
    for arguments in [&["rm", "notes.txt"][..], &["rm", "--force", "notes.txt"]] {
        place.run(arguments).complains(2, "does not begin as a cache");
        assert!(place.path("notes.txt").exists());
    }
    let told = place.run(&["rm", "--force", "--json", "used", "gone"]);
    let expected = json!([{"name": "used", "removed": true},
        {"name": "gone", "removed": false, "why": "there is no such cache"}]);
    assert_eq!(told.expect(1).json(), expected);
    // Who is attached goes on with what he has.
    assert_eq!(cache.get(b"k").unwrap().unwrap().data, b"v");
    assert!(!place.path("used").exists());
}

#[test]
fn rm_asks_for_force_where_nobody_can_tell_who_is_attached() {
    let place = Place::new();
    place.run(&["create", "app", "1M"]).expect(0);
    let mut bytes = fs::read(place.path("app")).unwrap();
    bytes.truncate(1 << 19);
    fs::write(place.path("app"), bytes).unwrap();
    let trouble = place.json(&["ls", "--json"])[0]["trouble"].as_str().unwrap().to_string();
    assert!(trouble.contains("524288 bytes"), "{trouble}");
    place.run(&["rm", "app"]).complains(2, "--force");
    assert!(place.path("app").exists());
    place.run(&["rm", "app", "--force"]).expect(0);
    assert!(!place.path("app").exists());
}

#[test]
fn of_two_layouts_side_by_side_a_name_is_the_one_it_opens() {
    let place = Place::new();
    drop(place.create("app"));
    // The second word is the layout's version.
    let mut bytes = fs::read(place.path("app")).unwrap();
    bytes[8] ^= 0x40;
    fs::write(place.path("app"), &bytes).unwrap();
    place.run(&["stat", "app"]).complains(2, "layout");
    place.run(&["rm", "app"]).complains(2, "nobody can tell who is attached; --force");

    let cache = place.create("app");
    let beside = cache.info().path.unwrap();
    assert_ne!(beside, place.path("app"));
    assert_eq!(place.json(&["stat", "app", "--json"])["info"]["path"], beside.to_str().unwrap());
    let list = place.json(&["ls", "--json"]);
    assert!(found(&list, "app")["trouble"].as_str().unwrap().contains("layout"), "{list}");
    let name = beside.file_name().unwrap().to_str().unwrap();
    assert_eq!(found(&list, name)["trouble"], json!(null));
    cache.set(b"k", b"v", 0, Expiry::Never).unwrap();
    place.run(&["rm", "app"]).complains(2, "1 process is attached");
    drop(cache);
    place.run(&["rm", "app"]).expect(0);
    assert!(!beside.exists() && place.path("app").exists());
    place.run(&["rm", "app", "--force"]).expect(0);
    assert!(!place.path("app").exists());
}

#[test]
fn check_finds_a_sound_cache_sound_and_a_broken_one_broken() {
    let place = Place::new();
    let cache = place.create("app");
    for number in 0..100 {
        cache.set(format!("key:{number}").as_bytes(), b"value", 0, Expiry::Never).unwrap();
    }
    let ran = place.run(&["check", "app"]);
    ran.complains(0, "1 process is attached to app: what they write");
    assert!(ran.text().contains("sound") && ran.text().contains("100 items"), "{ran:?}");
    drop(cache);
    let told = place.json(&["check", "app", "--json"]);
    let sound = json!({"name": "app", "sound": true, "broken": null, "living_processes": 0});
    assert_eq!(told, sound, "what has closed the cache is attached no longer");

    // What the key of an item was changed to does not belong into the item's bucket.
    let mut bytes = fs::read(place.path("app")).unwrap();
    let at = bytes.windows(6).position(|window| window == b"key:42").unwrap();
    bytes[at..at + 6].copy_from_slice(b"other!");
    fs::write(place.path("app"), bytes).unwrap();
    let broken = place.run(&["check", "app"]);
    assert!(broken.expect(1).text().contains("broken"), "{broken:?}");
    let told = place.run(&["check", "app", "--json"]);
    assert_eq!(told.expect(1).json()["sound"], false);
    assert_ne!(told.json()["broken"], json!(null));
    place.run(&["check", "nothere"]).complains(2, "there is no cache at");
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let place = Place::new();
    place.run(&["create", "app", "1M"]).expect(0);
    let shown = |no_color: &str| {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let terminal = fs::OpenOptions::new().read(true).write(true).open(name).unwrap();
        let mut command = place.command(&["ls"]);
        command.stdout(terminal).env("NO_COLOR", no_color);
        let mut child = command.spawn().unwrap();
        // The command holds the terminal, too: the master has no end before it is closed.
        drop(command);
        assert!(child.wait().unwrap().success());
        let mut text = Vec::new();
        // A terminal whose last user has gone is read to its end, and then fails.
        let _ = fs::File::from(master).read_to_end(&mut text);
        String::from_utf8(text).unwrap()
    };
    assert!(shown("").contains("\x1b[1mNAME"), "{:?}", shown(""));
    assert!(!shown("1").contains('\x1b') && shown("1").contains("NAME"), "{:?}", shown("1"));
}

#[test]
fn help_is_there_for_every_command() {
    let place = Place::new();
    let commands = [
        "ls", "stat", "top", "get", "set", "delete", "keys", "rm", "create", "dump", "load",
        "check",
    ];
    let whole = place.run(&["--help"]);
    for command in commands {
        assert!(whole.expect(0).text().contains(&format!("  {command} ")), "{command}");
        let help = place.run(&[command, "--help"]);
        assert!(help.expect(0).text().contains("Examples:\n"), "{command}");
    }
    for (group, command) in [("store", "verify"), ("queue", "requeue")] {
        assert!(whole.text().contains(&format!("  {group} ")), "{group}");
        let help = place.run(&[group, "--help"]);
        assert!(help.expect(0).text().contains(&format!("  {command} ")), "{help:?}");
        let help = place.run(&[group, command, "--help"]);
        assert!(help.expect(0).text().contains("Examples:\n"), "{help:?}");
    }
    assert!(whole.text().contains("Exit status: 0 done; 1"), "{}", whole.text());
    assert!(place.run(&["--version"]).expect(0).text().starts_with("nearcache "));
}

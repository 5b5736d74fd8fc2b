//! The target `options`: command lines. Each is obeyed or refused with a sentence, and what is obeyed makes sense.

use crate::input::Input;
use nearcached::options::{Asked, parse};

const WORDS: [&str; 64] = [
    "-p",
    "-U",
    "-s",
    "-a",
    "-A",
    "-l",
    "-d",
    "-r",
    "-u",
    "-m",
    "-M",
    "-c",
    "-k",
    "-v",
    "-P",
    "-f",
    "-n",
    "-L",
    "-D",
    "-t",
    "-R",
    "-C",
    "-b",
    "-B",
    "-I",
    "-S",
    "-F",
    "-X",
    "-W",
    "-Y",
    "-e",
    "-Z",
    "-o",
    "-N",
    "-vv",
    "--port",
    "--listen",
    "--memory-limit",
    "--region",
    "--http",
    "--",
    "-",
    "--p",
    "=",
    "0",
    "-1",
    "1",
    "1024",
    "64",
    "1m",
    "1g",
    "99999999999999999999",
    "1.25",
    "127.0.0.1",
    "[::1]:5",
    ":",
    "auto",
    "modern",
    "idle_timeout=5",
    "read_buf_mem_limit=1",
    "region=a",
    "no_maxconns_fast,hashpower=20",
    "é",
    "x",
];

/// Runs a case; panics when it goes wrong.
pub fn run(data: &[u8]) {
    let arguments = arguments(data);
    let asked = parse(&arguments);
    assert_eq!(asked, parse(&arguments), "twice the same, for {arguments:?}");
    match asked {
        Ok(Asked::Serve(options)) => {
            assert!(options.threads > 0 && options.connections > 0, "{arguments:?}: {options:?}");
            assert!(
                options.requests_per_turn > 0 && options.backlog > 0,
                "{arguments:?}: {options:?}"
            );
            assert!(
                options.item_size_max as u64 <= options.memory / 2,
                "{arguments:?}: {options:?}"
            );
            assert!(options.without_effect.iter().all(|sentence| !sentence.is_empty()));
        }
        Ok(Asked::Help | Asked::Version | Asked::License) => {}
        Err(wrong) => {
            assert!(!wrong.sentence.is_empty(), "{arguments:?} is refused without a word");
            assert!((1..=127).contains(&wrong.status), "{arguments:?}: {wrong:?}");
        }
    }
}

fn arguments(data: &[u8]) -> Vec<String> {
    let mut input = Input::new(data);
    if input.byte() % 4 == 0 {
        let text = String::from_utf8_lossy(&data[data.len().min(1)..]);
        return text.split([' ', '\0', '\n']).map(String::from).collect();
    }
    let mut arguments = Vec::new();
    while !input.is_empty() && arguments.len() < 40 {
        let mut word = input.one_of(&WORDS).to_string();
        // Parts of words, and several in one.
        for _ in 0..(input.byte() % 8).saturating_sub(5) {
            word.push_str(match input.byte() % 4 {
                0 => ",",
                1 => "=",
                _ => input.one_of(&WORDS),
            });
        }
        arguments.push(word);
    }
    arguments
}

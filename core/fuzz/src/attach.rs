//! The target `attach`: a cache's file is cut, stretched, changed or replaced, and then attached and used.
//!
//! A clear error, a new cache, misses, wrong values: all that is well. A panic, a hang, a signal, or an access outside of
//! the file (around whose mapping the builds of this target lay pages that may not be touched) is not.

use crate::draw;
use crate::input::Input;
use crate::support::answer::Answer;
use crate::support::ops::{Op, Shape, key};
use crate::support::perform::perform;
use crate::support::scratch::Scratch;
use nearcache::{Access, Cache, Cursor, Error, Expiry, Home, Options};
use std::path::Path;
use std::sync::OnceLock;

const SIZE: u64 = 1 << 20;
/// Verbs run in a case.
const STEPS: usize = 200;
/// A case ends after so many refusals: each may have waited for a seat that nobody gives back.
const REFUSALS: u32 = 8;
/// Bytes of the first page, which says what the rest is.
const HEAD: usize = 4096;
/// Words that the checksum is over: the first sixteen, boot and creation; and where it is.
const ONCE: [usize; 19] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18];
const CHECKSUM: usize = 19;
const VERSION: usize = 1;

/// Runs a case.
pub fn run(data: &[u8]) {
    let scratch = Scratch::new();
    let path = scratch.join("cache");
    let mut input = Input::new(data);
    let kind = input.byte();
    let mut bytes = files()[usize::from(kind & 3)].clone();
    change(&mut bytes, &mut input);
    for _ in 0..input.below(4) {
        change(&mut bytes, &mut input);
    }
    if kind & 0x10 != 0 {
        repair(&mut bytes);
    }
    std::fs::write(&path, &bytes).expect("the file is written");
    let all = [Access::ReadOnly, Access::Existing, Access::OpenOrCreate];
    for access in all.into_iter().skip(usize::from(kind >> 5) % 3) {
        attach(&path, access, &bytes, &mut input);
    }
}

/// Files as caches leave them: empty, full, with a doubled index, with what a clean end would have given back.
fn files() -> &'static [Vec<u8>; 4] {
    static FILES: OnceLock<[Vec<u8>; 4]> = OnceLock::new();
    FILES.get_or_init(|| {
        let scratch = Scratch::new();
        std::array::from_fn(|kind| {
            let path = scratch.join(&kind.to_string());
            let mut options = Options::new(SIZE).home(Home::At(path.clone()));
            options.item_size_hint = if kind == 2 { 1 << 20 } else { 100 };
            options.manual_clock = kind != 1;
            let cache = options.open().expect("the cache opens");
            if kind > 0 {
                fill(&cache);
            }
            if kind == 3 {
                // As if it were killed: nothing is given back.
                std::mem::forget(cache);
            }
            let bytes = std::fs::read(&path).expect("it is there");
            let mut same = bytes.clone();
            repair(&mut same);
            assert!(same == bytes, "the target no longer knows where the checksum is");
            bytes
        })
    })
}

fn fill(cache: &Cache) {
    for k in 0..1500_u32 {
        let len = if k % 100 == 0 { 80_000 } else { k as usize * 7 % 900 };
        let expiry = if k.is_multiple_of(3) { Expiry::After(1 + k) } else { Expiry::Never };
        // Refusals are part of it.
        let _ = cache.set(&key((k % 200) as u8), &vec![k as u8; len], k, expiry);
        let _ = cache.set(format!("small {k}").as_bytes(), b"5", 0, Expiry::Never);
        let _ = cache.get(&key((k % 90) as u8));
    }
}

fn word(bytes: &[u8], at: usize) -> u64 {
    bytes[at * 8..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word))
}

fn put(bytes: &mut [u8], at: usize, value: u64) {
    if let Some(word) = bytes.get_mut(at * 8..at * 8 + 8) {
        word.copy_from_slice(&value.to_le_bytes());
    }
}

/// Makes the checksum right again, so that what it is over is looked at.
fn repair(bytes: &mut [u8]) {
    if bytes.len() >= HEAD {
        let sum = ONCE.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, at| {
            (hash ^ word(bytes, *at)).wrapping_mul(0x0100_0000_01b3)
        });
        put(bytes, CHECKSUM, sum);
    }
}

/// Changes the file in one way.
fn change(bytes: &mut Vec<u8>, input: &mut Input<'_>) {
    let len = bytes.len().max(8);
    let how = input.byte() % 16;
    // Half of the changes are where a file says what it is.
    let end = if how.is_multiple_of(2) { 24 * 8 } else { len };
    let at = input.below(end) & !7;
    match how {
        // Lengths: cut, also to nothing and to odd ones, and stretched.
        0 => bytes.truncate(input.below(len)),
        1 => bytes.truncate(input.below(HEAD + 1)),
        2 => bytes.resize(len + input.below(2 * SIZE as usize), input.byte()),
        // Another layout, or another kind of file.
        3 => {
            let old = word_or(bytes, VERSION);
            put(bytes, VERSION, old.wrapping_add(input.word(1)).wrapping_sub(2));
        }
        4 => bytes.iter_mut().take(8).for_each(|byte| *byte = b'#'),
        5 => bytes.fill(0),
        6 => {
            let mut rest = input.word(8) | 1;
            bytes.iter_mut().for_each(|byte| {
                rest = rest.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                *byte = (rest >> 56) as u8;
            });
        }
        // A run that was never written, as after a crash of the machine.
        7 | 9 => {
            let to = (at + 4096 * (1 + input.below(16))).min(bytes.len());
            if at < to {
                bytes[at..to].fill(0);
            }
        }
        8 | 10 | 11 => {
            let old = word_or(bytes, at / 8);
            put(bytes, at / 8, old ^ 1 << (input.byte() % 64));
        }
        12 | 13 => put(bytes, at / 8, input.word(8)),
        14 => {
            let old = word_or(bytes, at / 8);
            let new =
                input.one_of(&[0, 1, old.wrapping_add(1), old >> 1, old.rotate_left(8), u64::MAX]);
            put(bytes, at / 8, new);
        }
        // Many bits, everywhere.
        _ => {
            for _ in 0..1 + input.below(200) {
                let at = input.below(len / 8);
                let old = word_or(bytes, at);
                put(bytes, at, old ^ 1 << (input.byte() % 64));
            }
        }
    }
}

fn word_or(bytes: &[u8], at: usize) -> u64 {
    if bytes.len() >= at * 8 + 8 { word(bytes, at) } else { 0 }
}

/// Attaches the file and uses what there is.
fn attach(path: &Path, access: Access, bytes: &[u8], input: &mut Input<'_>) {
    let options = Options::new(SIZE).home(Home::At(path.to_path_buf())).access(access);
    let cache = match options.open() {
        Ok(cache) => cache,
        Err(error) => {
            let sentence = error.to_string();
            assert!(sentence.contains(&path.display().to_string()), "{sentence:?} names no file");
            let is_clear = match error {
                Error::Corrupt(_) | Error::LayoutMismatch(_) | Error::NoRegion(_) => {
                    access != Access::OpenOrCreate
                }
                Error::ForeignRegion(_) => true,
                _ => false,
            };
            assert!(is_clear, "{access:?}: {sentence}");
            if access != Access::OpenOrCreate {
                assert!(
                    std::fs::read(path).expect("it is there") == bytes,
                    "{access:?} changed it"
                );
            }
            return;
        }
    };
    let info = cache.info();
    assert!(info.size <= Options::SIZE_MAX && info.read_only == (access == Access::ReadOnly));
    let shape = Shape { keys: 200, large_keys: 8, large: 300 << 10, small: 6000, most: STEPS };
    let (mut unique, mut refusals) = (0, 0);
    for _ in 0..STEPS {
        if input.is_empty() || refusals > REFUSALS {
            break;
        }
        let op = draw::operation(input, &shape);
        // The survey has these.
        if matches!(op, Op::GetMany(_) | Op::Iterate | Op::Keys(_)) {
            continue;
        }
        let reply = perform(&cache, &op, unique);
        unique = reply.unique.unwrap_or(unique);
        refusals += u32::from(matches!(reply.answer, Answer::OutOfMemory | Answer::Failed(_)));
    }
    survey(&cache);
}

/// The verbs that go over everything. Whatever they answer, they do.
fn survey(cache: &Cache) {
    cache.iter().take(20_000).for_each(drop);
    cache.keys(b"small").take(20_000).for_each(drop);
    let mut cursor = Cursor::default();
    cache.scan(&mut cursor, 20_000, &mut |_| {}).expect("a scan does not fail");
    let _ = cache.set_memory_limit(cache.info().size / 2);
    cache
        .get_many(&[key(1), key(2)], |_, _, bytes| drop(bytes.to_vec()))
        .expect("the keys are good");
    assert!(cache.stats().limit_maxbytes > 0);
    for process in cache.processes() {
        assert!(process.name.len() < 100);
    }
    let _ = (cache.reap(), cache.check(), cache.reset_stats(), cache.flush_all(0));
    let _ = cache.set(b"the last", b"word", 0, Expiry::Never);
    let _ = cache.check();
}

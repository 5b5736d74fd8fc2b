//! The target `operations`: sequences of verbs on the engine and on the oracle, which must agree at every step.
//!
//! Beyond what the property tests draw, pins are held while other verbs run, and what they show may not change.

use crate::draw;
use crate::input::Input;
use crate::support::ops::{Op, Shape, key};
use crate::support::pair::{Memory, Pair};
use nearcache::{Options, Pin};

const KIB: usize = 1 << 10;
const MIB: u64 = 1 << 20;
/// A case ends here, however many bytes are left.
const STEPS: usize = 3000;
/// Pins held at once. Each holds a segment, and the smallest cache has a dozen.
const PINS: usize = 3;

/// Runs a case; panics where engine and oracle differ.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let (shape, options, memory) = case(&mut input);
    let mut pair = Pair::new(&options, memory);
    let cache = pair.cache();
    let mut pins: Vec<(u8, Pin<'_>, Vec<u8>)> = Vec::new();
    for at in 0..STEPS {
        if input.is_empty() {
            break;
        }
        let op = draw::operation(&mut input, &shape);
        if let Err(why) = pair.step(&op) {
            panic!("operation {at}, {op:?}: {why}\nof {memory:?} {options:?} {shape:?}");
        }
        match op {
            // Only where memory is short is anything moved or evicted under a pin.
            Op::Pin(k) if memory == Memory::Tight && pins.len() < PINS => {
                if let Some(pin) = cache.pin(&key(k)).expect("a pin does not fail") {
                    let bytes = pin.to_vec();
                    pins.push((k, pin, bytes));
                }
            }
            Op::Contains(_) if !pins.is_empty() => {
                let (k, pin, bytes) = pins.remove(0);
                assert!(*pin == *bytes, "operation {at}: the pinned value of key {k} has changed");
            }
            _ => {}
        }
        pair.pinned = !pins.is_empty();
    }
    for (k, pin, bytes) in pins {
        assert!(*pin == *bytes, "at the end: the pinned value of key {k} has changed");
    }
    if let Err(why) = pair.finish() {
        panic!("at the end: {why}\nof {memory:?} {options:?} {shape:?}");
    }
}

/// What is to be tried: the first byte says which of these.
fn case(input: &mut Input<'_>) -> (Shape, Options, Memory) {
    let shape =
        |keys, large_keys, large, small| Shape { keys, large_keys, large, small, most: STEPS };
    let options = |size, hint| {
        let mut options = Options::new(size);
        options.item_size_hint = hint;
        options
    };
    let small_items = || {
        let mut options = options(4 * MIB, 100);
        options.item_size_max = KIB;
        options
    };
    match input.byte() % 8 {
        // Values beyond a segment, in a cache that holds few of them.
        0 | 1 => (shape(40, 8, 900 * KIB, 20 * KIB), options(MIB, 100), Memory::Tight),
        2 => (shape(50, 12, 400 * KIB, 60 * KIB), options(2 * MIB, 100), Memory::Tight),
        // An index that begins with 8 buckets and doubles.
        3 => (shape(200, 0, 0, 200), options(MIB, 1 << 20), Memory::Tight),
        4 => (shape(200, 4, 200 * KIB, 8 * KIB), options(MIB, 1 << 20), Memory::Tight),
        5 => (shape(40, 8, 300 * KIB, 40 * KIB), options(2 * MIB, 100), Memory::Refusing),
        // Few keys, everything fits: exact equality.
        6 => (shape(3, 1, 100 * KIB, 300), options(4 * MIB, 100), Memory::Roomy),
        _ => (shape(12, 4, 1100, 700), small_items(), Memory::Roomy),
    }
}

//! The operations of a property test, and how sequences of them are drawn.

use super::number::Way;
use nearcache::{Expiry, MetaMode};
use proptest::prelude::*;
use proptest::sample::select;

/// One step of a case. Keys are named by number; see [`key`].
#[derive(Clone, Debug)]
pub enum Op {
    Store(Storing, u8, Body, u32, Life),
    Get(u8),
    /// `get_to` into a buffer of one's own.
    GetTo(u8),
    /// `get_to` into a sink that refuses the bytes.
    Measure(u8),
    Pin(u8),
    GetMany(Vec<u8>),
    Contains(u8),
    Gat(u8, Life),
    GatTo(u8, Life),
    MetaGet(u8, Ask),
    Move(Way, u8, u64),
    MoveOr(Way, u8, u64, u64, Life),
    Touch(u8, Life),
    Delete(u8),
    DeleteCas(u8, Token),
    Invalidate(u8, Option<Life>),
    MetaSet(u8, Body, Wishes),
    MetaDelete(u8, Wishes),
    MetaArith(Way, u8, u64, Wishes),
    Flush(u32),
    Advance(u32),
    /// Meet everything there is.
    Iterate,
    /// Meet the keys of a prefix.
    Keys(u8),
}

impl Op {
    /// The one key that the operation is about.
    pub fn key(&self) -> Option<u8> {
        match *self {
            Op::Store(_, k, ..) | Op::MetaGet(k, _) | Op::Move(_, k, _) => Some(k),
            Op::MoveOr(_, k, ..) | Op::DeleteCas(k, _) | Op::Invalidate(k, _) => Some(k),
            Op::Get(k) | Op::GetTo(k) | Op::Measure(k) | Op::Pin(k) | Op::Contains(k) => Some(k),
            Op::MetaSet(k, ..) | Op::MetaDelete(k, _) | Op::MetaArith(_, k, ..) => Some(k),
            Op::Gat(k, _) | Op::GatTo(k, _) | Op::Touch(k, _) | Op::Delete(k) => Some(k),
            Op::GetMany(_) | Op::Flush(_) | Op::Advance(_) | Op::Iterate | Op::Keys(_) => None,
        }
    }
}

/// A storing verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storing {
    Set,
    Add,
    Replace,
    Append,
    Prepend,
    Cas(Token),
}

/// What the meta verbs may be told besides: each takes what it knows.
#[derive(Clone, Copy, Debug)]
pub struct Wishes {
    pub mode: MetaMode,
    pub flags: u32,
    pub life: Option<Life>,
    pub compare: Option<Token>,
    /// The unique that is chosen for the item.
    pub unique: Option<u64>,
    /// `ms I`, `md I`.
    pub stale: bool,
    /// `md x`.
    pub empties: bool,
    pub vivify: Option<Life>,
    /// `ma J`.
    pub initial: u64,
}

/// Which unique a compare gives. The engine chooses uniques, so a drawn operation can only say which it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// The item's unique as it was last told.
    Current,
    /// The one that the key had before that.
    Old,
    /// 0, which no item has.
    Zero,
}

/// The question of a meta get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    Plain,
    Vivify(Life),
    Recache(u32),
    Touch(Life),
}

/// An expiry, drawn before the time is known at which it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    Never,
    After(u32),
    Past,
    /// The date so many seconds from the present one.
    Date(i64),
}

impl Life {
    pub fn expiry(self, unix_time: i64) -> Expiry {
        match self {
            Life::Never => Expiry::Never,
            Life::After(seconds) => Expiry::After(seconds),
            Life::Past => Expiry::Past,
            Life::Date(offset) => Expiry::At(unix_time + offset),
        }
    }
}

/// A value, drawn small and written out when it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// So many bytes of a pattern.
    Pattern(usize, u8),
    /// Text, mostly numbers.
    Text(&'static str),
    Number(u64),
}

impl Body {
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            // A period of 251 bytes: no segment, page or word boundary falls on the same phase twice.
            Body::Pattern(len, seed) => {
                (0..*len).map(|at| ((at % 251) as u8).wrapping_mul(7).wrapping_add(*seed)).collect()
            }
            Body::Text(text) => text.as_bytes().to_vec(),
            Body::Number(number) => number.to_string().into_bytes(),
        }
    }
}

/// The bytes of a key: of 1 and of 250 bytes, of bytes beyond ASCII, and of the lengths around a word.
pub fn key(number: u8) -> Vec<u8> {
    match number {
        0 => b"k".to_vec(),
        1 => vec![b'L'; nearcache::KEY_MAX],
        2 => b"\x00\xff\x01\xe9".to_vec(),
        _ => {
            let mut key =
                format!("{}{number}/", if number.is_multiple_of(2) { "even" } else { "odd" });
            while key.len() < 5 + usize::from(number) {
                key.push('.');
            }
            key.into_bytes()
        }
    }
}

/// What a kind of case may draw.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Count of keys.
    pub keys: u8,
    /// Keys below this one may hold values of up to `large` bytes.
    pub large_keys: u8,
    pub large: usize,
    /// The largest value of the other keys.
    pub small: usize,
    /// The longest sequence drawn. The shortest is one operation, so that a failing one can shrink to its core.
    pub most: usize,
}

/// Sequences of operations.
pub fn sequences(shape: &Shape) -> impl Strategy<Value = Vec<Op>> + use<> {
    prop::collection::vec(one(shape), 1..shape.most)
}

fn one(shape: &Shape) -> BoxedStrategy<Op> {
    let keys = 0..shape.keys;
    let read = prop_oneof![
        4 => keys.clone().prop_map(Op::Get),
        2 => keys.clone().prop_map(Op::GetTo),
        1 => keys.clone().prop_map(Op::Measure),
        1 => keys.clone().prop_map(Op::Pin),
        1 => keys.clone().prop_map(Op::Contains),
        1 => prop::collection::vec(keys.clone(), 0..40).prop_map(Op::GetMany),
        1 => (keys.clone(), life()).prop_map(|(k, e)| Op::Gat(k, e)),
        1 => (keys.clone(), life()).prop_map(|(k, e)| Op::GatTo(k, e)),
        2 => (keys.clone(), ask()).prop_map(|(k, a)| Op::MetaGet(k, a)),
    ];
    let number = prop_oneof![
        3 => (way(), keys.clone(), delta()).prop_map(|(w, k, d)| Op::Move(w, k, d)),
        1 => (way(), keys.clone(), delta(), delta(), life())
            .prop_map(|(w, k, d, i, e)| Op::MoveOr(w, k, d, i, e)),
    ];
    let change = prop_oneof![
        2 => (keys.clone(), life()).prop_map(|(k, e)| Op::Touch(k, e)),
        2 => keys.clone().prop_map(Op::Delete),
        1 => (keys.clone(), token()).prop_map(|(k, t)| Op::DeleteCas(k, t)),
        1 => (keys.clone(), prop::option::of(life())).prop_map(|(k, e)| Op::Invalidate(k, e)),
    ];
    let small = shape.small;
    let meta = prop_oneof![
        3 => (keys.clone(), number_or_bytes(small), wishes())
            .prop_map(|(k, b, w)| Op::MetaSet(k, b, w)),
        1 => (keys.clone(), wishes()).prop_map(|(k, w)| Op::MetaDelete(k, w)),
        2 => (way(), keys.clone(), delta(), wishes())
            .prop_map(|(way, k, d, w)| Op::MetaArith(way, k, d, w)),
    ];
    let whole = prop_oneof![
        1 => select(vec![0, 0, 1, 2, 5, 60]).prop_map(Op::Flush),
        2 => Just(Op::Iterate),
        1 => keys.prop_map(Op::Keys),
    ];
    prop_oneof![
        18 => store(shape),
        16 => read,
        5 => number,
        6 => change,
        8 => meta,
        1 => whole,
        2 => select(vec![1, 1, 1, 2, 5, 100, 2_592_000]).prop_map(Op::Advance),
    ]
    .boxed()
}

fn store(shape: &Shape) -> impl Strategy<Value = Op> + use<> {
    let verb = prop_oneof![
        6 => Just(Storing::Set),
        3 => Just(Storing::Add),
        2 => Just(Storing::Replace),
        2 => Just(Storing::Append),
        2 => Just(Storing::Prepend),
        4 => token().prop_map(Storing::Cas),
    ];
    let flags = prop_oneof![3 => Just(0), 1 => Just(u32::MAX), 2 => any::<u32>()];
    let (small, large, large_keys) = (shape.small, shape.large, shape.large_keys);
    let body = (0..shape.keys).prop_flat_map(move |key| {
        let pattern =
            |most: usize| (0..=most, any::<u8>()).prop_map(|(len, seed)| Body::Pattern(len, seed));
        let small = prop_oneof![
            1 => Just(Body::Text("")),
            4 => pattern(small.min(120)),
            3 => pattern(small),
            2 => number(),
        ]
        .boxed();
        let body = if key < large_keys {
            prop_oneof![2 => small, 1 => pattern(large)].boxed()
        } else {
            small
        };
        (Just(key), body)
    });
    (verb, body, flags, life()).prop_map(|(v, (k, b), f, e)| Op::Store(v, k, b, f, e))
}

fn number_or_bytes(most: usize) -> impl Strategy<Value = Body> {
    prop_oneof![
        2 => number(),
        1 => (0..=most, any::<u8>()).prop_map(|(len, seed)| Body::Pattern(len, seed)),
    ]
}

fn wishes() -> impl Strategy<Value = Wishes> {
    use MetaMode::{Add, Append, Prepend, Replace, Set};
    let mode = select(vec![Set, Set, Add, Append, Prepend, Replace]);
    let flags = prop_oneof![1 => Just(0), 1 => any::<u32>()];
    let one_in_two = || any::<bool>();
    let wish = (mode, flags, prop::option::of(life()), prop::option::of(token()));
    // Few, so that they meet each other.
    let unique = prop::option::of(1..6u64);
    let more = (unique, one_in_two(), one_in_two(), prop::option::of(life()), delta());
    (wish, more).prop_map(|((mode, flags, life, compare), more)| {
        let (unique, stale, empties, vivify, initial) = more;
        Wishes { mode, flags, life, compare, unique, stale, empties, vivify, initial }
    })
}

fn number() -> impl Strategy<Value = Body> {
    prop_oneof![
        delta().prop_map(Body::Number),
        select(vec!["0", " 7", "+8", "9  ", "00042", "-5", "12abc", "x"]).prop_map(Body::Text),
        select(vec!["18446744073709551615", "18446744073709551616", "     "]).prop_map(Body::Text),
    ]
}

fn delta() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => 0..20u64,
        2 => 0..100_000u64,
        1 => any::<u64>(),
        // The edges where an engine may change how it keeps a number.
        1 => select(vec![u64::MAX, 1 << 47, (1 << 47) - 1, 1 << 48, (1 << 48) - 1, 1 << 63]),
    ]
}

fn way() -> impl Strategy<Value = Way> {
    select(vec![Way::Up, Way::Down])
}

fn token() -> impl Strategy<Value = Token> {
    prop_oneof![4 => Just(Token::Current), 2 => Just(Token::Old), 1 => Just(Token::Zero)]
}

fn ask() -> impl Strategy<Value = Ask> {
    prop_oneof![
        2 => Just(Ask::Plain),
        2 => life().prop_map(Ask::Vivify),
        2 => select(vec![0, 1, 2, 4, 100, 1000]).prop_map(Ask::Recache),
        1 => life().prop_map(Ask::Touch),
    ]
}

fn life() -> impl Strategy<Value = Life> {
    prop_oneof![
        6 => Just(Life::Never),
        4 => (1..6u32).prop_map(Life::After),
        1 => select(vec![0, 100, 1000, 2_592_000]).prop_map(Life::After),
        1 => Just(Life::Past),
        2 => select(vec![-1_000_000_000, -1, 0, 1, 2, 3, 1000, 400_000_000]).prop_map(Life::Date),
    ]
}

//! The target `conversation`: what a client says to a whole server is answered the same wherever the network cuts it,
//! what is held for it stays bounded, and the cache is sound afterwards.

use crate::bench::{Bench, Talked};
use crate::script::{has_long_line, script};
use crate::shown::{parting, shown};
use crate::support::seed::{Rng, mix};

/// Runs a case; panics when it goes wrong.
pub fn run(data: &[u8]) {
    let (said, same) = script(data);
    let whole = talk(&said, [said.as_slice()]);
    let drawn = data.iter().fold(0, |seed, &byte| mix(seed ^ u64::from(byte)));
    let cut = talk(&said, pieces(&said, drawn));
    compare(&said, same, &whole, &cut, "cut at random");
    if said.len() < 2000 || drawn.is_multiple_of(4) {
        let bytes = talk(&said, said.chunks(1));
        compare(&said, same, &whole, &bytes, "byte by byte");
    }
}

fn talk<'a>(said: &[u8], pieces: impl IntoIterator<Item = &'a [u8]>) -> Talked {
    let bench = Bench::new();
    let talked = bench.talk(pieces);
    if let Err(error) = bench.check() {
        panic!("the cache is not sound: {error}\nafter {}", shown(said));
    }
    talked
}

/// The bytes in pieces of any size.
fn pieces(said: &[u8], seed: u64) -> Vec<&[u8]> {
    let (mut rng, mut rest, mut pieces) = (Rng::new(seed), said, Vec::new());
    while !rest.is_empty() {
        let most = if rng.chance(50) { 20 } else { 20_000 };
        let (piece, behind) = rest.split_at(rest.len().min(1 + rng.index(most)));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

fn compare(said: &[u8], same: bool, whole: &Talked, cut: &Talked, how: &str) {
    let fits = whole == cut || has_long_line(said) && may_part(whole, cut);
    assert!(
        fits || !same,
        "{how} and whole part {}\nafter {}",
        parting(&cut.replies, &whole.replies),
        shown(said)
    );
}

/// Has one of them been ended early, and was it the same until then?
fn may_part(one: &Talked, other: &Talked) -> bool {
    one.closed && other.replies.starts_with(&one.replies)
        || other.closed && one.replies.starts_with(&other.replies)
}

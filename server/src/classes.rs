//! The slab class that memcached would keep an item in. There are no slabs here, but what reads memcached's numbers by
//! class finds them under the same class.

use std::fmt;

/// Classes have the numbers 1 to 63.
pub const CLASSES: usize = 64;

/// memcached's item header.
const HEADER: usize = 48;

/// memcached's slab page.
pub const PAGE: usize = 1 << 20;

/// Sizes up to this have their class in a table.
const SMALL: usize = 8 << 10;

/// What memcached's options make of the classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Geometry {
    /// `-f`: each class is larger than the one before by this factor.
    pub factor: f64,
    /// `-n`: what the first has room for besides the header.
    pub least: usize,
    /// `-o slab_chunk_max`: the size of the last; larger items are chains of its chunks.
    pub chunk_max: usize,
    /// `-o slab_sizes`: the sizes of all but the last, instead of `-f` and `-n`; empty if not given.
    pub sizes: Vec<usize>,
}

impl Default for Geometry {
    fn default() -> Geometry {
        Geometry { factor: 1.25, least: 48, chunk_max: 512 << 10, sizes: Vec::new() }
    }
}

/// The classes.
pub struct Classes {
    /// The size of class 1, 2, ...
    chunks: Vec<usize>,
    /// The class of a small item by its size in units of 8 bytes: every get looks here.
    small: [u8; SMALL / 8 + 1],
}

impl Classes {
    /// Those of a geometry.
    pub fn new(geometry: &Geometry) -> Classes {
        let most = geometry.chunk_max;
        let mut chunks: Vec<usize> = match geometry.sizes.is_empty() {
            false => geometry.sizes.iter().map(|size| size.next_multiple_of(8)).collect(),
            true => {
                // What would come close to the last class is the last class.
                let close = most as f64 / geometry.factor;
                // Cut before it is rounded up: a factor may be anything over 1.
                let grown = |&size: &usize| {
                    let size = (size as f64 * geometry.factor).min(most as f64);
                    Some((size as usize).next_multiple_of(8))
                };
                let first = (HEADER + geometry.least).next_multiple_of(8);
                std::iter::successors(Some(first), grown)
                    .take_while(|&size| (size as f64) < close)
                    .take(CLASSES - 2)
                    .collect()
            }
        };
        chunks.truncate(CLASSES - 2);
        chunks.push(most);
        let mut classes = Classes { chunks, small: [0; SMALL / 8 + 1] };
        for units in 0..=SMALL / 8 {
            classes.small[units] = classes.search(units * 8) as u8;
        }
        classes
    }

    /// The class of an item of this size.
    #[inline]
    pub fn of(&self, size: usize) -> usize {
        match self.small.get(size.div_ceil(8)) {
            Some(&class) => usize::from(class),
            None => self.search(size),
        }
    }

    fn search(&self, size: usize) -> usize {
        let smaller = self.chunks.partition_point(|&chunk| chunk < size);
        smaller.min(self.chunks.len() - 1) + 1
    }

    /// The largest class.
    pub fn largest(&self) -> usize {
        self.chunks.len()
    }

    /// How large the items of a class may be (the chunks of them, in the last).
    pub fn chunk(&self, class: usize) -> usize {
        self.chunks[class - 1]
    }
}

impl fmt::Debug for Classes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chunks.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(factor: f64, least: usize, chunk_max: usize, sizes: &[usize]) -> Classes {
        Classes::new(&Geometry { factor, least, chunk_max, sizes: sizes.to_vec() })
    }

    #[test]
    fn as_memcached_says() {
        // Measured with `me` and `-vv` at memcached 1.6.18.
        let usual = Classes::new(&Geometry::default());
        for (size, class) in [
            (61, 1),
            (96, 1),
            (97, 2),
            (120, 2),
            (121, 3),
            (262, 6),
            (394_840, 38),
            (1_000_000, 39),
        ] {
            assert_eq!(usual.of(size), class, "{size}");
        }
        assert_eq!((usual.largest(), usual.chunk(38), usual.chunk(39)), (39, 394_840, 524_288));
        for (classes, largest, first, second) in [
            (classes(1.25, 8, 512 << 10, &[]), 41, 56, 72),
            (classes(1.05, 48, 512 << 10, &[]), 63, 96, 104),
            (classes(2.0, 48, 512 << 10, &[]), 13, 96, 192),
            (classes(1.25, 48, 16384, &[]), 23, 96, 120),
            (classes(1.25, 48, 512 << 10, &[100, 200, 1000]), 4, 104, 200),
            (classes(1.25, 50, 512 << 10, &[]), 38, 104, 136),
        ] {
            assert_eq!(
                (classes.largest(), classes.chunk(1), classes.chunk(2)),
                (largest, first, second)
            );
        }
        let small_chunks = classes(1.25, 48, 16384, &[]);
        for (size, class) in [(10_060, 22), (14_060, 23), (600_060, 23)] {
            assert_eq!(small_chunks.of(size), class, "{size}");
        }
    }

    #[test]
    fn the_table_is_the_search() {
        for classes in [
            Classes::new(&Geometry::default()),
            classes(1.07, 3, 1024, &[]),
            classes(1.000_000_1, 48, 512 << 10, &[]),
            classes(1e300, 48, 512 << 10, &[]),
            classes(f64::INFINITY, 1 << 30, 2, &[]),
        ] {
            for size in 1..2 * SMALL {
                assert_eq!(classes.of(size), classes.search(size), "{size}");
            }
        }
    }
}

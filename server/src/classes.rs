//! The slab class that memcached would keep an item in. There are no slabs here, but what reads memcached's numbers by
//! class finds them under the same class.

/// memcached's item header and its least chunk (`-n`), the size of the first class.
const FIRST: usize = 48 + 48;

/// The size of the last class; larger items are chains of its chunks.
const LAST: usize = 512 << 10;

/// The size of an item as memcached counts it: header, unique, flags if there are any, key and NUL, value and `\r\n`.
pub fn item_size(key_len: usize, flags: u32, value_len: usize) -> usize {
    48 + 8 + if flags == 0 { 0 } else { 4 } + key_len + 1 + value_len + 2
}

/// The class of an item of this size, under memcached's default growth factor of 1.25.
pub fn class_of(size: usize) -> u32 {
    let (mut class, mut chunk) = (1, FIRST);
    while size > chunk {
        class += 1;
        chunk = (chunk * 5 / 4).next_multiple_of(8);
        // What would come close to the last class is the last class.
        if chunk * 5 / 4 >= LAST {
            return class;
        }
    }
    class
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_memcached_says() {
        // Measured with `me` at memcached 1.6.18.
        for (size, class) in [(61, 1), (96, 1), (97, 2), (120, 2), (121, 3), (1_000_000, 39)] {
            assert_eq!(class_of(size), class, "{size}");
        }
    }
}

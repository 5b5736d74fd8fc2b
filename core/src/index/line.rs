//! Which slots of a bucket's cache line have a tag: asked of the whole line at once, so that no branch hangs on
//! where the slot is. A loop over the slots mispredicts its end in most searches, and each time the processor has to
//! wait for the line before it may go on to the item.

use crate::bucket::{Bucket, SLOTS, Slot};
use crate::hash::{KeyHash, UPPER};

/// A slot with the key's tag, if there is one. Only the first of each line is looked at: nearly always that is the one.
#[inline(always)]
pub(crate) fn find(bucket: &Bucket, hash: KeyHash) -> Option<(usize, Slot)> {
    let (own, tag) = (hash.is_upper(), hash.tag());
    for upper in [own, !own] {
        let mask = tagged(bucket, upper, tag);
        if mask != 0 {
            let i = slot(upper, mask.trailing_zeros());
            let slot = bucket.slot(i);
            if slot.matches(tag) {
                return Some((i, slot));
            }
        }
    }
    None
}

/// Every slot that seems to have the key's tag.
#[inline(always)]
pub(crate) fn candidates(bucket: &Bucket, hash: KeyHash) -> impl Iterator<Item = usize> {
    let (mut upper, tag) = (hash.is_upper(), hash.tag());
    let mut mask = tagged(bucket, upper, tag);
    let mut is_last = false;
    std::iter::from_fn(move || {
        if mask == 0 && !is_last {
            (upper, is_last) = (!upper, true);
            mask = tagged(bucket, upper, tag);
        }
        let bit = mask.trailing_zeros();
        // The lowest bit goes.
        let rest = mask & mask.wrapping_sub(1);
        (std::mem::replace(&mut mask, rest) != 0).then(|| slot(upper, bit))
    })
}

/// The slots of one of the bucket's two lines that seem to have this tag, as bits from the line's first word on.
/// A hint: whoever follows it loads the slot and looks again.
#[inline(always)]
fn tagged(bucket: &Bucket, upper: bool, tag: u64) -> u32 {
    let mask = imp::tagged(bucket, upper, tag);
    // CTRL is no slot.
    if upper { mask } else { mask & !1 }
}

/// The slot that a bit of [`tagged`] stands for.
#[inline(always)]
fn slot(upper: bool, bit: u32) -> usize {
    let i = if upper { UPPER + bit as usize } else { (bit as usize).saturating_sub(1) };
    i.min(SLOTS - 1)
}

#[cfg(all(target_arch = "x86_64", not(miri), not(nearcache_word_copy)))]
mod imp {
    use super::Bucket;
    use std::arch::asm;
    use std::arch::x86_64::{
        __m128i, _mm_castps_si128, _mm_castsi128_ps, _mm_cmpeq_epi32, _mm_movemask_epi8,
        _mm_packs_epi16, _mm_packs_epi32, _mm_set1_epi32, _mm_shuffle_ps, _mm_srli_epi32,
    };

    /// The eight words of a line. In assembly, because others change them meanwhile; each word is read whole.
    #[inline(always)]
    fn load(line: *const u8) -> [__m128i; 4] {
        let (a, b, c, d);
        // SAFETY: the callers name one of a bucket's two lines of 64 bytes, aligned to 64.
        unsafe {
            asm!("movdqa {a}, [{p}]", "movdqa {b}, [{p} + 16]", "movdqa {c}, [{p} + 32]",
                 "movdqa {d}, [{p} + 48]", a = out(xmm_reg) a, b = out(xmm_reg) b,
                 c = out(xmm_reg) c, d = out(xmm_reg) d, p = in(reg) line,
                 options(nostack, preserves_flags, readonly));
        }
        [a, b, c, d]
    }

    #[inline(always)]
    pub fn tagged(bucket: &Bucket, upper: bool, tag: u64) -> u32 {
        let line = std::ptr::from_ref(bucket).cast::<u8>().wrapping_add(64 * usize::from(upper));
        let [a, b, c, d] = load(line);
        // SAFETY: SSE2 is part of x86-64.
        unsafe {
            // LIVE and the tag are the upper 17 bits of a word: compare them in its upper half.
            let upper_halves = |x, y| {
                let (x, y) = (_mm_castsi128_ps(x), _mm_castsi128_ps(y));
                _mm_srli_epi32::<15>(_mm_castps_si128(_mm_shuffle_ps::<0b11_01_11_01>(x, y)))
            };
            let wanted = _mm_set1_epi32((1 << 16 | tag) as i32);
            let first = _mm_cmpeq_epi32(upper_halves(a, b), wanted);
            let last = _mm_cmpeq_epi32(upper_halves(c, d), wanted);
            let bytes = _mm_packs_epi16(_mm_packs_epi32(first, last), _mm_packs_epi32(first, last));
            _mm_movemask_epi8(bytes) as u32 & 0xff
        }
    }
}

#[cfg(not(all(target_arch = "x86_64", not(miri), not(nearcache_word_copy))))]
mod imp {
    use super::Bucket;

    #[inline(always)]
    pub fn tagged(bucket: &Bucket, upper: bool, tag: u64) -> u32 {
        let first = usize::from(!upper);
        (first..8).fold(0, |mask, bit| {
            let slot = bucket.slot(super::slot(upper, bit as u32));
            mask | u32::from(slot.matches(tag)) << bit
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_answers_for_its_slots() {
        let mut words = Box::new([[0_u64; 16]; 2]);
        let at = words.as_mut_ptr().cast::<u8>();
        let at = at.wrapping_add(at.align_offset(128)).cast::<u64>();
        for i in 0..SLOTS {
            // SAFETY: `words` is twice as long as a bucket, and zeroed words are an empty one.
            let bucket = unsafe { &*at.cast::<Bucket>() };
            // A tag whose bits look like a negative number, an emptied slot, and a pending CTRL with the tag's bits.
            let live = Slot::live(0xffff, 77);
            bucket.slot_word(i).store(live.0, crate::sync::Ordering::Relaxed);
            let upper = i >= UPPER;
            let mask = tagged(bucket, upper, 0xffff);
            assert_eq!(mask.count_ones(), 1);
            assert_eq!(slot(upper, mask.trailing_zeros()), i);
            assert_eq!(tagged(bucket, !upper, 0xffff), 0);
            assert_eq!(tagged(bucket, upper, 0xfffe), 0);
            bucket.slot_word(i).store(live.0 & !(1 << 63), crate::sync::Ordering::Relaxed);
            assert_eq!(tagged(bucket, upper, 0xffff), 0);
        }
    }
}

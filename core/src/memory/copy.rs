//! Block copies between an arena's words and private memory, as relaxed atomic accesses would do them.
//!
//! Rust's memory model knows no copy that may race. On x86-64 the accesses are therefore made in assembly,
//! which the model treats as opaque: the processor's own rules apply, under which a racing copy reads some mix
//! of old and new bytes and nothing worse. Everywhere else, and under Miri, each word is one atomic access.

/// Copies `len` bytes out of an arena.
///
/// # Safety
/// `from` is valid for reads of `len` bytes within words of the arena; `to` is valid for writes of `len` bytes
/// outside of it.
#[inline(always)]
pub(crate) unsafe fn load(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: as the caller promises.
    unsafe { imp::load(from, to, len) }
}

/// Copies `len` bytes into an arena.
///
/// # Safety
/// `from` is valid for reads of `len` bytes outside of the arena; `to` is valid for writes of `len` bytes
/// within words of it that no other thread writes.
#[inline(always)]
pub(crate) unsafe fn store(from: *const u8, to: *mut u8, len: usize) {
    #[cfg(nearcache_failpoints)]
    let (from, to, len) = {
        use crate::sync::failpoint::pass;
        pass();
        // Half of the words first, if there is more than one: 0 bytes otherwise.
        let half = len / 16 * 8;
        // SAFETY: both halves lie within what the caller names.
        unsafe {
            imp::store(from, to, half);
            if half > 0 {
                pass();
            }
            (from.add(half), to.add(half), len - half)
        }
    };
    // SAFETY: as the caller promises.
    unsafe { imp::store(from, to, len) }
}

/// The last `len` of these bytes, 1 to 7, as the low bytes of a word: read together with those before them where there are
/// enough, because a copy of so many bytes is a call.
#[inline(always)]
pub(crate) fn end_of(bytes: &[u8], len: usize) -> u64 {
    if let Some(last) = bytes.last_chunk() {
        u64::from_le_bytes(*last) >> (64 - 8 * len)
    } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        // Fewer than a word: these are all. What both have is the same in both.
        u64::from(u32::from_le_bytes(*first))
            | u64::from(u32::from_le_bytes(*last)) << (8 * len - 32)
    } else {
        bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
    }
}

#[cfg(all(target_arch = "x86_64", not(miri), not(nearcache_word_copy)))]
mod imp {
    use std::arch::asm;

    /// One move of 16 bytes.
    #[inline(always)]
    unsafe fn move16(from: *const u8, to: *mut u8) {
        // SAFETY: the caller names 16 readable and 16 writable bytes.
        unsafe {
            asm!("movups {x}, [{f}]", "movups [{t}], {x}", x = out(xmm_reg) _, f = in(reg) from,
                 t = in(reg) to, options(nostack, preserves_flags));
        }
    }

    /// One move of 32 bytes.
    #[inline(always)]
    unsafe fn move32(from: *const u8, to: *mut u8) {
        // SAFETY: the caller names 32 readable and 32 writable bytes.
        unsafe {
            asm!("movups {a}, [{f}]", "movups {b}, [{f} + 16]", "movups [{t}], {a}",
                 "movups [{t} + 16], {b}", a = out(xmm_reg) _, b = out(xmm_reg) _,
                 f = in(reg) from, t = in(reg) to, options(nostack, preserves_flags));
        }
    }

    /// One move of 64 bytes.
    #[inline(always)]
    unsafe fn move64(from: *const u8, to: *mut u8) {
        // SAFETY: the caller names 64 readable and 64 writable bytes.
        unsafe {
            asm!("movups {a}, [{f}]", "movups {b}, [{f} + 16]", "movups {c}, [{f} + 32]",
                 "movups {d}, [{f} + 48]", "movups [{t}], {a}", "movups [{t} + 16], {b}",
                 "movups [{t} + 32], {c}", "movups [{t} + 48], {d}",
                 a = out(xmm_reg) _, b = out(xmm_reg) _, c = out(xmm_reg) _, d = out(xmm_reg) _,
                 f = in(reg) from, t = in(reg) to, options(nostack, preserves_flags));
        }
    }

    #[inline(always)]
    unsafe fn move8(from: *const u8, to: *mut u8) {
        // SAFETY: the caller names 8 readable and 8 writable bytes.
        unsafe {
            asm!("mov {x}, [{f}]", "mov [{t}], {x}", x = out(reg) _, f = in(reg) from,
                 t = in(reg) to, options(nostack, preserves_flags));
        }
    }

    #[inline(always)]
    unsafe fn move4(from: *const u8, to: *mut u8) {
        // SAFETY: the caller names 4 readable and 4 writable bytes.
        unsafe {
            asm!("mov {x:e}, [{f}]", "mov [{t}], {x:e}", x = out(reg) _, f = in(reg) from,
                 t = in(reg) to, options(nostack, preserves_flags));
        }
    }

    #[inline(always)]
    unsafe fn move1(from: *const u8, to: *mut u8) {
        // SAFETY: the caller names a readable and a writable byte.
        unsafe {
            asm!("mov {x}, [{f}]", "mov [{t}], {x}", x = out(reg_byte) _, f = in(reg) from,
                 t = in(reg) to, options(nostack, preserves_flags));
        }
    }

    /// Two runs of moves, from the front and up to the end, that meet or overlap in the middle: a length of up to
    /// 128 takes no loop.
    #[inline(always)]
    pub unsafe fn load(from: *const u8, to: *mut u8, len: usize) {
        // SAFETY: every move lies within the `len` bytes that the caller names.
        unsafe {
            let (from_end, to_end) = (from.add(len), to.add(len));
            if len > 64 {
                let mut at = 0;
                while at + 128 < len {
                    move64(from.add(at), to.add(at));
                    at += 64;
                }
                move64(from.add(at), to.add(at));
                move64(from_end.sub(64), to_end.sub(64));
            } else if len > 32 {
                move32(from, to);
                move32(from_end.sub(32), to_end.sub(32));
            } else if len >= 16 {
                move16(from, to);
                move16(from_end.sub(16), to_end.sub(16));
            } else if len >= 8 {
                move8(from, to);
                move8(from_end.sub(8), to_end.sub(8));
            } else if len >= 4 {
                move4(from, to);
                move4(from_end.sub(4), to_end.sub(4));
            } else {
                for at in 0..len {
                    move1(from.add(at), to.add(at));
                }
            }
        }
    }

    #[inline(always)]
    pub unsafe fn store(from: *const u8, to: *mut u8, len: usize) {
        // SAFETY: the same moves; as the caller promises.
        unsafe { load(from, to, len) }
    }
}

#[cfg(not(all(target_arch = "x86_64", not(miri), not(nearcache_word_copy))))]
mod imp {
    use crate::sync::{AtomicU64, Ordering};

    /// Calls `f` with each word that the `len` bytes at `at` touch: the word, the first byte of it, how many,
    /// and how many bytes came before.
    unsafe fn words(at: *const u8, len: usize, mut f: impl FnMut(&AtomicU64, usize, usize, usize)) {
        let mut done = 0;
        while done < len {
            let skip = (at as usize + done) % 8;
            let count = (8 - skip).min(len - done);
            // SAFETY: the byte lies in a word of the arena, which is aligned to 8 bytes.
            let word = unsafe { &*at.add(done).sub(skip).cast::<AtomicU64>() };
            f(word, skip, count, done);
            done += count;
        }
    }

    pub unsafe fn load(from: *const u8, to: *mut u8, len: usize) {
        // SAFETY: the caller names `len` bytes of the arena, and as many writable ones.
        unsafe {
            words(from, len, |word, skip, count, done| {
                // Relaxed: the caller validates what was read.
                let bytes = word.load(Ordering::Relaxed).to_le_bytes();
                std::ptr::copy_nonoverlapping(bytes.as_ptr().add(skip), to.add(done), count);
            });
        }
    }

    pub unsafe fn store(from: *const u8, to: *mut u8, len: usize) {
        // SAFETY: the caller names `len` bytes of the arena that no other thread writes.
        unsafe {
            words(to, len, |word, skip, count, done| {
                // Relaxed: published by whoever publishes the item.
                let mut bytes = word.load(Ordering::Relaxed).to_le_bytes();
                std::ptr::copy_nonoverlapping(from.add(done), bytes.as_mut_ptr().add(skip), count);
                word.store(u64::from_le_bytes(bytes), Ordering::Relaxed);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_last_bytes_are_those_behind_the_last_whole_word() {
        let bytes: Vec<u8> = (1..=250).collect();
        for all in (1..=250).filter(|all| all % 8 != 0) {
            let (len, mut word) = (all % 8, [0; 8]);
            word[..len].copy_from_slice(&bytes[all - len..all]);
            assert_eq!(super::end_of(&bytes[..all], len), u64::from_le_bytes(word), "{all} bytes");
        }
    }
}

//! Reads choices from bytes. When they are used up every further choice is the first one, so any prefix is a case.

/// The bytes of a case that have not been used.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub fn new(bytes: &'a [u8]) -> Input<'a> {
        Input(bytes)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// A word of so many bytes.
    pub fn word(&mut self, bytes: usize) -> u64 {
        (0..bytes).fold(0, |word, at| word | u64::from(self.byte()) << (8 * at))
    }

    /// A number below `bound`, from as many bytes as that takes.
    pub fn below(&mut self, bound: usize) -> usize {
        let bytes = match bound {
            0..=0x100 => 1,
            0x101..=0x1_0000 => 2,
            _ => 4,
        };
        self.word(bytes) as usize % bound.max(1)
    }

    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// A length: most are short, few are near `most`.
    pub fn length(&mut self, most: usize) -> usize {
        let range = match self.byte() % 8 {
            0..4 => 120,
            4..7 => 4000,
            _ => most,
        };
        self.below(range.min(most) + 1)
    }
}

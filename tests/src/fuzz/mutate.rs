//! Damage: a change of bits, bytes, numbers, words or stretches of an input. Every choice comes from a counter-based generator.

use kernels::random::threefry2x32;

/// Integers at the edges of what parsers expect, as little-endian bytes.
const EDGES: [u64; 10] = [
    0,
    1,
    0x7f,
    0xff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    1 << 32,
    i64::MAX as u64,
    u64::MAX,
];

/// The longest input that damage makes, bytes.
const BYTES_MAX: usize = 1 << 20;

/// Random numbers of one case.
pub struct Random {
    key: [u32; 2],
    number: u32,
    drawn: u32,
}

impl Random {
    /// The numbers of a case.
    pub fn new(seed: u64, number: u32) -> Self {
        Self {
            key: [seed as u32, (seed >> 32) as u32],
            number,
            drawn: 0,
        }
    }

    fn word(&mut self) -> u32 {
        self.drawn += 1;
        threefry2x32([self.number, self.drawn], self.key)[0]
    }

    /// A number below `end`, or 0 where `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.word() as usize % end.max(1)
    }
}

/// Damage an input once. `words`: what its language is made of.
pub(super) fn once(bytes: &mut Vec<u8>, corpus: &[Vec<u8>], words: &[&str], random: &mut Random) {
    let at = random.below(bytes.len());
    let stretch = |random: &mut Random, length: usize| {
        let most = if random.below(8) == 0 { length } else { length.min(32) };
        random.below(most + 1)
    };
    let rest = bytes.len() - at;
    match random.below(8) {
        0 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
        1 if !bytes.is_empty() => bytes[at] = random.below(256) as u8,
        2 => {
            let length = stretch(random, rest);
            bytes.drain(at..at + length);
        }
        3 => {
            let copied = bytes[at..at + stretch(random, rest)].to_vec();
            let to = random.below(bytes.len());
            bytes.splice(to..to, copied);
        }
        4 => {
            let edge = EDGES[random.below(EDGES.len())].to_le_bytes();
            let width = [1, 2, 4, 8][random.below(4)].min(rest);
            bytes[at..at + width].copy_from_slice(&edge[..width]);
        }
        5 if !words.is_empty() => {
            let word = words[random.below(words.len())];
            let replaced = if random.below(2) == 0 { 0 } else { word.len().min(rest) };
            bytes.splice(at..at + replaced, word.bytes());
        }
        6 => {
            let other = &corpus[random.below(corpus.len())];
            let from = random.below(other.len());
            let taken = other[from..from + stretch(random, other.len() - from)].to_vec();
            bytes.splice(at..at, taken);
        }
        _ => {
            let copies = 1 + random.below(64);
            let piece = bytes[at..at + stretch(random, rest.min(64))].repeat(copies);
            bytes.splice(at..at, piece);
        }
    }
    bytes.truncate(BYTES_MAX);
}

//! Byte shuffle: all first bytes of the 4-byte elements, then all second bytes, and so on. Exponents then lie side by side, and zstd
//! finds what they share.

/// The bytes of `elements` (4 bytes each) by significance: `[4, n]` from `[n, 4]`.
pub(crate) fn shuffle(elements: &[u8]) -> Vec<u8> {
    let (words, rest) = elements.as_chunks::<4>();
    debug_assert!(rest.is_empty(), "elements have 4 bytes");
    (0..4).flat_map(|plane| words.iter().map(move |word| word[plane])).collect()
}

/// Undoes [`shuffle`].
pub(crate) fn unshuffle(planes: &[u8]) -> Vec<u8> {
    let count = planes.len() / 4;
    (0..count)
        .flat_map(|index| (0..4).map(move |plane| planes[plane * count + index]))
        .collect()
}

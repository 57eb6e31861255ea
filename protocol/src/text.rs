//! Text from elsewhere, made safe to show: one function for every door.
//!
//! Bodies clean their texts as they are read ([`read`] and its like stand at the fields), so that neither the server nor a command ever holds what
//! moves a terminal's cursor, colours it, reorders a line or ends one. Commands call [`plain`] once more on what they print of other origins.
//!
//! Invariant: [`plain`] gives a text for which [`is_plain`] holds, and leaves such a text as it is.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};

/// What a character is to one who reads it in a line.
enum Seen {
    /// Itself.
    Itself,
    /// A break of the line, or a tab.
    Break,
    /// Nothing, or something else than stands there: controls, escapes, overrides of direction, invisible marks.
    Hidden,
}

fn seen(c: char) -> Seen {
    match c {
        '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Seen::Break,
        c if c.is_control() => Seen::Hidden,
        // Marks and overrides of direction, and isolates (Unicode Standard Annex 9).
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Seen::Hidden,
        // Without width: soft hyphen, zero-width space, invisible operators, byte order mark, annotations. Joiners stay: scripts need them.
        '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{feff}' => Seen::Hidden,
        '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => Seen::Hidden,
        _ => Seen::Itself,
    }
}

/// Whether a text is one line of visible characters.
pub fn is_plain(text: &str) -> bool {
    text.chars().all(|c| matches!(seen(c), Seen::Itself))
}

/// The text as one line of visible characters: breaks become spaces, what is hidden becomes U+FFFD.
pub fn plain(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let shown = text.chars().map(|c| match seen(c) {
        Seen::Itself => c,
        Seen::Break => ' ',
        Seen::Hidden => '\u{fffd}',
    });
    Cow::Owned(shown.collect())
}

/// A field's text, cleaned.
pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(cleaned(String::deserialize(deserializer)?))
}

/// The same for a text that may be absent.
pub(crate) fn read_option<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(cleaned))
}

/// The same for a list of texts.
pub(crate) fn read_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Vec::<String>::deserialize(deserializer)?.into_iter().map(cleaned).collect())
}

fn cleaned(text: String) -> String {
    match plain(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(shown) => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_moves_a_cursor_hides_words_or_ends_a_line_is_made_visible() {
        assert_eq!(plain("a\u{1b}[2Jb\n\u{202e}c\u{200b}"), "a\u{fffd}[2Jb \u{fffd}c\u{fffd}");
        assert!(is_plain("argon à 94 K, 水, \u{2764}\u{200d}\u{1f525}"));
    }

    proptest! {
        #[test]
        fn every_text_becomes_plain_and_a_plain_one_stays(text in any::<String>()) {
            let shown = plain(&text).into_owned();
            prop_assert!(is_plain(&shown));
            prop_assert_eq!(shown.chars().count(), text.chars().count());
            prop_assert_eq!(plain(&shown), shown.as_str());
            prop_assert!(!is_plain(&text) || shown == text);
            prop_assert!(!shown.chars().any(char::is_control));
        }
    }
}

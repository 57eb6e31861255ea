//! WGSL's words with their places: what the compiler's IR has forgotten by the time a rule looks at it.
//!
//! Only as fine as rules need it: names, numbers, comments, and single characters for all else. No text makes it fail.

use std::ops::Range;

/// What sort of word it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or keyword.
    Name,
    /// A number with its suffix.
    Number,
    /// A comment to the end of its line, or between `/*` and `*/`.
    Comment,
    /// Any other character.
    Mark,
}

/// A word of the source text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    /// Byte offset of its first character.
    pub(super) start: usize,
}

impl Token<'_> {
    pub(super) fn range(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }
}

/// All words of a text, in order.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let (kind, length) = if rest.starts_with("//") {
            (Kind::Comment, rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            (Kind::Comment, block_comment(rest))
        } else if first.is_alphabetic() || first == '_' {
            (Kind::Name, span(rest, |c| c.is_alphanumeric() || c == '_'))
        } else if first.is_ascii_digit() || (first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())) {
            (Kind::Number, number(rest))
        } else {
            (Kind::Mark, first.len_utf8())
        };
        if !first.is_whitespace() {
            tokens.push(Token {
                kind,
                text: &rest[..length],
                start: at,
            });
        }
        at += length;
    }
    tokens
}

fn span(text: &str, part: impl Fn(char) -> bool) -> usize {
    text.find(|c| !part(c)).unwrap_or(text.len())
}

/// Block comments nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

fn number(text: &str) -> usize {
    let hexadecimal = text.starts_with("0x") || text.starts_with("0X");
    let mut before = ' ';
    let end = text.char_indices().find(|(_, c)| {
        let exponent = if hexadecimal {
            matches!(before, 'p' | 'P')
        } else {
            matches!(before, 'e' | 'E')
        };
        let part = c.is_ascii_alphanumeric() || *c == '.' || (exponent && matches!(c, '+' | '-'));
        before = *c;
        !part
    });
    end.map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_kinds_and_places() {
        let text = "let x=1e-3f; // a b\n/* c /* d */ e */ 0x1p+2 .5 é€";
        let words: Vec<(Kind, &str)> = tokens(text).iter().map(|token| (token.kind, token.text)).collect();
        let expected = [
            (Kind::Name, "let"),
            (Kind::Name, "x"),
            (Kind::Mark, "="),
            (Kind::Number, "1e-3f"),
            (Kind::Mark, ";"),
            (Kind::Comment, "// a b"),
            (Kind::Comment, "/* c /* d */ e */"),
            (Kind::Number, "0x1p+2"),
            (Kind::Number, ".5"),
            (Kind::Name, "é"),
            (Kind::Mark, "€"),
        ];
        assert_eq!(words, expected);
        assert!(tokens(text).iter().all(|token| &text[token.range()] == token.text));
    }

    #[test]
    fn torn_texts_end() {
        for text in ["/*", "/* /* */", "//", "0x", "1e", ".", "*/"] {
            assert!(tokens(text).iter().map(|token| token.text.len()).sum::<usize>() <= text.len());
        }
    }
}

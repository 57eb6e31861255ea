//! What a text will cost to parse, before it is parsed.
//!
//! naga's time grows with the square of a function's length: a hundred thousand statements would take many minutes. Time cannot
//! be taken back from a thread, so the length is limited instead.

/// The sum, over the functions and other declarations of a text, of their squared lengths in bytes.
pub(crate) fn of(source: &str) -> u64 {
    let bytes = source.as_bytes();
    let (mut effort, mut start, mut depth, mut at) = (0u64, 0, 0u32, 0);
    // Bytes of comments since `start`: they cost next to nothing.
    let mut hidden = 0;
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'/', Some(b'/')) => {
                let length = bytes[at..].iter().take_while(|byte| **byte != b'\n').count();
                (at, hidden) = (at + length, hidden + length);
                continue;
            }
            (b'/', Some(b'*')) => {
                let end = comment_end(bytes, at);
                hidden += end - at;
                at = end;
                continue;
            }
            (b'{', _) => depth += 1,
            (b'}', _) => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
        if depth == 0 && matches!(bytes[at - 1], b'}' | b';') {
            effort = effort.saturating_add(square(at - start - hidden));
            (start, hidden) = (at, 0);
        }
    }
    effort.saturating_add(square(bytes.len() - start - hidden))
}

fn square(length: usize) -> u64 {
    (length as u64).saturating_mul(length as u64)
}

/// Behind the comment that starts here; such comments nest.
fn comment_end(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0u32;
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'/', Some(b'*')) => {
                depth += 1;
                at += 2;
            }
            (b'*', Some(b'/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn declarations_count_by_themselves_and_comments_hide_nothing() {
        assert_eq!(of("fn f() { { } } fn g() { }"), 14 * 14 + 11 * 11);
        assert_eq!(of("const a = 1;const b = 2;"), 2 * 12 * 12);
        assert_eq!(of("fn f() { // }\n }"), 12 * 12);
        assert_eq!(of("fn f() { /* } /* */ } */ }"), 11 * 11);
        assert_eq!(of("/* open"), 0);
        assert_eq!(of(""), 0);
    }
}

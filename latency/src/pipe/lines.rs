//! Reading of lines of bounded length.

use std::io::{self, BufRead, Read};

/// Line of an input, without its line ending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// Complete line.
    Complete(Vec<u8>),
    /// Beginning of a line that exceeds the bound; the rest was skipped.
    TooLong(Vec<u8>),
    /// Last line, without a line ending because the input ended.
    Cut(Vec<u8>),
}

/// Number of bytes kept of a line that is too long, for messages.
const KEPT: usize = 1024;

/// Reads the next line of at most `longest` bytes; `None` at the end of the input.
pub(super) fn read_line(input: &mut impl BufRead, longest: usize) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    let limit = longest as u64 + 1;
    if input.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        return Ok(Some(Line::Complete(line)));
    }
    if line.len() <= longest {
        return Ok(Some(Line::Cut(line)));
    }
    line.truncate(KEPT);
    input.skip_until(b'\n')?;
    Ok(Some(Line::TooLong(line)))
}

/// Maximum number of characters of a line in a message.
const SHOWN: usize = 120;

/// Beginning of a line without control characters, for messages.
pub(super) fn excerpt(line: &str) -> String {
    let mut plain = line.trim_end().chars().filter(|c| !c.is_control());
    let mut text: String = plain.by_ref().take(SHOWN).collect();
    if plain.next().is_some() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_skipped_to_its_end() {
        let mut input: &[u8] = b"one\n\n12345678\n123456789\nlast";
        let mut next = || read_line(&mut input, 8).unwrap();
        assert_eq!(next(), Some(Line::Complete(b"one".to_vec())));
        assert_eq!(next(), Some(Line::Complete(Vec::new())));
        assert_eq!(next(), Some(Line::Complete(b"12345678".to_vec())));
        assert_eq!(next(), Some(Line::TooLong(b"123456789".to_vec())));
        assert_eq!(next(), Some(Line::Cut(b"last".to_vec())));
        assert_eq!(next(), None);
    }

    #[test]
    fn an_excerpt_is_short_and_plain() {
        assert_eq!(excerpt("\u{1b}[31mred\r\n"), "[31mred");
        let long = excerpt(&"x".repeat(500));
        assert_eq!((long.chars().count(), long.ends_with('…')), (SHOWN + 1, true));
    }
}

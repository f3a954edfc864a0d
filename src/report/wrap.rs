//! Wraps text to a number of columns. The text is escaped first, so the measured width is the displayed width.

use std::env;

use unicode_width::UnicodeWidthChar as _;

use crate::sanitize::escape;

/// The indentation of wrapped text, in columns.
const INDENT: usize = 2;

/// Wraps and truncates text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wrapper {
    /// The width of a line, in columns.
    pub(super) width: usize,
    /// Replaces truncated text. One column wide.
    ellipsis: char,
}

impl Wrapper {
    /// Creates a wrapper for lines of this width, at least one column.
    pub(super) fn to(width: usize) -> Self {
        Self {
            width: width.max(1),
            ellipsis: if locale_is_utf8() { '…' } else { '~' },
        }
    }

    /// Returns a wrapper for narrower lines.
    pub(super) fn with_width(self, width: usize) -> Self {
        Self {
            width: width.clamp(1, self.width),
            ..self
        }
    }

    /// Returns the text on one line, truncated if it is too long.
    pub(super) fn truncate(self, text: &str) -> String {
        self.wrap_anywhere(text, 1).concat()
    }

    /// Breaks the text at any character into lines of `width` columns. Text after `max_lines` lines is truncated.
    pub(super) fn wrap_anywhere(self, text: &str, max_lines: usize) -> Vec<String> {
        let mut lines = vec![String::new()];
        let mut used = 0;
        for c in escape(text).chars() {
            let character_columns = character_width(c);
            if used + character_columns > self.width {
                // A character that is wider than a line cannot be displayed.
                if lines.len() == max_lines || character_columns > self.width {
                    self.add_ellipsis(&mut lines);
                    break;
                }
                lines.push(String::new());
                used = 0;
            }
            used += character_columns;
            if let Some(line) = lines.last_mut() {
                line.push(c);
            }
        }
        lines
    }

    /// Breaks the text between words where possible, and indents each line unless lines are very short. Text after
    /// `max_lines` lines is truncated.
    pub(super) fn wrap_words(self, text: &str, max_lines: usize) -> Vec<String> {
        let indent = if self.width > 4 * INDENT { INDENT } else { 0 };
        let inner_wrapper = self.with_width(self.width - indent);
        let mut lines: Vec<String> = Vec::new();
        let mut was_truncated = false;
        for word in escape(text).split(' ').filter(|word| !word.is_empty()) {
            match lines.last_mut() {
                Some(line)
                    if display_width(line) + 1 + display_width(word) <= inner_wrapper.width =>
                {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => lines.extend(inner_wrapper.wrap_anywhere(word, max_lines + 1)),
            }
            if lines.len() > max_lines {
                was_truncated = true;
                break;
            }
        }
        lines.truncate(max_lines);
        if was_truncated {
            inner_wrapper.add_ellipsis(&mut lines);
        }
        for line in &mut lines {
            line.insert_str(0, &" ".repeat(indent));
        }
        lines
    }

    /// Ends the last line with the ellipsis, and removes the characters that it replaces.
    fn add_ellipsis(self, lines: &mut [String]) {
        if let Some(line) = lines.last_mut() {
            while display_width(line) + 1 > self.width {
                line.pop();
            }
            line.push(self.ellipsis);
        }
    }
}

/// Returns the maximum display width of the text, in columns.
pub(super) fn display_width(text: &str) -> usize {
    text.chars().map(character_width).sum()
}

/// A combining character counts as one column although it takes none. Otherwise any number of them would fit.
fn character_width(c: char) -> usize {
    c.width().unwrap_or(1).max(1)
}

/// Whether the locale uses UTF-8.
fn locale_is_utf8() -> bool {
    let set = |name: &&str| env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(set);
    locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(width: usize) -> Wrapper {
        Wrapper {
            width,
            ellipsis: '~',
        }
    }

    #[test]
    fn what_is_too_long_is_cut_at_a_column() {
        for (width, text, expected) in [
            (6, "Active", "Active"),
            (5, "Active", "Acti~"),
            (1, "Active", "~"),
            (4, "鍵鍵", "鍵鍵"),
            (3, "鍵鍵", "鍵~"),
            (1, "鍵", "~"),
            (6, "a\nb\u{9b}c", "a\\u{a~"),
            (3, "e\u{301}\u{301}\u{301}", "e\u{301}~"),
            (3, "", ""),
        ] {
            assert_eq!(fit(width).truncate(text), expected, "{width} {text}");
        }
    }

    #[test]
    fn words_are_kept_whole_where_they_fit() {
        let text = "it is a key of a-very-long-name and no other";
        assert_eq!(
            fit(14).wrap_words(text, 9),
            [
                "  it is a key",
                "  of",
                "  a-very-long-",
                "  name and no",
                "  other"
            ]
        );
        assert_eq!(fit(14).wrap_words(text, 2), ["  it is a key", "  of~"]);
        assert_eq!(fit(8).wrap_words("a b", 2), ["a b"]);
        assert_eq!(fit(8).wrap_words("  ", 2), Vec::<String>::new());
    }

    #[test]
    fn no_line_is_wider_than_it_may_be_and_there_are_no_more_than_allowed() {
        let words = "a bb ccc dddd 鍵鍵鍵 e\u{301}\u{301} \u{202e} \n";
        for text in [&words.repeat(100), &"x".repeat(2000), &"鍵".repeat(900)] {
            for width in 1..=100 {
                for max_lines in [1, 2, 12] {
                    for lines in [
                        fit(width).wrap_words(text, max_lines),
                        fit(width).wrap_anywhere(text, max_lines),
                    ] {
                        assert!(lines.len() <= max_lines, "{width} {max_lines}");
                        assert!(lines.iter().all(|line| display_width(line) <= width));
                        assert!(lines.iter().any(|line| line.contains('~')));
                    }
                }
            }
        }
    }
}

//! Fits text into a number of columns. The text is escaped first, so the measured width is the displayed width.

use std::env;
use std::sync::LazyLock;

use unicode_width::UnicodeWidthChar as _;

use crate::sanitize::escape;

/// Returns the text without its end if it is too long.
pub(super) fn fit_start(text: &str, width: usize) -> String {
    shorten(text, width, width.saturating_sub(1))
}

/// Returns the text without its middle if it is too long. Long names often differ only at their end.
pub(super) fn fit_ends(text: &str, width: usize) -> String {
    shorten(text, width, width / 2)
}

/// Replaces what is omitted: one column wide, and in the character set of the locale.
static ELLIPSIS: LazyLock<char> = LazyLock::new(|| {
    let set = |name: &&str| env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(set);
    let locale = locale.unwrap_or_default().to_ascii_lowercase();
    let is_utf8 = locale.contains("utf-8") || locale.contains("utf8");
    if is_utf8 { '…' } else { '~' }
});

/// Keeps at most `head` columns of the start, and fills the rest with the end.
fn shorten(text: &str, width: usize, head: usize) -> String {
    let text = escape(text);
    if display_width(&text) <= width {
        return text;
    }
    let start = take(text.chars(), head);
    let used: usize = display_width(&start) + 1;
    let end = take(text.chars().rev(), width.saturating_sub(used.max(head + 1)));
    let end = end.chars().rev();
    start.chars().chain([*ELLIPSIS]).chain(end).collect()
}

/// Takes characters as long as they fit into `width` columns.
fn take(characters: impl Iterator<Item = char>, width: usize) -> String {
    let mut used = 0;
    let fits = characters.take_while(|c| {
        used += character_width(*c);
        used <= width
    });
    fits.collect()
}

/// Returns the display width of the text, at most.
pub(super) fn display_width(text: &str) -> usize {
    text.chars().map(character_width).sum()
}

/// A combining character counts as one column although it takes none. Otherwise any number of them would fit.
fn character_width(c: char) -> usize {
    c.width().unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(text: &str, width: usize) -> String {
        fit_start(text, width).replace(*ELLIPSIS, "~")
    }

    fn ends(text: &str, width: usize) -> String {
        fit_ends(text, width).replace(*ELLIPSIS, "~")
    }

    #[test]
    fn text_that_is_too_long_loses_its_end_or_its_middle() {
        for (width, text, without_end, without_middle) in [
            (6, "Active", "Active", "Active"),
            (5, "Active", "Acti~", "Ac~ve"),
            (4, "Active", "Act~", "Ac~e"),
            (1, "Active", "~", "~"),
            (0, "Active", "~", "~"),
            (4, "鍵鍵", "鍵鍵", "鍵鍵"),
            (3, "鍵鍵", "鍵~", "~"),
            (1, "鍵", "~", "~"),
            (6, "a\nb\u{9b}c", "a\\u{a~", "a\\u~}c"),
            (3, "e\u{301}\u{301}\u{301}", "e\u{301}~", "e~\u{301}"),
            (3, "", "", ""),
        ] {
            assert_eq!(start(text, width), without_end, "{width} {text}");
            assert_eq!(ends(text, width), without_middle, "{width} {text}");
        }
    }

    #[test]
    fn no_text_is_wider_than_it_may_be() {
        let words = "a bb ccc dddd 鍵鍵鍵 e\u{301}\u{301} \u{202e} \n";
        for text in [&words.repeat(100), &"x".repeat(2000), &"鍵".repeat(900)] {
            for width in 1..=100 {
                for fitted in [start(text, width), ends(text, width)] {
                    assert!(display_width(&fitted) <= width, "{width}: {fitted}");
                    assert!(fitted.contains('~'), "{width}: {fitted}");
                }
            }
        }
    }
}

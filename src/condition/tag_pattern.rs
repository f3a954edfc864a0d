//! The tags of `--except-tag`.

use std::ffi::OsStr;
use std::fmt;
use std::str::FromStr;

use crate::metadata::UserTag;
use crate::sanitize::{Invalid, escape};
use crate::secret::has_secret;

/// A tag, as `KEY` or `KEY=VALUE`. Case is ignored: IAM ignores that of keys, and a protection must not depend on that of
/// values. Whitespace around a key, a value or an `=` is ignored too.
#[derive(Clone, Debug)]
pub(crate) struct TagPattern {
    given: String,
    folded: String,
}

impl TagPattern {
    /// Whether the pattern matches this tag. A key may contain `=`, so `a=b` matches the key `a=b` too.
    pub(super) fn matches(&self, tag: &UserTag) -> bool {
        let UserTag { key, value } = tag;
        [key, &format!("{key}={value}")]
            .into_iter()
            .any(|tag| fold(tag) == self.folded)
    }
}

/// Returns text that is the same for texts that differ only in case and in whitespace around their parts.
fn fold(text: &str) -> String {
    let parts: Vec<&str> = text.split('=').map(str::trim).collect();
    // In this order: `\u{df}` and its capital `\u{1e9e}` have only `SS` in common.
    parts.join("=").to_lowercase().to_uppercase()
}

impl FromStr for TagPattern {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let refuse = |reason: String| Err(Invalid::new(OsStr::new(text), reason));
        if has_secret(text) {
            return Err(Invalid::secret(text));
        }
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        // IAM allows the last two, but they are probably mistakes, which would protect nobody.
        let mistakes = [
            (key.trim().is_empty(), "it has no key"),
            (
                !text.contains('=') && text.contains(": "),
                "it has a colon, but no `=`",
            ),
            (value.trim().starts_with('='), "its value starts with `=`"),
        ];
        if let Some((_, what)) = mistakes.iter().find(|(is_made, _)| *is_made) {
            return refuse(format!("{what}; use KEY or KEY=VALUE, such as team=ops"));
        }
        if key.chars().count() > 128 || value.chars().count() > 256 {
            let reason = "a tag's key has at most 128 characters, and its value at most 256";
            return refuse(reason.to_owned());
        }
        // The characters that IAM allows in tags.
        let is_space = |c: char| c.is_whitespace() && !c.is_control();
        let allowed = |c: char| c.is_alphanumeric() || is_space(c) || "_.:/=+-@".contains(c);
        if let Some(stray) = text.chars().find(|c| !allowed(*c)) {
            let stray = escape(&stray.to_string());
            return refuse(format!(
                "tags cannot contain `{stray}`, so it matches nobody"
            ));
        }
        Ok(Self {
            given: text.to_owned(),
            folded: fold(text),
        })
    }
}

impl fmt::Display for TagPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_are_compared_without_case() {
        for (given, key, value, expected) in [
            ("team", "team", "ops", true),
            ("TEAM", "team", "", true),
            ("team", "Team", "OPS", true),
            ("team", "teams", "ops", false),
            ("team", "tea", "m", false),
            ("team=ops", "team", "ops", true),
            ("Team=Ops", "tEAM", "oPS", true),
            ("team=ops", "team", "ops ", true),
            ("team=ops", "\n team\n ", "\n ops\n ", true),
            ("team", "\n team\n ", "ops", true),
            ("team=", "\n team\n ", "\n ", true),
            (" team=ops ", "team", "ops", true),
            ("team= ops", "team", " ops", true),
            ("Team = ops", "team", "ops", true),
            ("team =ops", "team", "ops", true),
            ("team = ops", "team ", " ops", true),
            ("team = ops", "team", "web", false),
            ("team = ", "team", "", true),
            ("team:ops", "team:ops", "", true),
            ("te am", "team", "", false),
            ("team=ops", "team", "", false),
            ("team=", "team", "", true),
            ("team=", "team", "ops", false),
            // A key may contain `=`.
            ("a=b=c", "a", "b=c", true),
            ("a=b=c", "a=b", "c", true),
            ("a=b=c", "a=b=c", "d", true),
            ("a=b=c", "a", "b", false),
            ("stra\u{df}e", "STRASSE", "", true),
            (
                "\u{3bf}\u{3b4}\u{3bf}\u{3c2}",
                "\u{39f}\u{394}\u{39f}\u{3a3}",
                "",
                true,
            ),
            ("\u{212a}ey", "KEY", "", true),
            ("gr\u{f6}\u{df}e", "GR\u{d6}\u{1e9e}E", "", true),
            ("GR\u{d6}\u{1e9e}E", "GR\u{d6}SSE", "", true),
        ] {
            let pattern: TagPattern = given.parse().expect("a tag");
            let (key, value) = (key.to_owned(), value.to_owned());
            let tag = UserTag { key, value };
            assert_eq!(pattern.matches(&tag), expected, "{given} {tag:?}");
            assert_eq!(pattern.to_string(), given);
        }
    }

    #[test]
    fn every_letter_is_the_same_in_either_case() {
        for letter in ('\0'..=char::MAX).map(String::from) {
            for other in [letter.to_lowercase(), letter.to_uppercase()] {
                assert_eq!(fold(&letter), fold(&other), "{letter} {other}");
            }
        }
    }

    #[test]
    fn a_pattern_that_matches_no_tag_is_refused() {
        let text = |key: usize, value: usize| {
            let [key, value] = [key, value].map(|length| "x-".repeat(129)[..length].to_owned());
            format!("{key}={value}")
        };
        for pattern in [
            &text(128, 256),
            &text(128, 0),
            "team",
            "a b=c\u{e9}",
            "_.:/=+-@",
        ] {
            assert!(pattern.parse::<TagPattern>().is_ok(), "{pattern}");
        }
        let no_key = "it has no key; use KEY or KEY=VALUE, such as team=ops";
        let long = "a tag's key has at most 128 characters, and its value at most 256";
        for (pattern, expected) in [
            ("", no_key),
            (" ", no_key),
            ("=ops", no_key),
            (
                "team: ops",
                "it has a colon, but no `=`; use KEY or KEY=VALUE, such as team=ops",
            ),
            (
                "team==ops",
                "its value starts with `=`; use KEY or KEY=VALUE, such as team=ops",
            ),
            (
                "team = =ops",
                "its value starts with `=`; use KEY or KEY=VALUE, such as team=ops",
            ),
            (&text(129, 0), long),
            (&text(1, 257), long),
            ("team*", "tags cannot contain `*`, so it matches nobody"),
            (
                "team=a\nb",
                "tags cannot contain `\\u{a}`, so it matches nobody",
            ),
        ] {
            let error = pattern.parse::<TagPattern>().expect_err("it is refused");
            assert_eq!(error.to_string(), expected, "{pattern}");
        }
    }
}

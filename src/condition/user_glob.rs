//! The patterns of `--except-user`.

use std::ffi::OsStr;
use std::fmt;
use std::str::FromStr;

use glob::{MatchOptions, Pattern, PatternError};

use crate::ident::UserName;
use crate::sanitize::{Invalid, escape};

/// A pattern for user names: `*` matches any text, `?` one character, and `[a-z]` one character of a class. Case is
/// ignored, as in IAM.
#[derive(Clone, Debug)]
pub(crate) struct UserGlob {
    given: String,
    /// The same pattern for lowercase names.
    pattern: Pattern,
}

/// The characters of lowercase user names. The hyphen comes first, where it stands for itself in a class.
const NAME_CHARACTERS: &str = "-_+=,.@0123456789abcdefghijklmnopqrstuvwxyz";

const IGNORE_CASE: MatchOptions = MatchOptions {
    case_sensitive: false,
    require_literal_separator: false,
    require_literal_leading_dot: false,
};

impl UserGlob {
    /// Whether the pattern matches this user.
    pub(super) fn matches(&self, user: &UserName) -> bool {
        self.pattern.matches(&user.as_str().to_ascii_lowercase())
    }
}

impl FromStr for UserGlob {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let refuse = |reason: String| Err(Invalid::new(OsStr::new(text), reason));
        if text.trim().is_empty() {
            return refuse("it is empty; give a user name or a pattern, such as ci-*".to_owned());
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-*?[]!".contains(c);
        if let Some(stray) = text.chars().find(|c| !allowed(*c)) {
            let stray = escape(&stray.to_string());
            return refuse(impossible_character(&stray));
        }
        let pattern = Pattern::new(text)
            .map_err(|error| pattern_error(&error))
            .and_then(|_| {
                let lower_case = lower_case(text)?;
                Pattern::new(&lower_case).map_err(|error| pattern_error(&error))
            });
        match pattern {
            Ok(pattern) => Ok(Self {
                given: text.to_owned(),
                pattern,
            }),
            Err(reason) => refuse(reason),
        }
    }
}

fn pattern_error(error: &PatternError) -> String {
    format!("character {}: {}", error.pos + 1, error.msg)
}

fn impossible_character(stray: &str) -> String {
    format!("user names cannot contain `{stray}`, so it matches nobody")
}

/// Converts a pattern for lowercase names. Each class is replaced by the list of the characters it matches, so no
/// range depends on case.
fn lower_case(pattern: &str) -> Result<String, String> {
    let mut lower_case = String::new();
    let mut rest = pattern;
    while let Some(start) = rest.find('[') {
        let (before, from_class) = rest.split_at(start);
        lower_case += &expand_literal(before)?;
        // A `]` may be the first character of a class.
        let first = if from_class.starts_with("[!") { 3 } else { 2 };
        let end = from_class.get(first..).and_then(|text| text.find(']'));
        let end = end.ok_or("a [ has no closing ]")? + first + 1;
        let (class, after) = from_class.split_at(end);
        lower_case += &expand_class(class)?;
        rest = after;
    }
    Ok(lower_case + &expand_literal(rest)?)
}

/// Converts the part of a pattern outside of classes. A comma there was probably meant to separate names, but it would be part of one.
fn expand_literal(part: &str) -> Result<String, String> {
    if part.contains(',') {
        let reason = "a comma does not separate names; use --except-user once for each user, and [,] for a comma in a name";
        return Err(reason.to_owned());
    }
    match part.chars().find(|c| "]!".contains(*c)) {
        Some(stray) => Err(impossible_character(&stray.to_string())),
        None => Ok(part.to_ascii_lowercase()),
    }
}

/// Returns a class that lists all characters whose lowercase or uppercase form `class` matches. `glob` ignores case
/// for letters and for ranges between letters, but not for ranges such as `0-Z`. If only one case of a letter matches,
/// the list contains it: in doubt, the user is excepted.
fn expand_class(class: &str) -> Result<String, String> {
    let class_pattern = Pattern::new(class).map_err(|error| pattern_error(&error))?;
    let matches_class = |c: char| class_pattern.matches_with(&c.to_string(), IGNORE_CASE);
    let expand_class: String = NAME_CHARACTERS
        .chars()
        .filter(|c| matches_class(*c) || matches_class(c.to_ascii_uppercase()))
        .collect();
    if expand_class.is_empty() {
        return Err(format!(
            "`{class}` matches no character of a user name, so it matches nobody"
        ));
    }
    Ok(format!("[{expand_class}]"))
}

impl fmt::Display for UserGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.given)
    }
}

#[cfg(test)]
mod tests {
    use proptest::proptest;

    use super::*;

    #[test]
    fn a_class_matches_each_character_in_both_cases_or_in_neither() {
        // A class, lowercase characters that it must match, and others that it must not match.
        for (glob, matched, not_matched) in [
            ("[0-Z]", "09az@", "-_+"),
            ("[_-z]", "_az", "09@-+"),
            ("[A-C]", "abc", "dz0"),
            ("[a-c-]", "abc-", "d0_"),
            ("[!a-c]", "dz09@-_", "abc"),
            ("[!B]", "ac0", "b"),
            // Only one case is in the range, so both match.
            ("[!0-Z]", "az-_", "09@"),
            ("[!_-z]", "az09-", "_"),
            ("[X-c]", "abcxyz_", "dw0"),
            ("[]b]", "b", "ac0"),
            ("[!]b]", "ac0", "b"),
            ("[*?b]", "b", "ac0"),
            ("?", NAME_CHARACTERS, ""),
            ("[,]", ",", "a."),
        ] {
            let pattern: UserGlob = glob.parse().expect("a pattern");
            let matches = |c: char| pattern.matches(&c.to_string().parse().expect("a name"));
            for c in matched.chars() {
                assert!(matches(c) && matches(c.to_ascii_uppercase()), "{glob} {c}");
            }
            for c in not_matched.chars() {
                assert!(
                    !matches(c) && !matches(c.to_ascii_uppercase()),
                    "{glob} {c}"
                );
            }
            assert_eq!(pattern.to_string(), glob);
        }
    }

    #[test]
    fn a_pattern_that_matches_nobody_is_refused() {
        let empty = "it is empty; give a user name or a pattern, such as ci-*";
        let comma = "a comma does not separate names; use --except-user once for each user, and [,] for a comma in a name";
        for (glob, expected) in [
            ("", empty),
            (" ", empty),
            ("bob,alice", comma),
            ("a[,],b", comma),
            ("a b", "user names cannot contain ` `, so it matches nobody"),
            ("a]", "user names cannot contain `]`, so it matches nobody"),
            ("!a", "user names cannot contain `!`, so it matches nobody"),
            (
                "[a]!",
                "user names cannot contain `!`, so it matches nobody",
            ),
            ("ab[c", "character 3: invalid range pattern"),
            ("a[!]", "character 2: invalid range pattern"),
            (
                "***",
                "character 3: wildcards are either regular `*` or recursive `**`",
            ),
            (
                "[*?]",
                "`[*?]` matches no character of a user name, so it matches nobody",
            ),
        ] {
            let error = glob.parse::<UserGlob>().expect_err("it is refused");
            assert_eq!(error.to_string(), expected, "{glob}");
        }
    }

    proptest! {
        #[test]
        fn the_case_of_a_name_makes_no_difference(
            glob in "[!-~]{1,4}|[a-cA-C*?]{0,2}\\[!?[A-Ca-c0-9_@-]{1,4}\\][a-cA-C*?]{0,2}",
            name in "[a-cA-C0-9_@.-]{1,6}",
        ) {
            if let Ok(pattern) = glob.parse::<UserGlob>() {
                let matches = |name: &str| pattern.matches(&name.parse().expect("a name"));
                let is_spared = matches(&name);
                assert_eq!(matches(&name.to_ascii_lowercase()), is_spared, "{glob} {name}");
                assert_eq!(matches(&name.to_ascii_uppercase()), is_spared, "{glob} {name}");
                // Every user that `glob` matches without case is excepted.
                let own = Pattern::new(&glob).expect("a pattern");
                assert!(is_spared || !own.matches_with(&name, IGNORE_CASE), "{glob} {name}");
            }
        }
    }
}

//! The users whose keys `--except-user` spares.

use std::ffi::OsStr;
use std::fmt;
use std::str::FromStr;

use glob::{MatchOptions, Pattern, PatternError};

use crate::ident::UserName;
use crate::sanitize::{Invalid, escape};

/// Which users: a name in which `*` stands for any text, `?` for one character and `[a-z]` for one of several.
/// Compared without case, as IAM compares names.
#[derive(Clone, Debug)]
pub(crate) struct UserGlob {
    given: String,
    /// The same for names in lower case.
    pattern: Pattern,
}

/// The characters of user names in lower case. The hyphen is first, where a class has it for itself.
const NAME_CHARACTERS: &str = "-_+=,.@0123456789abcdefghijklmnopqrstuvwxyz";

const IGNORE_CASE: MatchOptions = MatchOptions {
    case_sensitive: false,
    require_literal_separator: false,
    require_literal_leading_dot: false,
};

impl UserGlob {
    /// Whether it spares this user.
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
    format!("no user name has a `{stray}`, so it excepts nobody")
}

/// The pattern for names in lower case. Each class becomes the list of the characters that it matches, so that no range is
/// left whose ends have a case.
fn lower_case(pattern: &str) -> Result<String, String> {
    let mut lower_case = String::new();
    let mut rest = pattern;
    while let Some(start) = rest.find('[') {
        let (before, from_class) = rest.split_at(start);
        lower_case += &expand_literal(before)?;
        // The first character of a class may be `]`.
        let first = if from_class.starts_with("[!") { 3 } else { 2 };
        let end = from_class.get(first..).and_then(|text| text.find(']'));
        let end = end.ok_or("a class has no end")? + first + 1;
        let (class, after) = from_class.split_at(end);
        lower_case += &expand_class(class)?;
        rest = after;
    }
    Ok(lower_case + &expand_literal(rest)?)
}

/// A part of a pattern outside of its classes.
fn expand_literal(part: &str) -> Result<String, String> {
    match part.chars().find(|c| "]!".contains(*c)) {
        Some(stray) => Err(impossible_character(&stray.to_string())),
        None => Ok(part.to_ascii_lowercase()),
    }
}

/// The class that lists the characters of which `class` matches the lower case or the upper case. `glob` compares letters
/// and ranges from letter to letter without case, but a range such as `0-Z` as it is. Where the two cases of a letter differ,
/// the class matches both: when in doubt, the user is spared.
fn expand_class(class: &str) -> Result<String, String> {
    let class_pattern = Pattern::new(class).map_err(|error| pattern_error(&error))?;
    let matches_class = |c: char| class_pattern.matches_with(&c.to_string(), IGNORE_CASE);
    let expand_class: String = NAME_CHARACTERS
        .chars()
        .filter(|c| matches_class(*c) || matches_class(c.to_ascii_uppercase()))
        .collect();
    if expand_class.is_empty() {
        return Err(format!(
            "`{class}` matches no character of a user name, so it excepts nobody"
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
        // What a class has to match, and what it must not, in lower case.
        for (glob, matched, not_matched) in [
            ("[0-Z]", "09az@", "-_+"),
            ("[_-z]", "_az", "09@-+"),
            ("[A-C]", "abc", "dz0"),
            ("[a-c-]", "abc-", "d0_"),
            ("[!a-c]", "dz09@-_", "abc"),
            ("[!B]", "ac0", "b"),
            // Only one case is in the range: both are spared.
            ("[!0-Z]", "az-_", "09@"),
            ("[!_-z]", "az09-", "_"),
            ("[X-c]", "abcxyz_", "dw0"),
            ("[]b]", "b", "ac0"),
            ("[!]b]", "ac0", "b"),
            ("[*?b]", "b", "ac0"),
            ("?", NAME_CHARACTERS, ""),
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
                // Whoever glob's own comparison without case spares is spared.
                let own = Pattern::new(&glob).expect("a pattern");
                assert!(is_spared || !own.matches_with(&name, IGNORE_CASE), "{glob} {name}");
            }
        }
    }
}

//! The parameter checks that IAM makes before it acts, and the error messages for them.

use crate::failure::Failure;
use crate::request::Params;

/// The constraints on a string parameter.
#[derive(Debug)]
pub(crate) struct Text {
    min: usize,
    max: usize,
    allowed: fn(char) -> bool,
    /// The message for a character that is not allowed, if the service has a special one for this parameter.
    own_sentence: Option<&'static str>,
    pattern: &'static str,
}

/// Names of existing users.
pub(crate) const USER_NAME: Text = Text {
    min: 1,
    max: 128,
    allowed: |c| is_word(c) || "+=,.@-".contains(c),
    own_sentence: Some(
        "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-",
    ),
    pattern: r"[\w+=,.@-]+",
};
/// Names of new users.
pub(crate) const NEW_USER_NAME: Text = Text {
    max: 64,
    ..USER_NAME
};
pub(crate) const ACCESS_KEY_ID: Text = Text {
    min: 16,
    max: 128,
    allowed: is_word,
    own_sentence: None,
    pattern: r"[\w]+",
};
pub(crate) const MARKER: Text = Text {
    min: 1,
    max: 320,
    allowed: |c| ('\u{20}'..='\u{ff}').contains(&c),
    own_sentence: None,
    pattern: r"[\u0020-\u00FF]+",
};
pub(crate) const PATH: Text = Text {
    min: 1,
    max: 512,
    allowed: |c| c.is_ascii_graphic(),
    own_sentence: None,
    pattern: r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)",
};
pub(crate) const ROLE_ARN: Text = Text {
    min: 20,
    max: 2048,
    allowed: |c| c >= ' ',
    own_sentence: None,
    pattern: r"[\u0009\u000A\u000D\u0020-\u007E]+",
};
pub(crate) const TARGET_PRINCIPAL: Text = Text {
    min: 12,
    max: 2048,
    ..ROLE_ARN
};
pub(crate) const SESSION_NAME: Text = Text {
    min: 2,
    max: 64,
    ..USER_NAME_OF_STS
};
pub(crate) const EXTERNAL_ID: Text = Text {
    min: 2,
    max: 1224,
    allowed: |c| is_word(c) || "+=,.@:/-".contains(c),
    own_sentence: None,
    pattern: r"[\w+=,.@:\/-]*",
};
pub(crate) const SERIAL_NUMBER: Text = Text {
    min: 9,
    max: 256,
    allowed: |c| is_word(c) || "+=/:,.@-".contains(c),
    own_sentence: None,
    pattern: r"[\w+=/:,.@-]*",
};
pub(crate) const TOKEN_CODE: Text = Text {
    min: 6,
    max: 6,
    allowed: |c| c.is_ascii_digit(),
    own_sentence: None,
    pattern: r"[\d]*",
};
pub(crate) const WEB_IDENTITY_TOKEN: Text = Text {
    min: 4,
    max: 20_000,
    allowed: |_| true,
    own_sentence: None,
    pattern: "",
};
const USER_NAME_OF_STS: Text = Text {
    own_sentence: None,
    ..USER_NAME
};

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Reads parameters, and collects violations until [`Check::finish`].
#[derive(Debug)]
pub(crate) struct Check<'a> {
    params: &'a Params,
    violations: Vec<String>,
    own_sentence: Option<&'static str>,
}

impl<'a> Check<'a> {
    pub(crate) fn new(params: &'a Params) -> Self {
        Self {
            params,
            violations: Vec::new(),
            own_sentence: None,
        }
    }

    /// A required string. If it is missing, returns an empty string, and [`Check::finish`] fails.
    pub(crate) fn required(&mut self, name: &str, text: &Text) -> &'a str {
        if let Some(value) = self.optional(name, text) {
            return value;
        }
        self.violations.push(format!(
            "Value null at '{}' {FAILED} Member must not be null",
            member(name)
        ));
        ""
    }

    /// An optional string.
    pub(crate) fn optional(&mut self, name: &str, text: &Text) -> Option<&'a str> {
        let value = self.params.get(name)?;
        let length = value.chars().count();
        if length < text.min {
            self.violate(
                name,
                value,
                &format!(
                    "Member must have length greater than or equal to {}",
                    text.min
                ),
            );
        } else if length > text.max {
            self.violate(
                name,
                value,
                &format!("Member must have length less than or equal to {}", text.max),
            );
        }
        if !value.chars().all(text.allowed) {
            match text.own_sentence {
                Some(sentence) => self.own_sentence = Some(sentence),
                None => self.violate(
                    name,
                    value,
                    &format!(
                        "Member must satisfy regular expression pattern: {}",
                        text.pattern
                    ),
                ),
            }
        }
        Some(value)
    }

    /// An optional number from 1 to `max`.
    pub(crate) fn number(&mut self, name: &str, max: usize) -> Option<usize> {
        let value = self.params.get(name)?;
        match value.parse::<usize>() {
            Err(_) | Ok(0) => self.violate(
                name,
                value,
                "Member must have value greater than or equal to 1",
            ),
            Ok(number) if number > max => {
                self.violate(
                    name,
                    value,
                    &format!("Member must have value less than or equal to {max}"),
                );
            }
            Ok(number) => return Some(number),
        }
        None
    }

    /// One of these words. Returns `None` for any other value, and then [`Check::finish`] fails.
    pub(crate) fn one_of<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Option<T> {
        let value = self.params.get(name).unwrap_or_default();
        let found = words.iter().find(|(word, _)| *word == value);
        if found.is_none() {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.violate(
                name,
                value,
                &format!("Member must satisfy enum value set: [{}]", words.join(", ")),
            );
        }
        found.map(|(_, meaning)| *meaning)
    }

    /// Fails with a message that lists all violations.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        match (self.violations.len(), self.own_sentence) {
            (0, None) => Ok(()),
            (0, Some(sentence)) => Err(Failure::validation(sentence)),
            (1, _) => Err(Failure::validation(format!(
                "1 validation error detected: {}",
                self.violations[0]
            ))),
            (n, _) => Err(Failure::validation(format!(
                "{n} validation errors detected: {}",
                self.violations.join("; ")
            ))),
        }
    }

    fn violate(&mut self, name: &str, value: &str, constraint: &str) {
        self.violations.push(format!(
            "Value '{value}' at '{}' {FAILED} {constraint}",
            member(name)
        ));
    }
}

const FAILED: &str = "failed to satisfy constraint:";

/// `userName` for `UserName`.
fn member(name: &str) -> String {
    let mut characters = name.chars();
    characters
        .next()
        .map(|first| first.to_ascii_lowercase())
        .into_iter()
        .chain(characters)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{ACCESS_KEY_ID, Check, USER_NAME};
    use crate::request::Params;

    fn message(pairs: &[(&str, &str)]) -> String {
        let params = Params::from_pairs(pairs);
        let mut check = Check::new(&params);
        check.optional("UserName", &USER_NAME);
        check.required("AccessKeyId", &ACCESS_KEY_ID);
        check
            .finish()
            .map_or_else(|failure| failure.message, |()| String::new())
    }

    #[test]
    fn a_valid_request_passes() {
        assert_eq!(
            message(&[
                ("UserName", "a_+=,.@-Z9"),
                ("AccessKeyId", "AKIDPMS9RO4H3FEXAMPLE")
            ]),
            ""
        );
    }

    #[test]
    fn violations_have_the_messages_of_iam() {
        assert_eq!(
            message(&[("AccessKeyId", "AKIA")]),
            "1 validation error detected: Value 'AKIA' at 'accessKeyId' failed to satisfy constraint: \
             Member must have length greater than or equal to 16"
        );
        assert_eq!(
            message(&[("UserName", "")]),
            "2 validation errors detected: Value '' at 'userName' failed to satisfy constraint: \
             Member must have length greater than or equal to 1; Value null at 'accessKeyId' failed to satisfy \
             constraint: Member must not be null"
        );
        assert_eq!(
            message(&[
                ("UserName", "a b"),
                ("AccessKeyId", "AKIDPMS9RO4H3FEXAMPLE")
            ]),
            "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the \
             following: +=,.@_-"
        );
    }
}

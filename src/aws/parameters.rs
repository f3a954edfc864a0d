//! The parameters of a request that IAM repeats in errors. An error about another key, user or action belongs to another
//! request: a server or a proxy sent the response twice or too late.

use url::form_urlencoded;

/// The action, key and user of a request to IAM.
#[derive(Clone, Debug, Default)]
pub(super) struct Parameters {
    action: String,
    /// The ID of the key.
    pub(super) key: Option<String>,
    user: Option<String>,
}

impl Parameters {
    /// Reads the form of a request.
    pub(super) fn of(body: &[u8]) -> Self {
        let mut parameters = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            match &*name {
                "Action" => parameters.action = value.into_owned(),
                "AccessKeyId" => parameters.key = Some(value.into_owned()),
                "UserName" => parameters.user = Some(value.into_owned()),
                _ => {}
            }
        }
        parameters
    }

    /// Returns what the message of an error is about if it is about another request. The text is a fragment.
    pub(super) fn other_subject(&self, message: &str) -> Option<String> {
        let lower = message.to_ascii_lowercase();
        let (key, user) = (self.key.as_deref(), self.user.as_deref());
        // IAM writes `user nullBob` if it denies the request before it looks up the path of the user.
        let subjects = [
            ("access key with id ", "", key),
            ("on resource: access key ", "", key),
            ("user with name ", "", user),
            ("on resource: user ", "", user),
            ("on resource: arn:", ":user/", user),
            ("not authorized to perform: ", "iam:", Some(&*self.action)),
        ];
        subjects.into_iter().find_map(|(before, part, asked)| {
            let start = lower.find(before)? + before.len();
            let named = lower[start..].split_whitespace().next()?;
            let is_end = |c: char| matches!(c, '.' | ',');
            let asked = asked?.to_ascii_lowercase();
            let is_other = named.contains(part)
                && !named
                    .trim_end_matches(is_end)
                    .ends_with(asked.trim_end_matches(is_end));
            let named = &message[start..start + named.len()];
            is_other.then(|| format!("an error about {named}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOBS: &str = "Action=DeleteAccessKey&Version=2010-05-08&UserName=Bob%2Bx&AccessKeyId=AKIAIOSFODNN7EXAMPLE";

    fn other_subject(form: &str, message: &str) -> Option<String> {
        Parameters::of(form.as_bytes()).other_subject(message)
    }

    #[test]
    fn an_error_about_another_key_or_user_answers_another_request() {
        const OWN: &str = "Action=DeleteAccessKey&AccessKeyId=AKIAIOSFODNN7EXAMPLE";
        const LIST: &str = "Action=ListAccessKeys&UserName=Bob.";
        for (form, message, other) in [
            (
                BOBS,
                "The Access Key with id AKIAIOSFODNN7EXAMPLE cannot be found.",
                "",
            ),
            (
                BOBS,
                "The Access Key with id akiaiosfodnn7example cannot be found",
                "",
            ),
            (
                BOBS,
                "The Access Key with id AKIAI44QH8DHBEXAMPLE cannot be found.",
                "AKIAI44QH8DHBEXAMPLE",
            ),
            (BOBS, "The user with name bob+X cannot be found.", ""),
            (BOBS, "The user with name Alice cannot be found.", "Alice"),
            // The calling user may have this name.
            (OWN, "The user with name Alice cannot be found.", ""),
            (LIST, "The user with name Bob. cannot be found.", ""),
            (LIST, "The user with name Bob cannot be found.", ""),
            (BOBS, "Rate exceeded", ""),
            (BOBS, "Access Key with id", ""),
            (BOBS, "caf\u{e9} \u{130} user with name \u{130}", "\u{130}"),
            ("", "", ""),
        ] {
            let about = (!other.is_empty()).then(|| format!("an error about {other}"));
            assert_eq!(other_subject(form, message), about, "{form} {message}");
        }
    }

    #[test]
    fn a_denial_of_something_else_answers_another_request() {
        const LAST_USE: &str = "Action=GetAccessKeyLastUsed&AccessKeyId=AKIAIOSFODNN7EXAMPLE";
        for (form, denied, other) in [
            (BOBS, "iam:DeleteAccessKey on resource: user Bob+x", ""),
            (
                BOBS,
                "iam:DeleteAccessKey on resource: user nullBob+x with an explicit deny",
                "",
            ),
            (
                BOBS,
                "iam:DeleteAccessKey on resource: user ci/Bob+x because no",
                "",
            ),
            (
                BOBS,
                "iam:DeleteAccessKey on resource: arn:aws:iam::123456789012:user/a/Bob+x",
                "",
            ),
            (
                BOBS,
                "iam:DeleteAccessKey on resource: arn:aws:iam::123456789012:root",
                "",
            ),
            (BOBS, "iam:DeleteAccessKey on resource: *", ""),
            (BOBS, "iam:DeleteAccessKey", ""),
            ("Action=AssumeRole", "sts:AssumeRole on resource: x", ""),
            (
                BOBS,
                "iam:DeleteAccessKey on resource: user Alice because no",
                "Alice",
            ),
            (
                BOBS,
                "iam:DeleteAccessKey on resource: arn:aws-cn:iam::123456789012:user/a/Eve with",
                "aws-cn:iam::123456789012:user/a/Eve",
            ),
            (
                BOBS,
                "iam:ListAccessKeys on resource: user Bob+x",
                "iam:ListAccessKeys",
            ),
            (
                LAST_USE,
                "iam:GetAccessKeyLastUsed on resource: access key AKIAI44QH8DHBEXAMPLE",
                "AKIAI44QH8DHBEXAMPLE",
            ),
        ] {
            let user = "User: arn:aws:iam::123456789012:user/ci";
            let message = format!("{user} is not authorized to perform: {denied}");
            let about = (!other.is_empty()).then(|| format!("an error about {other}"));
            assert_eq!(other_subject(form, &message), about, "{form} {message}");
        }
    }
}

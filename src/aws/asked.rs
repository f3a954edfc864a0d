//! What a request asks about. An error about anything else is the answer to another request, which a server or a proxy
//! sent twice or too late.

use url::form_urlencoded;

/// The subject of a request to IAM, as far as IAM's errors name it.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    action: String,
    key: Option<String>,
    user: Option<String>,
}

impl Asked {
    /// Reads the form of a request.
    pub(super) fn of(body: &[u8]) -> Self {
        let mut asked = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            match &*name {
                "Action" => asked.action = value.into_owned(),
                "AccessKeyId" => asked.key = Some(value.into_owned()),
                "UserName" => asked.user = Some(value.into_owned()),
                _ => {}
            }
        }
        asked
    }

    /// Returns what the message of an error is about if that is not what was asked, as a fragment.
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

    #[test]
    fn an_error_about_something_else_answers_another_request() {
        const BOBS: &str = "Action=DeleteAccessKey&Version=2010-05-08&UserName=Bob%2Bx&AccessKeyId=AKIAIOSFODNN7EXAMPLE";
        const OWN: &str = "Action=DeleteAccessKey&AccessKeyId=AKIAIOSFODNN7EXAMPLE";
        const LIST: &str = "Action=ListAccessKeys&UserName=Bob.";
        let denied = "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: ";
        for (form, message, other) in [
            (
                BOBS,
                "The Access Key with id AKIAIOSFODNN7EXAMPLE cannot be found.",
                None,
            ),
            (
                BOBS,
                "The Access Key with id akiaiosfodnn7example cannot be found",
                None,
            ),
            (
                BOBS,
                "The Access Key with id AKIAI44QH8DHBEXAMPLE cannot be found.",
                Some("an error about AKIAI44QH8DHBEXAMPLE"),
            ),
            (BOBS, "The user with name bob+X cannot be found.", None),
            (
                BOBS,
                "The user with name Alice cannot be found.",
                Some("an error about Alice"),
            ),
            // The calling user may have this name.
            (OWN, "The user with name Alice cannot be found.", None),
            (LIST, "The user with name Bob. cannot be found.", None),
            (LIST, "The user with name Bob cannot be found.", None),
            (
                BOBS,
                &format!("{denied}iam:DeleteAccessKey on resource: user Bob+x"),
                None,
            ),
            (
                BOBS,
                &format!(
                    "{denied}iam:DeleteAccessKey on resource: user nullBob+x with an explicit deny"
                ),
                None,
            ),
            (
                BOBS,
                &format!("{denied}iam:DeleteAccessKey on resource: user ci/Bob+x because no"),
                None,
            ),
            (
                BOBS,
                &format!("{denied}iam:DeleteAccessKey on resource: *"),
                None,
            ),
            (BOBS, &format!("{denied}iam:DeleteAccessKey"), None),
            (
                BOBS,
                &format!("{denied}iam:DeleteAccessKey on resource: user Alice because no"),
                Some("an error about Alice"),
            ),
            (
                BOBS,
                &format!("{denied}iam:ListAccessKeys on resource: user Bob+x"),
                Some("an error about iam:ListAccessKeys"),
            ),
            (
                "Action=GetAccessKeyLastUsed&AccessKeyId=AKIAIOSFODNN7EXAMPLE",
                &format!(
                    "{denied}iam:GetAccessKeyLastUsed on resource: access key AKIAI44QH8DHBEXAMPLE"
                ),
                Some("an error about AKIAI44QH8DHBEXAMPLE"),
            ),
            (
                BOBS,
                &format!(
                    "{denied}iam:DeleteAccessKey on resource: arn:aws:iam::123456789012:user/a/Bob+x"
                ),
                None,
            ),
            (
                BOBS,
                &format!(
                    "{denied}iam:DeleteAccessKey on resource: arn:aws-cn:iam::123456789012:user/a/Eve with"
                ),
                Some("an error about aws-cn:iam::123456789012:user/a/Eve"),
            ),
            (
                BOBS,
                &format!("{denied}iam:DeleteAccessKey on resource: arn:aws:iam::123456789012:root"),
                None,
            ),
            (
                "Action=AssumeRole",
                &format!("{denied}sts:AssumeRole on resource: x"),
                None,
            ),
            (BOBS, "Rate exceeded", None),
            (BOBS, "Access Key with id", None),
            (
                BOBS,
                "caf\u{e9} \u{130} user with name \u{130}",
                Some("an error about \u{130}"),
            ),
            ("", "", None),
        ] {
            let found = Asked::of(form.as_bytes()).other_subject(message);
            assert_eq!(found.as_deref(), other, "{form} {message}");
        }
    }
}

//! Recognizes secrets in text from outside and redacts them. Everything that prints such text uses [`redact`].

use std::borrow::Cow;
use std::ops::Range;

use crate::ident::looks_like_access_key_id;
use crate::known_secret;
use crate::unescape;

/// Replaces a secret in messages.
pub(crate) const REDACTED: &str = "(not shown)";

/// The length of a secret access key. Session tokens and API keys are longer.
const MIN_SECRET: usize = 40;

/// More breaks than this in 40 characters do not occur in words. Of 60 million random strings, 21 had this many or
/// fewer.
const MAX_BREAKS: usize = 5;

/// The prefix of an Amazon Bedrock API key.
const BEDROCK_PREFIX: &str = "ABSK";
/// The minimum length of an Amazon Bedrock API key.
const MIN_BEDROCK_KEY: usize = BEDROCK_PREFIX.len() + 109;

/// Replaces the secrets of the run and everything that may be a secret by [`REDACTED`]: 40 or more base64 characters in a row
/// that are neither hexadecimal nor words, however they are escaped. If dots, dashes or underscores connect them to more of the
/// same token, the whole token is replaced.
pub(crate) fn redact(text: &str) -> Cow<'_, str> {
    if !is_long(text) && !known_secret::may_be_in(text) {
        return Cow::Borrowed(text);
    }
    unescape::redact(text, |text| {
        [find_secrets(text), known_secret::find_in(text)].concat()
    })
}

/// Whether a text is long enough for something that may be a secret, which contains no whitespace.
fn is_long(text: &str) -> bool {
    let mut words = text.split_ascii_whitespace();
    words.any(|word| word.len() >= MIN_SECRET)
}

/// Finds everything in a text that may be a secret.
fn find_secrets(text: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    for token in text.split(|byte| !is_token(*byte)) {
        let end = start + token.len();
        if is_secret(token) {
            let padding = text[end..].iter().take_while(|byte| **byte == b'=');
            found.push(start..end + padding.count());
        }
        start = end + 1;
    }
    found
}

/// Whether something in the text may be a secret by its shape.
pub(crate) fn has_secret(text: &str) -> bool {
    is_long(text) && matches!(unescape::redact(text, find_secrets), Cow::Owned(_))
}

/// Whether the text is an Amazon Bedrock API key, which is a service-specific credential.
pub(crate) fn is_bedrock_key(text: &str) -> bool {
    text.trim().starts_with(BEDROCK_PREFIX) && has_secret(text)
}

/// Returns what is wrong with an access key ID and its secret access key, as a fragment that shows neither of them.
pub(crate) fn wrong_pair(id: &str, secret: &str) -> Option<&'static str> {
    // No access key ID has the length of a secret access key.
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || "+/".contains(c);
    let is_whole_secret = id.len() == 40 && id.chars().all(is_base64);
    match (
        is_whole_secret || has_secret(id),
        looks_like_access_key_id(secret),
    ) {
        (true, true) => Some("the access key ID and the secret access key are swapped"),
        (true, false) => Some("the access key ID looks like a secret access key"),
        (false, true) => Some("the secret access key looks like an access key ID"),
        (false, false) => None,
    }
}

/// Whether a byte belongs to base64, to its URL-safe form, or connects the parts of a token.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_.%".contains(&byte)
}

fn is_secret(token: &[u8]) -> bool {
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    let runs = token.split(|byte| !is_base64(*byte));
    let mut runs = runs.filter_map(|run| std::str::from_utf8(run).ok());
    token.len() >= MIN_SECRET && runs.any(looks_like_secret)
}

/// Whether base64 characters in a row may be, or contain, a secret.
fn looks_like_secret(run: &str) -> bool {
    if let Some(at) = run.find(BEDROCK_PREFIX)
        && run.len() - at >= MIN_BEDROCK_KEY
    {
        return true;
    }
    if run.len() < MIN_SECRET {
        return false;
    }
    let (bytes, breaks) = (run.as_bytes(), breaks(run));
    let kinds = |at: usize| {
        let byte: u8 = bytes[at];
        let (capital, small) = (byte.is_ascii_uppercase(), byte.is_ascii_lowercase());
        [capital.into(), small.into(), breaks[at]]
    };
    // The uppercase letters, the lowercase letters and the breaks of the last 40 characters.
    let mut counts = [0; 3];
    (0..run.len()).any(|at| {
        for (count, kind) in counts.iter_mut().zip(kinds(at)) {
            *count += kind;
        }
        if at >= MIN_SECRET {
            for (count, kind) in counts.iter_mut().zip(kinds(at - MIN_SECRET)) {
                *count -= kind;
            }
        }
        let [capitals, small, breaks] = counts;
        // A random string almost never lacks uppercase or lowercase letters: one in a billion does.
        at + 1 >= MIN_SECRET && capitals > 0 && small > 0 && breaks > MAX_BREAKS
    })
}

/// Counts the breaks between words at each character. There is none at a word of three or more letters, which may
/// start with an uppercase letter, at `/`, or at an access key ID between two slashes. An abbreviation, a number or a
/// word that nobody can pronounce counts as two breaks, and a shorter word as one break per letter.
fn breaks(run: &str) -> Vec<usize> {
    let mut breaks = vec![0; run.len()];
    let mut at = 0;
    for part in run.split_inclusive('/') {
        let end = at + part.len();
        let part = part.trim_end_matches('/');
        let mut rest = part.as_bytes();
        if looks_like_access_key_id(part) {
            rest = &[];
        }
        while !rest.is_empty() {
            let capitals = count(rest, u8::is_ascii_uppercase);
            let small = count(&rest[capitals..], u8::is_ascii_lowercase);
            let digits = count(rest, u8::is_ascii_digit);
            // The last uppercase letter belongs to the word that follows: `AWSConfig`.
            let word = if small == 0 {
                0
            } else {
                small + capitals.min(1)
            };
            let has_abbreviation = capitals + small > word;
            let is_short = (1..3).contains(&word);
            let letters = &rest[capitals + small - word..capitals + small];
            breaks[at] = 2 * usize::from(has_abbreviation)
                + if is_short {
                    word
                } else {
                    2 * usize::from(!is_pronounceable(letters))
                };
            if capitals + small == 0 {
                breaks[at] = if digits > 0 { 2 } else { 1 };
            }
            let length = (capitals + small).max(digits).max(1);
            rest = &rest[length..];
            at += length;
        }
        at = end;
    }
    breaks
}

/// Whether letters have vowels, and fewer than five consonants in a row. No letters at all do.
fn is_pronounceable(letters: &[u8]) -> bool {
    let is_vowel = |letter: &u8| b"aeiouy".contains(&letter.to_ascii_lowercase());
    let mut clusters = letters.split(is_vowel);
    letters.is_empty() || letters.iter().any(is_vowel) && clusters.all(|cluster| cluster.len() < 5)
}

fn count(bytes: &[u8], is_one: fn(&u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| is_one(byte)).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop_oneof, proptest};

    use super::*;
    use crate::fuzz::tests::cases;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    const ID: &str = "AKIAIOSFODNN7EXAMPLE";

    #[test]
    fn a_secret_is_masked_wherever_it_appears() {
        for (before, after) in [
            ("", ""),
            ("'", "'"),
            ("\"", "\","),
            ("=", ""),
            ("", ";"),
            ("Bob:", ""),
            ("Bob,", ",Bob"),
            ("AKIAIOSFODNN7EXAMPLE ", ""),
            ("AKIAIOSFODNN7EXAMPLE\t", "\r\n"),
            ("AKIAIOSFODNN7EXAMPLE:", "@host"),
            ("AWS_SECRET_ACCESS_KEY=", "\nAWS_REGION=us-east-1"),
            ("aws_secret_access_key = ", " # of Bob"),
            ("{\"SecretAccessKey\":\"", "\"}"),
            ("--profile=", ""),
            ("\u{e9}", "\u{e9}"),
            ("(", ")"),
        ] {
            let redacted = format!("{before}(not shown){after}");
            assert_eq!(redact(&format!("{before}{SECRET}{after}")), redacted);
        }
        let twice = format!("{SECRET} {SECRET}");
        assert_eq!(redact(&twice), "(not shown) (not shown)");
    }

    /// Otherwise the text that is printed would have something else to mask than the text that was read.
    #[test]
    fn a_secret_after_an_invisible_character_is_masked() {
        let words = "x".repeat(60);
        let secret = format!("{}QDx", "x".repeat(38));
        for escape in ["", "%2F"] {
            let redacted = redact(&format!("{words}\0{secret}{escape}")).into_owned();
            assert!(!redacted.contains("QDx"), "{redacted}");
        }
    }

    #[test]
    fn a_secret_within_a_longer_token_is_masked() {
        let bedrock = format!("ABSK{}", "QmVkcm9ja0FQSUtleS1hYmNk".repeat(5));
        for text in [
            format!("x{SECRET}"),
            format!("{SECRET}x"),
            format!("{ID}/{SECRET}"),
            format!("{ID}_{SECRET}"),
            format!("/tmp/{SECRET}.json"),
            format!("--{SECRET}"),
            SECRET.replace('/', "%2F"),
            SECRET.replace('/', "\\/"),
            SECRET.replace('/', "%252F"),
            SECRET.replace('/', "&#x2F;"),
            SECRET.replace('/', "&amp;sol;"),
            SECRET.replace("FEMI", "FE\u{200b}MI"),
            "aB3".repeat(14),
            "CANARYsecretCANARYsecretCANARYsecret0123".to_owned(),
            // One in 2,000 secrets of letters alone has as few breaks between syllables as words have.
            "NnQrwRxfKnbDvqfbOoayPyxPgrFhogmyTddsffAq".to_owned(),
            "DmsQpaytQkfWninBnIxphakVqLhneasqKexnAcxx".to_owned(),
            "IQoJb3JpZ2luX2VjEMv//////////wEaCXVzLWVhc3QtMSJHMEUCIQDx==".to_owned(),
            "FwoGZXIvYXdzEBYaDHVtZ2l2ZW4gYSBzZWNyZXQgdG9rZW4=".to_owned(),
            "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkJvYiJ9.a-b_c"
                .to_owned(),
            format!("ABSK{}", "A".repeat(116)),
            bedrock,
        ] {
            assert_eq!(redact(&text), REDACTED, "{text}");
        }
        assert!(is_bedrock_key(&format!("ABSK{}", "A".repeat(116))));
        assert!(!is_bedrock_key(SECRET) && !is_bedrock_key("ABSKIOSFODNN7EXAMPLE"));
    }

    #[test]
    fn other_text_is_shown() {
        for text in [
            "",
            "Bob",
            ID,
            "AKIDPMS9RO4H3FEXAMPLE",
            "the key AKIAIOSFODNN7EXAMPLE is not Bob's",
            "deploy-user-for-production-environment-service-1",
            "DeployUserForTheProductionEnvironmentService",
            "svc_DatabaseMigrationRunnerForTheBillingSystem+Blue",
            "/Users/JSmith/Documents/security/2026/access/plans/november.jsonl",
            "SecurityAuditAutomationServiceAccountForAWSConfig2024",
            "HttpDnsGatewayMonitoringServiceForTheEuropeanTeam",
            "StrengthsAndWeaknessesOfEncryptionServiceAccounts",
            "PipelineDeploymentUserProductionAccessService7",
            "/home/runner/work/infrastructure/infrastructure/keys/list.csv",
            "/journals/AKIAIOSFODNN7EXAMPLE/deleted/November",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3",
            "arn:aws:iam::123456789012:role/AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy",
            "01234567-89ab-cdef-0123-456789abcdef",
            "0000000000000000000000000000000000000000",
            "ABSKIOSFODNN7EXAMPLE",
            REDACTED,
        ] {
            assert_eq!(redact(text), text);
        }
        let longest = "A".repeat(128);
        assert_eq!(redact(&longest), longest);
        // One character shorter than a secret.
        assert_eq!(redact(&SECRET[1..]), SECRET[1..]);
    }

    #[test]
    fn a_wrong_pair_is_recognized() {
        assert_eq!(wrong_pair(ID, SECRET), None);
        assert_eq!(wrong_pair("test", "test"), None);
        for (id, secret, says) in [
            (SECRET, ID, "swapped"),
            (
                SECRET,
                SECRET,
                "the access key ID looks like a secret access key",
            ),
            (ID, ID, "the secret access key looks like an access key ID"),
        ] {
            let wrong = wrong_pair(id, secret).expect("a wrong pair");
            assert!(wrong.contains(says), "{wrong}");
        }
    }

    fn secret() -> impl Strategy<Value = String> {
        prop_oneof!["[A-Za-z0-9/+]{40}", "[A-Za-z0-9/+]{41,400}={0,2}"]
    }

    proptest! {
        #![proptest_config(cases(500))]

        #[test]
        fn no_part_of_a_random_secret_appears(
            secret in secret(),
            before in "\\PC{0,20}|[A-Za-z0-9/+=]{0,30}|.{0,60}",
            after in "\\PC{0,20}|[A-Za-z0-9/+=]{0,30}|.{0,60}",
        ) {
            // The surrounding text may contain a part of the secret, but only where it is redacted too.
            let redacted = redact(&format!("{before}{secret}{after}")).into_owned();
            for part in secret.as_bytes().windows(12) {
                let part = std::str::from_utf8(part).expect("ASCII");
                assert!(!redacted.contains(part), "{part} in {redacted}");
            }
            assert_eq!(redact(&redacted), redacted.as_str());
        }

        #[test]
        fn no_access_key_id_is_masked(id in "AKIA[A-Z2-7]{16}", other in any::<char>()) {
            assert_eq!(redact(&id), id.as_str());
            let text = format!("{other} {id}, {other}");
            assert_eq!(redact(&text), text);
        }
    }
}

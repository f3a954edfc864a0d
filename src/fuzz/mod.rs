//! Fuzz targets: what must be true whatever the bytes are, for everything that reads input from outside. A target is a
//! function of bytes, next to the code that it checks. `cargo test --lib fuzz` replays the corpus and tries random bytes;
//! `tests/fuzz/run` runs a target under libFuzzer.

mod arguments;
mod escape;

use crate::sanitize::is_unprintable;

/// A target and what it checks.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 12] = [
    ("arguments", arguments::check),
    ("escape", escape::check),
    ("input", crate::input::fuzz::check),
    ("journal", crate::journal::fuzz::check),
    ("list", crate::aws::fuzz::list),
    ("mfa", crate::aws::fuzz::mfa),
    ("process", crate::aws::fuzz::process),
    ("reply", crate::aws::fuzz::reply),
    ("report", crate::select::credential_report::fuzz::check),
    ("settings", crate::aws::fuzz::settings),
    ("sso", crate::aws::fuzz::sso),
    ("sts", crate::aws::fuzz::sts),
];

/// A message is safe to show and not endless.
pub(crate) fn check_message(text: &str, longest: usize) {
    let steers = |c: char| is_unprintable(c) && c != '\n';
    assert!(!text.contains(steers), "it steers: {text:?}");
    assert!(text.len() <= longest, "{} bytes: {text:?}", text.len());
}

#[cfg(test)]
pub(crate) mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt as _;
    use std::path::PathBuf;

    use proptest::collection::vec;
    use proptest::prelude::{Just, ProptestConfig, Strategy, any, proptest};
    use proptest::sample::{Index, select};
    use proptest::strategy::Union;
    use proptest::test_runner::TestRunner;

    use super::{TARGETS, check_message};
    use crate::ident::{AccessKeyId, AccountId, UserName, looks_like_access_key_id};
    use crate::sanitize::Invalid;

    /// So many cases, unless the environment variable `PROPTEST_CASES` says otherwise.
    pub(crate) fn cases(number: u32) -> ProptestConfig {
        let given = std::env::var("PROPTEST_CASES").ok();
        ProptestConfig {
            cases: given.map_or(number, |given| given.parse().expect("a number")),
            failure_persistence: None,
            ..ProptestConfig::default()
        }
    }

    pub(crate) fn corpus(target: &str) -> Vec<Vec<u8>> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let folder = root.join("tests/fuzz/corpus").join(target);
        let files = fs::read_dir(folder).expect("a corpus");
        let mut paths: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
        paths.sort();
        assert!(!paths.is_empty(), "{target} has no corpus");
        paths
            .iter()
            .map(|path| fs::read(path).expect("a file"))
            .collect()
    }

    #[test]
    fn the_corpus_is_replayed() {
        for (name, check) in TARGETS {
            for bytes in corpus(name) {
                check(&bytes);
            }
        }
    }

    /// Checks texts, and random bytes that are made of them.
    pub(crate) fn check_like(texts: &[&str], check: fn(&[u8])) {
        let texts: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
        for text in &texts {
            check(text);
        }
        run("texts", cases(4_000), texts, check);
    }

    fn run(name: &str, config: ProptestConfig, corpus: Vec<Vec<u8>>, check: fn(&[u8])) {
        let result = TestRunner::new(config).run(&bytes(corpus), |bytes| {
            check(&bytes);
            Ok(())
        });
        result.unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    /// Bytes made of pieces of a corpus, of bytes that mean something, and of any.
    fn bytes(corpus: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
        let pieces = (select(corpus.clone()), any::<Index>(), any::<Index>()).prop_map(
            |(seed, from, to)| {
                let (from, to) = (from.index(seed.len() + 1), to.index(seed.len() + 1));
                seed[from.min(to)..from.max(to)].to_vec()
            },
        );
        let meaning = [
            "\n",
            "\r\n",
            "\"",
            "\\",
            ",",
            ";",
            "\t",
            "#",
            "{",
            "}",
            "[",
            "]",
            ":",
            "<",
            ">",
            "&",
            "=",
            "%",
            "\0",
            "\u{1b}[2J",
            "\u{202e}",
            "\u{feff}",
            "é",
            "\u{1d7d8}",
        ];
        let meaning = select(meaning.map(|text| text.as_bytes().to_vec()).to_vec());
        let piece = Union::new([
            pieces.boxed(),
            select(corpus).boxed(),
            meaning.boxed(),
            vec(any::<u8>(), 0..8).boxed(),
            Just(b"AKIDPMS9RO4H3FEXAMPLE".to_vec()).boxed(),
        ]);
        vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    #[test]
    fn whatever_the_bytes_are() {
        // These make calls with the SDK, or read a long text several times.
        const SLOW: [&str; 4] = ["list", "report", "sso", "sts"];
        for (name, check) in TARGETS {
            let mut config = cases(4_000);
            if SLOW.contains(&name) {
                config.cases /= 8;
            }
            run(name, config, corpus(name), check);
        }
    }

    /// An accepted ID or name satisfies IAM's documented rule and is not changed.
    #[test]
    fn ids_and_names_keep_to_the_rule_whatever_the_bytes_are() {
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        let bedrock = format!("ABSK{}", "A".repeat(116));
        let texts = [
            "AKIARZPUZDIKGB2VALC4",
            "arn:aws:iam::123456789012:user/Bob",
            &bedrock,
            "AKIDPMS9RO4H3FEXAMPLE",
            "_+=,.@-",
            secret,
            &format!("x{secret}"),
            "ASIAY34FZKBOKMUTVV7A",
            "AIAS6SY34FZKBOKMUTVA",
        ];
        check_like(&texts, check_ident);
    }

    /// The rule of the API reference for an access key ID.
    fn is_id(text: &str) -> bool {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        (16..=128).contains(&text.len()) && text.bytes().all(is_allowed)
    }

    /// The rule of the API reference for a user name.
    fn is_name(text: &str) -> bool {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
        (1..=128).contains(&text.len()) && text.bytes().all(is_allowed)
    }

    fn check_ident(bytes: &[u8]) {
        let value = OsStr::from_bytes(bytes);
        match AccessKeyId::parse(value) {
            Ok(id) => {
                assert_eq!(id.as_str().as_bytes(), bytes);
                assert!(is_id(id.as_str()));
                let json = serde_json::to_string(&id).expect("JSON");
                assert_eq!(serde_json::from_str::<AccessKeyId>(&json).expect("it"), id);
                check_account(id.account());
            }
            Err(invalid) => check_refusal(&invalid),
        }
        match UserName::parse(value) {
            Ok(name) => {
                assert_eq!(name.as_str().as_bytes(), bytes);
                assert!(is_name(name.as_str()));
                let json = serde_json::to_string(&name).expect("JSON");
                let read: UserName = serde_json::from_str(&json).expect("it");
                assert_eq!(read.as_str(), name.as_str());
            }
            Err(invalid) => check_refusal(&invalid),
        }
        let text = String::from_utf8_lossy(bytes);
        check_account(AccessKeyId::account_of(&text));
        assert!(!looks_like_access_key_id(&text) || is_id(&text));
        if let Err(invalid) = text.parse::<AccountId>() {
            check_refusal(&invalid);
        }
    }

    fn check_account(account: Option<AccountId>) {
        if let Some(account) = account {
            let text = account.to_string();
            assert!(
                text.len() == 12 && text.parse::<AccountId>().is_ok(),
                "{text}"
            );
        }
    }

    fn check_refusal(invalid: &Invalid) {
        check_message(&invalid.to_string(), 400);
        check_message(&invalid.value, 40 * 10 + 40);
    }

    proptest! {
        #![proptest_config(cases(4_000))]

        /// Written down a second time, the other way: an account and other bits make an ID, which says the account.
        #[test]
        fn the_account_comes_out_of_an_id_as_it_went_in(
            account in 0..1_000_000_000_000_u64,
            low in 0..1_u128 << 39,
        ) {
            let bits = 1 << 79 | u128::from(account) << 39 | low;
            let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
            let encoded = (0..16).rev().map(|place| {
                let digit = (bits >> (5 * place)) & 31;
                char::from(digits[usize::try_from(digit).expect("five bits")])
            });
            let id: String = "AKIA".chars().chain(encoded).collect();
            let found = AccessKeyId::account_of(&id).expect("an account");
            assert_eq!(found.to_string(), format!("{account:012}"), "{id}");
        }
    }
}

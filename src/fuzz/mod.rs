//! Fuzz targets: what must be true whatever the bytes are, for everything that reads input from outside. A target is a
//! function of bytes, next to the code that it checks. `cargo test --lib fuzz` replays the corpus and tries random bytes;
//! `tests/fuzz/run` runs a target under libFuzzer.

mod age;
mod arguments;
mod escape;
mod ident;

pub(crate) use crate::report::run_error;
use crate::sanitize::is_unprintable;

/// A target and what it checks.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 14] = [
    ("age", age::check),
    ("arguments", arguments::check),
    ("escape", escape::check),
    ("ident", ident::check),
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
    use std::fs;
    use std::path::PathBuf;

    use proptest::collection::vec;
    use proptest::prelude::{Just, ProptestConfig, Strategy, any};
    use proptest::sample::{Index, select};
    use proptest::strategy::Union;
    use proptest::test_runner::TestRunner;

    use super::TARGETS;

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
            let result = TestRunner::new(config).run(&bytes(corpus(name)), |bytes| {
                check(&bytes);
                Ok(())
            });
            result.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}

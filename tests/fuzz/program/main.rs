//! The program for libFuzzer. It runs the target in the environment variable `TARGET`.

#![no_main]

use std::sync::OnceLock;

use iam_del_key::fuzz::TARGETS;

/// The check function of the selected target.
fn check() -> fn(&[u8]) {
    static CHECK: OnceLock<fn(&[u8])> = OnceLock::new();
    *CHECK.get_or_init(|| {
        let named = std::env::var("TARGET").unwrap_or_default();
        let found = TARGETS.iter().find(|(name, _)| *name == named);
        found
            .unwrap_or_else(|| panic!("unknown TARGET: {named:?}"))
            .1
    })
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check()(bytes));

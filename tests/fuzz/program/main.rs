//! The product's modules under libFuzzer, one target at a time: the one that the environment variable TARGET names.

#![no_main]
#![expect(
    dead_code,
    unused_imports,
    reason = "most of the product is not asked for here"
)]

#[path = "../../../src/age.rs"]
mod age;
#[path = "../../../src/apart.rs"]
mod apart;
#[path = "../../../src/aws/mod.rs"]
mod aws;
#[path = "../../../src/batch/mod.rs"]
mod batch;
#[path = "../../../src/metadata.rs"]
mod metadata;
#[path = "../../../src/change.rs"]
mod change;
#[path = "../../../src/cli/mod.rs"]
mod cli;
#[path = "../../../src/command_line.rs"]
mod command_line;
#[path = "../../../src/complete/mod.rs"]
mod complete;
#[path = "../../../src/conclude.rs"]
mod conclude;
#[path = "../../../src/condition/mod.rs"]
mod condition;
#[path = "../../../src/confirm.rs"]
mod confirm;
#[path = "../../../src/sanitize.rs"]
mod sanitize;
#[path = "../../../src/error.rs"]
mod error;
#[path = "../../../src/guard.rs"]
mod guard;
#[path = "../../../src/ident.rs"]
mod ident;
#[path = "../../../src/input/mod.rs"]
mod input;
#[path = "../../../src/instead.rs"]
mod instead;
#[path = "../../../src/journal/mod.rs"]
mod journal;
#[path = "../../../src/locate.rs"]
mod locate;
#[path = "../../../src/log.rs"]
mod log;
#[path = "../../../src/memory.rs"]
mod memory;
#[path = "../../../src/outcome.rs"]
mod outcome;
#[path = "../../../src/query.rs"]
mod query;
#[path = "../../../src/unescape.rs"]
mod unescape;
#[path = "../../../src/report/mod.rs"]
mod report;
#[path = "../../../src/request.rs"]
mod request;
#[path = "../../../src/secret.rs"]
mod secret;
#[path = "../../../src/select/mod.rs"]
mod select;
#[path = "../../../src/signal.rs"]
mod signal;
#[path = "../../../src/csv_line.rs"]
mod csv_line;
#[path = "../../../src/spill.rs"]
mod spill;
#[path = "../../../src/summary.rs"]
mod summary;
#[path = "../target/mod.rs"]
mod target;

use std::sync::OnceLock;

/// The check of the target that is named.
fn check() -> fn(&[u8]) {
    static CHECK: OnceLock<fn(&[u8])> = OnceLock::new();
    *CHECK.get_or_init(|| {
        let named = std::env::var("TARGET").unwrap_or_default();
        let found = target::TARGETS.iter().find(|(name, _)| *name == named);
        found
            .unwrap_or_else(|| panic!("TARGET names no target: {named:?}"))
            .1
    })
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check()(bytes));

//! The program. Everything is in the library, which tests and fuzzers link too.

use std::process::ExitCode;

fn main() -> ExitCode {
    iam_del_key::main()
}

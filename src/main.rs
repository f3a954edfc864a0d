//! The program. Everything is in the library, which tests and fuzzers link too.

use std::process::ExitCode;

/// musl's own allocator asks the kernel for memory at almost every allocation.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    iam_del_key::main()
}

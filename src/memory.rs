//! What is in memory stays there: a crash leaves no file that holds a secret.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Turns core dumps off, and lets no other program of the user look into this one's memory. Where the system does not let
/// it, the run goes on without.
pub(crate) fn keep() {
    let limit = Rlimit {
        current: Some(0),
        ..getrlimit(Resource::Core)
    };
    let _ = setrlimit(Resource::Core, limit);
    // A program that takes the dump, as many systems have one, is not held back by the limit.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

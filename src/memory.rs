//! Protects the memory of the process, and reserves enough of it to report what happened to a key.

use std::collections::TryReserveError;
use std::sync::Mutex;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::lock::lock;

/// Disables core dumps, and keeps other programs of the user from reading the memory of this process. Errors are
/// ignored: the run works without this protection.
pub(crate) fn disable_core_dumps() {
    let limit = Rlimit {
        current: Some(0),
        ..getrlimit(Resource::Core)
    };
    let _ = setrlimit(Resource::Core, limit);
    // The limit has no effect if another program collects the dump, as on many systems.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// The memory that a response, its result and the writer threads may need, in bytes.
const RESERVE_SIZE: usize = 1 << 20;

static RESERVE: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Reserves memory for handling the response before the request is sent. Otherwise a process at its memory limit could
/// be killed after it received the response.
///
/// # Errors
///
/// There is not enough memory.
pub(crate) fn reserve() -> Result<(), TryReserveError> {
    lock(&RESERVE).try_reserve_exact(RESERVE_SIZE)
}

/// Releases the reserved memory, because the request is being sent.
pub(crate) fn release_reserve() {
    *lock(&RESERVE) = Vec::new();
}

//! The memory of the process: it stays private, and there is enough of it to say what became of a key.

use std::collections::TryReserveError;
use std::sync::{Mutex, PoisonError};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Turns core dumps off, and lets no other program of the user look into this one's memory. Where the system does not let
/// it, the run goes on without.
pub(crate) fn disable_core_dumps() {
    let limit = Rlimit {
        current: Some(0),
        ..getrlimit(Resource::Core)
    };
    let _ = setrlimit(Resource::Core, limit);
    // A program that takes the dump, as many systems have one, is not held back by the limit.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// How much memory a response, its result and the threads that write it may need, in bytes.
const RESERVE_SIZE: usize = 1 << 20;

static RESERVE: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Sets memory aside for what comes after the next request has left. Without it a process that may not have more memory would
/// be killed with the response in hand.
///
/// # Errors
///
/// There is not as much.
pub(crate) fn reserve() -> Result<(), TryReserveError> {
    let mut reserved = RESERVE.lock().unwrap_or_else(PoisonError::into_inner);
    reserved.try_reserve_exact(RESERVE_SIZE)
}

/// Gives back what was set aside: a request leaves now.
pub(crate) fn release_reserve() {
    let mut reserved = RESERVE.lock().unwrap_or_else(PoisonError::into_inner);
    *reserved = Vec::new();
}

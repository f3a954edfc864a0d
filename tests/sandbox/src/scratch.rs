//! Temporary files that are removed when they are dropped.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// A file in the system's directory for temporary files.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Creates a file with this content and a name that ends in `suffix`.
    pub(crate) fn new(suffix: &str, content: &[u8]) -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir()
                .join(format!("iam-sandbox-{}-{count}-{suffix}", process::id()));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                // A killed process with the same ID left this file behind.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => (),
                Err(error) => return Err(error),
                Ok(mut file) => {
                    let scratch = Self { path };
                    file.write_all(content)?;
                    return Ok(scratch);
                }
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The file may already be gone.
        let _gone = fs::remove_file(&self.path);
    }
}

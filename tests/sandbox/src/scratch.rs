//! Temporary files, removed when they are dropped.

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
    /// A new file with this content, whose name ends in `suffix`.
    pub(crate) fn new(suffix: &str, content: &[u8]) -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir()
                .join(format!("iam-sandbox-{}-{count}-{suffix}", process::id()));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                // Left by a process that had the same ID and was killed.
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
        // If it is already gone, so much the better.
        let _gone = fs::remove_file(&self.path);
    }
}

//! Files that hold one token or one session. Anything else, such as a named pipe or a device, would block the run or never
//! end.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// The longest of these files, in bytes.
const LONGEST: u64 = 1 << 20;

/// Reads a whole file.
///
/// # Errors
///
/// It is not there, not a regular file, too long, or cannot be read.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Before it is opened: to open a named pipe waits for a writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?
        .take(LONGEST + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return Err(io::Error::other("it is longer than 1 MiB"));
    }
    Ok(bytes)
}

/// Reads a whole file of UTF-8 text.
///
/// # Errors
///
/// As `read`, or it is not UTF-8.
pub(super) fn read_text(path: &Path) -> io::Result<String> {
    let not_text = |_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text");
    String::from_utf8(read(path)?).map_err(not_text)
}

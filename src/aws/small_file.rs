//! Reads whole files: settings, certificates, tokens and sessions. Anything but a regular file, such as a named pipe
//! or a device, could block the run or never end.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// Reads a file of at most `max_mib` MiB.
///
/// # Errors
///
/// The file does not exist, is not a regular file, is too large, or cannot be read.
pub(super) fn read(path: &Path, max_mib: usize) -> io::Result<Vec<u8>> {
    // Checked first, because opening a named pipe waits for a writer.
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let max_bytes = max_mib << 20;
    let length = usize::try_from(metadata.len()).unwrap_or_default();
    let mut bytes = Vec::with_capacity(length.min(max_bytes) + 1);
    File::open(path)?
        .take(max_bytes as u64 + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() > max_bytes {
        return Err(io::Error::other(format!("it is longer than {max_mib} MiB")));
    }
    Ok(bytes)
}

/// Reads a UTF-8 file that contains a token.
///
/// # Errors
///
/// See `read`, or the file is not UTF-8.
pub(super) fn read_token(path: &Path) -> io::Result<String> {
    let not_text = |_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text");
    String::from_utf8(read(path, 1)?).map_err(not_text)
}

//! Digests, and secrets and identifiers that are derived from strings. The same input always gives the same output.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

const SECRET_ALPHABET: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

pub(crate) fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// A secret access key: 40 characters.
pub(crate) fn secret(of: &str) -> String {
    letters(&format!("secret of {of}"), 40)
}

/// A session token, with the length of AWS's tokens.
pub(crate) fn token(of: &str) -> String {
    letters(&format!("token of {of}"), 356)
}

/// A request ID in UUID format.
pub(crate) fn uuid(serial: u64) -> String {
    let high = mix(serial);
    let low = mix(high ^ serial);
    let node = low & 0xffff_ffff_ffff;
    let variant = 0x8000 | ((low >> 48) & 0x3fff);
    format!(
        "{:08x}-{:04x}-4{:03x}-{variant:04x}-{node:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff
    )
}

fn letters(of: &str, count: usize) -> String {
    let blocks = (0_u32..).flat_map(|block| Sha256::digest(format!("{block} {of}")));
    blocks
        .take(count)
        .map(|byte| char::from(SECRET_ALPHABET[usize::from(byte & 63)]))
        .collect()
}

/// Pseudorandom numbers that are derived from a string.
#[derive(Debug)]
pub(crate) struct Draw {
    state: u64,
}

impl Draw {
    pub(crate) fn new(of: &str) -> Self {
        let digest = Sha256::digest(of);
        let state = digest.iter().take(8);
        Self {
            state: state.fold(0, |number, byte| (number << 8) | u64::from(*byte)),
        }
    }

    /// A number from 0 to `count` - 1.
    pub(crate) fn below(&mut self, count: u64) -> u64 {
        self.state = mix(self.state);
        self.state % count
    }

    /// The index of one of `count` items.
    pub(crate) fn choice(&mut self, count: u8) -> usize {
        usize::from(self.byte() % count)
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.below(256).to_le_bytes()[0]
    }
}

/// One round of the splitmix64 generator.
const fn mix(serial: u64) -> u64 {
    let z = serial.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::{secret, sha256_hex, token, uuid};

    #[test]
    fn derived_strings_have_the_format_of_aws() {
        assert_eq!(secret("a").len(), 40);
        assert_ne!(secret("a"), secret("b"));
        assert_eq!(token("a").len(), 356);
        let id = uuid(1);
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
        assert_ne!(uuid(1), uuid(2));
    }

    #[test]
    fn a_digest_is_lower_case_hexadecimal() {
        assert_eq!(
            sha256_hex(b""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}

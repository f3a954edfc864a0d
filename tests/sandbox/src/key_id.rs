//! Access key IDs: extracts the account from an ID, and makes IDs for an account.

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// This bit is set in IDs that contain their account.
const CARRIES_ACCOUNT: u128 = 1 << 79;
const ACCOUNT_SHIFT: u32 = 39;
const SERIAL_MASK: u64 = (1 << ACCOUNT_SHIFT) - 1;

/// The ID for this prefix, account and serial number. It is deterministic, and unique for each account and serial
/// number below 2^39.
pub(crate) fn make(prefix: &str, account: &str, serial: u64) -> String {
    let account: u128 = account.parse().unwrap_or(0);
    // Multiplying by an odd number permutes the serial numbers, so that consecutive IDs look different.
    let scattered = serial.wrapping_mul(0x9E37_79B9_7F4A_7C15) & SERIAL_MASK;
    let bits = CARRIES_ACCOUNT | (account << ACCOUNT_SHIFT) | u128::from(scattered);
    let letters = (0..16).rev().map(|place| {
        let five = usize::try_from((bits >> (place * 5)) & 31).unwrap_or(0);
        char::from(ALPHABET[five])
    });
    prefix.chars().chain(letters).collect()
}

/// The 12-digit account that an access key ID belongs to, if the ID contains it.
#[must_use]
pub fn account_of(id: &str) -> Option<String> {
    if id.len() != 20 || !id.is_ascii() {
        return None;
    }
    let mut bits: u128 = 0;
    for letter in id.bytes().skip(4) {
        let five = ALPHABET.iter().position(|&known| known == letter)?;
        bits = (bits << 5) | u128::try_from(five).ok()?;
    }
    if bits & CARRIES_ACCOUNT == 0 {
        return None;
    }
    let account = (bits & (CARRIES_ACCOUNT - 1)) >> ACCOUNT_SHIFT;
    Some(format!("{account:012}"))
}

#[cfg(test)]
mod tests {
    use super::{account_of, make};

    #[test]
    fn an_id_contains_its_account() {
        for (id, account) in [
            ("ASIAY34FZKBOKMUTVV7A", Some("609629065308")),
            ("ASIAQNZGKIQY56JQ7WML", Some("029608264753")),
            ("AKIARZPUZDIKGB2VALC4", Some("123456789012")),
            ("ASIAQAAAAAAAGMKEM7X5", Some("000000000000")),
            ("AKIAIOSFODNN7EXAMPLE", None),
            ("AKIDPMS9RO4H3FEXAMPLE", None),
            ("ASIAc29tZXRoaW5nCg==", None),
        ] {
            assert_eq!(account_of(id).as_deref(), account, "{id}");
        }
    }

    #[test]
    fn a_made_id_contains_its_account() {
        for account in ["000000000000", "123456789012", "999999999999"] {
            let id = make("AKIA", account, 7);
            assert_eq!(account_of(&id).as_deref(), Some(account), "{id}");
        }
        assert_ne!(
            make("AKIA", "123456789012", 7),
            make("AKIA", "123456789012", 8)
        );
    }
}

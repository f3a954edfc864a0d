//! What IAM and credential processes send: only success counts as success.

mod list;
mod mfa;
mod service;
mod settings;
mod sso;
mod sts;

use std::time::{Duration, SystemTime};

use roxmltree::Document;

use super::process::parse;
use super::response_body::{Response, read};
use crate::error::Operation;
pub(crate) use list::check as list;
pub(crate) use mfa::check as mfa;
pub(crate) use settings::check as settings;
pub(crate) use sso::check as sso;
pub(crate) use sts::check as sts;

const IAM: &str = "https://iam.amazonaws.com/doc/2010-05-08/";
const DELETED: Operation = Operation::Iam("DeleteAccessKey");

/// A reply to a deletion is success only where it is a whole document of that name, read without any lenience.
pub(crate) fn reply(bytes: &[u8]) {
    let is_the_reply = std::str::from_utf8(bytes).is_ok_and(|text| {
        let document = Document::parse(text);
        document.is_ok_and(|document| {
            let name = document.root_element().tag_name();
            name.name().strip_suffix("Response") == Some(DELETED.name())
                && name.namespace() == Some(IAM)
        })
    });
    if let Response::Expected { .. } = read(bytes, DELETED) {
        assert!(is_the_reply, "it counts as success");
    }
}

/// The output of a credential process is accepted only if nothing is missing and nothing has expired.
pub(crate) fn process(bytes: &[u8]) {
    let now = SystemTime::UNIX_EPOCH + Duration::from_hours(500_000);
    let Ok(key) = parse(bytes, now, "the process") else {
        return;
    };
    let Ok(credentials) = key.credentials() else {
        return;
    };
    assert!(!credentials.access_key_id().trim().is_empty());
    assert!(!credentials.secret_access_key().trim().is_empty());
    assert!(credentials.expiry().is_none_or(|expiry| expiry > now));
    // Not even the debug output of an error shows a secret.
    let shown = format!("{credentials:?}");
    let secret = credentials.secret_access_key();
    let is_in_id = credentials.access_key_id().contains(secret);
    assert!(secret.len() < 16 || is_in_id || !shown.contains(secret));
}

#[cfg(test)]
mod tests {
    use super::{DELETED, Response, read};

    /// A response that was cut off anywhere does not count.
    #[test]
    fn no_part_of_a_reply_is_a_reply() {
        let whole = "<?xml version=\"1.0\"?>\n<DeleteAccessKeyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
                     <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></DeleteAccessKeyResponse>";
        let is_accepted =
            |text: &str| matches!(read(text.as_bytes(), DELETED), Response::Expected { .. });
        assert!(is_accepted(whole));
        for length in 0..whole.len() {
            assert!(!is_accepted(&whole[..length]), "{}", &whole[..length]);
        }
    }
}

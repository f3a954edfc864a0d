//! AWS Signature Version 4, for [`crate::verify`] and [`crate::sign`].

use crate::hash;
use std::fmt::{self, Write};

pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The scope of a signature, such as `20260131/us-east-1/iam/aws4_request`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) day: String,
    pub(crate) region: String,
    pub(crate) service: String,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{}/{}/aws4_request",
            self.day, self.region, self.service
        )
    }
}

/// The parts of a request that a signature covers.
#[derive(Debug)]
pub(crate) struct Signed<'a> {
    pub(crate) method: &'a str,
    /// The raw path and query.
    pub(crate) target: &'a str,
    /// All headers, with lowercase names.
    pub(crate) headers: &'a [(String, String)],
    /// The names of the signed headers, in order.
    pub(crate) covered: &'a [&'a str],
    pub(crate) body: &'a [u8],
}

impl Signed<'_> {
    fn canonical(&self) -> String {
        let (path, query) = self.target.split_once('?').unwrap_or((self.target, ""));
        let mut text = format!("{}\n{path}\n{}\n", self.method, canonical_query(query));
        for name in self.covered {
            let _in_memory = writeln!(text, "{name}:{}", self.canonical_values(name));
        }
        let (covered, digest) = (self.covered.join(";"), hash::sha256_hex(self.body));
        let _in_memory = write!(text, "\n{covered}\n{digest}");
        text
    }

    fn canonical_values(&self, name: &str) -> String {
        let values = self.headers.iter().filter(|(other, _)| other == name);
        let trimmed =
            values.map(|(_, value)| value.split_ascii_whitespace().collect::<Vec<_>>().join(" "));
        trimmed.collect::<Vec<_>>().join(",")
    }
}

/// The hexadecimal signature of a request made at `date` (`20260131T235959Z`).
pub(crate) fn signature(request: &Signed<'_>, secret: &str, date: &str, scope: &Scope) -> String {
    let digest = hash::sha256_hex(request.canonical().as_bytes());
    let to_sign = format!("{ALGORITHM}\n{date}\n{scope}\n{digest}");
    let steps = [
        scope.day.as_str(),
        &scope.region,
        &scope.service,
        "aws4_request",
    ];
    let mut key = hash::hmac(format!("AWS4{secret}").as_bytes(), steps[0].as_bytes());
    for step in &steps[1..] {
        key = hash::hmac(&key, step.as_bytes());
    }
    hex::encode(hash::hmac(&key, to_sign.as_bytes()))
}

fn canonical_query(query: &str) -> String {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let mut encoded: Vec<String> = pairs
        .map(|(name, value)| format!("{}={}", encode(&name), encode(&value)))
        .collect();
    encoded.sort();
    encoded.join("&")
}

/// Percent-encodes everything except unreserved characters.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex::encode_upper([byte]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Scope, Signed, signature};

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn scope(service: &str) -> Scope {
        Scope {
            day: "20150830".to_owned(),
            region: "us-east-1".to_owned(),
            service: service.to_owned(),
        }
    }

    /// The test vector `get-vanilla-query-order-key-case` from AWS's test suite for Signature Version 4.
    #[test]
    fn the_documented_get_request_has_the_documented_signature() {
        let request = Signed {
            method: "GET",
            target: "/?Param2=value2&Param1=value1",
            headers: &headers(&[
                ("host", "example.amazonaws.com"),
                ("x-amz-date", "20150830T123600Z"),
            ]),
            covered: &["host", "x-amz-date"],
            body: b"",
        };
        let expected = "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500";
        assert_eq!(
            signature(
                &request,
                "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                "20150830T123600Z",
                &scope("service")
            ),
            expected
        );
    }

    /// The `ListUsers` example from the IAM guide and the general reference.
    #[test]
    fn the_documented_iam_request_has_the_documented_signature() {
        let request = Signed {
            method: "GET",
            target: "/?Action=ListUsers&Version=2010-05-08",
            headers: &headers(&[
                (
                    "content-type",
                    "application/x-www-form-urlencoded;  charset=utf-8",
                ),
                ("host", "iam.amazonaws.com"),
                ("x-amz-date", "20150830T123600Z"),
            ]),
            covered: &["content-type", "host", "x-amz-date"],
            body: b"",
        };
        let expected = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";
        assert_eq!(
            signature(&request, SECRET, "20150830T123600Z", &scope("iam")),
            expected
        );
    }
}

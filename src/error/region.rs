//! Regions and partitions of AWS, and what follows for credentials that are rejected there.

use super::{CredentialKind, Hint, Operation, ServiceError, without_suffix};

/// How the names of Regions begin in each partition but `aws`.
const PARTITIONS: [(&str, &str); 7] = [
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
    ("eusc-", "aws-eusc"),
];

/// The Regions of `aws` that are enabled in every account. Those that AWS has added since March 2019 are not.
const ALWAYS_ENABLED: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Returns the partition of a Region, or of the endpoint of a whole partition, such as `aws-cn-global`.
pub(crate) fn partition(region: &str) -> &str {
    let of_region = PARTITIONS
        .iter()
        .find(|(start, _)| region.starts_with(start));
    let whole = region.strip_suffix("-global");
    whole.unwrap_or(of_region.map_or("aws", |(_, partition)| partition))
}

impl ServiceError {
    /// Returns the hint to check the Region if it may be the reason why the credentials are unknown.
    pub(crate) fn region_hint(&self) -> Option<Hint> {
        let code = self.code.as_deref().map_or("", without_suffix);
        let is_unknown = matches!(code, "InvalidClientTokenId" | "UnrecognizedClient");
        // Without its token, no Region knows a session.
        let is_complete = !matches!(
            self.context.credentials,
            CredentialKind::None | CredentialKind::SessionWithoutToken
        );
        let region = self.context.region.as_deref();
        let region = region.filter(|_| is_unknown && is_complete)?;
        let settings = "(--region, AWS_REGION, or region in the profile)";
        let hint = match (partition(region), self.operation) {
            ("aws", Operation::Sts(_)) if !ALWAYS_ENABLED.contains(&region) => format!(
                "STS in the Region {region} knows only the accounts that have enabled this Region: first check the Region \
                 {settings}"
            ),
            ("aws", _) => return None,
            (partition, _) => format!(
                "the Region {region} is in the partition {partition}, which knows no credentials of other partitions: first check \
                 the Region {settings} and the endpoint URL"
            ),
        };
        Some(hint.into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::service_error;
    use super::*;

    #[test]
    fn each_region_is_in_one_partition() {
        for (region, expected) in [
            ("us-east-1", "aws"),
            ("me-south-1", "aws"),
            ("aws-global", "aws"),
            ("cn-north-1", "aws-cn"),
            ("aws-cn-global", "aws-cn"),
            ("us-gov-east-1", "aws-us-gov"),
            ("us-iso-west-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("aws-iso-b-global", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("us-isof-south-1", "aws-iso-f"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            assert_eq!(partition(region), expected, "{region}");
        }
    }

    #[test]
    fn the_region_is_a_reason_only_where_others_do_not_know_the_credentials() {
        let (iam, sts) = (Operation::Iam("x"), Operation::Sts("x"));
        let (long, cut) = (
            CredentialKind::LongTerm,
            CredentialKind::SessionWithoutToken,
        );
        for (operation, code, region, credentials, says) in [
            (
                iam,
                "InvalidClientTokenId",
                "cn-north-1",
                long,
                "partition aws-cn",
            ),
            (
                sts,
                "UnrecognizedClientException",
                "us-gov-west-1",
                long,
                "partition aws-us-gov",
            ),
            (
                sts,
                "InvalidClientTokenId",
                "me-south-1",
                long,
                "have enabled this Region",
            ),
            (iam, "InvalidClientTokenId", "me-south-1", long, ""),
            (sts, "InvalidClientTokenId", "eu-west-1", long, ""),
            (sts, "InvalidClientTokenId", "cn-north-1", cut, ""),
            (
                sts,
                "InvalidClientTokenId",
                "cn-north-1",
                CredentialKind::None,
                "",
            ),
            (iam, "SignatureDoesNotMatch", "cn-north-1", long, ""),
            (
                iam,
                "ExpiredToken",
                "cn-north-1",
                CredentialKind::Session,
                "",
            ),
        ] {
            let mut error = service_error(Some(code), 403, "");
            error.operation = operation;
            error.context.region = Some(region.to_owned());
            error.context.credentials = credentials;
            let hint = error
                .region_hint()
                .map_or_else(String::new, |hint| hint.to_string());
            assert!(hint.contains(says), "{code} {region}: {hint}");
            assert_eq!(hint.is_empty(), says.is_empty(), "{code} {region}: {hint}");
        }
    }
}

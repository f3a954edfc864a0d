//! Hints for a denied request, chosen by the kind of policy that denies it.

use crate::error::Context;

/// The kind of policy that denies a request, according to the error message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Denial {
    /// The policy that AWS attaches to a user whose key was exposed.
    Quarantine,
    /// A user's policy whose name suggests that it requires MFA.
    Mfa,
    /// Any other explicit deny.
    Explicit,
    /// No policy allows the action.
    Implicit,
    ServiceControl,
    ResourceControl,
    Boundary,
    Session,
    Endpoint,
    Trust,
    /// The message does not name a policy.
    Unspecified,
}

/// Parses the reason for a denial. AWS ends the message with `because no <policy> allows the <action> action` or `with
/// an explicit deny in a <policy>[: <ARN>]`.
fn denial(message: &str) -> Denial {
    let message = message.to_ascii_lowercase();
    let (explicit, implicit) = ("with an explicit deny", "because no ");
    let Some(at) = message.rfind(explicit).or_else(|| message.rfind(implicit)) else {
        return Denial::Unspecified;
    };
    let (who, reason) = message.split_at(at);
    let is_explicit = reason.starts_with(explicit);
    let (kind, policy) = reason.split_once(": ").unwrap_or((reason, ""));
    let kinds = [
        ("service control policy", Denial::ServiceControl),
        ("resource control policy", Denial::ResourceControl),
        ("permissions boundary", Denial::Boundary),
        ("session policy", Denial::Session),
        ("vpc endpoint policy", Denial::Endpoint),
        ("trust policy", Denial::Trust),
    ];
    let known = kinds.iter().find(|(name, _)| kind.contains(name));
    match known {
        Some((_, denial)) => *denial,
        None if !is_explicit => Denial::Implicit,
        None if policy.contains("policy/awscompromisedkeyquarantine") => Denial::Quarantine,
        // `aws configure mfa-login` cannot recreate the session of a role.
        None if policy.contains("mfa") && who.contains(":user/") => Denial::Mfa,
        None => Denial::Explicit,
    }
}

/// Returns the hints for a denied request.
pub(super) fn hints(operation: &str, message: &str, context: &Context) -> Vec<String> {
    let others = "use other credentials (--profile NAME)";
    let denial = denial(message);
    // Nobody can give a root user a permission, and what AssumeRoot takes is said where it is called.
    let who = message.split(" is not authorized").next();
    let is_root = operation == "AssumeRoot" || who.is_some_and(|who| who.ends_with(":root"));
    match (denial, operation) {
        (
            Denial::Implicit
            | Denial::Explicit
            | Denial::Boundary
            | Denial::Session
            | Denial::Unspecified,
            _,
        ) if is_root => return Vec::new(),
        // AWS does not document its error for an unknown key, so it may include a reason.
        (Denial::Unspecified | Denial::Implicit, "GetAccessKeyLastUsed") if !context.is_listed => {
            return vec![format!(
                "IAM also returns this error for keys that are not in this account: check the ID, or ask for the permission \
                 iam:{operation} on *, or {others}"
            )];
        }
        // `GetCallerIdentity` needs no permission.
        (Denial::Unspecified | Denial::Implicit, "GetCallerIdentity") => return Vec::new(),
        _ => {}
    }
    let service = if operation.starts_with("Assume") || operation.contains("AccessKeyInfo") {
        "sts"
    } else {
        "iam"
    };
    let organization = |policy: &str| {
        format!(
            "a {policy} control policy of the organization prevents this: only an administrator of the organization can \
             allow it"
        )
    };
    let hint = match denial {
        Denial::Quarantine => "AWS quarantined this user because one of its keys was exposed, and advises against removing the policy: \
             use the credentials of another identity (--profile NAME)"
            .to_owned(),
        Denial::Mfa => "the policy's name suggests that it requires MFA: create a session with MFA (aws configure mfa-login), \
             and use its profile (--profile NAME)"
            .to_owned(),
        Denial::Explicit => format!(
            "an explicit deny overrides every permission: ask an administrator of the account, or {others}"
        ),
        Denial::ServiceControl => organization("service"),
        Denial::ResourceControl => organization("resource"),
        Denial::Boundary => format!(
            "the permissions boundary of this identity prevents this: ask an administrator of the account to change it, or \
             {others}"
        ),
        Denial::Session => format!(
            "the policy of this session prevents this: create a session whose policy allows {service}:{operation}, or {others}"
        ),
        Denial::Endpoint => {
            "the policy of the VPC endpoint prevents this: ask the owner of the endpoint".to_owned()
        }
        Denial::Trust => {
            "the role's trust policy does not allow these credentials: ask the owner of the role".to_owned()
        }
        Denial::Implicit | Denial::Unspecified => match operation {
            "DeleteAccessKey" | "UpdateAccessKey" => {
                format!("ask for the permission iam:{operation} on this user, or {others}")
            }
            _ => {
                let needs = match operation {
                    "ListUserTags" => "--except-tag needs read access: ",
                    "GetAccessKeyInfo" => "--role-name needs read access: ",
                    _ if operation.starts_with("Assume") => "",
                    _ => "this command needs read access: ",
                };
                format!("{needs}ask for the permission {service}:{operation}, or {others}")
            }
        },
    };
    vec![hint]
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: iam:DeleteAccessKey on resource: user Bob";
    const ROLE: &str = "User: arn:aws:sts::123456789012:assumed-role/ci/x is not authorized to perform: iam:DeleteAccessKey on resource: user Bob";

    /// The principal, the reason and the expected denial.
    const DENIALS: [(&str, &str, Denial); 26] = [
        (USER, "", Denial::Unspecified),
        (
            USER,
            "because no identity-based policy allows the iam:DeleteAccessKey action",
            Denial::Implicit,
        ),
        (
            USER,
            "because no resource-based policy allows the iam:DeleteAccessKey action",
            Denial::Implicit,
        ),
        (
            USER,
            "because no service control policy allows the iam:DeleteAccessKey action",
            Denial::ServiceControl,
        ),
        (
            USER,
            "because no resource control policy allows the iam:DeleteAccessKey action",
            Denial::ResourceControl,
        ),
        (
            USER,
            "because no permissions boundary allows the iam:DeleteAccessKey action",
            Denial::Boundary,
        ),
        (
            ROLE,
            "because no session policy allows the iam:DeleteAccessKey action",
            Denial::Session,
        ),
        (
            ROLE,
            "because no VPC endpoint policy allows the iam:DeleteAccessKey action",
            Denial::Endpoint,
        ),
        (
            ROLE,
            "because no role trust policy allows the sts:AssumeRole action",
            Denial::Trust,
        ),
        (USER, "with an explicit deny", Denial::Explicit),
        (
            USER,
            "with an explicit deny in an identity-based policy",
            Denial::Explicit,
        ),
        (
            USER,
            "with an explicit deny in an identity-based policy: arn:aws:iam::123456789012:policy/DenyIam",
            Denial::Explicit,
        ),
        (
            USER,
            "with an explicit deny in a resource-based policy",
            Denial::Explicit,
        ),
        (
            USER,
            "with an explicit deny in a service control policy",
            Denial::ServiceControl,
        ),
        (
            USER,
            "with an explicit deny in a service control policy: arn:aws:organizations::1:policy/o-1/service_control_policy/p-mfa",
            Denial::ServiceControl,
        ),
        (
            USER,
            "with an explicit deny in a resource control policy",
            Denial::ResourceControl,
        ),
        (
            USER,
            "with an explicit deny in a permissions boundary: arn:aws:iam::123456789012:policy/mfa",
            Denial::Boundary,
        ),
        (
            ROLE,
            "with an explicit deny in a session policy",
            Denial::Session,
        ),
        (
            ROLE,
            "with an explicit deny in a VPC endpoint policy",
            Denial::Endpoint,
        ),
        (
            ROLE,
            "with an explicit deny in the role trust policy",
            Denial::Trust,
        ),
        (
            USER,
            "with an explicit deny in an identity-based policy: arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantine",
            Denial::Quarantine,
        ),
        (
            USER,
            "with an explicit deny in an identity-based policy: arn:aws-cn:iam::aws:policy/AWSCompromisedKeyQuarantineV4",
            Denial::Quarantine,
        ),
        (
            USER,
            "with an explicit deny in an identity-based policy: arn:aws:iam::123456789012:policy/Force_MFA",
            Denial::Mfa,
        ),
        (
            ROLE,
            "with an explicit deny in an identity-based policy: arn:aws:iam::123456789012:policy/Force_MFA",
            Denial::Explicit,
        ),
        // User-chosen names must not affect the result.
        (
            "User: arn:aws:iam::1:user/because no session policy",
            "because no identity-based policy allows it",
            Denial::Implicit,
        ),
        (
            "User: arn:aws:iam::1:user/mfa",
            "with an explicit deny in an identity-based policy: arn:aws:iam::1:policy/x",
            Denial::Explicit,
        ),
    ];

    #[test]
    fn what_denies_an_access_is_read_from_the_message() {
        for (who, reason, expected) in DENIALS {
            assert_eq!(denial(&format!("{who} {reason}")), expected, "{reason}");
        }
    }

    #[test]
    fn no_denial_but_a_missing_permission_is_answered_by_asking_for_it() {
        for operation in [
            "DeleteAccessKey",
            "UpdateAccessKey",
            "ListAccessKeys",
            "GetAccessKeyLastUsed",
            "AssumeRole",
        ] {
            for (reason, asks) in [
                ("because no identity-based policy allows the x action", true),
                ("with an explicit deny in an identity-based policy", false),
                (
                    "with an explicit deny in an identity-based policy: arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3",
                    false,
                ),
                (
                    "because no service control policy allows the x action",
                    false,
                ),
                ("with an explicit deny in a resource control policy", false),
                ("because no permissions boundary allows the x action", false),
                ("because no session policy allows the x action", false),
                ("because no VPC endpoint policy allows the x action", false),
            ] {
                let hint = hints(operation, reason, &Context::default()).join(" | ");
                let service = if operation == "AssumeRole" {
                    "sts"
                } else {
                    "iam"
                };
                let permission = format!("ask for the permission {service}:{operation}");
                assert_eq!(
                    hint.contains(&permission),
                    asks,
                    "{operation} {reason}: {hint}"
                );
                assert!(!hint.is_empty(), "{operation} {reason}");
            }
        }
        assert!(
            hints("GetAccessKeyLastUsed", "no", &Context::default())[0]
                .contains("keys that are not in this account")
        );
        assert!(hints("GetCallerIdentity", "no", &Context::default()).is_empty());
        let listed = Context {
            is_listed: true,
            ..Context::default()
        };
        assert!(hints("GetAccessKeyLastUsed", "no", &listed)[0].contains("ask for the permission"));
    }
}

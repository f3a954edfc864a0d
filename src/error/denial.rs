//! Hints for a denied request, chosen by the kind of policy that denies it.

use super::{Context, Operation};

/// Returns the hint for a denied request. AWS ends the message with `because no <policy> allows the <action> action` or
/// `with an explicit deny in a <policy>[: <ARN>]`.
pub(super) fn hint(operation: Operation, message: &str, context: &Context) -> Option<String> {
    let message = message.to_ascii_lowercase();
    let (explicit, implicit) = ("with an explicit deny", "because no ");
    let at = message.rfind(explicit).or_else(|| message.rfind(implicit));
    let (who, reason) = message.split_at(at.unwrap_or(message.len()));
    let is_explicit = reason.starts_with(explicit);
    let (kind, policy) = reason.split_once(": ").unwrap_or((reason, ""));
    let is_bound = kind.contains("permissions boundary") || kind.contains("session policy");
    let is_of_identity = is_explicit && !is_bound;
    // Nobody can give a root user a permission.
    let caller = message.split(" is not authorized").next();
    let is_root = context.is_root || caller.is_some_and(|caller| caller.ends_with(":root"));
    let is_role = operation.name().starts_with("AssumeRole");
    let is_trust =
        kind.contains("trust policy") || is_role && kind.contains("resource-based policy");
    let others = "use other credentials (--profile NAME)";
    let service = operation.service().to_ascii_lowercase();
    let organization = |policy: &str| {
        format!(
            "a {policy} control policy of the organization prevents this: only an administrator of the organization can \
             allow it"
        )
    };
    let hint = match kind {
        _ if kind.contains("service control policy") => organization("service"),
        _ if kind.contains("resource control policy") => organization("resource"),
        _ if kind.contains("vpc endpoint policy") => {
            "the policy of the VPC endpoint prevents this: ask the owner of the endpoint".to_owned()
        }
        _ if is_trust && is_explicit => {
            "the role's trust policy does not allow these credentials: ask the owner of the role".to_owned()
        }
        // The policy that AWS attaches to a user whose key was exposed.
        _ if is_of_identity && policy.contains("policy/awscompromisedkeyquarantine") => {
            "AWS quarantined this user because one of its keys was exposed, and advises against removing the policy: \
             use the credentials of another identity (--profile NAME)"
                .to_owned()
        }
        // A role session cannot have MFA. STS allows a user's session with MFA little more than AssumeRole.
        _ if is_of_identity
            && policy.contains("mfa")
            && who.contains(":user/")
            && let Some(what) = with_mfa(operation, context) =>
        {
            format!("the policy's name suggests that it requires MFA: {what}")
        }
        _ if is_role && (is_root || message.contains("assumed by root accounts")) => {
            "the root user cannot assume roles: use a user or a role (--profile NAME)".to_owned()
        }
        _ if is_root => return None,
        _ if kind.contains("permissions boundary") => format!(
            "the permissions boundary of this identity prevents this: ask an administrator of the account to change it, or \
             {others}"
        ),
        _ if kind.contains("session policy") => format!(
            "the policy of this session prevents this: create a session whose policy allows {service}:{operation}, or {others}"
        ),
        _ if is_explicit => format!(
            "an explicit deny overrides every permission: ask an administrator of the account, or {others}"
        ),
        // No policy allows the action, or the message does not say why.
        _ => match operation.name() {
            // AWS does not document its error for an unknown key, so it may include a reason.
            "GetAccessKeyLastUsed" if !context.is_listed => format!(
                "IAM also returns this error for keys that are not in this account: check the ID, or ask for the permission \
                 iam:{operation} on *, or {others}"
            ),
            // The first needs no permission. What the others take is said where they are called.
            "GetCallerIdentity" | "AssumeRole" | "AssumeRoleWithWebIdentity" | "AssumeRoot" => {
                return None;
            }
            "DeleteAccessKey" | "UpdateAccessKey" => {
                format!("ask for the permission iam:{operation} on this user, or {others}")
            }
            _ => {
                let needs = match operation.name() {
                    "ListUserTags" => "--except-tag needs read access: ",
                    "GetAccessKeyInfo" => "--role-name needs read access: ",
                    _ => "this command needs read access: ",
                };
                format!("{needs}ask for the permission {service}:{operation}, or {others}")
            }
        },
    };
    Some(hint)
}

/// Returns how to send the request with MFA. `None`: it was sent with MFA, or no session with MFA can send it.
fn with_mfa(operation: Operation, context: &Context) -> Option<&str> {
    match operation {
        Operation::Sts(_) => context.name_device.as_deref(),
        Operation::Iam(_) if context.is_stored => Some(
            "create a session with MFA (aws configure mfa-login), and use its profile (--profile NAME)",
        ),
        Operation::Iam(_) => Some("use a session that was created with MFA"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAST_USE: Operation = Operation::Iam("GetAccessKeyLastUsed");

    const USER: &str = "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: iam:DeleteAccessKey on resource: user Bob";
    const ROLE: &str = "User: arn:aws:sts::123456789012:assumed-role/ci/x is not authorized to perform: iam:DeleteAccessKey on resource: user Bob";

    /// The principal, the reason, and the start of the expected hint.
    const DENIALS: [(&str, &str, &str); 24] = [
        (USER, "", "ask for the permission"),
        (
            USER,
            "because no identity-based policy allows the iam:DeleteAccessKey action",
            "ask for the permission",
        ),
        (
            USER,
            "because no resource-based policy allows the iam:DeleteAccessKey action",
            "ask for the permission",
        ),
        (
            USER,
            "because no service control policy allows the iam:DeleteAccessKey action",
            "a service control policy",
        ),
        (
            USER,
            "because no resource control policy allows the iam:DeleteAccessKey action",
            "a resource control policy",
        ),
        (
            USER,
            "because no permissions boundary allows the iam:DeleteAccessKey action",
            "the permissions boundary",
        ),
        (
            ROLE,
            "because no session policy allows the iam:DeleteAccessKey action",
            "the policy of this session",
        ),
        (
            ROLE,
            "because no VPC endpoint policy allows the iam:DeleteAccessKey action",
            "the policy of the VPC endpoint",
        ),
        (USER, "with an explicit deny", "an explicit deny"),
        (
            USER,
            "with an explicit deny in an identity-based policy",
            "an explicit deny",
        ),
        (
            USER,
            "with an explicit deny in an identity-based policy: arn:aws:iam::123456789012:policy/DenyIam",
            "an explicit deny",
        ),
        (
            USER,
            "with an explicit deny in a resource-based policy",
            "an explicit deny",
        ),
        (
            USER,
            "with an explicit deny in a service control policy",
            "a service control policy",
        ),
        (
            USER,
            "with an explicit deny in a service control policy: arn:aws:organizations::1:policy/o-1/service_control_policy/p-mfa",
            "a service control policy",
        ),
        (
            USER,
            "with an explicit deny in a resource control policy",
            "a resource control policy",
        ),
        (
            USER,
            "with an explicit deny in a permissions boundary: arn:aws:iam::123456789012:policy/mfa",
            "the permissions boundary",
        ),
        (
            ROLE,
            "with an explicit deny in a session policy",
            "the policy of this session",
        ),
        (
            ROLE,
            "with an explicit deny in a VPC endpoint policy",
            "the policy of the VPC endpoint",
        ),
        (
            USER,
            "with an explicit deny in an identity-based policy: arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantine",
            "AWS quarantined this user",
        ),
        (
            USER,
            "with an explicit deny in an identity-based policy: arn:aws-cn:iam::aws:policy/AWSCompromisedKeyQuarantineV4",
            "AWS quarantined this user",
        ),
        (
            USER,
            "with an explicit deny in an identity-based policy: arn:aws:iam::123456789012:policy/Force_MFA",
            "the policy's name suggests that it requires MFA",
        ),
        (
            ROLE,
            "with an explicit deny in an identity-based policy: arn:aws:iam::123456789012:policy/Force_MFA",
            "an explicit deny",
        ),
        // User-chosen names must not affect the result.
        (
            "User: arn:aws:iam::1:user/because no session policy",
            "because no identity-based policy allows it",
            "ask for the permission",
        ),
        (
            "User: arn:aws:iam::1:user/mfa",
            "with an explicit deny in an identity-based policy: arn:aws:iam::1:policy/x",
            "an explicit deny",
        ),
    ];

    #[test]
    fn what_denies_an_access_is_read_from_the_message() {
        for (who, reason, expected) in DENIALS {
            let message = format!("{who} {reason}");
            let found = hint(
                Operation::Iam("DeleteAccessKey"),
                &message,
                &Context::default(),
            );
            assert!(
                found
                    .as_ref()
                    .is_some_and(|hint| hint.starts_with(expected)),
                "{reason}: {found:?}"
            );
        }
    }

    /// The principal, the reason, and the start of the expected hint. Empty: it is said where the role is assumed.
    const NOT_ASSUMED: [(&str, &str, &str); 12] = [
        (USER, "", ""),
        (USER, "because no identity-based policy allows it", ""),
        (USER, "because no resource-based policy allows it", ""),
        (USER, "because no role trust policy allows it", ""),
        (
            USER,
            "with an explicit deny in a resource-based policy",
            "the role's trust policy",
        ),
        (
            USER,
            "with an explicit deny in the role trust policy",
            "the role's trust policy",
        ),
        (
            USER,
            "with an explicit deny in an identity-based policy",
            "an explicit deny",
        ),
        (
            USER,
            "with an explicit deny in a service control policy",
            "a service control policy",
        ),
        (
            USER,
            "because no permissions boundary allows it",
            "the permissions boundary",
        ),
        (
            ROLE,
            "because no session policy allows it",
            "the policy of this session",
        ),
        (
            "",
            "Roles may not be assumed by root accounts.",
            "the root user cannot assume roles",
        ),
        (
            "User: arn:aws:iam::1:root",
            "is not authorized to perform: sts:AssumeRole",
            "the root user cannot assume roles",
        ),
    ];

    #[test]
    fn what_gives_a_request_mfa_depends_on_the_request_and_the_credentials() {
        let policy = "arn:aws:iam::123456789012:policy/Force_MFA";
        let message = format!("{USER} with an explicit deny in an identity-based policy: {policy}");
        let stored = Context {
            is_stored: true,
            ..Context::default()
        };
        let of_role = Context {
            name_device: Some("add mfa_serial".to_owned()),
            ..Context::default()
        };
        let iam = Operation::Iam("DeleteAccessKey");
        let [assume, lookup] = ["AssumeRole", "GetAccessKeyInfo"].map(Operation::Sts);
        for (operation, context, ends) in [
            (
                iam,
                &stored,
                "MFA (aws configure mfa-login), and use its profile (--profile NAME)",
            ),
            (
                iam,
                &Context::default(),
                "use a session that was created with MFA",
            ),
            (assume, &of_role, "it requires MFA: add mfa_serial"),
            (assume, &stored, "or use other credentials (--profile NAME)"),
            (lookup, &stored, "or use other credentials (--profile NAME)"),
        ] {
            let found = hint(operation, &message, context).unwrap_or_default();
            assert!(found.ends_with(ends), "{operation}: {found}");
        }
    }

    #[test]
    fn a_role_that_its_own_policy_does_not_deny_has_the_hint_of_what_denies_it() {
        for name in ["AssumeRole", "AssumeRoleWithWebIdentity"] {
            for (who, reason, expected) in NOT_ASSUMED {
                let message = format!("{who} {reason}");
                let found = hint(Operation::Sts(name), &message, &Context::default());
                let found = found.unwrap_or_default();
                assert!(found.starts_with(expected), "{message}: {found}");
                assert_eq!(found.is_empty(), expected.is_empty(), "{message}: {found}");
            }
        }
    }

    #[test]
    fn no_denial_but_a_missing_permission_is_answered_by_asking_for_it() {
        for operation in [
            Operation::Iam("DeleteAccessKey"),
            Operation::Iam("UpdateAccessKey"),
            Operation::Iam("ListAccessKeys"),
            LAST_USE,
            Operation::Sts("GetAccessKeyInfo"),
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
                let hint = hint(operation, reason, &Context::default()).unwrap_or_default();
                let service = if operation == Operation::Sts("GetAccessKeyInfo") {
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
        let of_last_use = |context: &Context| hint(LAST_USE, "no", context).unwrap_or_default();
        assert!(of_last_use(&Context::default()).contains("keys that are not in this account"));
        let identity = Operation::Sts("GetCallerIdentity");
        assert_eq!(hint(identity, "no", &Context::default()), None);
        let listed = Context {
            is_listed: true,
            ..Context::default()
        };
        assert!(of_last_use(&listed).contains("ask for the permission"));
    }
}

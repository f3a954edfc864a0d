//! The owner of a key, as far as it is known before IAM is asked.

use crate::guard::Principal;
use crate::ident::UserName;
use crate::journal::EarlierAttempt;
use crate::metadata::KeyMetadata;
use crate::request::Key;

/// The owner of a key, as far as it is known before IAM is asked. An owner without a name is the root user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OwnerHint {
    /// Nobody names the owner. IAM then assumes the calling user, who need not be the owner.
    Unknown,
    /// The caller names this owner, in every run.
    Named(Option<UserName>),
    /// IAM listed the key among this owner's keys, in this run or in an earlier one.
    Listed(Option<UserName>),
    /// Earlier runs named another user than this run does.
    Disputed,
}

impl OwnerHint {
    /// Whether there is one owner whom nobody disputes.
    pub(crate) fn is_named(&self) -> bool {
        matches!(self, Self::Named(_) | Self::Listed(_))
    }
}

/// Returns the owner of a key as far as it is known: the named user, unless IAM or an earlier run says more. Without a
/// name it is the root user if the root user signs.
pub(crate) fn owner_hint(
    key: &Key,
    metadata: &KeyMetadata,
    earlier: &[EarlierAttempt],
    principal: Principal,
) -> OwnerHint {
    let user = |name: &UserName| Some(name.clone());
    let is_listed = metadata.status.is_some();
    let listed = metadata.owner.as_ref().filter(|_| is_listed);
    let now = key.user_name.as_ref().or(listed);
    let is_same = |attempt: &EarlierAttempt| match (&attempt.owner, now) {
        (Some(then), Some(now)) => then.same_user(now),
        (then, now) => then.is_none() && now.is_none(),
    };
    let was_listed = |attempt: &&EarlierAttempt| attempt.was_listed;
    let listed_then = earlier.iter().find(was_listed);
    let user_then = listed_then.and_then(|attempt| attempt.owner.as_ref());
    match (now, user_then) {
        // This run names nobody, so the earlier list decides.
        (None, Some(owner)) if principal == Principal::Caller => OwnerHint::Listed(user(owner)),
        (Some(now), Some(owner)) if now.same_user(owner) => OwnerHint::Listed(user(now)),
        (_, Some(_)) => OwnerHint::Disputed,
        (None, None) if principal == Principal::RootUser && listed_then.is_some() => {
            OwnerHint::Listed(None)
        }
        _ if !earlier.iter().all(is_same) => OwnerHint::Disputed,
        (Some(now), None) if listed.is_some() => OwnerHint::Listed(user(now)),
        (Some(now), None) => OwnerHint::Named(user(now)),
        (None, None) => match principal {
            Principal::Caller => OwnerHint::Unknown,
            Principal::RootUser if is_listed => OwnerHint::Listed(None),
            Principal::RootUser => OwnerHint::Named(None),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each attempt is its owner, and whether IAM listed the key for that owner. An empty name is none.
    #[test]
    fn the_owner_for_whom_iam_listed_a_key_decides() {
        let bob = || "Bob".parse().ok();
        let (root, caller) = (Principal::RootUser, Principal::Caller);
        for (now, attempts, principal, expected) in [
            ("", &[("", true)][..], root, OwnerHint::Listed(None)),
            (
                "",
                &[("", false), ("", true)],
                root,
                OwnerHint::Listed(None),
            ),
            (
                "",
                &[("Bob", false), ("", true)],
                root,
                OwnerHint::Listed(None),
            ),
            ("", &[("", false)], root, OwnerHint::Named(None)),
            // The list of the calling user, whom nobody names, is another one.
            ("", &[("", true)], caller, OwnerHint::Unknown),
            ("Bob", &[("", true)], caller, OwnerHint::Disputed),
            // Nor is the list of the root user that of the user for whom IAM listed the key.
            ("", &[("Bob", true)], caller, OwnerHint::Listed(bob())),
            ("", &[("Bob", true)], root, OwnerHint::Disputed),
            ("Bob", &[("Bob", true)], caller, OwnerHint::Listed(bob())),
            ("bob", &[("Bob", true)], caller, OwnerHint::Listed(bob())),
            ("Bob", &[("Alice", true)], caller, OwnerHint::Disputed),
        ] {
            let key = Key {
                id: "AKIDPMS9RO4H3FEXAMPLE"
                    .to_owned()
                    .try_into()
                    .expect("an ID"),
                user_name: now.parse().ok(),
            };
            let earlier = attempts.iter().map(|(owner, was_listed)| {
                let mut attempt = EarlierAttempt::default();
                (attempt.owner, attempt.was_listed) = (owner.parse().ok(), *was_listed);
                attempt
            });
            let earlier: Vec<_> = earlier.collect();
            let found = owner_hint(&key, &KeyMetadata::default(), &earlier, principal);
            assert_eq!(found, expected, "{now:?} {attempts:?} {principal:?}");
        }
    }
}

//! The owner of a key, as far as it is known before IAM is asked.

use crate::guard::Principal;
use crate::ident::UserName;
use crate::journal::{EarlierAttempt, Owner};
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
    /// IAM listed the key for a user, whom it did not confirm as the owner since: another user may have that name by now.
    /// `same_name`: every request of an earlier run named the user whom this run names.
    Moved { same_name: bool },
    /// Earlier runs named another owner than this run does, or may have been those of another calling user.
    Disputed,
}

impl OwnerHint {
    /// Whether there is one owner whom nobody disputes.
    pub(crate) fn is_named(&self) -> bool {
        matches!(self, Self::Named(_) | Self::Listed(_))
    }

    /// Whether IAM listed the key for a user: then it is neither the root user's nor another account's.
    pub(crate) fn is_of_user(&self) -> bool {
        matches!(self, Self::Listed(Some(_)) | Self::Moved { .. })
    }
}

/// Returns the owner of a key as far as it is known: the named user, unless IAM or an earlier run says more. Without a
/// name it is the root user if the root user signs. `is_open` says whether a request of an earlier run may still take effect.
pub(crate) fn owner_hint(
    key: &Key,
    metadata: &KeyMetadata,
    earlier: &[EarlierAttempt],
    principal: Principal,
    is_open: bool,
) -> OwnerHint {
    let owner = |owner: &Owner| owner.user().cloned();
    let listed = metadata.owner.as_ref();
    let listed = listed.filter(|_| metadata.status.is_some());
    let now = Owner::of(key.user_name.as_ref().or(listed), principal);
    let is_listed = listed.is_some() || now == Owner::RootUser && metadata.status.is_some();
    let has_moved = earlier.iter().any(|attempt| attempt.has_moved);
    let listed_then = earlier.iter().find(|attempt| attempt.is_listed());
    match (&now, listed_then.map(|attempt| &attempt.owner)) {
        // This run names nobody, so the earlier list decides.
        (Owner::Unknown, Some(then @ Owner::User(_))) => OwnerHint::Listed(owner(then)),
        (now, Some(then)) if now == then => OwnerHint::Listed(owner(now)),
        (_, Some(_)) => OwnerHint::Disputed,
        _ if has_moved && !is_listed => OwnerHint::Moved {
            same_name: now.user().is_some() && earlier.iter().all(|attempt| attempt.owner == now),
        },
        _ if earlier.iter().any(|attempt| attempt.owner != now) => OwnerHint::Disputed,
        // Another user may have called then.
        (Owner::Unknown, None) if is_open => OwnerHint::Disputed,
        (Owner::Unknown, None) => OwnerHint::Unknown,
        (now, None) if is_listed => OwnerHint::Listed(owner(now)),
        (now, None) => OwnerHint::Named(owner(now)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::AccessKeyId;
    use crate::metadata::Status;

    /// Each attempt is its owner, and whether IAM listed the key for that owner. An empty name is none, and `root` the root
    /// user.
    #[test]
    fn the_owner_for_whom_iam_listed_a_key_decides() {
        let bob = || "Bob".parse().ok();
        let (root, caller) = (Principal::RootUser, Principal::Caller);
        for (now, attempts, principal, expected) in [
            ("", &[("root", true)][..], root, OwnerHint::Listed(None)),
            (
                "",
                &[("root", false), ("root", true)],
                root,
                OwnerHint::Listed(None),
            ),
            (
                "",
                &[("Bob", false), ("root", true)],
                root,
                OwnerHint::Listed(None),
            ),
            (
                "",
                &[("", false), ("root", true)],
                root,
                OwnerHint::Listed(None),
            ),
            ("", &[("root", false)], root, OwnerHint::Named(None)),
            ("", &[], root, OwnerHint::Named(None)),
            // The calling user, whom nobody names, is another one.
            ("", &[("root", true)], caller, OwnerHint::Disputed),
            ("", &[("root", false)], caller, OwnerHint::Disputed),
            ("Bob", &[("root", true)], caller, OwnerHint::Disputed),
            ("", &[("", false)], root, OwnerHint::Disputed),
            ("Bob", &[("", false)], caller, OwnerHint::Disputed),
            (
                "",
                &[("", false), ("Bob", false)],
                caller,
                OwnerHint::Disputed,
            ),
            ("", &[("", false)], caller, OwnerHint::Unknown),
            ("", &[], caller, OwnerHint::Unknown),
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
                attempt.owner = match *owner {
                    "root" => Owner::RootUser,
                    name => name.parse().map_or(Owner::Unknown, Owner::User),
                };
                attempt.was_listed = *was_listed;
                attempt
            });
            let earlier: Vec<_> = earlier.collect();
            let metadata = KeyMetadata::default();
            for is_open in [false, true] {
                let found = owner_hint(&key, &metadata, &earlier, principal, is_open);
                // While a request may still act, it may be that of another calling user.
                let expected = match expected {
                    OwnerHint::Unknown if is_open => &OwnerHint::Disputed,
                    _ => &expected,
                };
                assert_eq!(found, *expected, "{now:?} {attempts:?} {principal:?}");
            }
        }
    }

    /// Each attempt is its owner, for whom IAM listed the key, and whether another user may have the name since then.
    #[test]
    fn a_name_that_may_be_another_users_is_not_the_owners() {
        let name = |name: &str| name.parse().ok();
        let bob = || OwnerHint::Listed(name("Bob"));
        let moved = |same_name| OwnerHint::Moved { same_name };
        for (now, attempts, is_listed, expected) in [
            ("Bob", &[("Bob", false)][..], false, bob()),
            ("Bob", &[("Bob", true)], false, moved(true)),
            ("", &[("Bob", true)], false, moved(false)),
            ("Alice", &[("Bob", true)], false, moved(false)),
            // A list of this run has the key.
            ("Bob", &[("Bob", true)], true, bob()),
            ("Alice", &[("Bob", true)], true, OwnerHint::Disputed),
            // A later run found out the new name.
            ("", &[("Alice", true), ("Bob", false)], false, bob()),
            ("Bob", &[("Alice", true), ("Bob", false)], false, bob()),
            (
                "Alice",
                &[("Alice", true), ("Bob", false)],
                false,
                OwnerHint::Disputed,
            ),
        ] {
            let key = Key {
                id: AccessKeyId::try_from("AKIDPMS9RO4H3FEXAMPLE".to_owned()).expect("an ID"),
                user_name: name(now),
            };
            let metadata = KeyMetadata {
                owner: name(now).filter(|_| is_listed),
                status: is_listed.then_some(Status::Active),
                ..KeyMetadata::default()
            };
            let attempt = |(owner, has_moved): &(&str, bool)| {
                let mut attempt = EarlierAttempt::default();
                attempt.owner = name(owner).map_or(Owner::Unknown, Owner::User);
                (attempt.was_listed, attempt.has_moved) = (true, *has_moved);
                attempt
            };
            let earlier: Vec<_> = attempts.iter().map(attempt).collect();
            let found = owner_hint(&key, &metadata, &earlier, Principal::Caller, false);
            assert_eq!(found, expected, "{now:?} {attempts:?} {is_listed}");
        }
    }

    /// Each status stands for a list of this run that has the key. An empty name is none.
    #[test]
    fn a_list_of_this_run_names_the_owner() {
        let (root, caller) = (Principal::RootUser, Principal::Caller);
        let name = |name: &str| name.parse().ok();
        let active = Some(Status::Active);
        let cases = [
            ("Bob", "", &active, caller, OwnerHint::Listed(name("Bob"))),
            (
                "Bob",
                "Bob",
                &active,
                caller,
                OwnerHint::Listed(name("Bob")),
            ),
            ("Bob", "", &None, caller, OwnerHint::Unknown),
            ("Bob", "Bob", &None, caller, OwnerHint::Named(name("Bob"))),
            ("", "Bob", &active, caller, OwnerHint::Named(name("Bob"))),
            ("", "", &active, caller, OwnerHint::Unknown),
            ("", "", &active, root, OwnerHint::Listed(None)),
            ("", "", &None, root, OwnerHint::Named(None)),
        ];
        for (listed, named, status, principal, expected) in cases {
            let key = Key {
                id: "AKIDPMS9RO4H3FEXAMPLE"
                    .to_owned()
                    .try_into()
                    .expect("an ID"),
                user_name: name(named),
            };
            let metadata = KeyMetadata {
                owner: name(listed),
                status: status.clone(),
                ..KeyMetadata::default()
            };
            let found = owner_hint(&key, &metadata, &[], principal, false);
            assert_eq!(found, expected, "{listed:?} {named:?} {status:?}");
        }
    }
}

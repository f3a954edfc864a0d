//! What the reads of a key say about where it is.

use super::*;
use crate::metadata::Status;

fn letter(location: &KeyLocation) -> char {
    match location {
        KeyLocation::Listed(Some(Status::Active)) => 'L',
        KeyLocation::OtherUser(owner, _) if owner.as_str() == "bob" => 'b',
        KeyLocation::OtherUser(..) => 'a',
        KeyLocation::Gone => 'G',
        KeyLocation::NoLongerListed => 'g',
        KeyLocation::GoneButNamed(owner) if owner.as_str() == "bob" => 'N',
        KeyLocation::Listed(_)
        | KeyLocation::GoneButNamed(_)
        | KeyLocation::InNoList
        | KeyLocation::Unconfirmed => '!',
        KeyLocation::ReportedOwner(_) => 'R',
        KeyLocation::AbsentAsNamed => 'A',
        KeyLocation::NotListed => '-',
        KeyLocation::UserMissing => 'U',
        KeyLocation::OtherAccount(..) => 'O',
        KeyLocation::LookupDenied => 'D',
        KeyLocation::ListDenied => 'P',
        KeyLocation::LookupFailed => 'F',
    }
}

/// Everything that a list of keys can say.
fn lists(user: &UserName) -> [ListRead; 7] {
    [
        ListRead::NotListed(Some(user.clone())),
        ListRead::NotListed(None),
        ListRead::OfAnother,
        ListRead::NoSuchUser,
        ListRead::Denied,
        ListRead::Failed,
        ListRead::Listed(Some(Status::Active)),
    ]
}

#[test]
fn only_the_list_of_another_owner_shows_that_the_key_is_theirs() {
    let bob: UserName = "bob".parse().expect("a name");
    let lists = lists(&bob);
    let found = lists.map(|list| letter(&listed_by_owner(bob.clone(), list)));
    assert_eq!(found.iter().collect::<String>(), "NNFFRFb");
}

/// Every combination: a row for each hint and named user, a word for each owner read, a letter for each list read.
#[test]
fn two_reads_prove_this_and_no_more() {
    let user = |name: &str| name.parse::<UserName>().expect("a name");
    let bob = user("Bob");
    let owners = [
        OwnerRead::Owner(user("bob")),
        OwnerRead::Owner(user("Alice")),
        OwnerRead::NoSuchKey,
        OwnerRead::Denied,
        OwnerRead::Failed,
    ];
    let lists = lists(&bob);
    let (by_bob, root) = (Some(bob.clone()), None);
    let unnamed = "NbFFbFL aaFFaFL GGGGGGL";
    let for_bob = "NNFFPFL aaaaaaL GGGGGGL";
    for (hint, named, reads, denied) in [
        (OwnerHint::Unknown, None, unnamed, "---UDFL"),
        (
            OwnerHint::Named(by_bob.clone()),
            Some(&bob),
            for_bob,
            "AA-UDFL",
        ),
        (OwnerHint::Listed(by_bob), Some(&bob), for_bob, "gg-UDFL"),
        (OwnerHint::Named(root.clone()), None, unnamed, "AA-UDFL"),
        (OwnerHint::Listed(root), None, unnamed, "gg-UDFL"),
        (OwnerHint::Disputed, Some(&bob), for_bob, "---UDFL"),
        (OwnerHint::Disputed, None, unnamed, "---UDFL"),
        (
            OwnerHint::Moved { same_name: true },
            Some(&bob),
            for_bob,
            "---UDFL",
        ),
        (
            OwnerHint::Moved { same_name: false },
            None,
            unnamed,
            "---UDFL",
        ),
    ] {
        let found = owners.clone().map(|owner| {
            let read = |list| letter(&interpret(&hint, named, owner.clone(), list));
            lists.clone().map(read).iter().collect::<String>()
        });
        let failed = if named.is_some() {
            "FFFFPFL"
        } else {
            "FFFFFFL"
        };
        let expected = format!("{reads} {denied} {failed}");
        assert_eq!(found.join(" "), expected, "{hint:?} {named:?}");
    }
}

//! Conditions with invalid values: status 2, the reason, and no request is sent.

use crate::case::{Case, documented};

#[test]
fn invalid_ages() {
    for (age, says) in [
        ("45", "an age is a whole number of hours, days or weeks"),
        ("6m", "months and years vary in length"),
        ("0d", "every key is at least that old"),
        ("1d2h", "an age is a whole number of hours, days or weeks"),
        ("1hour", "an age is a whole number of hours, days or weeks"),
        (
            "90 days",
            "an age is a whole number of hours, days or weeks",
        ),
        ("-1d", "an age is a whole number of hours, days or weeks"),
        ("", "an age is a whole number of hours, days or weeks"),
        ("1d\u{1b}[2J", "\\u{1b}[2J"),
        ("999999d", "longer than 100 years"),
    ] {
        for option in ["--unused-for", "--older-than"] {
            let sandbox = documented();
            let argument = format!("{option}={age}");
            let _ = Case::documented(&sandbox, &[&argument])
                .run()
                .exits(2)
                .prints_nothing()
                .says(&[says, option])
                .ends_with("no request was sent, and no key was changed");
            assert_eq!(sandbox.connections(), 0);
        }
    }
}

#[test]
fn patterns_that_match_no_user() {
    for (glob, says) in [
        ("", "it is empty"),
        ("a b", "user names cannot contain ` `"),
        ("team/*", "user names cannot contain `/`"),
        ("[a", "character 1"),
        ("***", "character"),
        ("[z-a]*", "`[z-a]` matches no character of a user name"),
        ("a[?]", "`[?]` matches no character of a user name"),
    ] {
        let sandbox = documented();
        let argument = format!("--except-user={glob}");
        let _ = Case::documented(&sandbox, &[&argument])
            .run()
            .exits(2)
            .prints_nothing()
            .says(&[says])
            .ends_with("no request was sent, and no key was changed");
        assert_eq!(sandbox.connections(), 0);
    }
}

//! The users and keys that an account has in addition to those in every sandbox.

use std::time::{Duration, SystemTime};

use crate::account::Account;
use crate::documented;
use crate::key::{Key, KeySeed, days_ago};
use crate::key_id;
use time::OffsetDateTime;

/// How many days ago the first added user was created: with keys, and without keys.
const DAYS: [u32; 2] = [100, 102];

/// When user `n` was created. Each is one second newer than the one before, because IAM has no fractions of a second.
fn created(days: u32, n: usize) -> SystemTime {
    days_ago(days) + Duration::from_secs(n as u64)
}

/// Users and keys to add.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seeds {
    pub(crate) documented: bool,
    pub(crate) users: Vec<String>,
    pub(crate) keys: Vec<KeySeed>,
    /// Keys of the root user, in addition to the one in every account.
    pub(crate) root_keys: Vec<KeySeed>,
    pub(crate) many: Many,
    /// How many users to add without keys.
    pub(crate) idle: usize,
    /// User names, and the paths that replace `/`.
    pub(crate) paths: Vec<(String, String)>,
    /// User names, tag keys and tag values.
    pub(crate) tags: Vec<[String; 3]>,
}

/// The numbers of users, and of their keys in total.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Many {
    pub(crate) users: usize,
    pub(crate) keys: usize,
    /// How many of the first keys were used three days ago.
    pub(crate) used: usize,
}

impl Seeds {
    pub(crate) fn plant(self, account: &mut Account, now: OffsetDateTime) {
        let id = account.id.clone();
        let documented = self.documented.then(|| documented::keys(&id));
        let planted = documented.into_iter().flatten().chain(self.keys);
        for seed in planted.chain(self.many.seeds(&id)) {
            account.plant(seed);
        }
        account
            .root
            .extend(self.root_keys.into_iter().map(Key::from));
        for user in 0..self.many.users {
            account.ensure_user(&Many::name(user), created(DAYS[0], user).into());
        }
        for number in 1..=self.idle {
            let name = format!("idle-{number:06}");
            account.ensure_user(&name, created(DAYS[1], number).into());
        }
        for name in &self.users {
            account.ensure_user(name, now);
        }
        for (name, path) in &self.paths {
            account.set_path(name, path);
        }
        for [name, key, value] in &self.tags {
            account.tag_user(name, key, value);
        }
    }
}

impl Many {
    fn seeds(self, account: &str) -> impl Iterator<Item = KeySeed> {
        let keys = if self.users == 0 { 0 } else { self.keys };
        (0..keys).map(move |n| {
            let owner = self.owner(n);
            let seed = KeySeed {
                created: created(DAYS[0], owner),
                ..KeySeed::new(&Self::name(owner), &nth_key_id(account, n))
            };
            if n < self.used {
                seed.last_used_days_ago(3, "s3", "us-east-1")
            } else {
                seed
            }
        })
    }

    /// The user who owns key `n`. Each user's keys are consecutive. If the keys do not divide evenly, the first users
    /// have one more.
    fn owner(self, n: usize) -> usize {
        let (each, more) = (self.keys / self.users, self.keys % self.users);
        let theirs = more * (each + 1);
        if n < theirs {
            n / (each + 1)
        } else {
            more + (n - theirs) / each
        }
    }

    fn name(user: usize) -> String {
        format!("user-{:06}", user + 1)
    }
}

/// The ID of key `n`, counted from 0 over all users, that [`Builder::many_keys`](crate::Builder::many_keys) and
/// [`Builder::many_users`](crate::Builder::many_users) add to an account.
#[must_use]
pub fn nth_key_id(account: &str, n: usize) -> String {
    /// The documented keys have lower serial numbers.
    const FIRST: u64 = 1000;
    key_id::make(
        "AKIA",
        account,
        FIRST + u64::try_from(n).unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::{Many, Seeds, nth_key_id};
    use crate::account::Account;
    use crate::key::{Key, KeySeed};
    use time::OffsetDateTime;

    const ID: &str = "123456789012";

    fn planted(seeds: Seeds) -> Vec<(String, usize)> {
        let root = Key::from(KeySeed::new("root", "AKIAROOT"));
        let mut account = Account::new(ID, root);
        seeds.plant(&mut account, OffsetDateTime::now_utc());
        account
            .users_after("")
            .map(|user| (user.name.clone(), user.keys.len()))
            .collect()
    }

    fn counts(users: usize, keys: usize) -> Vec<usize> {
        let many = Many {
            users,
            keys,
            used: 0,
        };
        let seeds = Seeds {
            many,
            ..Seeds::default()
        };
        planted(seeds).into_iter().map(|(_, keys)| keys).collect()
    }

    #[test]
    fn keys_are_spread_evenly_over_the_users() {
        assert_eq!(counts(3, 6), [2, 2, 2]);
        assert_eq!(counts(3, 5), [2, 2, 1]);
        assert_eq!(counts(3, 2), [1, 1, 0]);
        assert_eq!(counts(2, 0), [0, 0]);
        assert_eq!(counts(0, 2), [0; 0]);
    }

    #[test]
    fn the_keys_of_a_user_are_consecutive() {
        let many = Many {
            users: 2,
            keys: 3,
            used: 0,
        };
        let seeds: Vec<(String, String)> =
            many.seeds(ID).map(|seed| (seed.user, seed.id)).collect();
        let expected = [(1, 0), (1, 1), (2, 2)]
            .map(|(user, n)| (format!("user-{user:06}"), nth_key_id(ID, n)));
        assert_eq!(seeds, expected);
    }

    #[test]
    fn idle_users_have_no_keys() {
        let seeds = Seeds {
            idle: 2,
            users: vec!["Carol".to_owned(), "IDLE-000001".to_owned()],
            ..Seeds::default()
        };
        let expected = ["Carol", "idle-000001", "idle-000002"].map(|name| (name.to_owned(), 0));
        assert_eq!(planted(seeds), expected);
    }
}

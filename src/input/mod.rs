//! Keys from a file or from standard input: plain IDs, CSV, JSON, and what this program prints. All of it is read and
//! checked before anything is contacted; memory does not grow with its length but for eight bytes a key.

mod csv;
mod json;
mod line;
mod plain;
#[cfg(any(test, fuzzing))]
#[path = "../../tests/fuzz/target/input.rs"]
pub(crate) mod target;

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, BufRead, BufReader};

use serde::{Deserialize, Serialize};

use crate::escape::{escape, excerpt};
use crate::ident::{AccessKeyId, UserName};
use crate::request::{Action, Input, Key, Owner};
use crate::spool::{Spool, Spooled};
use crate::stop::Stop;
use crate::word::Word;
use line::Lines;

/// The most keys of one run. No account has as many; a stream that does not end, does.
const MOST_KEYS: usize = 10_000_000;

/// The keys of a file, each once.
#[derive(Debug)]
pub(crate) struct List {
    rows: Spooled<Row>,
    /// How many keys there are.
    pub(crate) len: u64,
    /// How many lines repeat a key.
    pub(crate) repeated: u64,
    /// How many lines say that their key needs nothing.
    pub(crate) left_out: u64,
}

/// A key and the line it stands in.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Row {
    key: Key,
    line: u64,
}

/// What a line or an object holds.
#[derive(Debug)]
struct Found {
    id: AccessKeyId,
    user_name: Option<UserName>,
    /// The `Outcome` where this program printed the line.
    outcome: Option<String>,
    /// What that run was to do, where the line says so.
    action: Option<String>,
    line: u64,
    /// Where the owner should stand and does not: the column, in a list that has one for it.
    gap: Option<usize>,
}

/// What the command says that a list is read for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Purpose<'a> {
    /// The owner of keys that stand without one.
    pub(crate) user_name: Option<&'a UserName>,
    /// Whether IAM is asked for it else.
    pub(crate) owner: Owner,
    /// What is to be done to the keys.
    pub(crate) action: Action,
}

/// What is wrong with the input, and where; lines and columns count from 1.
#[derive(Debug)]
struct Problem {
    line: u64,
    column: u64,
    what: String,
    /// Whose it is: as what it ends the run.
    stop: fn(String) -> Stop,
}

impl Problem {
    fn new(line: u64, column: usize, what: impl Into<String>) -> Self {
        Self {
            line,
            column: column as u64,
            what: what.into(),
            stop: Stop::usage,
        }
    }
}

/// Takes what is found, line by line.
type Visit<'a> = dyn FnMut(Found) -> Result<(), Problem> + 'a;

/// Reads all keys of `input` for `purpose`.
///
/// # Errors
///
/// The input cannot be read, or something in it is wrong: with file, line and column.
pub(crate) fn read(input: &Input, purpose: Purpose<'_>) -> Result<List, Stop> {
    let name = match input {
        Input::Stdin => "standard input".to_owned(),
        Input::File(path) => escape(&path.to_string_lossy()),
    };
    let unreadable = |error: &io::Error| Stop::usage(format!("cannot read {name}: {error}"));
    let source: Box<dyn BufRead> = match input {
        Input::Stdin => Box::new(io::stdin().lock()),
        Input::File(path) => match File::open(path) {
            Ok(file) => Box::new(BufReader::with_capacity(1 << 16, file)),
            Err(error) => {
                return Err(unreadable(&error).hint("check the path given with --from"));
            }
        },
    };
    keys_of(source, &name, purpose)
}

/// Reads all keys of `source`, which messages call `name`.
fn keys_of(source: Box<dyn BufRead>, name: &str, purpose: Purpose<'_>) -> Result<List, Stop> {
    let mut collected = Collected::new(purpose);
    found_in(source, &mut |found| collected.take(found))
        .and_then(|()| collected.distinct())
        .map_err(|problem| wrong(name, &problem))
}

fn wrong(name: &str, problem: &Problem) -> Stop {
    let what = excerpt(&problem.what);
    if problem.line == 0 {
        return (problem.stop)(format!("cannot read {name}: {what}"));
    }
    Stop::usage(format!(
        "{name}, line {}, column {}: {what}",
        problem.line, problem.column
    ))
    .hint("nothing was contacted; correct the line and run the same command again")
}

/// Finds out what the input is and reads it as that.
fn found_in(source: Box<dyn BufRead>, visit: &mut Visit<'_>) -> Result<(), Problem> {
    let mut lines = Lines::new(source)?;
    match lines.first()? {
        None => Ok(()),
        Some(b'{' | b'[') => json::read(lines, visit),
        Some(_) => {
            let Some(first) = lines.next()? else {
                return Ok(());
            };
            match csv::Head::of(&first)? {
                Some(head) => csv::read(&head, lines, visit),
                None => plain::read(first, lines, visit),
            }
        }
    }
}

/// What was read so far.
struct Collected<'a> {
    purpose: Purpose<'a>,
    rows: Spool<Row>,
    hasher: RandomState,
    /// Of each key, to find those that may be repeated.
    hashes: Vec<u64>,
    left_out: u64,
}

impl<'a> Collected<'a> {
    fn new(purpose: Purpose<'a>) -> Self {
        Self {
            purpose,
            rows: Spool::new(),
            hasher: RandomState::new(),
            hashes: Vec::new(),
            left_out: 0,
        }
    }

    fn take(&mut self, found: Found) -> Result<(), Problem> {
        let Found {
            id,
            user_name,
            outcome,
            action,
            line,
            gap,
        } = found;
        let purpose = self.purpose;
        let refuse = |what: String| Err(Problem::new(line, 1, what));
        let word = match outcome.as_deref().map(|text| (text, Word::read(text))) {
            None => None,
            Some((_, Some(word))) => Some(word),
            Some((text, None)) => return refuse(format!("there is no Outcome `{text}`")),
        };
        // A milder thing that was planned or done never becomes a deletion by itself.
        if purpose.action == Action::Delete {
            let add = "this command deletes: add --deactivate, or";
            match word {
                Some(Word::WouldDeactivate) => {
                    return refuse(format!(
                        "the plan would deactivate {id}, and {add} plan anew"
                    ));
                }
                Some(Word::Deactivated) => {
                    return refuse(format!(
                        "{id} was deactivated, and {add} take the Outcome out (jq -c 'del(.Outcome)') to have it deleted"
                    ));
                }
                _ if action.as_deref() == Some(Action::Deactivate.verb()) => {
                    return refuse(format!(
                        "{id} was to be deactivated, and {add} take the line out"
                    ));
                }
                _ => {}
            }
        }
        let is_left =
            |word: Word| word.is_settled() || matches!(word, Word::Skipped | Word::Refused);
        if word.is_some_and(is_left) {
            self.left_out += 1;
            return Ok(());
        }
        if self.hashes.len() == MOST_KEYS {
            return Err(Problem::new(
                line,
                1,
                format!("more than {MOST_KEYS} keys: split the list"),
            ));
        }
        // IAM would look among the keys of the user whose key signs, whom the list does not mean.
        if let (Some(column), None, Owner::AsGiven) = (gap, purpose.user_name, purpose.owner) {
            let what = format!(
                "{id} has no owner here, and the list has a column for it: fill it in, or add --user-name or --find-user"
            );
            return Err(Problem::new(line, column, what));
        }
        let user_name = match (user_name, purpose.user_name) {
            (Some(named), Some(given)) if !named.same_user(given) => {
                return Err(Problem::new(
                    line,
                    1,
                    format!("{id} is {named}'s here, and --user-name says {given}"),
                ));
            }
            (named, given) => named.or_else(|| given.cloned()),
        };
        self.hashes.push(self.hasher.hash_one(id.as_str()));
        let key = Key { id, user_name };
        self.rows
            .push(&Row { key, line })
            .map_err(|error| not_kept(&error))
    }

    /// Leaves each key once. Only hashes are kept of all keys; where two are the same, the keys are compared.
    fn distinct(mut self) -> Result<List, Problem> {
        self.hashes.sort_unstable();
        let same: HashSet<u64> = self
            .hashes
            .windows(2)
            .filter(|pair| pair[0] == pair[1])
            .map(|pair| pair[0])
            .collect();
        let len = self.rows.len();
        let rows = self.rows.read().map_err(|error| not_kept(&error))?;
        let list = |rows, len, repeated| List {
            rows,
            len,
            repeated,
            left_out: self.left_out,
        };
        if same.is_empty() {
            return Ok(list(rows, len, 0));
        }
        let mut first: HashMap<String, Row> = HashMap::new();
        let mut once = Spool::new();
        for row in rows {
            let row = row.map_err(|error| not_kept(&error))?;
            let id = row.key.id.as_str();
            if same.contains(&self.hasher.hash_one(id)) {
                if let Some(first) = first.get(id) {
                    agree(first, &row)?;
                    continue;
                }
                first.insert(id.to_owned(), row.clone());
            }
            once.push(&row).map_err(|error| not_kept(&error))?;
        }
        let distinct = once.len();
        let rows = once.read().map_err(|error| not_kept(&error))?;
        Ok(list(rows, distinct, len - distinct))
    }
}

/// A key that stands in two lines has to have the same owner in both.
fn agree(first: &Row, second: &Row) -> Result<(), Problem> {
    let owner = |row: &Row| match &row.key.user_name {
        Some(name) => format!("{name}'s"),
        None => "nobody's".to_owned(),
    };
    match (&first.key.user_name, &second.key.user_name) {
        (None, None) => Ok(()),
        (Some(one), Some(other)) if one.same_user(other) => Ok(()),
        _ => Err(Problem::new(
            second.line,
            1,
            format!(
                "{} is {} here, and {} in line {}: a key has one owner",
                second.key.id,
                owner(second),
                owner(first),
                first.line
            ),
        )),
    }
}

fn not_kept(error: &io::Error) -> Problem {
    let folder = std::env::temp_dir();
    let what = format!("a long list is kept in {}: {error}", folder.display());
    Problem {
        stop: Stop::other,
        ..Problem::new(0, 0, what)
    }
}

impl List {
    /// The keys, in the order of the input.
    pub(crate) fn keys(self) -> impl Iterator<Item = io::Result<Key>> {
        self.rows.map(|row| row.map(|row| row.key))
    }
}

//! The columns of a table: those that the request needs, as far as they fit into the width.

use crate::condition::{Condition, RequiredRead};
use crate::outcome::OutcomeKind;
use crate::request::{Action, Mode, Request};

/// The space between two columns.
pub(super) const GAP: usize = 2;
/// The width of an access key ID: the one in AWS's documentation is the longest. A longer ID moves its row.
const ID_WIDTH: usize = 21;
/// The width of a user name: at least, before other columns are added, before places and reasons are added, and at most.
const NAME_WIDTHS: [usize; 4] = [4, 12, 20, 64];
/// The width of the longest status of AWS.
const STATUS_WIDTH: usize = 8;
/// The width of the longest age.
const AGE_WIDTH: usize = "23 months ago".len();
/// The width of most services and regions.
const PLACE_WIDTH: usize = "ec2 ap-southeast-2".len();
/// The width of a reason, at least and at most.
const REASON_WIDTHS: [usize; 2] = [24, 48];

/// The columns, in the order in which they are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Column {
    Id,
    Owner,
    Status,
    Created,
    LastUsed,
    UsedFor,
    Outcome,
    Reason,
}

impl Column {
    /// Returns the name that is printed above the column.
    pub(super) fn header(self) -> &'static str {
        match self {
            Self::Id => "ACCESS KEY ID",
            Self::Owner => "USER",
            Self::Status => "STATUS",
            Self::Created => "CREATED",
            Self::LastUsed => "LAST USED",
            Self::UsedFor => "USED FOR",
            Self::Outcome => "OUTCOME",
            Self::Reason => "REASON",
        }
    }
}

/// Returns the columns of results.
pub(super) fn result_columns(request: &Request, width: usize) -> Vec<(Column, usize)> {
    let outcome_width = match request.mode {
        Mode::DryRun => "Would".len() + request.action.verb().len(),
        Mode::Change => request.action.done().len(),
    };
    let outcome_width = outcome_width.max(OutcomeKind::NotTried.as_str().len());
    columns(request, width, Some(outcome_width))
}

/// Returns the columns that fit into `width`, and their widths. Facts that the run does not read have no column. The ID and the
/// outcome are always there, even if they do not fit.
pub(super) fn columns(
    request: &Request,
    width: usize,
    outcome_width: Option<usize>,
) -> Vec<(Column, usize)> {
    let mut columns = vec![(Column::Id, ID_WIDTH)];
    columns.extend(outcome_width.map(|width| (Column::Outcome, width)));
    let owner = [NAME_WIDTHS[0], NAME_WIDTHS[1]].map(|width| (Column::Owner, width));
    let wanted = wanted_columns(request, outcome_width.is_some());
    for (column, wanted_width) in owner.into_iter().chain(wanted) {
        let used: usize = columns.iter().map(|(_, width)| width + GAP).sum();
        let free = (width + GAP).saturating_sub(used);
        match columns.iter_mut().find(|(other, _)| *other == column) {
            Some((_, width)) => *width = wanted_width.min(*width + free).max(*width),
            None if free >= wanted_width + GAP => columns.push((column, wanted_width)),
            None => {}
        }
    }
    columns.sort_unstable();
    columns
}

/// Returns more columns, the most important first, and greater widths for columns that are there already.
fn wanted_columns(request: &Request, is_result: bool) -> Vec<(Column, usize)> {
    let conditions = &request.conditions.all;
    let is_listed = request.reads(RequiredRead::Listing);
    let is_looked_up = request.reads(RequiredRead::LastUse);
    let mut wanted = Vec::new();
    wanted.extend(is_looked_up.then_some((Column::LastUsed, AGE_WIDTH)));
    wanted.extend(is_listed.then_some((Column::Status, STATUS_WIDTH)));
    wanted.extend(is_listed.then_some((Column::Created, AGE_WIDTH)));
    let is_old = |condition: &Condition| matches!(condition, Condition::OlderThan(_));
    if conditions.iter().any(is_old) {
        wanted.sort_by_key(|(column, _)| *column != Column::Created);
    }
    wanted.push((Column::Owner, NAME_WIDTHS[2]));
    wanted.extend(is_looked_up.then_some((Column::UsedFor, PLACE_WIDTH)));
    if is_result && (!conditions.is_empty() || request.action != Action::Delete) {
        wanted.extend(REASON_WIDTHS.map(|width| (Column::Reason, width)));
    }
    wanted.push((Column::Owner, NAME_WIDTHS[3]));
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::request;

    #[test]
    fn the_columns_are_those_that_are_read_and_fit() {
        use Column::{Created, Id, LastUsed, Outcome, Owner, Reason, Status, UsedFor};
        const NAMED: &str = "--access-key-id AKIDPMS9RO4H3FEXAMPLE";
        let found = [NAMED, "--find-user"].join(" ");
        for (words, width, expected) in [
            (
                "-n --user-name Bob --all-keys",
                48,
                &[Id, Owner, Outcome][..],
            ),
            (
                "-n --user-name Bob --all-keys",
                79,
                &[Id, Owner, Status, LastUsed, Outcome],
            ),
            (
                "-n --user-name Bob --all-keys",
                120,
                &[Id, Owner, Status, Created, LastUsed, UsedFor, Outcome],
            ),
            (
                "-n --deactivate --user-name Bob --all-keys",
                120,
                &[Id, Owner, Status, Created, LastUsed, UsedFor, Outcome],
            ),
            (
                "-n --user-name Bob --all-keys --only-inactive",
                146,
                &[
                    Id, Owner, Status, Created, LastUsed, UsedFor, Outcome, Reason,
                ],
            ),
            (
                "-n --user-name Bob --all-keys --older-than 1d",
                79,
                &[Id, Owner, Created, LastUsed, Outcome],
            ),
            (
                "--yes --whole-account --only-inactive",
                80,
                &[Id, Owner, Status, Created, Outcome],
            ),
            (NAMED, 36, &[Id, Outcome]),
            (NAMED, 37, &[Id, Owner, Outcome]),
            (NAMED, 200, &[Id, Owner, Outcome]),
            (&found, 92, &[Id, Owner, LastUsed, UsedFor, Outcome]),
        ] {
            let columns = result_columns(&request(words), width);
            let names: Vec<Column> = columns.iter().map(|(column, _)| *column).collect();
            assert_eq!(names, expected, "{words} {width}");
        }
    }

    #[test]
    fn no_table_is_wider_than_the_terminal() {
        for words in [
            "-n --deactivate --user-name Bob --all-keys --older-than 1d",
            "--yes --user-name Bob --all-keys",
        ] {
            let request = request(words);
            for width in 38..300 {
                let columns = result_columns(&request, width);
                let used: usize = columns.iter().map(|(_, width)| width + GAP).sum();
                assert!(used <= width + GAP, "{words} {width}: {columns:?}");
                let mut names = columns
                    .iter()
                    .filter(|(column, _)| *column == Column::Owner);
                let is_in_range = |width| (NAME_WIDTHS[0]..=NAME_WIDTHS[3]).contains(width);
                assert!(names.all(|(_, width)| is_in_range(width)), "{columns:?}");
            }
        }
    }
}

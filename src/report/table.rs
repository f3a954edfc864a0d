//! Tables for people. They fit the terminal and show the age of each date. If a table does not fit, plain lines are
//! printed.

use std::io;
use std::time::SystemTime;

use anstyle::Style;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use terminal_size::terminal_size_of;

use super::message;
use super::record::{reason, status};
use super::wrap::{Wrapper, display_width};
use crate::age::{relative_time, timestamp};
use crate::guard::{Principal, Signer};
use crate::ident::{AccountId, UserName};
use crate::metadata::{KeyMetadata, LastUse, Target};
use crate::outcome::KeyResult;
use crate::request::{Action, Key, Request, Selection};
use crate::sanitize::{SafeText, escape_field};

/// The width without a terminal, in columns.
const DEFAULT_WIDTH: usize = 80;
/// The minimum and maximum width of a table.
const MIN_TABLE_WIDTH: usize = 60;
const MAX_WIDTH: usize = 160;
/// The maximum width of a user name: slightly more than that of an access key ID.
const MAX_NAME_WIDTH: usize = 24;
/// The maximum width of a status, service or region. AWS's own values are shorter.
const MAX_WORD_WIDTH: usize = 20;
/// The maximum number of lines of a reason, and of any other text in the plain format.
const MAX_REASON_LINES: usize = 12;
const MAX_PLAIN_LINES: usize = 6;
/// The only column whose cells are wrapped.
const LAST_USED_COLUMN: usize = 3;

const HEADERS: [&str; 5] = [
    "ACCESS KEY, OWNER",
    "STATUS",
    "CREATED",
    "LAST USED",
    "OUTCOME",
];
/// The labels of the columns in the plain format.
const PLAIN_LABELS: [&str; 5] = ["", "", "created ", "last used ", ""];

/// Separates two rows until the reason of the first is inserted. No cell contains it.
const ROW_SEPARATOR: char = '\u{0}';

/// A key and its columns, and the reason for its outcome, which is printed below the row.
#[derive(Debug)]
pub(super) struct Row {
    id: String,
    /// The lines of each cell except the ID. The outcome is missing before there is a result.
    cells: Vec<Vec<String>>,
    reason: Option<String>,
}

/// Creates the row of a result.
pub(super) fn row(result: &KeyResult) -> Row {
    let mut row = key_row(&result.key, &result.metadata);
    row.cells[0].extend(
        result
            .key
            .id
            .account()
            .map(|account| format!("of {account}")),
    );
    if let Some(status) = status(result) {
        row.cells[1] = vec![truncate(status)];
    }
    row.cells.push(vec![result.kind().as_str().to_owned()]);
    row.reason = reason(result);
    row
}

/// Renders the table of results for standard output. `is_colored` makes the header bold.
pub(super) fn results_table(rows: &[Row], is_colored: bool) -> SafeText {
    render(rows, width(terminal_size_of(io::stdout())), is_colored)
}

/// Renders the table of targets for standard error. It does not show the account that an ID encodes, because the
/// encoding is undocumented. The question names the account.
pub(super) fn targets_table(targets: &[Target]) -> SafeText {
    let row = |target: &Target| key_row(&target.key, &target.metadata);
    let rows: Vec<Row> = targets.iter().map(row).collect();
    render(&rows, width(terminal_size_of(io::stderr())), false)
}

fn width(terminal: Option<(terminal_size::Width, terminal_size::Height)>) -> usize {
    terminal.map_or(DEFAULT_WIDTH, |(width, _)| {
        usize::from(width.0).clamp(1, MAX_WIDTH)
    })
}

fn render(rows: &[Row], width: usize, is_colored: bool) -> SafeText {
    let wrapper = Wrapper::to(width);
    let table = (width >= MIN_TABLE_WIDTH).then(|| table(rows, &wrapper));
    let fits_width = |lines: &Vec<String>| lines.iter().all(|line| display_width(line) <= width);
    let mut lines = match table.filter(fits_width) {
        Some(mut lines) => {
            if let Some(head) = lines.first_mut().filter(|_| is_colored) {
                let bold = Style::new().bold();
                *head = format!("{bold}{head}{bold:#}");
            }
            lines
        }
        None => rows
            .iter()
            .flat_map(|row| plain_lines(row, &wrapper))
            .collect(),
    };
    lines.retain(|line| !line.is_empty());
    SafeText::page(&lines.join("\n"))
}

/// Renders the lines of the table, the header first.
fn table(rows: &[Row], wrapper: &Wrapper) -> Vec<String> {
    let count = rows.first().map_or(HEADERS.len(), |row| row.cells.len());
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(wrapper.width).unwrap_or(u16::MAX))
        .set_header(&HEADERS[..count]);
    table.style_mut().row_separator.fill = Some(ROW_SEPARATOR);
    for row in rows {
        let cells = row.cells.iter().enumerate().map(|(index, lines)| {
            if index > 0 {
                return lines.join("\n");
            }
            let owner = lines.iter();
            let owner = owner.flat_map(|line| {
                wrapper
                    .with_width(MAX_NAME_WIDTH)
                    .wrap_anywhere(line, MAX_PLAIN_LINES)
            });
            let lines: Vec<String> = [row.id.clone()].into_iter().chain(owner).collect();
            lines.join("\n")
        });
        table.add_row(cells);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        // IDs, statuses, dates and outcomes are copied or compared, so they are never wrapped.
        if index != LAST_USED_COLUMN {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    let text = table.trim_fmt();
    let mut reasons = rows.iter().map(|row| row.reason.as_deref());
    let mut below = || {
        wrapper.wrap_words(
            reasons.next().flatten().unwrap_or_default(),
            MAX_REASON_LINES,
        )
    };
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        if line.starts_with(ROW_SEPARATOR) {
            lines.extend(below());
        } else {
            lines.push(line.to_owned());
        }
    }
    lines.extend(below());
    lines
}

/// Renders a key in the plain format: the ID, which is never truncated, and each value on lines of its own.
fn plain_lines(row: &Row, wrapper: &Wrapper) -> Vec<String> {
    let mut lines = vec![row.id.clone()];
    for (label, cell) in PLAIN_LABELS.iter().zip(&row.cells) {
        if !cell.is_empty() {
            let text = format!("{label}{}", cell.join(", "));
            lines.extend(wrapper.wrap_words(&text, MAX_PLAIN_LINES));
        }
    }
    let reason = row.reason.as_deref().unwrap_or_default();
    lines.extend(wrapper.wrap_words(reason, MAX_REASON_LINES));
    lines
}

/// Creates a row with the owner, status, creation date and last use of a key.
fn key_row(key: &Key, metadata: &KeyMetadata) -> Row {
    let date_and_age = |at: SystemTime| {
        let age = metadata.read_at.map(|now| relative_time(at, now));
        [Some(day(at)), age].into_iter().flatten()
    };
    let owner = metadata.owner.as_ref().or(key.user_name.as_ref());
    let unlisted_cell = unread_cell(metadata.denied.listing);
    let last_use = match &metadata.last_use {
        None => unread_cell(metadata.denied.last_use),
        Some(LastUse::Never) => vec!["never".to_owned()],
        Some(LastUse::At {
            date,
            service,
            region,
        }) => {
            let words = [service, region].into_iter().flatten();
            let place: Vec<String> = words.map(|word| truncate(word)).collect();
            date_and_age(*date).chain([place.join(" ")]).collect()
        }
    };
    let status = metadata
        .status
        .as_ref()
        .map(|status| vec![truncate(status.as_str())]);
    Row {
        id: key.id.to_string(),
        cells: vec![
            owner.map(UserName::to_string).into_iter().collect(),
            status.unwrap_or_else(|| unlisted_cell.clone()),
            metadata
                .created
                .map_or(unlisted_cell, |created| date_and_age(created).collect()),
            last_use,
        ],
        reason: None,
    }
}

/// Returns the cell of a missing value: `unknown` if IAM denied the read, empty if it was not requested.
fn unread_cell(is_denied: bool) -> Vec<String> {
    is_denied
        .then(|| "unknown".to_owned())
        .into_iter()
        .collect()
}

/// Truncates a value from AWS to the maximum width of a column.
fn truncate(word: &str) -> String {
    Wrapper::to(MAX_WORD_WIDTH).truncate(word)
}

/// Returns the date of a time in UTC, which IAM uses.
fn day(at: SystemTime) -> String {
    timestamp(at)
        .split('T')
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// Asks for confirmation after the keys were shown. Names the account, which STS returned, and the profile.
pub(crate) fn question(
    count: u64,
    request: &Request,
    account: Option<&AccountId>,
    signer: &Signer,
) -> SafeText {
    let (verb, warning) = match request.action {
        Action::Delete => ("Delete", "cannot be undone"),
        Action::Deactivate => ("Deactivate", "can be undone"),
        Action::Reactivate => ("Reactivate", "can be undone with --deactivate"),
    };
    let keys = match count {
        1 => "this key".to_owned(),
        _ => format!("these {count} keys"),
    };
    let account = match account {
        Some(account) => format!("account {account}"),
        None => "an unknown account".to_owned(),
    };
    let place = match signer.principal {
        Principal::Caller => format!("in {account}"),
        Principal::RootUser => format!("of the root user of {account}"),
    };
    let profile = signer
        .profile
        .as_ref()
        .map(|name| format!(" with profile {}", escape_field(name)));
    let profile = profile.unwrap_or_default();
    let scope = match request.selection {
        Selection::Account => " Root user keys are not included.",
        Selection::Named(_) | Selection::Listed { .. } | Selection::User(_) | Selection::Root => "",
    };
    SafeText::page(&format!(
        "\n{verb} {keys} {place}{profile}?{scope} It {warning}. [y/N] "
    ))
}

/// Shows the targets on standard error.
pub(crate) fn show_targets(targets: &[Target]) {
    message::print_line(&targets_table(targets));
}

//! Keys as people read them: a table that fits the terminal, dates with their ages.

use std::time::SystemTime;

use anstyle::Style;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};

use super::row::{reason, status, user};
use crate::age::{ago, timestamp};
use crate::candidate::Candidate;
use crate::escape::excerpt;
use crate::fact::{Facts, LastUse};
use crate::ident::{AccessKeyId, UserName};
use crate::outcome::Settled;

/// The width where there is no terminal to ask for one, in columns.
const WIDTH: u16 = 80;
/// The widest a user's name is made, as wide as an ID with something to spare.
const NAME: usize = 24;
/// The one column that is broken into lines.
const LAST_USED: usize = 3;
/// The narrowest and the widest a table is made.
const WIDTHS: std::ops::RangeInclusive<u16> = 60..=160;

/// Stands between two rows until what became of the first is written there; no cell has it.
const BETWEEN: char = '\u{0}';

/// A key in a table, and below it, as wide as the table may be, why this became of it.
#[derive(Debug)]
pub(super) struct Row {
    cells: [String; 5],
    reason: Option<String>,
}

/// The row of a key.
pub(super) fn row(settled: &Settled) -> Row {
    let [key, listed, created, last_used] = cells(&settled.key.id, user(settled), &settled.facts);
    let status = status(settled).map_or(listed, excerpt);
    let outcome = settled.word().as_str().to_owned();
    Row {
        cells: [key, status, created, last_used, outcome],
        reason: reason(settled).map(|reason| excerpt(&reason)),
    }
}

/// The table of what became of keys. `is_colored`: the head is made bold.
pub(super) fn of(rows: &[Row], is_colored: bool) -> String {
    let width = width();
    let mut table = table(width);
    table.style_mut().row_separator.fill = Some(BETWEEN);
    table.set_header([
        "ACCESS KEY, OWNER",
        "STATUS",
        "CREATED",
        "LAST USED",
        "OUTCOME",
    ]);
    for row in rows {
        table.add_row(&row.cells);
    }
    let text = drawn(table);
    let mut reasons = rows.iter().map(|row| row.reason.as_deref());
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        if line.starts_with(BETWEEN) {
            lines.extend(below(reasons.next().flatten(), width));
        } else {
            lines.push(line.to_owned());
        }
    }
    lines.extend(below(reasons.next().flatten(), width));
    if let Some(head) = lines.first_mut().filter(|_| is_colored) {
        let bold = Style::new().bold();
        *head = format!("{bold}{head}{bold:#}");
    }
    lines.join("\n")
}

/// The table of keys that are asked about.
pub(super) fn of_candidates(candidates: &[Candidate]) -> String {
    let mut table = table(width());
    table.set_header(["ACCESS KEY, OWNER", "STATUS", "CREATED", "LAST USED"]);
    for candidate in candidates {
        let owner = candidate.facts.owner.as_ref();
        let owner = owner.or(candidate.key.user_name.as_ref());
        let owner = owner.map(UserName::as_str);
        table.add_row(cells(&candidate.key.id, owner, &candidate.facts));
    }
    drawn(table)
}

/// What is copied or compared is never broken into lines: IDs, statuses, dates and outcomes.
fn drawn(mut table: Table) -> String {
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if index != LAST_USED {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table.trim_fmt()
}

fn width() -> u16 {
    let width = terminal_size::terminal_size().map_or(WIDTH, |(width, _)| width.0);
    width.clamp(*WIDTHS.start(), *WIDTHS.end())
}

fn table(width: u16) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width);
    table
}

/// A reason on lines of its own, each of whole words.
fn below(reason: Option<&str>, width: u16) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in reason
        .unwrap_or_default()
        .split(' ')
        .filter(|word| !word.is_empty())
    {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width.into() => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("  {word}")),
        }
    }
    lines
}

/// The key with its owner and the account that its ID encodes; its status, its creation, its last use.
fn cells(id: &AccessKeyId, user: Option<&str>, facts: &Facts) -> [String; 4] {
    let dated = |at: SystemTime| match facts.read_at {
        Some(now) => format!("{}\n{}", day(at), ago(at, now)),
        None => day(at),
    };
    let mut key = vec![id.to_string()];
    key.extend(user.map(folded));
    key.extend(id.account().map(|account| format!("of {account}")));
    let not_listed = unread(facts.denied.listing);
    let last_use = match &facts.last_use {
        None => unread(facts.denied.last_use).to_owned(),
        Some(LastUse::Never) => "never".to_owned(),
        Some(LastUse::At {
            date,
            service,
            region,
        }) => {
            let place: Vec<&str> = [service, region]
                .into_iter()
                .filter_map(|word| word.as_deref())
                .collect();
            format!("{}\n{}", dated(*date), excerpt(&place.join(" ")))
        }
    };
    [
        key.join("\n"),
        facts
            .status
            .as_ref()
            .map_or_else(|| not_listed.to_owned(), |status| excerpt(status.as_str())),
        facts.created.map_or_else(|| not_listed.to_owned(), dated),
        last_use,
    ]
}

/// The cell of what was not read: it is unknown if IAM denied the read, and empty if nobody asked.
fn unread(is_denied: bool) -> &'static str {
    if is_denied { "unknown" } else { "" }
}

/// A user's name, which may be longer than a column should be, on several lines.
fn folded(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    let lines: Vec<String> = characters
        .chunks(NAME)
        .map(|line| line.iter().collect())
        .collect();
    lines.join("\n")
}

/// The day of a time, in UTC as IAM tells it.
fn day(at: SystemTime) -> String {
    timestamp(at)
        .split('T')
        .next()
        .unwrap_or_default()
        .to_owned()
}

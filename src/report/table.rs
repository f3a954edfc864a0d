//! Keys as people read them: a table that fits the terminal, dates with their ages.

use std::time::SystemTime;

use anstyle::Style;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};

use super::escape::excerpt;
use super::row::{reason, user};
use crate::age::{ago, timestamp};
use crate::fact::{Facts, LastUse};
use crate::ident::{AccessKeyId, UserName};
use crate::outcome::Settled;
use crate::select::Candidate;

/// The width where there is no terminal to ask for one, in columns.
const WIDTH: u16 = 80;
/// The narrowest and the widest a table is made.
const WIDTHS: std::ops::RangeInclusive<u16> = 60..=160;

/// The cells of a key and what became of it.
pub(super) type Row = [String; 6];

/// The row of a key.
pub(super) fn row(settled: &Settled) -> Row {
    let outcome = match reason(settled) {
        Some(reason) => format!("{}\n{}", settled.outcome_name(), excerpt(&reason)),
        None => settled.outcome_name().to_owned(),
    };
    let [id, owner, status, created, last_used] =
        cells(&settled.key.id, user(settled), &settled.facts);
    [id, owner, status, created, last_used, outcome]
}

/// The table of what became of keys. `is_colored`: the head is made bold.
pub(super) fn of(rows: &[Row], is_colored: bool) -> String {
    let mut table = table();
    table.set_header([
        "ACCESS KEY",
        "OWNER",
        "STATUS",
        "CREATED",
        "LAST USED",
        "OUTCOME",
    ]);
    for row in rows {
        table.add_row(row);
    }
    let text = drawn(table);
    match text.split_once('\n') {
        Some((head, rows)) if is_colored => {
            let bold = Style::new().bold();
            format!("{bold}{head}{bold:#}\n{rows}")
        }
        _ => text,
    }
}

/// The table of keys that are asked about.
pub(super) fn of_candidates(candidates: &[Candidate]) -> String {
    let mut table = table();
    table.set_header(["ACCESS KEY", "OWNER", "STATUS", "CREATED", "LAST USED"]);
    for candidate in candidates {
        let owner = candidate.facts.owner.as_ref();
        let owner = owner.or(candidate.key.user_name.as_ref());
        let owner = owner.map(UserName::as_str);
        table.add_row(cells(&candidate.key.id, owner, &candidate.facts));
    }
    drawn(table)
}

/// What is copied or compared is never broken into lines: IDs, statuses and dates.
fn drawn(mut table: Table) -> String {
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if matches!(index, 0 | 2 | 3) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table.trim_fmt()
}

fn table() -> Table {
    let width = terminal_size::terminal_size().map_or(WIDTH, |(width, _)| width.0);
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width.clamp(*WIDTHS.start(), *WIDTHS.end()));
    table
}

fn cells(id: &AccessKeyId, user: Option<&str>, facts: &Facts) -> [String; 5] {
    let dated = |at: SystemTime| match facts.read_at {
        Some(now) => format!("{}\n{}", day(at), ago(at, now)),
        None => day(at),
    };
    let account = id.account();
    let id = match account {
        Some(account) => format!("{id}\nof {account}"),
        None => id.to_string(),
    };
    let last_use = match &facts.last_use {
        None => String::new(),
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
        id,
        user.unwrap_or_default().to_owned(),
        facts
            .status
            .as_ref()
            .map_or_else(String::new, |status| excerpt(status.as_str())),
        facts.created.map(dated).unwrap_or_default(),
        last_use,
    ]
}

/// The day of a time, in UTC as IAM tells it.
fn day(at: SystemTime) -> String {
    timestamp(at)
        .split('T')
        .next()
        .unwrap_or_default()
        .to_owned()
}

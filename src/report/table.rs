//! Tables for people: one line per key, as wide as the terminal, so that `grep` finds whole rows. The columns depend only
//! on the request and the width, so a row is printed as soon as its key is finished.

use std::fmt::Write as _;
use std::io;
use std::os::fd::AsFd;
use std::time::SystemTime;

use anstyle::{AnsiColor, Style};
use rustix::termios::tcgetwinsize;

use super::columns::{Column, GAP, columns};
use super::fit::{display_width, fit_ends, fit_start};
use super::message::Messages;
use super::record::{failure, reason, status};
use super::stream;
use crate::age::rough_age;
use crate::aws::timestamp;
use crate::ident::{AccountId, UserName};
use crate::metadata::{KeyMetadata, LastUse, Target};
use crate::outcome::{KeyResult, OutcomeKind};
use crate::request::{Key, Request};
use crate::sanitize::{SafeText, escape_field};

/// The width without a terminal, in columns.
const DEFAULT_WIDTH: usize = 80;
/// A table whose rows are rendered one by one.
#[derive(Debug)]
pub(super) struct Table {
    /// The columns and their widths.
    columns: Vec<(Column, usize)>,
    is_colored: bool,
}

impl Table {
    pub(super) fn new(columns: Vec<(Column, usize)>, is_colored: bool) -> Self {
        Self {
            columns,
            is_colored,
        }
    }

    /// Renders the heading and the names of the columns.
    pub(super) fn head(&self, request: &Request, account: Option<&AccountId>) -> String {
        let lines = [heading(request, account), self.header()];
        let lines = lines.into_iter().filter(|line| !line.is_empty());
        lines.map(|line| line + "\n").collect()
    }

    pub(super) fn header(&self) -> String {
        let style = self.is_colored.then(|| Style::new().bold());
        let style = style.unwrap_or_default();
        let line = self.line(|column| (column.header().to_owned(), None));
        format!("{style}{line}{style:#}")
    }

    /// Renders the row of a result.
    pub(super) fn row(&self, result: &KeyResult) -> String {
        let kind = result.kind();
        self.line(|column| match column {
            Column::Outcome => (kind.as_str().to_owned(), Some(style(kind))),
            Column::Reason => (skip_reason(result), None),
            Column::Status if status(result).is_some() => {
                (status(result).unwrap_or_default().to_owned(), None)
            }
            Column::Owner if let Some(owner) = actual_owner(result) => (owner.to_string(), None),
            column => (cell(column, &result.key, &result.metadata), None),
        })
    }

    /// Renders the row of this number of keys that were not tried.
    pub(super) fn row_of_not_tried(&self, count: u64) -> String {
        let (kind, plural) = (OutcomeKind::NotTried, if count == 1 { "" } else { "s" });
        self.line(|column| match column {
            Column::Id => (format!("({count} key{plural})"), None),
            Column::Outcome => (kind.as_str().to_owned(), Some(style(kind))),
            _ => (String::new(), None),
        })
    }

    /// Returns what a key was last used for, as a sentence, if the table has no room for it.
    pub(super) fn left_out_use(&self, key: &Key, metadata: &KeyMetadata) -> Option<String> {
        let has_column = self
            .columns
            .iter()
            .any(|(column, _)| *column == Column::UsedFor);
        let Some(LastUse::At {
            service, region, ..
        }) = &metadata.last_use
        else {
            return None;
        };
        let service = service
            .as_ref()
            .map(|name| format!(" for {}", escape_field(name)));
        let region = region
            .as_ref()
            .map(|name| format!(" in {}", escape_field(name)));
        let place: String = [service, region].into_iter().flatten().collect();
        (!has_column && !place.is_empty()).then(|| format!("{} was last used{place}", key.id))
    }

    /// Renders a line. Only an ID may be wider than its column.
    fn line(&self, cell: impl Fn(Column) -> (String, Option<Style>)) -> String {
        let mut line = String::new();
        // The padding is written before the next cell: a line has no spaces at its end.
        let mut padding = 0;
        for (column, width) in &self.columns {
            let (text, style) = cell(*column);
            let text = match column {
                Column::Id => text,
                Column::Owner => fit_ends(&text, *width),
                _ => fit_start(&text, *width),
            };
            if !text.is_empty() {
                let style = style.filter(|_| self.is_colored).unwrap_or_default();
                line.push_str(&" ".repeat(padding));
                let _ = write!(line, "{style}{text}{style:#}");
                padding = 0;
            }
            padding += width.saturating_sub(display_width(&text)) + GAP;
        }
        line
    }
}

pub(super) fn width(stream: impl AsFd) -> usize {
    let size = tcgetwinsize(stream).ok();
    let size = size.filter(|size| size.ws_row > 0 && size.ws_col > 0);
    size.map_or(DEFAULT_WIDTH, |size| usize::from(size.ws_col))
}

/// Returns the owner of a key that does not belong to the named user.
fn actual_owner(result: &KeyResult) -> Option<&UserName> {
    failure(&result.outcome)?.context().owner.as_ref()
}

/// Returns a fact about a key.
fn cell(column: Column, key: &Key, metadata: &KeyMetadata) -> String {
    let age = |at: SystemTime| match metadata.read_at {
        Some(now) => rough_age(at, now),
        // IAM's clock cannot be trusted.
        None => timestamp(at).chars().take("2026-11-24".len()).collect(),
    };
    // The read has no result, or it was not requested.
    let missing = |is_unread| if is_unread { "unknown" } else { "" }.to_owned();
    let unread = metadata.unread;
    match column {
        Column::Id => key.id.to_string(),
        Column::Owner => {
            let owner = metadata.owner.as_ref().or(key.user_name.as_ref());
            owner.map(UserName::to_string).unwrap_or_default()
        }
        Column::Status => match &metadata.status {
            Some(status) => status.as_str().to_owned(),
            None => missing(unread.denied_listing),
        },
        Column::Created => match metadata.created {
            Some(at) => age(at),
            None => missing(unread.denied_listing),
        },
        Column::LastUsed => match &metadata.last_use {
            Some(LastUse::At { date, .. }) => age(*date),
            Some(LastUse::Never) => "never".to_owned(),
            None => missing(unread.lacks_last_use()),
        },
        Column::UsedFor => match &metadata.last_use {
            Some(LastUse::At {
                service, region, ..
            }) => {
                let words = [service, region].into_iter().flatten();
                words.map(String::as_str).collect::<Vec<_>>().join(" ")
            }
            Some(LastUse::Never) | None => String::new(),
        },
        Column::Outcome | Column::Reason => String::new(),
    }
}

/// Returns why a key was skipped. The reasons of other outcomes are on standard error or apply to all keys.
fn skip_reason(result: &KeyResult) -> String {
    match result.kind() {
        OutcomeKind::Skipped => reason(result).unwrap_or_default(),
        _ => String::new(),
    }
}

fn style(kind: OutcomeKind) -> Style {
    let color = match kind {
        OutcomeKind::Deleted | OutcomeKind::Deactivated | OutcomeKind::Reactivated => {
            AnsiColor::Green
        }
        OutcomeKind::WouldDelete | OutcomeKind::WouldDeactivate | OutcomeKind::WouldReactivate => {
            AnsiColor::Cyan
        }
        OutcomeKind::Refused | OutcomeKind::Failed => AnsiColor::Red,
        // Yellow cannot be read on white.
        OutcomeKind::Unknown | OutcomeKind::NotTried => AnsiColor::Magenta,
        OutcomeKind::Missing | OutcomeKind::Skipped => return Style::new(),
    };
    Style::new().fg_color(Some(color.into()))
}

/// Returns the line above a table: the account, the path of the users, and the conditions. Empty if there are none.
fn heading(request: &Request, account: Option<&AccountId>) -> String {
    let path = request.path_prefix.as_ref();
    let path = path.map(|path| format!("--path-prefix {}", path.as_str()));
    let conditions = &request.conditions.all;
    let conditions: Vec<String> = conditions.iter().map(ToString::to_string).collect();
    let conditions = (!conditions.is_empty()).then(|| conditions.join(" and "));
    let conditions: Vec<String> = path.into_iter().chain(conditions).collect();
    let conditions = conditions.join(", ");
    match (account, conditions.is_empty()) {
        (None, true) => String::new(),
        (None, false) => format!("conditions: {conditions}"),
        (Some(account), true) => format!("Account {account}"),
        (Some(account), false) => format!("Account {account}, {conditions}"),
    }
}

/// The maximum number of targets that are rendered at a time.
const PAGE_ROWS: usize = 500;

/// Shows the targets on standard error. The table has no account: the question names it.
///
/// # Errors
///
/// The targets cannot be read.
pub(crate) fn show_targets(
    request: &Request,
    targets: &mut impl Iterator<Item = io::Result<Target>>,
) -> io::Result<()> {
    let columns = columns(request, width(io::stderr()), None);
    let table = Table::new(columns, Messages::of(request).colored);
    let mut text = table.head(request, None);
    let (mut count, mut left_out) = (0, None);
    loop {
        let page = targets.take(PAGE_ROWS).map(|target| {
            let Target { key, metadata } = target?;
            count += 1;
            left_out = table.left_out_use(&key, &metadata).filter(|_| count == 1);
            Ok(table.line(|column| (cell(column, &key, &metadata), None)))
        });
        let page: Vec<String> = page.collect::<io::Result<_>>()?;
        if page.is_empty() {
            if let Some(left_out) = left_out {
                Messages::of(request).note(&left_out);
            }
            return Ok(());
        }
        text.push_str(&page.join("\n"));
        stream::write_message(&SafeText::page(&text));
        text.clear();
    }
}

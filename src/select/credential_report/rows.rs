//! The rows of a credential report, as CSV.

use std::time::SystemTime;

use humantime::parse_rfc3339;

use crate::csv_line::CsvLines;
use crate::metadata::NOT_AVAILABLE;

/// The name in the row of the root user, whose keys no list contains.
const ROOT: &str = "<root_account>";

/// The row of one user.
pub(super) struct Row {
    pub(super) name: String,
    /// The path of the user with a slash at its end, if the ARN contains it.
    pub(super) path: Option<String>,
    pub(super) created: Option<SystemTime>,
    pub(super) slots: [Slot; 2],
    /// Whether the row is whole, and `additional_credentials_info` counts no key beyond the two slots.
    pub(super) is_complete: bool,
}

/// What a row shows about one of the two keys that a user may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    /// Whether the slot has no key, or an inactive key in a report that does not date these: `false`, and N/A in all other
    /// columns.
    pub(super) is_empty: bool,
    /// Whether the key is inactive and has a date.
    pub(super) is_dated_inactive: bool,
    /// The last use, if it is known.
    pub(super) used: Option<SystemTime>,
}

/// Returns whether the root user has an active key, and the rows of the users.
///
/// # Errors
///
/// A fragment that says what is wrong with the report.
pub(super) fn rows(content: &[u8]) -> Result<(bool, Vec<Row>), String> {
    let text = std::str::from_utf8(content).map_err(|_| "it is not UTF-8")?;
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let mut csv_lines = CsvLines::new(b',');
    let mut fields = |line: &str| csv_lines.fields(line).map_err(|(_, what)| what);
    let head = fields(lines.next().ok_or("it is empty")?)?;
    let place = |name: &str| {
        let mut found = (0..head.len()).filter(|place| head[*place].eq_ignore_ascii_case(name));
        match (found.next(), found.next()) {
            (Some(place), None) => Ok(place),
            (None, _) => Err(format!("it has no column {name}")),
            (Some(_), Some(_)) => Err(format!("it has two columns {name}")),
        }
    };
    let slot_columns = |number: u8| -> Result<[usize; 5], String> {
        let column = |name: &str| place(&format!("access_key_{number}_{name}"));
        Ok([
            column("active")?,
            column("last_rotated")?,
            column("last_used_date")?,
            column("last_used_region")?,
            column("last_used_service")?,
        ])
    };
    let (user, created) = (place("user")?, place("user_creation_time")?);
    let slots = [slot_columns(1)?, slot_columns(2)?];
    let arn = place("arn").ok();
    let additional = place("additional_credentials_info").ok();
    let (mut has_root_key, mut rows) = (false, Vec::new());
    for line in lines {
        let fields = fields(line)?;
        let field = |place: usize| fields.get(place).map_or("", |field| field.trim());
        if field(user) == ROOT {
            let is_active = |[active, ..]: &[usize; 5]| field(*active).eq_ignore_ascii_case("true");
            has_root_key |= slots.iter().any(is_active);
            continue;
        }
        rows.push(Row {
            name: field(user).to_owned(),
            path: arn.and_then(|arn| path(field(arn))),
            created: time(field(created)),
            slots: slots.map(|columns| Slot::of(columns.map(field))),
            is_complete: fields.len() == head.len()
                && additional.is_none_or(|place| field(place).is_empty()),
        });
    }
    Ok((has_root_key, rows))
}

impl Slot {
    fn of([active, rotated, used, region, service]: [&str; 5]) -> Self {
        let is_inactive = active.eq_ignore_ascii_case("false");
        let others = [rotated, used, region, service];
        let says_nothing = |field: &str| field.eq_ignore_ascii_case(NOT_AVAILABLE);
        Self {
            is_empty: is_inactive && others.into_iter().all(says_nothing),
            is_dated_inactive: is_inactive && time(rotated).is_some(),
            used: time(used),
        }
    }
}

/// Returns the path in the ARN of a user, `arn:PARTITION:iam::ACCOUNT:user/PATH/NAME`.
fn path(arn: &str) -> Option<String> {
    let resource = arn.splitn(6, ':').nth(5)?.strip_prefix("user")?;
    let (path, _) = resource.rsplit_once('/')?;
    Some(format!("{path}/"))
}

/// Parses a time to the second, with `Z` or `+00:00`.
fn time(text: &str) -> Option<SystemTime> {
    let utc = text.strip_suffix("+00:00").or(text.strip_suffix('Z'))?;
    // The parser accepts other text between the seconds and `Z`.
    let is_whole = utc.len() == "2018-02-14T00:28:07".len();
    parse_rfc3339(&format!("{utc}Z")).ok().filter(|_| is_whole)
}

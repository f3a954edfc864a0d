//! The conditions for changing a key. They are pure functions of that key's own metadata and a time, so another key of
//! the same user cannot affect them.

mod date;
mod tag_pattern;
#[cfg(test)]
mod tests;
mod user_glob;

use std::fmt;
use std::time::{Duration, SystemTime};

use crate::age::Age;
use crate::metadata::{KeyMetadata, Status, UserTag};
use crate::sanitize::escape_field;
pub(crate) use tag_pattern::TagPattern;
pub(crate) use user_glob::UserGlob;

/// The conditions for a key. All must be met.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conditions {
    pub(crate) all: Vec<Condition>,
}

/// A single condition.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    /// The status is `Inactive`.
    Inactive,
    /// The key was not used for this long. A key that was never used counts from its creation.
    UnusedFor(Age),
    /// The key was created at least this long ago.
    OlderThan(Age),
    /// The owner does not match.
    ExceptUser(UserGlob),
    /// The owner does not have the tag.
    ExceptTag(TagPattern),
}

/// A read that a condition requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequiredRead {
    /// `GetAccessKeyLastUsed`.
    LastUse,
    /// `ListAccessKeys`: status and creation date.
    Listing,
    /// Any read that returns the owner.
    Owner,
}

/// How many conditions are named: the text is printed for each key.
const MAX_NAMED: usize = 8;

/// Names the missing data before the owner's tags are read.
pub(crate) const OWNER_TAGS: &str = "the tags of the key's owner";

/// Names the missing data if IAM's clock cannot be trusted.
pub(crate) const TRUSTED_TIME: &str = "a reliable time";

/// The result of evaluating conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ConditionResult {
    /// All conditions are met.
    Met,
    /// A condition is not met. The text is a fragment that says why.
    NotMet(String),
    /// A condition needs data that is missing. The text names it.
    MissingData(&'static str),
    /// A condition needs a date that cannot be true. The text is a fragment that says why.
    ImpossibleDate(String),
}

impl Conditions {
    /// Returns the minimum age of a key that meets the conditions, if they imply one.
    pub(crate) fn minimum_age(&self) -> Option<Duration> {
        let ages = self.all.iter().filter_map(|condition| match condition {
            // A key cannot be used before its creation.
            Condition::UnusedFor(age) | Condition::OlderThan(age) => Some(age.length),
            Condition::Inactive | Condition::ExceptUser(_) | Condition::ExceptTag(_) => None,
        });
        ages.max()
    }

    /// Whether a key with this last use cannot meet the conditions at `now`. The last use never moves back, so an old
    /// report is sufficient.
    pub(crate) fn rule_out_last_use(&self, used: SystemTime, now: SystemTime) -> bool {
        self.all.iter().any(|condition| {
            matches!(condition, Condition::UnusedFor(age) if !age.has_passed_since(used, now))
        })
    }

    /// Whether a condition requires this read.
    pub(crate) fn require(&self, read: RequiredRead) -> bool {
        let mut all = self.all.iter();
        all.any(|condition| condition.required_reads().contains(&read))
    }

    /// Evaluates the conditions on a key's own metadata, at the time when IAM returned it. If only the owner's tags are
    /// missing, all other conditions are met.
    pub(crate) fn evaluate(&self, metadata: &KeyMetadata) -> ConditionResult {
        let mut missing = None;
        for condition in &self.all {
            match condition.evaluate(metadata) {
                ConditionResult::Met => {}
                // One condition that is not met decides, even if data for another is missing.
                not_met @ ConditionResult::NotMet(_) => return not_met,
                result @ (ConditionResult::MissingData(_) | ConditionResult::ImpossibleDate(_)) => {
                    if let None | Some(ConditionResult::MissingData(OWNER_TAGS)) = missing {
                        missing = Some(result);
                    }
                }
            }
        }
        missing.unwrap_or(ConditionResult::Met)
    }
}

impl Condition {
    fn required_reads(&self) -> &'static [RequiredRead] {
        match self {
            Self::Inactive | Self::OlderThan(_) => &[RequiredRead::Listing],
            // A key that was never used counts from its creation.
            Self::UnusedFor(_) => &[RequiredRead::LastUse, RequiredRead::Listing],
            // The owner's tags are read last, when all other conditions are met.
            Self::ExceptUser(_) | Self::ExceptTag(_) => &[RequiredRead::Owner],
        }
    }

    fn evaluate(&self, metadata: &KeyMetadata) -> ConditionResult {
        match self {
            Self::Inactive => match &metadata.status {
                None => ConditionResult::MissingData("the key's status"),
                Some(Status::Inactive) => ConditionResult::Met,
                Some(status) => ConditionResult::NotMet(format!(
                    "its status is {}",
                    escape_field(status.as_str())
                )),
            },
            Self::UnusedFor(age) => date::evaluate_last_use(age, metadata),
            Self::OlderThan(age) => date::evaluate_creation(age, metadata, "it was created"),
            Self::ExceptUser(glob) => match &metadata.owner {
                None => ConditionResult::MissingData("the key's owner"),
                Some(owner) if glob.matches(owner) => ConditionResult::NotMet(format!(
                    "the user {owner} matches --except-user {glob}"
                )),
                Some(_) => ConditionResult::Met,
            },
            Self::ExceptTag(pattern) => match (&metadata.owner, &metadata.owner_tags) {
                (None, _) => ConditionResult::MissingData("the key's owner"),
                (Some(_), None) => ConditionResult::MissingData(OWNER_TAGS),
                (Some(owner), Some(tags)) => match tags.iter().find(|tag| pattern.matches(tag)) {
                    None => ConditionResult::Met,
                    Some(UserTag { key, value }) => ConditionResult::NotMet(format!(
                        "the user {owner} has the tag {}, which matches --except-tag {}",
                        escape_field(&format!("{key}={value}")),
                        escape_field(&pattern.to_string())
                    )),
                },
            },
        }
    }
}

impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.all.is_empty() {
            return f.write_str("no conditions");
        }
        let named = self.all.iter().take(MAX_NAMED);
        let named: Vec<String> = named.map(ToString::to_string).collect();
        write!(f, "meets {}", named.join(" and "))?;
        match self.all.len() - named.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inactive => f.write_str("--only-inactive"),
            Self::UnusedFor(age) => write!(f, "--unused-for {age}"),
            Self::OlderThan(age) => write!(f, "--older-than {age}"),
            Self::ExceptUser(glob) => write!(f, "--except-user {glob}"),
            Self::ExceptTag(pattern) => write!(f, "--except-tag {pattern}"),
        }
    }
}

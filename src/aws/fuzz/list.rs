//! What IAM is asked before a key is changed: a list is read only from documents of IAM, with everything in them, and ends
//! only where IAM says so.

use std::collections::BTreeMap;

use aws_smithy_types::base64;

use super::service::{Expected, Service, check_time, get, parts, run};
use crate::ident::{PathPrefix, UserName};
use crate::metadata::LastUse;

/// The first line is the operation. Pages are separated by NUL.
pub(crate) fn check(bytes: &[u8]) {
    let (operation, pages) = parts(bytes);
    match &*operation {
        "ListAccessKeys" => check_keys(&pages),
        "ListUsers" => check_users(&pages),
        "ListUserTags" => check_tags(&pages),
        "GetAccessKeyLastUsed" => check_last_use(&pages),
        "GetCredentialReport" => check_report(&pages),
        _ => {}
    }
}

/// Returns all members of the pages that were read. Only the last one may be the end of the list.
fn members(
    pages: &[Vec<u8>],
    service: &Service,
    operation: &str,
    group: &str,
) -> Vec<BTreeMap<String, String>> {
    let read = &pages[..pages.len() - service.unsent()];
    let pages: Vec<Expected> = read
        .iter()
        .map(|page| Expected::of(page, operation, group))
        .collect();
    let (last, others) = pages.split_last().expect("a page");
    assert_eq!(last.get("IsTruncated"), "false", "ended too early");
    assert_eq!(last.get("Marker"), "", "ended at a marker");
    for page in others {
        assert_eq!(page.get("IsTruncated"), "true", "read past the end");
    }
    pages.into_iter().flat_map(|page| page.members).collect()
}

fn bob() -> UserName {
    "Bob".parse().expect("a name")
}

fn check_keys(pages: &[Vec<u8>]) {
    let service = Service::new(pages);
    let Ok(listing) = run(service.iam().access_keys(Some(&bob()))) else {
        return;
    };
    let members = members(pages, &service, "ListAccessKeys", "AccessKeyMetadata");
    for member in &members {
        let id = get(member, "AccessKeyId");
        let mut same = listing.0.iter().filter(|(listed, _)| listed.as_str() == id);
        let (Some((_, key)), None) = (same.next(), same.next()) else {
            panic!("{id} is not listed once");
        };
        let status = key.status.as_ref().map(|status| status.as_str().trim());
        assert_eq!(status.unwrap_or_default(), get(member, "Status"));
        check_time(key.created, get(member, "CreateDate"));
        let owner = get(member, "UserName");
        assert!(owner.is_empty() || owner.eq_ignore_ascii_case("Bob"));
    }
    let ids: Vec<&str> = members
        .iter()
        .map(|member| get(member, "AccessKeyId"))
        .collect();
    assert!(listing.0.iter().all(|(id, _)| ids.contains(&id.as_str())));
}

fn check_users(pages: &[Vec<u8>]) {
    for prefix in [None, Some("/ci/")] {
        let service = Service::new(pages);
        let parsed = prefix.map(|path| path.parse::<PathPrefix>().expect("a path"));
        let Ok(users) = run(service.iam().users(parsed.as_ref())) else {
            continue;
        };
        let mut members = members(pages, &service, "ListUsers", "Users");
        let path = prefix.unwrap_or_default();
        members.retain(|member| get(member, "Path").starts_with(path));
        assert_eq!(users.len(), members.len(), "a user is lost, or too many");
        for (user, member) in users.iter().zip(&members) {
            assert_eq!(user.name.as_str(), get(member, "UserName"));
            check_time(user.created, get(member, "CreateDate"));
        }
    }
}

fn check_tags(pages: &[Vec<u8>]) {
    let service = Service::new(pages);
    let Ok(tags) = run(service.iam().user_tags(&bob())) else {
        return;
    };
    // XML has only line feeds, but the SDK keeps carriage returns.
    let normal = |text: &str| text.replace("\r\n", "\n").replace('\r', "\n");
    let found: Vec<[String; 2]> = tags
        .iter()
        .map(|tag| [&tag.key, &tag.value].map(|text| normal(text)))
        .collect();
    let members = members(pages, &service, "ListUserTags", "Tags");
    let expected = members
        .iter()
        .map(|member| [normal(&member["Key"]), normal(&member["Value"])]);
    assert_eq!(found, expected.collect::<Vec<_>>());
}

fn check_last_use(pages: &[Vec<u8>]) {
    let service = Service::new(pages);
    let id = "AKIAIOSFODNN7EXAMPLE".to_owned().try_into().expect("an ID");
    let Ok(read) = run(service.iam().last_use(&id)) else {
        return;
    };
    let expected = Expected::of(&pages[0], "GetAccessKeyLastUsed", "AccessKeyLastUsed");
    let owner = read.owner.as_ref().map(UserName::as_str);
    assert_eq!(owner.unwrap_or_default(), expected.get("UserName"));
    match read.last_use.expect("a last use") {
        LastUse::Never => {
            assert!(!expected.result.contains_key("LastUsedDate"));
            assert_eq!(expected.get("ServiceName"), "N/A");
        }
        LastUse::At { date, .. } => check_time(Some(date), expected.get("LastUsedDate")),
    }
}

fn check_report(pages: &[Vec<u8>]) {
    let service = Service::new(pages);
    let Ok(read) = run(service.iam().credential_report()) else {
        return;
    };
    let expected = Expected::of(&pages[0], "GetCredentialReport", "");
    assert_eq!(base64::encode(read.content), expected.get("Content"));
    check_time(read.generated, expected.get("GeneratedTime"));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list that was cut off anywhere is an error, and never a shorter list.
    #[test]
    fn no_part_of_a_list_is_a_list() {
        let corpus = include_bytes!("../../../tests/fuzz/corpus/list/two-pages");
        let (_, pages) = parts(corpus);
        let last = pages[1].trim_ascii_end();
        let read = |last: &[u8]| {
            let service = Service::new(&[pages[0].clone(), last.to_vec()]);
            let listing = run(service.iam().access_keys(None));
            listing.map(|listing| listing.0.len()).ok()
        };
        assert_eq!(read(last), Some(2));
        for length in 0..last.len() {
            assert_eq!(read(&last[..length]), None, "{length} bytes");
        }
    }
}

//! Users: `CreateUser`, `ListUsers` and `ListUserTags`.

use super::{Call, Outcome, page};
use crate::account::User;
use crate::clock;
use crate::constraint::{Check, MARKER, NEW_USER_NAME, PATH, USER_NAME};
use crate::failure::Failure;
use crate::xml::Xml;

pub(super) fn create(call: &mut Call<'_>) -> Outcome {
    let mut check = Check::new(call.params);
    let name = check.required("UserName", &NEW_USER_NAME);
    let path = check.optional("Path", &PATH).unwrap_or("/");
    check.finish()?;
    call.authorize(&format!(
        "arn:aws:iam::{}:user{path}{name}",
        call.account.id
    ))?;
    let user = call.account.add_user(name, path, call.now)?.clone();
    let account = call.account.id.clone();
    Ok(Some(Box::new(move |xml| {
        xml.nest("User", "", |xml| write(xml, &user, &account));
    })))
}

pub(super) fn list(call: &mut Call<'_>) -> Outcome {
    let mut check = Check::new(call.params);
    let marker = check.optional("Marker", &MARKER);
    let size = check
        .number("MaxItems", 1000)
        .unwrap_or(call.page_size)
        .min(call.page_size);
    let prefix = check.optional("PathPrefix", &PATH).unwrap_or("/");
    check.finish()?;
    let resource = format!("arn:aws:iam::{}:user{prefix}", call.account.id);
    call.authorize_at(Some(prefix), &resource)?;
    let after = match marker {
        None => "",
        Some(marker) => marker
            .strip_prefix(MARK)
            .ok_or_else(|| Failure::validation("Invalid Marker."))?,
    };
    let users = call
        .account
        .users_after(after)
        .filter(|user| user.path.starts_with(prefix));
    let (users, next) = page(users.take(size + 1).cloned().collect(), size, |user| {
        format!("{MARK}{}", user.name)
    });
    let account = call.account.id.clone();
    Ok(Some(Box::new(move |xml| {
        xml.leaf("IsTruncated", if next.is_some() { "true" } else { "false" });
        if let Some(next) = next {
            xml.leaf("Marker", &next);
        }
        xml.nest("Users", "", |xml| {
            for user in &users {
                xml.nest("member", "", |xml| write(xml, user, &account));
            }
        });
    })))
}

pub(super) fn tags(call: &mut Call<'_>) -> Outcome {
    let mut check = Check::new(call.params);
    let name = check.required("UserName", &USER_NAME);
    let marker = check.optional("Marker", &MARKER);
    let size = check
        .number("MaxItems", 1000)
        .unwrap_or(call.page_size)
        .min(call.page_size);
    check.finish()?;
    call.authorize_on(name)?;
    let user = call.account.user(name);
    let user = user.ok_or_else(|| Failure::no_such_user(name))?;
    let after = marker.map(|marker| marker.strip_prefix(MARK).unwrap_or_default());
    let start = after.map_or(0, |after| {
        let last = user.tags.iter().position(|(key, _)| key == after);
        last.map_or(0, |last| last + 1)
    });
    let rest = user.tags.iter().skip(start).take(size + 1).cloned();
    let (tags, next) = page(rest.collect(), size, |(key, _)| format!("{MARK}{key}"));
    Ok(Some(Box::new(move |xml| {
        xml.leaf("IsTruncated", if next.is_some() { "true" } else { "false" });
        if let Some(next) = next {
            xml.leaf("Marker", &next);
        }
        xml.nest("Tags", "", |xml| {
            for (key, value) in &tags {
                xml.nest("member", "", |xml| {
                    xml.leaf("Key", key);
                    xml.leaf("Value", value);
                });
            }
        });
    })))
}

/// The prefix of the markers of these lists.
const MARK: &str = "after:";

fn write(xml: &mut Xml, user: &User, account: &str) {
    xml.leaf("Path", &user.path);
    xml.leaf("UserName", &user.name);
    xml.leaf("UserId", &user.id);
    xml.leaf("Arn", &user.arn(account));
    xml.leaf("CreateDate", &clock::extended(user.created));
}

//! Actions on access keys: create, list, update, delete, and get the last use.

use super::{Call, Outcome, page};
use crate::clock;
use crate::constraint::{ACCESS_KEY_ID, Check, MARKER, USER_NAME};
use crate::drift::Read;
use crate::failure::Failure;
use crate::key::{Key, KeySeed, Status};
use crate::principal::Principal;
use crate::xml::Xml;

/// How many keys a user can have.
const QUOTA: usize = 2;
/// The resource name for the root user's keys.
const ROOT: &str = "root";
/// The prefix of the list's markers.
const MARK: &str = "from:";

pub(super) fn create(call: &mut Call<'_>) -> Outcome {
    let mut check = Check::new(call.params);
    let named = check.optional("UserName", &USER_NAME);
    check.finish()?;
    let name = call.target_user(named)?;
    call.authorize_on(&name)?;
    let user = call
        .account
        .user(&name)
        .ok_or_else(|| Failure::no_such_user(&name))?;
    if user.keys.len() >= QUOTA {
        return Err(Failure::key_quota(QUOTA));
    }
    let name = user.name.clone();
    let id = call.account.make_id("AKIA");
    let seed = KeySeed {
        created: call.now.into(),
        ..KeySeed::new(&name, &id)
    };
    let key = Key::from(seed.clone());
    call.account.plant(seed);
    let now = call.now;
    Ok(Some(Box::new(move |xml| {
        xml.nest("AccessKey", "", |xml| {
            xml.leaf("UserName", &key.user);
            xml.leaf("AccessKeyId", &key.id);
            xml.leaf("Status", key.status.as_str());
            xml.leaf("SecretAccessKey", &key.secret);
            xml.leaf("CreateDate", &clock::extended(now));
        });
    })))
}

pub(super) fn list(call: &mut Call<'_>) -> Outcome {
    let mut check = Check::new(call.params);
    let named = check.optional("UserName", &USER_NAME);
    let marker = check.optional("Marker", &MARKER);
    let size = check
        .number("MaxItems", 1000)
        .unwrap_or(call.page_size)
        .min(call.page_size);
    check.finish()?;
    if named.is_none() && call.principal.is_root() {
        call.authorize(ROOT)?;
        let keys = call.account.root.clone();
        return Ok(Some(Box::new(move |xml| {
            write_list(xml, None, None, &keys);
        })));
    }
    let name = call.target_user(named)?;
    call.authorize_on(&name)?;
    let start: usize = match marker {
        None => 0,
        Some(marker) => {
            let start = marker
                .strip_prefix(MARK)
                .and_then(|start| start.parse().ok());
            start.ok_or_else(|| Failure::validation("Invalid Marker."))?
        }
    };
    call.read_of(Read::Keys, &name)?;
    let (name, keys) = call.account.list_keys(&name)?;
    let rest: Vec<Key> = keys.into_iter().skip(start).collect();
    let (keys, next) = page(rest, size, |_| format!("{MARK}{}", start + size));
    Ok(Some(Box::new(move |xml| {
        write_list(xml, Some(&name), next.as_deref(), &keys);
    })))
}

/// Writes one page of a list. The root user has no user name.
fn write_list(xml: &mut Xml, user: Option<&str>, next: Option<&str>, keys: &[Key]) {
    xml.leaf("IsTruncated", if next.is_some() { "true" } else { "false" });
    if let Some(next) = next {
        xml.leaf("Marker", next);
    }
    if let Some(user) = user {
        xml.leaf("UserName", user);
    }
    xml.nest("AccessKeyMetadata", "", |xml| {
        for key in keys {
            xml.nest("member", "", |xml| {
                if user.is_some() {
                    xml.leaf("UserName", &key.user);
                }
                xml.leaf("AccessKeyId", &key.id);
                xml.leaf("Status", key.status.as_str());
                xml.leaf("CreateDate", &clock::extended(key.created.into()));
            });
        }
    });
}

pub(super) fn update(call: &mut Call<'_>) -> Outcome {
    let mut check = Check::new(call.params);
    let named = check.optional("UserName", &USER_NAME);
    let id = check.required("AccessKeyId", &ACCESS_KEY_ID);
    let status = check.one_of(
        "Status",
        &[("Active", Status::Active), ("Inactive", Status::Inactive)],
    );
    check.finish()?;
    if let Principal::RootTask(_) = call.principal {
        // No root task allows this action.
        call.authorize(ROOT)?;
    }
    if named.is_none() && call.principal.is_root() {
        let key = call.account.root_key_mut(id)?;
        key.status = status.unwrap_or(key.status);
        return Ok(None);
    }
    let name = call.target_user(named)?;
    call.authorize_on(&name)?;
    let key = call.account.key_of(&name, id)?;
    key.status = status.unwrap_or(key.status);
    Ok(None)
}

pub(super) fn delete(call: &mut Call<'_>) -> Outcome {
    let mut check = Check::new(call.params);
    let named = check.optional("UserName", &USER_NAME);
    let id = check.required("AccessKeyId", &ACCESS_KEY_ID);
    check.finish()?;
    if named.is_none() && call.principal.is_root() {
        call.authorize(ROOT)?;
        call.account.delete_root_key(id)?;
        return Ok(None);
    }
    let name = call.target_user(named)?;
    call.authorize_on(&name)?;
    call.account.delete_key(&name, id, call.list_lag)?;
    Ok(None)
}

pub(super) fn last_used(call: &mut Call<'_>) -> Outcome {
    let mut check = Check::new(call.params);
    let id = check.required("AccessKeyId", &ACCESS_KEY_ID);
    check.finish()?;
    call.authorize(&format!("access key {id}"))?;
    let is_root = match call.principal {
        Principal::RootTask(_) => true,
        Principal::Root => call.account.root_key(id).is_some(),
        Principal::User { .. } | Principal::Role(_) => false,
    };
    let owner = call.account.key(id).map(|key| key.user.clone());
    if let Some(owner) = owner {
        call.read_of(Read::LastUse, &owner)?;
    }
    let found = if is_root {
        call.account.root_key(id).cloned()
    } else {
        call.account.shown_key(id)
    };
    let Some(key) = found else {
        return Err(Failure::last_use_of_unknown_key(
            &call.principal.arn(call.account),
            id,
        ));
    };
    Ok(Some(Box::new(move |xml| {
        if !is_root {
            xml.leaf("UserName", &key.user);
        }
        xml.nest("AccessKeyLastUsed", "", |xml| {
            if let Some(used) = &key.last_used {
                xml.leaf("LastUsedDate", &clock::extended(used.at.into()));
            }
            let used = key.last_used.as_ref();
            xml.leaf("ServiceName", used.map_or("N/A", |used| &used.service));
            xml.leaf("Region", used.map_or("N/A", |used| &used.region));
        });
    })))
}

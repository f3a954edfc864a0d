//! A list or other input with a duplicate, or with an unknown action.

use iam_sandbox::documented::{ALICE_KEY_ID, BOB_SECOND_KEY_ID};

use crate::case::{BOBS_KEY, Case, documented, each};
use crate::columns::{CORRECT, refused_with};
use crate::input::reads;
use crate::refused_list::refused;

#[test]
fn c60_an_unknown_action_is_an_error() {
    for action in ["Deactivate", "DEACTIVATE", "keep", "Delete", " delete", ""] {
        let json = format!(
            "{{\"AccessKeyId\":\"{ALICE_KEY_ID}\",\"UserName\":\"Alice\"}}\n\
             {{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"Bob\",\"Action\":\"{action}\"}}\n"
        );
        let error = format!(
            ", line 2, column 1: unknown Action `{action}`: it must be delete, deactivate or reactivate"
        );
        for more in [&[][..], &["--deactivate"], &["--dry-run"]] {
            refused_with(&json, more, &error, CORRECT);
        }
        if action.trim() == action && !action.is_empty() {
            let csv = format!("AccessKeyId,UserName,Action\n{BOBS_KEY},Bob,{action}\n");
            refused_with(&csv, &[], &error, CORRECT);
        }
    }
    // The action is checked although the outcome needs no action.
    refused_with(
        &format!(
            "{{\"AccessKeyId\":\"{BOBS_KEY}\",\"Outcome\":\"Skipped\",\"Action\":\"keep\"}}\n"
        ),
        &[],
        ", line 1, column 1: unknown Action `keep`: it must be delete, deactivate or reactivate",
        CORRECT,
    );
    for outcome in ["deleted", "SKIPPED", ""] {
        refused_with(
            &format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"Outcome\":\"{outcome}\"}}\n"),
            &[],
            &format!(", line 1, column 1: unknown Outcome `{outcome}`"),
            CORRECT,
        );
    }
}

#[test]
fn c60_a_member_that_appears_twice_is_an_error() {
    let object =
        |more: &str| format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":\"Bob\",{more}}}");
    let id = format!("\"{ALICE_KEY_ID}\"");
    let alice = "\"Alice\"".to_owned();
    for (given, member, value) in [
        ("AccessKeyId", "AccessKeyId", &id),
        ("ACCESSKEYID", "AccessKeyId", &id),
        ("Access key ID", "AccessKeyId", &id),
        ("KeyId", "AccessKeyId", &id),
        ("UserName", "UserName", &alice),
        ("UserName", "UserName", &"null".to_owned()),
        ("username", "UserName", &alice),
        ("user_name", "UserName", &alice),
        ("User", "UserName", &alice),
        ("Owner", "UserName", &alice),
    ] {
        let list = format!("\n{}\n", object(&format!("\"{given}\":{value}")));
        let says = format!(
            "line 2, column 57: two members have the same meaning: `{member}` and `{given}`"
        );
        refused(list, &[], &[&says]);
    }
    for (member, given) in [
        ("Outcome", "Outcome"),
        ("Outcome", "outcome"),
        ("Action", "Action"),
        ("Action", "ACTION"),
    ] {
        let list = object(&format!("\"{member}\":\"delete\",\"{given}\":null"));
        let says = format!(": two members have the same meaning: `{member}` and `{given}`");
        refused(list, &[], &["line 1, column", &says]);
    }
    refused(
        "{\"AccessKeyMetadata\":[],\"AccessKeyMetadata\":[]}",
        &[],
        &[
            "line 1, column 25: two members have the same meaning: `AccessKeyMetadata` and `AccessKeyMetadata`",
        ],
    );
    for members in [
        format!("\"UserName\":\"Bob\",\"AccessKeyMetadata\":[{{\"AccessKeyId\":\"{BOBS_KEY}\"}}]"),
        format!(
            "\"AccessKeyId\":\"{BOBS_KEY}\",\"AccessKey\":{{\"AccessKeyId\":\"{ALICE_KEY_ID}\"}}"
        ),
        "\"AccessKeyMetadata\":[],\"Outcome\":\"Skipped\"".to_owned(),
    ] {
        let says = ": an object has a list of keys and members of a single key";
        refused(format!("{{{members}}}"), &[], &["line 1, column", says]);
    }
    // Members of other objects do not matter.
    let [first, second] = [BOBS_KEY, BOB_SECOND_KEY_ID];
    let other = "\"Error\":{\"Code\":\"a\",\"username\":1,\"UserName\":2,\"UserName\":3},\"Note\":1,\"Note\":2";
    reads(
        format!(
            "{{\"AccessKeyId\":\"{first}\",\"UserName\":\"Bob\",{other}}}\n{{\"AccessKeyId\":\"{second}\",\"UserName\":\"Bob\"}}"
        ),
        &[],
    );
}

#[test]
fn c60_two_columns_for_one_thing_are_an_error() {
    for (head, names) in [
        ("AccessKeyId,AccessKeyId", "`AccessKeyId` and `AccessKeyId`"),
        (
            "AccessKeyId,UserName,Access key ID",
            "`AccessKeyId` and `Access key ID`",
        ),
        (
            "access_key_id;ACCESSKEYID",
            "`access_key_id` and `ACCESSKEYID`",
        ),
        ("KeyId\tAccessKeyId", "`KeyId` and `AccessKeyId`"),
        ("AccessKeyId,User,UserName", "`User` and `UserName`"),
        (
            "UserName,AccessKeyId,user name",
            "`UserName` and `user name`",
        ),
        ("AccessKeyId,Outcome,outcome", "`Outcome` and `outcome`"),
        ("AccessKeyId,Action,ACTION", "`Action` and `ACTION`"),
    ] {
        refused_with(
            &format!("{head}\n{BOBS_KEY}\n"),
            &["--user-name", "Bob"],
            &format!(", line 1, column 1: two columns have the same meaning: {names}"),
            CORRECT,
        );
    }
}

#[test]
fn c60_a_member_of_cli_input_json_that_appears_twice_is_an_error() {
    let cases = [
        (
            format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"AccessKeyId\":\"{ALICE_KEY_ID}\"}}"),
            "duplicate field `AccessKeyId`",
        ),
        (
            format!("{{\"UserName\":\"Bob\",\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":null}}"),
            "duplicate field `UserName`",
        ),
        (
            format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"username\":\"Bob\"}}"),
            "unknown field `username`",
        ),
        (
            format!("{{\"AccessKeyId\":[\"{BOBS_KEY}\"]}}"),
            "AccessKeyId is not a string",
        ),
        (
            format!("{{\"AccessKeyId\":\"{BOBS_KEY}\",\"UserName\":7}}"),
            "UserName is not a string",
        ),
        (
            format!("{{\"AccessKeyId\":\"{BOBS_KEY}\"}} {{}}"),
            "trailing characters",
        ),
        (
            "{\"AccessKeyId\":null}".to_owned(),
            "AccessKeyId is not a string",
        ),
    ];
    each(cases, |(json, says)| {
        let sandbox = documented();
        let case = Case::at(&sandbox, ["--cli-input-json", &json]);
        case.run().stops(2, &["--cli-input-json", says]);
        assert_eq!(sandbox.connections(), 0, "{json}");
    });
}

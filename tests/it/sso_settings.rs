//! Invalid SSO accounts, roles and regions: they are refused before SSO is called.

use iam_sandbox::Metadata;
use iam_sandbox::documented::SESSION_KEY_ID;

use crate::case::{BOBS_KEY, documented, each};
use crate::chain::ROLE;
use crate::credentials::{LATER, signs, with_config};
use crate::masked::{PLAIN_SECRET, SECRET, hides};
use crate::sso_chain::{SESSION, SSO, TOKEN_FILE, sso_token, with_sso};

/// A URL contains what the run requests from SSO, and proxies and logs record URLs.
#[test]
fn c53_a_secret_in_an_sso_setting_is_neither_shown_nor_sent() {
    let (sandbox, portal) = (documented(), Metadata::start());
    let of_session = format!("sso_session = corp\n{SSO}");
    let of_url = format!("{}{SSO}", SESSION.replacen("[sso-session corp]\n", "", 1));
    let source = format!("[default]\n{ROLE}source_profile = s\n[profile s]\n");
    let own = "[default]\n";
    let profiles = [
        format!("{own}{of_session}"),
        format!("{own}{of_url}"),
        format!("{source}{of_session}"),
        format!("{source}{of_url}"),
    ];
    for profile in profiles {
        for line in SSO.lines() {
            let setting = line.split(' ').next().unwrap_or_default();
            each([SECRET, PLAIN_SECRET], |secret| {
                let config = profile.replace(line, &format!("{setting} = {secret}"));
                let case = with_sso(&sandbox, &portal, &config).args(["--debug"]);
                let setting = format!("error: `{setting}` of profile `");
                let looks = "is `(not shown)`: this looks like a secret access key";
                hides(case.run(), 7, secret, &[&setting, looks]);
            });
        }
    }
    // In the section of the session.
    let config = "[default]\nsso_session = corp\nsso_role_name = Deployer\n";
    let session = format!("{SESSION}sso_account_id = {PLAIN_SECRET}\n");
    let case = with_config(&sandbox, &format!("{config}{session}"))
        .file(TOKEN_FILE, sso_token(LATER))
        .env("AWS_ENDPOINT_URL_SSO", portal.url());
    let setting = "error: `sso_account_id` of sso-session `corp` is `(not shown)`";
    hides(case.run(), 7, PLAIN_SECRET, &[setting]);
    assert_eq!((sandbox.connections(), portal.requests().len()), (0, 0));
}

#[test]
fn c93_an_sso_account_or_role_that_does_not_exist_anywhere() {
    let (sandbox, portal) = (documented(), Metadata::start());
    let account = "an account ID has 12 digits";
    let length = "it must have 1 to 32 characters";
    let character =
        |which: &str| format!("character {which}; only A-Z, a-z, 0-9 and _+=,.@- are allowed");
    let long = "x".repeat(33);
    let cases = [
        ("sso_account_id", "1", account.to_owned()),
        ("sso_account_id", "1234-5678-9012", account.to_owned()),
        ("sso_account_id", "1234567890123", account.to_owned()),
        ("sso_role_name", "a b", character("2 is ` ` (U+0020)")),
        (
            "sso_role_name",
            "ops/Deployer",
            character("4 is `/` (U+002F)"),
        ),
        ("sso_role_name", &long, length.to_owned()),
    ];
    each(cases, |(setting, value, rule)| {
        let line = if setting == "sso_account_id" { 3 } else { 4 };
        let (account, role) = if setting == "sso_account_id" {
            (value, "Deployer")
        } else {
            ("123456789012", value)
        };
        let config = format!(
            "[default]\nsso_session = corp\nsso_account_id = {account}\nsso_role_name = {role}\n"
        );
        let case = with_sso(&sandbox, &portal, &config);
        let place = case.path(".aws/config");
        let place = place.display();
        case.run().stops_exactly(
            7,
            &format!(
                "iam-del-key: error: `{setting}` of profile `default` is `{value}`: {rule}\n\
                 hint: correct `{setting}` of profile `default` (line {line} of {place})\n\
                 result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
            ),
        );
    });
    assert_eq!((sandbox.connections(), portal.requests().len()), (0, 0));
    let config = format!("[default]\nsso_session = corp\n{SSO}");
    let config = config.replace("Deployer", "Az09_+=,.@-xxxxxxxxxxxxxxxxxxxxx");
    let case = with_sso(&sandbox, &portal, &config);
    signs(&sandbox, case, SESSION_KEY_ID);
}

#[test]
fn c93_an_invalid_sso_region_is_named() {
    let (sandbox, portal) = (documented(), Metadata::start());
    let cases = [
        (
            "US-EAST-1",
            "a region is lowercase letters, digits and dashes, such as us-east-1",
        ),
        (
            "x.example/#",
            "a region is lowercase letters, digits and dashes, such as us-east-1",
        ),
        (
            "fips-us-east-1",
            "name the region itself, and set AWS_USE_FIPS_ENDPOINT to true",
        ),
    ];
    each(cases, |(region, rule)| {
        let config = format!("[default]\nsso_session = corp\n{SSO}");
        let session = SESSION.replace("us-east-1", region);
        let case = with_config(&sandbox, &format!("{config}{session}"))
            .file(TOKEN_FILE, sso_token(LATER))
            .env("AWS_ENDPOINT_URL_SSO", portal.url());
        let place = case.path(".aws/config");
        let place = place.display();
        case.run().stops_exactly(
            7,
            &format!(
                "iam-del-key: error: `sso_region` of sso-session `corp` is `{region}`: {rule}\n\
                 hint: correct `sso_region` of sso-session `corp` (line 6 of {place})\n\
                 result: {BOBS_KEY}: not deleted: nothing was sent to IAM\n"
            ),
        );
    });
    assert_eq!((sandbox.connections(), portal.requests().len()), (0, 0));
}

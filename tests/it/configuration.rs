//! Invalid settings: status 7, their position, and no request is sent.

use std::process::Command;

use iam_sandbox::documented::ADMIN_KEY_ID;
use iam_sandbox::{Fault, Metadata, What};

use crate::case::{BOBS_KEY, Case, DELETED, documented};
use crate::credentials;

/// Runs with a sandbox that must get no request.
pub(crate) fn refused(change: impl FnOnce(Case) -> Case, says: &[&str]) {
    let sandbox = documented();
    let ended = change(Case::documented(&sandbox, &[])).run();
    credentials::refused(ended, says);
    assert_eq!(sandbox.connections(), 0, "a connection was opened");
    assert!(sandbox.has_key(BOBS_KEY));
}

const PROFILES: &str = "[default]\nregion = eu-west-1\n[profile work]\nregion = us-east-1\n";

#[test]
fn f21_a_profile_that_does_not_exist() {
    let known = "are: default, work";
    refused(
        |case| {
            case.file(".aws/config", PROFILES)
                .args(["--profile", "wrok"])
        },
        &[
            "the profile `wrok`, named by --profile, does not exist",
            known,
        ],
    );
    for variable in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
        refused(
            |case| case.file(".aws/config", PROFILES).env(variable, "wrok"),
            &[
                &format!("the profile `wrok`, named by the environment variable {variable}"),
                known,
            ],
        );
    }
    refused(
        |case| case.args(["--profile", "any"]),
        &[
            "no profile is defined in ",
            "; to create it: aws configure --profile any\n",
        ],
    );
}

#[test]
fn a_disabled_file_gets_no_hint_to_run_aws_configure() {
    for (variable, path) in [
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", ""),
    ] {
        let unset = format!("unset {variable}, which disables the file with your profiles\n");
        refused(
            |case| case.env(variable, path).args(["--profile", "any"]),
            &[&format!("hint: {unset}")],
        );
        refused(
            |case| case.env(variable, path).without_credentials(),
            &[
                "no AWS credentials",
                &format!("hint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or {unset}"),
            ],
        );
    }
}

#[test]
fn f21_a_profile_that_is_empty() {
    refused(
        |case| case.file(".aws/config", PROFILES).env("AWS_PROFILE", ""),
        &["the environment variable AWS_PROFILE is empty: it must name a profile"],
    );
    refused(
        |case| case.file(".aws/config", PROFILES).env("AWS_PROFILE", "  "),
        &["the environment variable AWS_PROFILE is only whitespace: it must name a profile"],
    );
    refused(
        |case| case.file(".aws/config", PROFILES).args(["--profile="]),
        &["--profile is empty: it must name a profile"],
    );
}

#[test]
fn f21_a_missing_profile_never_becomes_the_machines_role() {
    let metadata = Metadata::start();
    let bare = || Case::bare(crate::case::DOCUMENTED);
    let role = "role_arn = arn:aws:iam::123456789012:role/Deployer";
    for case in [
        bare().args(["--profile", "gone"]),
        bare().env("AWS_PROFILE", "gone"),
        bare().env("AWS_PROFILE", ""),
        bare().file(
            ".aws/config",
            format!("[default]\n{role}\nsource_profile = gone\n"),
        ),
        bare().file(
            ".aws/config",
            format!("[default]\n{role}\ncredential_source = Environment\n"),
        ),
        bare().file(".aws/credentials", "[default]\naws_access_key_id = AKIA\n"),
    ] {
        let case = case
            .without("AWS_EC2_METADATA_DISABLED")
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url())
            .env(
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                metadata.container_url(),
            );
        let _ = case
            .run()
            .exits(7)
            .prints_nothing()
            .says(&["hint: "])
            .ends_with("not deleted: nothing was sent to IAM");
    }
    assert_eq!(
        metadata.requests().len(),
        0,
        "the metadata service was called"
    );
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs /proc")]
fn f24_configuration_files_that_cannot_be_read() {
    let config = |contents: &[u8], says: &[&str]| {
        refused(|case| case.file(".aws/config", contents), says);
    };
    config(
        b"[default]\nregion = us-east-1\n[profile broken\nregion = x\n",
        &["/.aws/config`: line 3"],
    );
    config(b"region = us-east-1\n", &["/.aws/config`: line 1"]);
    config(b"[default]\nregion\n", &["/.aws/config`: line 2"]);
    config(
        b"[default]\nregion = \xff\xfe\n",
        &["/.aws/config`: line 2: it is not UTF-8"],
    );
    config(
        b"\xff\xfe[\0d\0e\0f\0",
        &["/.aws/config`: line 1: it is not UTF-8"],
    );
    config(b"[default]\nregion = \0\n", &["line 2: it is binary"]);
    config(
        &vec![b'#'; 10 << 20],
        &["/.aws/config`: it is longer than 4 MiB"],
    );
    // A regular file whose beginning no process can read, not even as root.
    refused(
        |case| case.env("AWS_CONFIG_FILE", "/proc/self/mem"),
        &["could not read `/proc/self/mem`: ", "AWS_CONFIG_FILE"],
    );
    refused(
        |case| case.file(".aws/credentials", "[broken"),
        &["/.aws/credentials`: line 1"],
    );
}

#[test]
fn a_configuration_file_that_is_dev_null_is_empty() {
    let sandbox = documented();
    let _ = Case::documented(&sandbox, &[])
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .run()
        .exits(0)
        .prints(DELETED)
        .says_nothing();
    assert!(!sandbox.has_key(BOBS_KEY));
}

#[test]
fn f24_configuration_paths_that_are_not_files() {
    refused(
        |case| {
            std::fs::create_dir(case.path(".aws/config")).expect("a folder");
            case
        },
        &["/.aws/config`: it is not a regular file"],
    );
    refused(
        |case| {
            std::os::unix::fs::symlink(case.path(".aws/config"), case.path(".aws/config"))
                .expect("a link");
            case
        },
        &["/.aws/config`: "],
    );
    refused(
        |case| {
            let status = Command::new("mkfifo")
                .arg(case.path(".aws/config"))
                .status()
                .expect("mkfifo");
            assert!(status.success());
            case
        },
        &["/.aws/config`: it is not a regular file"],
    );
}

#[test]
fn f24_other_line_endings_and_a_byte_order_mark_are_accepted() {
    for contents in [
        "[default]\r\nregion = eu-west-1\r\n",
        "\u{feff}[default]\nregion = eu-west-1\n",
    ] {
        let sandbox = documented();
        let case = Case::documented(&sandbox, &["-v"])
            .without("AWS_REGION")
            .file(".aws/config", contents);
        let _ = case
            .run()
            .exits(0)
            .prints(DELETED)
            .says(&["info: profile default, region eu-west-1"]);
        assert!(!sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn f30_retry_settings() {
    for (variable, key) in [
        ("AWS_RETRY_MODE", "retry_mode"),
        ("AWS_MAX_ATTEMPTS", "max_attempts"),
    ] {
        let wrong: &[&str] = if key == "retry_mode" {
            &["x", "LEGACYx"]
        } else {
            &["0", "-1", "abc", "1000"]
        };
        for value in wrong {
            refused(
                |case| case.env(variable, value),
                &[&format!("the environment variable {variable} is `{value}`")],
            );
            let config = format!("[default]\n{key} = {value}\n");
            refused(
                |case| case.file(".aws/config", &config),
                &[&format!("`{key}` of profile `default` is `{value}`")],
            );
        }
    }
}

#[test]
fn f30_legacy_works_and_attempts_are_counted() {
    for mode in ["legacy", "standard", "adaptive"] {
        let sandbox = documented();
        let _ = Case::documented(&sandbox, &[])
            .env("AWS_RETRY_MODE", mode)
            .run()
            .exits(0)
            .prints(DELETED)
            .says_nothing();
        assert!(!sandbox.has_key(BOBS_KEY), "{mode}");
    }
    for (attempts, config) in [("1", ""), ("2", ""), ("1", "max_attempts = 5\n")] {
        let sandbox = documented();
        sandbox.fault(
            Fault::new(What::error(500, "ServiceFailure", "no"))
                .on("DeleteAccessKey")
                .always(),
        );
        let case = Case::documented(&sandbox, &[])
            .env("AWS_MAX_ATTEMPTS", attempts)
            .file(".aws/config", format!("[default]\n{config}"));
        let printed = case.run().exits(5);
        assert_eq!(printed.object()["Attempts"].to_string(), attempts);
        let _ = printed
            .prints_outcome("Unknown")
            .says(&["(ServiceFailure)"])
            .ends_with("IAM still lists the key");
        assert!(sandbox.has_key(BOBS_KEY));
    }
}

#[test]
fn f32_regions() {
    for region in [
        "us east-1",
        "us_east",
        "-x",
        "us-east-1/",
        "\u{e9}",
        "US-EAST-1",
        "1",
        "",
    ] {
        if !region.is_empty() {
            refused(
                |case| case.env("AWS_REGION", region),
                &["the environment variable AWS_REGION is `"],
            );
        }
        refused(
            |case| case.args([format!("--region={region}")]),
            &[
                "--region is `",
                "a region is lowercase letters, digits and dashes",
            ],
        );
    }
}

#[test]
fn a_region_that_names_an_endpoint() {
    for region in ["fips-us-east-1", "us-gov-fips"] {
        refused(
            |case| case.env("AWS_REGION", region),
            &["name the region itself, and set AWS_USE_FIPS_ENDPOINT to true"],
        );
    }
}

#[test]
fn f33_booleans() {
    for (variable, key) in [
        ("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"),
        (
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
            "ignore_configured_endpoint_urls",
        ),
    ] {
        refused(
            |case| case.env(variable, "maybe"),
            &[&format!(
                "the environment variable {variable} is `maybe`: it must be true or false"
            )],
        );
        let config = format!("[default]\n{key} = yes\n");
        refused(
            |case| case.file(".aws/config", &config),
            &[&format!("`{key}` of profile `default` is `yes`")],
        );
    }
    refused(
        |case| case.env("AWS_EC2_METADATA_DISABLED", "1"),
        &["AWS_EC2_METADATA_DISABLED is `1`"],
    );
    refused(
        |case| case.env("AWS_USE_FIPS_ENDPOINT", "true"),
        &["cannot be combined with another endpoint URL"],
    );
}

#[test]
fn f22_the_profile_signs_although_the_environment_has_a_key() {
    let sandbox = documented();
    let admin = sandbox.admin();
    let credentials = format!(
        "[work]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        admin.access_key_id, admin.secret_access_key
    );
    let case = Case::documented(&sandbox, &["--profile", "work"])
        .file(".aws/credentials", credentials)
        .env("AWS_ACCESS_KEY_ID", "AKIAQAAAAAAASOMEBODY")
        .env("AWS_SECRET_ACCESS_KEY", crate::case::CANARIES[0])
        .env("AWS_SESSION_TOKEN", crate::case::CANARIES[1]);
    let _ = case.run().exits(0).prints(DELETED).says_nothing();
    let request = &sandbox.requests()[0];
    assert_eq!(request.key_id.as_deref(), Some(ADMIN_KEY_ID));
    assert_eq!(request.header("x-amz-security-token"), None);
    assert!(!sandbox.has_key(BOBS_KEY));
}

//! A name server that does not respond: the error says that the name was not resolved in time, not that the host did not
//! respond.

use iam_sandbox::Metadata;

use crate::case::{BOBS_KEY, Case, DELETED, documented, each_at_once};
use crate::credentials::with_config;
use crate::low_resources::{SILENT_NAME_SERVER, stand_in};
use crate::metadata_service::on_instance;
use crate::sso_chain::with_corp;
use crate::unfinished::with_seconds_masked;

const URL: [&str; 2] = ["--endpoint-url", "https://iam.invalid"];
const CHECK_DNS: &str = "check the network, and that DNS works";

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs LD_PRELOAD")]
fn a_name_that_is_not_resolved_in_time_is_reported_as_such() {
    let folder = tempfile::tempdir().expect("a folder");
    let library = stand_in(folder.path(), SILENT_NAME_SERVER);
    let proxy = ("HTTPS_PROXY", "http://proxy.invalid:3128");
    let through = "could not reach IAM at iam.invalid through the proxy proxy.invalid:3128: the proxy's name could not be resolved";
    let to_proxy = format!("{CHECK_DNS}; --cli-connect-timeout sets how long to wait for it");
    let iam = "could not reach IAM at iam.invalid: its name could not be resolved";
    let late = format!("{iam} within N s; --timeout is 2 s");
    let (nothing, unread) = (
        "nothing was sent to IAM",
        "no request to change it was sent to IAM",
    );
    let brief = ["--user-name", "Bob", "--cli-connect-timeout", "1"];
    let soon = ["--user-name", "Bob", "--timeout", "2"];
    let cases = [
        (&brief[..], None, format!("{iam} within 1 s"), CHECK_DNS, nothing),
        (&soon[..], None, late.clone(), CHECK_DNS, nothing),
        (
            &["--timeout", "2", "--dry-run", "--user-name", "Bob"],
            None,
            late.clone(),
            CHECK_DNS,
            unread,
        ),
        (
            &["--timeout", "2", "--find-user"],
            None,
            late,
            CHECK_DNS,
            unread,
        ),
        (
            &[
                "--cli-connect-timeout",
                "1",
                "--expect-account",
                "123456789012",
                "--user-name",
                "Bob",
            ],
            Some(("AWS_ENDPOINT_URL_STS", "https://sts.invalid")),
            "--expect-account could not be checked: could not reach STS at sts.invalid: its name could not be resolved within 1 s".to_owned(),
            CHECK_DNS,
            nothing,
        ),
        (&brief, Some(proxy), format!("{through} within 1 s"), &to_proxy, nothing),
        (
            &soon,
            Some(proxy),
            format!("{through} within N s; --timeout is 2 s"),
            CHECK_DNS,
            nothing,
        ),
    ];
    each_at_once(cases, |(args, variable, error, hint, known)| {
        let sandbox = documented();
        let case = Case::at(&sandbox, ["--access-key-id", BOBS_KEY])
            .args(args)
            .args(URL);
        let case = case
            .env("ASKED", folder.path().join("asked"))
            .env("LD_PRELOAD", &library);
        let case = variable
            .into_iter()
            .fold(case, |case, (name, value)| case.env(name, value));
        let said = case.run().exits(9).prints_anything();
        let messages = if error.contains("within N s") {
            with_seconds_masked(&said)
        } else {
            said.messages().to_owned()
        };
        assert_eq!(
            messages,
            format!(
                "iam-del-key: error: {error}\nhint: {hint}\nresult: {BOBS_KEY}: not deleted: {known}\n"
            )
        );
        assert!(sandbox.has_key(BOBS_KEY));
    });
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs LD_PRELOAD")]
fn a_source_of_credentials_whose_name_is_not_resolved() {
    let folder = tempfile::tempdir().expect("a folder");
    let library = stand_in(folder.path(), SILENT_NAME_SERVER);
    let (sandbox, portal) = (documented(), Metadata::start());
    let sso = with_corp(&sandbox, &portal).env("AWS_ENDPOINT_URL_SSO", "https://sso.invalid");
    let container = with_config(&sandbox, "").env(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "https://container.invalid/",
    );
    let instance = on_instance(&sandbox, "http://instance.invalid");
    let cases = [
        (
            sso.args(["--cli-connect-timeout", "1"]),
            format!(
                "no usable response from SSO at sso.invalid: its name could not be resolved within 1 s\nhint: {CHECK_DNS}"
            ),
        ),
        (
            container.args(["--timeout", "4"]),
            format!(
                "within 4 s from the container: no usable response from its service: its name could not be resolved within 2 s\nhint: {CHECK_DNS}"
            ),
        ),
        (instance, "its name could not be resolved".to_owned()),
    ];
    each_at_once(cases, |(case, says)| {
        let case = case
            .env("ASKED", folder.path().join("asked"))
            .env("LD_PRELOAD", &library);
        let _ = case
            .run()
            .exits(7)
            .prints_nothing()
            .says(&[&says])
            .ends_with("nothing was sent to IAM");
    });
}

/// A name server that returns two addresses for the host. At the first one, no connection is accepted: its queue is full.
const SILENT_FIRST_ADDRESS: &str = r#"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>
static struct sockaddr_in address(const char *host, const char *port) {
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };
    inet_pton(AF_INET, host, &at.sin_addr);
    return at;
}
static struct addrinfo *info(const char *host, struct addrinfo *next) {
    struct sockaddr_in *at = malloc(sizeof *at);
    *at = address(host, "0");
    struct addrinfo *one = calloc(1, sizeof *one);
    *one = (struct addrinfo){ .ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_addrlen = sizeof *at,
                              .ai_addr = (struct sockaddr *)at, .ai_next = next };
    return one;
}
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    struct sockaddr_in silent = address("127.0.0.2", getenv("PORT"));
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listening, (struct sockaddr *)&silent, sizeof silent) == 0) {
        listen(listening, 0);
        for (int filled = 0; filled < 3; filled++)
            connect(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), (struct sockaddr *)&silent, sizeof silent);
    }
    *found = info("127.0.0.2", info("127.0.0.1", NULL));
    return 0;
}
void freeaddrinfo(struct addrinfo *found) {}
"#;

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs LD_PRELOAD")]
fn a_host_whose_first_address_is_silent_is_reached_at_its_second() {
    let folder = tempfile::tempdir().expect("a folder");
    let library = stand_in(folder.path(), SILENT_FIRST_ADDRESS);
    let sandbox = documented();
    let port = sandbox.address().port().to_string();
    let url = format!("http://iam.invalid:{port}");
    let case = Case::documented(&sandbox, &["--endpoint-url", &url]);
    let ended = case.env("PORT", port).env("LD_PRELOAD", &library).run();
    let ended = ended.exits(0).prints(DELETED);
    assert_eq!(
        ended.messages(),
        "iam-del-key: warning: --endpoint-url is http://: the request and its signature go to iam.invalid unencrypted\n"
    );
}

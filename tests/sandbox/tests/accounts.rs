//! Several accounts: which account a key belongs to, roles in other accounts, and their root users.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};

use iam_sandbox::documented::{ALICE_KEY_ID, BOB_KEY_ID, ROOT_KEY_ID};
use iam_sandbox::{Credentials, KeySeed, Sandbox, root_key_id, sign};

const OTHER: &str = "210987654321";
const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

fn organization() -> Sandbox {
    Sandbox::documented()
        .key_in(OTHER, KeySeed::new("Mallory", KEY))
        .start()
}

/// Sends a request, and returns the whole response.
fn call(sandbox: &Sandbox, who: &Credentials, action: &str, more: &[(&str, &str)]) -> String {
    let version = match action {
        "AssumeRole" | "AssumeRoot" | "GetAccessKeyInfo" | "GetCallerIdentity" => "2011-06-15",
        _ => "2010-05-08",
    };
    let mut params = vec![("Action", action), ("Version", version)];
    params.extend(more);
    let address = sandbox.address();
    let mut stream = TcpStream::connect(address).expect("a connection");
    let request = sign::post(who, &address.to_string(), &params);
    stream.write_all(&request).expect("the request is sent");
    stream.shutdown(Shutdown::Write).expect("an open socket");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("a reply");
    reply
}

/// Parses the credentials in a response.
fn credentials(reply: &str) -> Credentials {
    let leaf = |name: &str| {
        let (_, rest) = reply.split_once(&format!("<{name}>")).expect(reply);
        rest.split('<').next().unwrap_or_default().to_owned()
    };
    Credentials {
        access_key_id: leaf("AccessKeyId"),
        secret_access_key: leaf("SecretAccessKey"),
        session_token: Some(leaf("SessionToken")),
    }
}

#[test]
fn a_key_belongs_to_an_account() {
    let sandbox = organization();
    for (id, account) in [
        (BOB_KEY_ID, "123456789012"),
        (ROOT_KEY_ID, "123456789012"),
        (KEY, OTHER),
        ("ASIAY34FZKBOKMUTVV7A", "609629065308"),
    ] {
        let reply = call(
            &sandbox,
            &sandbox.admin(),
            "GetAccessKeyInfo",
            &[("AccessKeyId", id)],
        );
        assert!(
            reply.contains(&format!("<Account>{account}</Account>")),
            "{reply}"
        );
    }
    let unknown = [("AccessKeyId", "AKIAI44QH8DHBEXAMPLE")];
    let reply = call(&sandbox, &sandbox.admin(), "GetAccessKeyInfo", &unknown);
    assert!(reply.contains("ValidationError"), "{reply}");
}

#[test]
fn a_role_of_another_account_acts_there() {
    let sandbox = organization();
    let role = [
        ("RoleArn", "arn:aws:iam::210987654321:role/Responder"),
        ("RoleSessionName", "me"),
    ];
    let reply = call(&sandbox, &sandbox.admin(), "AssumeRole", &role);
    let session = credentials(&reply);
    let arn = "arn:aws:sts::210987654321:assumed-role/Responder/me";
    assert!(reply.contains(arn), "{reply}");
    assert!(call(&sandbox, &session, "GetCallerIdentity", &[]).contains(arn));
    let delete = |user, id| {
        let params = [("UserName", user), ("AccessKeyId", id)];
        call(&sandbox, &session, "DeleteAccessKey", &params)
    };
    assert!(delete("Alice", ALICE_KEY_ID).contains("NoSuchEntity"));
    assert!(delete("Mallory", KEY).contains("DeleteAccessKeyResponse"));
    assert!(sandbox.has_key(ALICE_KEY_ID));
    assert!(sandbox.key_in(OTHER, KEY).is_none());
}

#[test]
fn a_root_task_allows_the_actions_of_its_policy() {
    let sandbox = Sandbox::documented().other_account(OTHER).start();
    let root = root_key_id(OTHER);
    let open = |who: &Credentials, target, policy: &str| {
        let policy = format!("arn:aws:iam::aws:policy/root-task/{policy}");
        let params = [
            ("TargetPrincipal", target),
            ("TaskPolicyArn.arn", policy.as_str()),
        ];
        call(&sandbox, who, "AssumeRoot", &params)
    };
    let admin = sandbox.admin();
    let audit = credentials(&open(&admin, OTHER, "IAMAuditRootUserCredentials"));
    let delete = credentials(&open(&admin, OTHER, "IAMDeleteRootUserCredentials"));
    for (who, target, policy, code) in [
        (
            &sandbox.root(),
            OTHER,
            "IAMAuditRootUserCredentials",
            "AccessDenied",
        ),
        (
            &admin,
            "123456789012",
            "IAMAuditRootUserCredentials",
            "AccessDenied",
        ),
        (
            &admin,
            "111111111111",
            "IAMAuditRootUserCredentials",
            "AccessDenied",
        ),
        (&admin, OTHER, "AdministratorAccess", "ValidationError"),
    ] {
        let reply = open(who, target, policy);
        assert!(reply.contains(code), "{target} {policy}: {reply}");
    }
    let id = [("AccessKeyId", root.as_str())];
    for session in [&audit, &delete] {
        let says = |action, params: &[_]| call(&sandbox, session, action, params);
        assert!(
            says("GetCallerIdentity", &[]).contains("<Arn>arn:aws:iam::210987654321:root</Arn>")
        );
        let keys = says("ListAccessKeys", &[]);
        assert!(keys.contains(&root) && !keys.contains("UserName"), "{keys}");
        let used = says("GetAccessKeyLastUsed", &id);
        assert!(used.contains("N/A") && !used.contains("UserName"), "{used}");
        for (action, params) in [
            ("ListUsers", &[][..]),
            ("ListAccessKeys", &[("UserName", "Mallory")]),
            (
                "UpdateAccessKey",
                &[("AccessKeyId", &root), ("Status", "Inactive")],
            ),
            ("GetAccessKeyLastUsed", &[("AccessKeyId", ALICE_KEY_ID)]),
        ] {
            assert!(says(action, params).contains("403"), "{action}");
        }
    }
    assert!(call(&sandbox, &audit, "DeleteAccessKey", &id).contains("no session policy allows"));
    assert!(sandbox.key_in(OTHER, &root).is_some());
    let deleted = call(&sandbox, &delete, "DeleteAccessKey", &id);
    assert!(deleted.contains("DeleteAccessKeyResponse"), "{deleted}");
    assert!(sandbox.key_in(OTHER, &root).is_none());
    assert!(call(&sandbox, &delete, "DeleteAccessKey", &id).contains("NoSuchEntity"));
}

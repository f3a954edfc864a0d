//! API keys of Amazon Bedrock, which are not access keys.

use crate::case::{BOBS_KEY, Case, documented, each};
use crate::masked::bedrock;

#[test]
fn c06_a_bedrock_api_key_is_refused_with_what_to_run_instead() {
    let key = format!("ABSK{}", "A".repeat(116));
    let instead = "this looks like an API key of Amazon Bedrock, which is not an access key: \
                   find its ID with `aws iam list-service-specific-credentials`, \
                   then run `aws iam delete-service-specific-credential`";
    each([&key, &bedrock()], |key| {
        let sandbox = documented();
        Case::at(&sandbox, ["--access-key-id", key])
            .run().stops_exactly(2, &format!(
                "iam-del-key: error: invalid value '(not shown)' for '--access-key-id <ID>': {instead}; \
                 the shell may keep it in its history: treat it as leaked\n\n\
                 For more information, try '--help'.\n\
                 result: no request was sent, and no key was changed\n"
            ));
        let json = format!("{{\"AccessKeyId\":\"{key}\"}}");
        Case::at(&sandbox, ["--cli-input-json", &json])
            .run()
            .stops(2, &[&format!("AccessKeyId '(not shown)': {instead}\n")]);
        let cases = [
            key.clone(),
            format!("{BOBS_KEY}\n{key}\n"),
            format!("AccessKeyId,UserName\n{key},Bob\n"),
            format!("AccessKeyId\tUserName\n{key}\tBob\n"),
            json,
            format!("[\"{key}\"]"),
            format!("{{\"AccessKeyMetadata\":[{{\"AccessKeyId\":\"{key}\"}}]}}"),
        ];
        each(cases, |list| {
            let case = Case::at(&sandbox, ["--from", "-"]).input(list.as_bytes());
            let said = case.run().exits(2).prints_nothing();
            assert!(!said.messages().contains(&key[..12]), "{}", said.messages());
            let _ = said.says(&[instead]);
        });
        assert_eq!(sandbox.connections(), 0);
    });
}

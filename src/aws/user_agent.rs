//! The user agent of requests, which names the execution environment.

use std::env;

use aws_runtime::user_agent::{ApiMetadata, AwsUserAgent};
use aws_smithy_types::config_bag::ConfigBag;
use aws_types::os_shim_internal::Env;

use super::http::is_allowed_in_header;

const VARIABLE: &str = "AWS_EXECUTION_ENV";

/// Replaces each character of `AWS_EXECUTION_ENV` that is not allowed in a header with a dash, as the AWS CLI does. Otherwise, the
/// SDK could not send the request.
pub(super) fn clean(cfg: &mut ConfigBag) {
    let Ok(value) = env::var(VARIABLE) else {
        return;
    };
    if value.chars().all(is_allowed_in_header) {
        return;
    }
    if let Some(api) = cfg.load::<ApiMetadata>().cloned() {
        let value = value.replace(|c| !is_allowed_in_header(c), "-");
        let cleaned = Env::from_slice(&[(VARIABLE, &value)]);
        let agent = AwsUserAgent::new_from_environment(cleaned, api);
        cfg.interceptor_state().store_put(agent);
    }
}

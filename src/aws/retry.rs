//! Which failures are tried again, where the SDK's own rules are wrong for IAM.

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority,
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;

use super::error::is_tls;

/// A bare 429 is throttling; TLS that failed fails again; a quota is not throttling.
#[derive(Debug)]
pub(crate) struct IamRetries;

impl ClassifyRetry for IamRetries {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else {
            return RetryAction::NoActionIndicated;
        };
        if let Some(error) = error.as_connector_error()
            && is_tls(error)
        {
            return RetryAction::RetryForbidden;
        }
        let code = error
            .as_operation_error()
            .and_then(|error| error.downcast_ref::<aws_sdk_iam::operation::delete_access_key::DeleteAccessKeyError>())
            .and_then(|error| error.code());
        if code.is_some_and(|code| code.starts_with("LimitExceeded")) {
            return RetryAction::RetryForbidden;
        }
        if context
            .response()
            .is_some_and(|response| response.status().as_u16() == 429)
        {
            return RetryAction::throttling_error();
        }
        RetryAction::NoActionIndicated
    }

    fn name(&self) -> &'static str {
        "IamRetries"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}

//! Which failures are tried again, where the SDK's own rules are wrong for IAM.

use super::error::is_tls;
use super::reply::{self, Body};
use crate::error::{ErrorKind, classify};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority,
};

/// A bare 429 is throttling; TLS that failed fails again; a quota is not throttling. Where a pacer slows all requests
/// down, it and not the SDK tries a throttled one again.
#[derive(Debug)]
pub(crate) struct IamRetries {
    /// Who tries a throttled request again.
    pub(crate) throttled: Throttled,
}

/// Who tries a throttled request again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Throttled {
    /// The SDK, a few times.
    Retried,
    /// The pacer, as long as there is time.
    Paced,
}

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
        let Some(response) = context
            .response()
            .filter(|response| !response.status().is_success())
        else {
            return RetryAction::NoActionIndicated;
        };
        let code = match reply::read(response.body().bytes().unwrap_or_default(), "") {
            Ok(Body::Error { code, .. }) => code,
            Ok(Body::Expected { .. }) | Err(_) => None,
        };
        match classify(code.as_deref(), response.status().as_u16()) {
            ErrorKind::LimitExceeded => return RetryAction::RetryForbidden,
            ErrorKind::Throttling if self.throttled == Throttled::Paced => {
                return RetryAction::RetryForbidden;
            }
            ErrorKind::Throttling if code.is_none() => return RetryAction::throttling_error(),
            _ => {}
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

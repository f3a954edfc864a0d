//! Classifies errors for retries where the rules of the SDK are wrong for IAM and STS.

use super::response_body::{self, Response};
use crate::error::{ErrorKind, Operation, classify};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority,
};

/// What retries throttled requests of IAM and STS. A status of 429 without a code is throttling. A quota is not throttling.
#[derive(Debug)]
pub(super) enum Retries {
    /// The SDK retries throttled requests a few times.
    Sdk,
    /// A rate limiter slows down all requests, and throttled ones are retried as long as there is time.
    RateLimiter,
}

impl ClassifyRetry for Retries {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let response = context.response();
        let Some(response) = response.filter(|response| !response.status().is_success()) else {
            return RetryAction::NoActionIndicated;
        };
        let body = response.body().bytes().unwrap_or_default();
        // The operation is unknown here.
        let code_of = |operation| match response_body::read(body, operation) {
            Response::Error { code, .. } => code,
            Response::Expected { .. } | Response::Unexpected(_) => None,
        };
        let code = code_of(Operation::Iam("")).or_else(|| code_of(Operation::Sts("")));
        match (classify(code.as_deref(), response.status().as_u16()), self) {
            (ErrorKind::LimitExceeded, _) | (ErrorKind::Throttling, Self::RateLimiter) => {
                RetryAction::RetryForbidden
            }
            (ErrorKind::Throttling, Self::Sdk) if code.is_none() => RetryAction::throttling_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "Retries"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}

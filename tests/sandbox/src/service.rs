//! The service: checks who signed a request, acts and answers. Does not know about sockets.

use crate::account::Account;
use crate::action::{self, Call};
use crate::clock::Clock;
use crate::denial::Denials;
use crate::failure::Failure;
use crate::hash;
use crate::principal::Principal;
use crate::reply::{Reply, Service as Api};
use crate::report::Reports;
use crate::request::{Params, Request};
use crate::throttle::Bucket;
use crate::trust::Trusts;
use crate::verify::{self, Authorization};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The accounts and rules that determine the responses.
#[derive(Debug)]
pub(crate) struct Service {
    state: Mutex<State>,
    pub(crate) clock: Clock,
    request_ids: AtomicU64,
}

/// The state that requests read and change.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) account: Account,
    pub(crate) others: Vec<Account>,
    pub(crate) denials: Denials,
    pub(crate) trusts: Trusts,
    pub(crate) reports: Reports,
    pub(crate) bucket: Option<Bucket>,
    pub(crate) page_size: usize,
    pub(crate) list_lag: u32,
}

/// A response, and whether the request took effect.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) reply: Reply,
    pub(crate) acted: bool,
}

impl Service {
    pub(crate) fn new(state: State) -> Self {
        Self {
            state: Mutex::new(state),
            clock: Clock::default(),
            request_ids: AtomicU64::new(0),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a request. Performs its action if it is valid.
    pub(crate) fn answer(&self, request: &Request, params: &Params) -> Answered {
        let api = Api::of(params.get("Version"));
        let request_id = self.request_id();
        let action = params.get("Action").unwrap_or_default();
        match self.act(api, action, request, params) {
            Ok(result) => Answered {
                reply: Reply::success(api, action, &request_id, result),
                acted: true,
            },
            Err(failure) => Answered {
                reply: Reply::failure(api, &failure, &request_id),
                acted: false,
            },
        }
    }

    /// An error in the service's format.
    pub(crate) fn refuse(&self, params: &Params, failure: &Failure) -> Reply {
        Reply::failure(Api::of(params.get("Version")), failure, &self.request_id())
    }

    /// Replaces `<RequestId>r</RequestId>` in the body with a new request ID.
    pub(crate) fn with_request_id(&self, body: &[u8]) -> Vec<u8> {
        const PLACE: &[u8] = b"<RequestId>r</RequestId>";
        let Some(at) = body.windows(PLACE.len()).position(|part| part == PLACE) else {
            return body.to_vec();
        };
        let id = format!("<RequestId>{}</RequestId>", self.request_id());
        [&body[..at], id.as_bytes(), &body[at + PLACE.len()..]].concat()
    }

    fn request_id(&self) -> String {
        hash::uuid(self.request_ids.fetch_add(1, Ordering::Relaxed))
    }

    fn act(&self, api: Api, action: &str, request: &Request, params: &Params) -> action::Outcome {
        if request.path() != "/" {
            return Err(Failure::new(
                404,
                "UnknownOperationException",
                format!("Nothing is at {}", request.path()),
            ));
        }
        let now = self.clock.now();
        let mut state = self.state();
        if (api, action) == (Api::Sts, "AssumeRoleWithWebIdentity") {
            return action::assume_role_with_web_identity(&mut state.account, params, now);
        }
        let authorization = Authorization::of(request)?;
        let State {
            account,
            others,
            denials,
            trusts,
            reports,
            bucket,
            page_size,
            list_lag,
        } = &mut *state;
        let mut others: Vec<&mut Account> = others.iter_mut().chain([account]).collect();
        // If no account has the key, use the sandbox's own account, which is last.
        let is_signed_in =
            |account: &&mut Account| account.credentials(&authorization.key_id).is_some();
        let signed_in = others.iter().position(is_signed_in);
        let account = others.swap_remove(signed_in.unwrap_or(others.len() - 1));
        let principal = verify::verify(request, &authorization, api.name(), account, now)?;
        if api == Api::Iam
            && bucket
                .as_mut()
                .is_some_and(|bucket| !bucket.take(Instant::now()))
        {
            return Err(Failure::throttled());
        }
        if !matches!(principal, Principal::Role(_)) {
            account.use_key(
                &authorization.key_id,
                api.name(),
                &authorization.scope.region,
                now,
            );
        }
        action::perform(&mut Call {
            service: api,
            action,
            params,
            principal: &principal,
            account,
            others,
            denials,
            trusts,
            reports,
            now,
            page_size: *page_size,
            list_lag: *list_lag,
        })
    }
}

//! The actions of IAM and STS. Each validates its parameters, checks permission, and then acts.

mod key;
mod report;
mod sts;
mod user;

use crate::account::Account;
use crate::denial::Denials;
use crate::drift::Read;
use crate::failure::Failure;
use crate::principal::Principal;
use crate::reply::{Service, Written};
use crate::report::Reports;
use crate::request::Params;
use crate::trust::Trusts;
use time::OffsetDateTime;

/// A request for an action.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) service: Service,
    pub(crate) action: &'a str,
    pub(crate) params: &'a Params,
    pub(crate) principal: &'a Principal,
    pub(crate) account: &'a mut Account,
    /// The other accounts of the organization.
    pub(crate) others: Vec<&'a mut Account>,
    pub(crate) denials: &'a Denials,
    pub(crate) trusts: &'a mut Trusts,
    pub(crate) reports: &'a mut Reports,
    pub(crate) now: OffsetDateTime,
    pub(crate) page_size: usize,
    pub(crate) list_lag: u32,
}

/// The result of an action: nothing, or a function that writes the result element.
pub(crate) type Outcome = Result<Option<Written>, Failure>;

type Action = fn(&mut Call<'_>) -> Outcome;

const ACTIONS: [(Service, &str, Action); 14] = [
    (Service::Iam, "CreateUser", user::create),
    (Service::Iam, "ListUsers", user::list),
    (Service::Iam, "ListUserTags", user::tags),
    (Service::Iam, "CreateAccessKey", key::create),
    (Service::Iam, "ListAccessKeys", key::list),
    (Service::Iam, "UpdateAccessKey", key::update),
    (Service::Iam, "DeleteAccessKey", key::delete),
    (Service::Iam, "GetAccessKeyLastUsed", key::last_used),
    (Service::Iam, "GenerateCredentialReport", report::generate),
    (Service::Iam, "GetCredentialReport", report::get),
    (Service::Sts, "GetCallerIdentity", sts::get_caller_identity),
    (Service::Sts, "AssumeRole", sts::assume_role),
    (Service::Sts, "AssumeRoot", sts::assume_root),
    (Service::Sts, "GetAccessKeyInfo", sts::get_access_key_info),
];

/// The actions of IAM and STS that need a signature.
pub fn actions() -> impl Iterator<Item = &'static str> {
    ACTIONS.into_iter().map(|(_, name, _)| name)
}

/// Performs the action of a request.
pub(crate) fn perform(call: &mut Call<'_>) -> Outcome {
    let is_asked = |(service, name, _): &&(Service, &str, Action)| {
        (*service, *name) == (call.service, call.action)
    };
    match (ACTIONS.iter().find(is_asked), call.action) {
        (Some((_, _, action)), _) => action(call),
        (None, "") => Err(Failure::missing_action()),
        (None, action) => Err(Failure::unknown_action(
            action,
            call.params.get("Version").unwrap_or_default(),
        )),
    }
}

/// Performs the only action that does not need a signature.
pub(crate) fn assume_role_with_web_identity(
    account: &mut Account,
    params: &Params,
    now: OffsetDateTime,
) -> Outcome {
    sts::assume_role_with_web_identity(account, params, now)
}

impl Call<'_> {
    /// Fails if the action is denied to the principal.
    fn authorize(&self, resource: &str) -> Result<(), Failure> {
        self.authorize_at(None, resource)
    }

    /// The same for an action on this user.
    fn authorize_on(&self, name: &str) -> Result<(), Failure> {
        let path = self.account.user(name).map(|user| user.path.as_str());
        self.authorize_at(path, &format!("user {name}"))
    }

    fn authorize_at(&self, path: Option<&str>, resource: &str) -> Result<(), Failure> {
        let action = format!("{}:{}", self.service.name(), self.action);
        if let Principal::RootTask(task) = self.principal
            && (!task.allows(&action) || resource.starts_with("user "))
        {
            return Err(Failure::denied_by_task(
                &self.principal.arn(self.account),
                &action,
                resource,
            ));
        }
        if self.denials.deny(self.principal.name(), &action, path) {
            return Err(Failure::denied(
                &self.principal.arn(self.account),
                &action,
                resource,
            ));
        }
        Ok(())
    }

    /// Fails if this read is denied for this user, regardless of the caller.
    fn read_of(&self, read: Read, user: &str) -> Result<(), Failure> {
        let drift = self.account.drift.as_ref();
        if drift.is_some_and(|drift| drift.denies(read, user)) {
            return Err(Failure::denied(
                &self.principal.arn(self.account),
                &format!("{}:{}", self.service.name(), self.action),
                &format!("user {user}"),
            ));
        }
        Ok(())
    }

    /// The user that a request names, or else the user who signed it.
    fn target_user(&self, named: Option<&str>) -> Result<String, Failure> {
        let user = named.or_else(|| self.principal.user_name());
        user.map(str::to_owned)
            .ok_or_else(Failure::no_user_in_credentials)
    }
}

/// The requested page of `items`, and the marker of the next page unless this page is the last.
fn page<T>(
    mut items: Vec<T>,
    size: usize,
    marker_of: impl FnOnce(&T) -> String,
) -> (Vec<T>, Option<String>) {
    if items.len() <= size {
        return (items, None);
    }
    items.truncate(size);
    let marker = items.last().map(marker_of);
    (items, marker)
}

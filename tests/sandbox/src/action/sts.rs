//! STS: `GetCallerIdentity`, `GetAccessKeyInfo`, `AssumeRole`, `AssumeRoleWithWebIdentity` and `AssumeRoot`.

use super::{Call, Outcome};
use crate::account::{Account, RoleSession, Session, SessionOf, Task};
use crate::clock;
use crate::constraint::{
    ACCESS_KEY_ID, Check, EXTERNAL_ID, ROLE_ARN, SERIAL_NUMBER, SESSION_NAME, TARGET_PRINCIPAL,
    TOKEN_CODE, WEB_IDENTITY_TOKEN,
};
use crate::failure::Failure;
use crate::key_id;
use crate::principal::Principal;
use crate::request::Params;
use crate::trust::Shown;
use crate::xml::Xml;
use time::{Duration, OffsetDateTime};

const LONGEST_SESSION: usize = 43_200;
const USUAL_SESSION: usize = 3_600;
const LONGEST_ROOT_SESSION: usize = 900;

pub(super) fn get_caller_identity(call: &mut Call<'_>) -> Outcome {
    let arn = call.principal.arn(call.account);
    call.authorize(&arn)?;
    let id = call.principal.unique_id(call.account);
    let account = call.account.id.clone();
    Ok(Some(Box::new(move |xml| {
        xml.leaf("Arn", &arn);
        xml.leaf("UserId", &id);
        xml.leaf("Account", &account);
    })))
}

pub(super) fn assume_role(call: &mut Call<'_>) -> Outcome {
    let mut check = Check::new(call.params);
    let shown = Shown {
        external_id: check.optional("ExternalId", &EXTERNAL_ID),
        serial_number: check.optional("SerialNumber", &SERIAL_NUMBER),
        token_code: check.optional("TokenCode", &TOKEN_CODE),
    };
    let request = SessionRequest::read(check)?;
    call.authorize(request.arn)?;
    let denied = Failure::untrusted(&call.principal.arn(call.account), request.arn);
    call.trusts.check(request.role(), &shown, denied)?;
    let mut others = call.others.iter_mut().map(|other| &mut **other);
    let account = others.find(|other| request.arn.split(':').nth(4) == Some(&other.id));
    // For an unknown account, use this one: the ARN of a role that nobody configured also has an account.
    let account = account.unwrap_or(&mut *call.account);
    let (role, session) = request.open(account, call.now);
    let account = account.id.clone();
    Ok(Some(Box::new(move |xml| {
        write(xml, &role, &session, &account);
    })))
}

pub(super) fn assume_root(call: &mut Call<'_>) -> Outcome {
    let mut check = Check::new(call.params);
    let target = check.required("TargetPrincipal", &TARGET_PRINCIPAL);
    let policy = check.required("TaskPolicyArn.arn", &ROLE_ARN);
    let seconds = check.number("DurationSeconds", LONGEST_ROOT_SESSION);
    check.finish()?;
    let resource = format!("arn:aws:iam::{target}:root");
    call.authorize(&resource)?;
    let arn = call.principal.arn(call.account);
    let denied = || Failure::denied(&arn, "sts:AssumeRoot", &resource);
    if let Principal::Root | Principal::RootTask(_) = call.principal {
        return Err(denied());
    }
    let task = Task::of(policy).ok_or_else(|| {
        Failure::validation("The task policy is not one that AssumeRoot accepts.")
    })?;
    let mut members = call.others.iter_mut();
    let member = members.find(|member| member.id == target);
    let seconds = i64::try_from(seconds.unwrap_or(LONGEST_ROOT_SESSION)).unwrap_or_default();
    let session = member
        .ok_or_else(denied)?
        .open_session(SessionOf::Root(task), call.now + Duration::seconds(seconds));
    Ok(Some(Box::new(move |xml| write_credentials(xml, &session))))
}

pub(super) fn get_access_key_info(call: &mut Call<'_>) -> Outcome {
    let mut check = Check::new(call.params);
    let id = check.required("AccessKeyId", &ACCESS_KEY_ID);
    check.finish()?;
    call.authorize("*")?;
    let mut accounts = call.others.iter().map(|other| &**other);
    let has_key = |account: &&Account| account.credentials(id).is_some();
    let found = Some(&*call.account).filter(has_key);
    let found = found.or_else(|| accounts.find(has_key));
    let account = found.map(|account| account.id.clone());
    let account = account.or_else(|| key_id::account_of(id));
    let account = account.ok_or_else(Failure::key_without_account)?;
    Ok(Some(Box::new(move |xml| xml.leaf("Account", &account))))
}

pub(super) fn assume_role_with_web_identity(
    account: &mut Account,
    params: &Params,
    now: OffsetDateTime,
) -> Outcome {
    let mut check = Check::new(params);
    check.required("WebIdentityToken", &WEB_IDENTITY_TOKEN);
    let (role, session) = SessionRequest::read(check)?.open(account, now);
    let account = account.id.clone();
    Ok(Some(Box::new(move |xml| {
        xml.leaf(
            "SubjectFromWebIdentityToken",
            "system:serviceaccount:default:sandbox",
        );
        xml.leaf("Audience", "sts.amazonaws.com");
        xml.leaf("Provider", "https://oidc.example.com");
        write(xml, &role, &session, &account);
    })))
}

/// The parameters of both actions that assume a role.
#[derive(Debug)]
struct SessionRequest<'a> {
    arn: &'a str,
    name: &'a str,
    seconds: usize,
}

impl<'a> SessionRequest<'a> {
    fn read(mut check: Check<'a>) -> Result<Self, Failure> {
        let arn = check.required("RoleArn", &ROLE_ARN);
        let name = check.required("RoleSessionName", &SESSION_NAME);
        let seconds = check
            .number("DurationSeconds", LONGEST_SESSION)
            .unwrap_or(USUAL_SESSION);
        check.finish()?;
        Ok(Self { arn, name, seconds })
    }

    fn role(&self) -> &'a str {
        self.arn.rsplit('/').next().unwrap_or_default()
    }

    fn open(&self, account: &mut Account, now: OffsetDateTime) -> (RoleSession, Session) {
        let seconds = i64::try_from(self.seconds).unwrap_or_default();
        let partition = self.arn.split(':').nth(1).unwrap_or_default();
        let role = RoleSession {
            partition: partition.to_owned(),
            role: self.role().to_owned(),
            name: self.name.to_owned(),
        };
        let of = SessionOf::Role(role.clone());
        let session = account.open_session(of, now + Duration::seconds(seconds));
        (role, session)
    }
}

fn write(xml: &mut Xml, role: &RoleSession, session: &Session, account: &str) {
    xml.nest("AssumedRoleUser", "", |xml| {
        xml.leaf(
            "AssumedRoleId",
            &format!("{}:{}", role.role_id(account), role.name),
        );
        xml.leaf("Arn", &role.arn(account));
    });
    write_credentials(xml, session);
}

fn write_credentials(xml: &mut Xml, session: &Session) {
    xml.nest("Credentials", "", |xml| {
        let credentials = &session.credentials;
        xml.leaf("AccessKeyId", &credentials.access_key_id);
        xml.leaf("SecretAccessKey", &credentials.secret_access_key);
        xml.leaf(
            "SessionToken",
            credentials.session_token.as_deref().unwrap_or_default(),
        );
        xml.leaf("Expiration", &clock::extended(session.expires));
    });
}

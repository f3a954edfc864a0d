//! STS: `GetCallerIdentity`, `AssumeRole` and `AssumeRoleWithWebIdentity`.

use super::{Call, Outcome};
use crate::account::{Account, Session};
use crate::clock;
use crate::constraint::{
    Check, EXTERNAL_ID, ROLE_ARN, SERIAL_NUMBER, SESSION_NAME, TOKEN_CODE, WEB_IDENTITY_TOKEN,
};
use crate::failure::Failure;
use crate::request::Params;
use crate::trust::Shown;
use crate::xml::Xml;
use time::{Duration, OffsetDateTime};

const LONGEST_SESSION: usize = 43_200;
const USUAL_SESSION: usize = 3_600;

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
    let session = request.open(call.account, call.now);
    let account = call.account.id.clone();
    Ok(Some(Box::new(move |xml| write(xml, &session, &account))))
}

pub(super) fn assume_role_with_web_identity(
    account: &mut Account,
    params: &Params,
    now: OffsetDateTime,
) -> Outcome {
    let mut check = Check::new(params);
    check.required("WebIdentityToken", &WEB_IDENTITY_TOKEN);
    let session = SessionRequest::read(check)?.open(account, now);
    let account = account.id.clone();
    Ok(Some(Box::new(move |xml| {
        xml.leaf(
            "SubjectFromWebIdentityToken",
            "system:serviceaccount:default:sandbox",
        );
        xml.leaf("Audience", "sts.amazonaws.com");
        xml.leaf("Provider", "https://oidc.example.com");
        write(xml, &session, &account);
    })))
}

/// The parameters of both ways to assume a role.
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

    fn open(&self, account: &mut Account, now: OffsetDateTime) -> Session {
        let seconds = i64::try_from(self.seconds).unwrap_or_default();
        account.open_session(self.role(), self.name, now + Duration::seconds(seconds))
    }
}

fn write(xml: &mut Xml, session: &Session, account: &str) {
    xml.nest("AssumedRoleUser", "", |xml| {
        xml.leaf(
            "AssumedRoleId",
            &format!("{}:{}", session.role_id(account), session.name),
        );
        xml.leaf("Arn", &session.arn(account));
    });
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

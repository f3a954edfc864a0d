//! The kind, the code and the exit status of every error of a call.

use super::*;
use crate::ident::AccountId;

/// An error of IAM.
pub(crate) fn service_error(code: Option<&str>, status: u16, message: &str) -> ServiceError {
    ServiceError {
        operation: super::Operation::Iam("DeleteAccessKey"),
        code: code.map(str::to_owned),
        message: message.to_owned(),
        status,
        request_id: None,
        context: Box::default(),
    }
}

#[test]
fn each_code_has_a_kind_and_each_kind_an_exit_status() {
    for (kind, status, codes) in [
        (ErrorKind::NoSuchEntity, 3, "NoSuchEntity"),
        (ErrorKind::LimitExceeded, 4, "LimitExceeded"),
        (
            ErrorKind::ServiceFailure,
            5,
            "ServiceFailure InternalFailure ServiceUnavailable",
        ),
        (ErrorKind::AccessDenied, 6, "AccessDenied"),
        (
            ErrorKind::Credentials,
            7,
            "InvalidClientTokenId ExpiredToken SignatureDoesNotMatch",
        ),
        (ErrorKind::Validation, 2, "ValidationError MalformedInput"),
        (
            ErrorKind::Throttling,
            8,
            "Throttling TooManyRequests SlowDown",
        ),
        (ErrorKind::Other, 1, "DeleteConflict Exception nosuchentity"),
    ] {
        for code in codes.split(' ') {
            for code in [code.to_owned(), format!("{code}Exception")] {
                let error = service_error(Some(&code), 400, "");
                assert_eq!(error.kind(), kind, "{code}");
                assert_eq!(error.exit().status(), status, "{code}");
            }
        }
    }
    for (code, status, expected) in [
        (None, 429, ErrorKind::Throttling),
        (Some("Unlisted"), 429, ErrorKind::Throttling),
        (Some("AccessDenied"), 429, ErrorKind::AccessDenied),
        (None, 428, ErrorKind::Other),
        (None, 499, ErrorKind::Other),
        (None, 503, ErrorKind::ServiceFailure),
        (Some("NoSuchEntity"), 500, ErrorKind::ServiceFailure),
        (Some("Throttling"), 503, ErrorKind::Throttling),
    ] {
        assert_eq!(classify(code, status), expected, "{code:?} {status}");
    }
}

#[test]
fn each_failed_call_has_a_code_and_an_exit_status() {
    let error = |code| CallError::Service(service_error(code, 418, ""));
    let cut = TransportError::default;
    for (failure, code, kind, exit) in [
        (
            error(Some("AccessDenied")),
            Some("AccessDenied"),
            Some(ErrorKind::AccessDenied),
            Exit::AccessDenied,
        ),
        (
            error(Some("NoSuchEntityException")),
            Some("NoSuchEntityException"),
            Some(ErrorKind::NoSuchEntity),
            Exit::NoSuchEntity,
        ),
        (
            error(None),
            Some("Http418"),
            Some(ErrorKind::Other),
            Exit::Other,
        ),
        (
            CallError::not_found(SearchScope::Account),
            Some("NoSuchEntity"),
            Some(ErrorKind::NoSuchEntity),
            Exit::NoSuchEntity,
        ),
        (CallError::NotSent(cut()), None, None, Exit::Unreachable),
        (CallError::NoResponse(cut()), None, None, Exit::Unreachable),
        (CallError::Incomplete(cut()), None, None, Exit::Other),
    ] {
        assert_eq!(failure.code().as_deref(), code, "{failure:?}");
        assert_eq!(failure.kind(), kind, "{failure:?}");
        assert_eq!(failure.read_exit(), exit, "{failure:?}");
        let is_denied = kind == Some(ErrorKind::AccessDenied);
        assert_eq!(failure.is_denied(), is_denied, "{failure:?}");
        let is_missing = kind == Some(ErrorKind::NoSuchEntity);
        assert_eq!(failure.is_no_such_entity(), is_missing, "{failure:?}");
        let is_of_service = matches!(failure, CallError::Service(_));
        assert_eq!(failure.service().is_some(), is_of_service, "{failure:?}");
        // What has a code has a context.
        let owner: UserName = "Bob".parse().expect("a name");
        let failure = failure.with_owner(Some(owner.clone()));
        let expected = code.map(|_| &owner);
        assert_eq!(failure.context().owner.as_ref(), expected, "{failure:?}");
    }
}

#[test]
fn a_message_says_whether_the_user_is_missing() {
    for (message, expected) in [
        ("The user with name Bob cannot be found.", true),
        ("The User With Name Bob cannot be found.", true),
        ("The Access Key with id AKIA cannot be found", false),
        ("", false),
    ] {
        let error = service_error(Some("NoSuchEntity"), 404, message);
        assert_eq!(error.is_about_user(), expected, "{message}");
    }
}

#[test]
fn only_too_few_open_files_are_about_their_limit() {
    // A static build has its own text.
    for text in [
        "Too many open files (os error 24)",
        "cannot read l: No file descriptors available (os error 24)",
    ] {
        let hint = file_limit_hint(text);
        assert!(hint.is_some_and(|hint| hint.contains("`ulimit -n 1024`")));
    }
    assert_eq!(file_limit_hint("Connection refused (os error 111)"), None);
}

#[test]
fn each_failed_call_says_what_it_concerns() {
    let error = |code| CallError::Service(service_error(Some(code), 400, ""));
    let cut = TransportError::default;
    let lookup = |scope, accounts| CallError::NotFound {
        scope,
        context: Box::new(Context {
            accounts,
            ..Context::default()
        }),
    };
    let account = |id: &str| id.parse::<AccountId>().expect("an account");
    let accounts = Some((account("111111111111"), account("222222222222")));
    for (failure, denies, concerns_every_key, is_in_no_list) in [
        (error("AccessDenied"), true, false, false),
        (error("ExpiredToken"), false, true, false),
        (error("Throttling"), false, true, false),
        (error("NoSuchEntity"), false, false, false),
        (CallError::NotSent(cut()), false, true, false),
        (CallError::NoResponse(cut()), false, false, false),
        (CallError::Incomplete(cut()), false, false, false),
        (lookup(SearchScope::Account, None), false, false, true),
        (lookup(SearchScope::Account, accounts), false, false, false),
        (lookup(SearchScope::SigningUser, None), false, false, false),
    ] {
        assert_eq!(failure.denies("DeleteAccessKey"), denies, "{failure:?}");
        assert!(!failure.denies("ListAccessKeys"), "{failure:?}");
        let found = failure.concerns_every_key();
        assert_eq!(found, concerns_every_key, "{failure:?}");
        assert_eq!(failure.is_in_no_list(), is_in_no_list, "{failure:?}");
    }
}

#[test]
fn the_last_error_of_iam_is_kept_if_a_later_attempt_gets_no_response() {
    let before = service_error(Some("ServiceFailure"), 500, "");
    let error = TransportError {
        before: Some(Box::new(before.clone())),
        ..TransportError::default()
    };
    for (failure, is_kept) in [
        (CallError::Service(before), true),
        (CallError::NotSent(error.clone()), true),
        (CallError::NoResponse(error.clone()), true),
        (CallError::Incomplete(error), true),
        (CallError::NoResponse(TransportError::default()), false),
        (CallError::not_found(SearchScope::Account), false),
    ] {
        let last = failure.last_service_error();
        let expected = is_kept.then_some("ServiceFailure");
        let code = last.and_then(|error| error.code.as_deref());
        assert_eq!(code, expected, "{failure:?}");
    }
}

#[test]
fn only_some_codes_reject_the_session() {
    let signature = "The request signature we calculated does not match";
    for (code, message, expected) in [
        (Some("ExpiredToken"), "", true),
        (Some("TokenRefreshRequired"), "", true),
        (Some("InvalidClientTokenId"), "", true),
        (Some("UnrecognizedClientException"), "", true),
        (Some("SignatureDoesNotMatch"), signature, true),
        (Some("SignatureDoesNotMatch"), "Signature expired", false),
        (Some("AccessDenied"), signature, false),
        (None, signature, false),
    ] {
        let error = service_error(code, 403, message);
        assert_eq!(error.rejects_session(), expected, "{code:?} {message}");
    }
}

#[test]
fn a_read_that_ran_out_of_time_says_so() {
    let error = TransportError::out_of_time("no time was left", Duration::from_secs(7));
    assert_eq!(error.reason, "no time was left; --timeout is 7 s");
    assert_eq!(error.hint, Some(RAISE_TIMEOUT.into()));
    assert!(error.ran_out_of_time);
    assert!(!error.has_unexpected_response);
    let failure = CallError::Incomplete(error);
    assert_eq!(failure.read_exit(), Exit::Unreachable);
}

#[test]
fn a_failed_read_says_what_it_was_about_unless_that_does_not_matter() {
    let id = AccessKeyId::try_from("AKIDPMS9RO4H3FEXAMPLE".to_owned()).expect("an ID");
    let bob: UserName = "Bob".parse().expect("a name");
    for (key, user, expected) in [
        (
            Some(&id),
            Some(&bob),
            "AKIDPMS9RO4H3FEXAMPLE of the user Bob",
        ),
        (Some(&id), None, "AKIDPMS9RO4H3FEXAMPLE"),
        (None, Some(&bob), "the user Bob"),
        (None, None, "the root user"),
    ] {
        let subject = |failure: CallError| {
            let failure = failure.about(key, user);
            failure.subject().map(ToString::to_string)
        };
        let service = |code, status| CallError::Service(service_error(Some(code), status, ""));
        let transport = || TransportError::new("", "a date is missing");
        let late = TransportError::out_of_time("no time was left", Duration::from_secs(7));
        let unexpected = TransportError {
            has_unexpected_response: true,
            ..transport()
        };
        for failure in [
            CallError::Incomplete(transport()),
            CallError::Incomplete(late),
            CallError::NoResponse(transport()),
            CallError::NotSent(unexpected),
            service("ServiceFailure", 500),
        ] {
            assert_eq!(subject(failure).as_deref(), Some(expected));
        }
        for failure in [
            CallError::NotSent(transport()),
            service("ExpiredToken", 403),
        ] {
            assert_eq!(subject(failure), None);
        }
    }
}

//! A service whose responses are given. Everything between the SDK's connector and a target is as in a run.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_config::Region;
use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_sdk_iam::Client;
use aws_sdk_iam::config::{BehaviorVersion, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use humantime::parse_rfc3339;
use roxmltree::{Document, Node};
use tokio::time::Instant;

use crate::aws::Iam;
use crate::aws::config_file::ConfigFiles;
use crate::aws::connection::Connection;
use crate::aws::credentials::{Provider, Source};
use crate::aws::role::Role;
use crate::aws::settings::Settings;
use crate::aws::sts::Caller;
use crate::aws::time_budget::TimeBudget;
use crate::error::RunError;
use crate::fuzz::check_message;
use crate::guard::{Principal, Signer};
use crate::lock::lock;
use crate::log::Log;
use crate::sanitize::SafeText;

/// The time limit of a target.
pub(super) const LIMIT: Duration = Duration::from_mins(1);

/// The `Date` of each response.
pub(super) const DATE: &str = "Mon, 01 Jun 2026 00:00:00 GMT";

/// The bodies that are still to be sent.
#[derive(Clone, Debug, Default)]
struct Bodies(Arc<Mutex<VecDeque<Vec<u8>>>>);

impl HttpConnector for Bodies {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let body = lock(&self.0).pop_front();
        let response = body.map(|body| {
            let status = 200.try_into().expect("a status");
            let mut response = HttpResponse::new(status, SdkBody::from(body));
            response.headers_mut().insert("date", DATE);
            response
        });
        let closed = || ConnectorError::other("no more responses".into(), None);
        HttpConnectorFuture::ready(response.ok_or_else(closed))
    }
}

/// Answers with status 200 and one body after another. After the last one, it closes the connection.
#[derive(Clone)]
pub(super) struct Service {
    bodies: Bodies,
    sdk: SdkConfig,
    client: Client,
}

thread_local! {
    /// Creating a client takes longer than a call.
    static SERVICE: Service = Service::start();
}

impl Service {
    fn start() -> Self {
        let bodies = Bodies::default();
        let connector = SharedHttpConnector::new(bodies.clone());
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .region(Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials()))
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .build();
        Self {
            bodies,
            client: Client::new(&sdk),
            sdk,
        }
    }

    /// Prepares the responses. There is one service for each thread.
    pub(super) fn new(bodies: &[Vec<u8>]) -> Self {
        let service = SERVICE.with(Self::clone);
        *lock(&service.bodies.0) = bodies.to_vec().into();
        service
    }

    /// Returns the number of bodies that were not sent.
    pub(super) fn unsent(&self) -> usize {
        lock(&self.bodies.0).len()
    }

    pub(super) fn iam(&self) -> Iam {
        let signer = Signer {
            keys: Arc::default(),
            allow_self: false,
            named_account: None,
            sts_account: Arc::default(),
            profile: None,
            principal: Principal::Caller,
        };
        Iam {
            started: Instant::now(),
            client: self.client.clone(),
            caller: Arc::new(self.caller()),
            signer: Arc::new(signer),
            rate_limiter: None,
            patience: Duration::ZERO,
            wait_clock: Arc::default(),
            subject: None,
            request_counts: Arc::default(),
            shown: Arc::default(),
        }
    }

    pub(super) fn caller(&self) -> Caller {
        let source = Source::new(Provider::Static(credentials()), "fuzz", None);
        Caller::new(Box::new(self.settings()), source, credentials(), LIMIT)
    }

    /// Returns the settings of a run without environment variables and files.
    pub(super) fn settings(&self) -> Settings {
        Settings {
            profile_name: "default".to_owned(),
            profile_by: None,
            files: ConfigFiles::default(),
            region: None,
            default_region: Region::from_static("us-east-1"),
            ignores_endpoint_urls: true,
            endpoint_url: None,
            endpoint_option: None,
            token_code: Mutex::default(),
            has_token_code: false,
            signing_keys: Arc::default(),
            sdk: self.sdk.clone(),
            warned: Mutex::default(),
            log: Log::quiet(),
        }
    }
}

pub(super) fn credentials() -> Credentials {
    Credentials::new("AKIAIOSFODNN7EXAMPLE", "a-secret", None, None, "fuzz")
}

/// Returns the role that `AssumeRole` is called for.
pub(super) fn role() -> Role {
    let connection = Connection {
        role_arn: "arn:aws:iam::123456789012:role/ops/Deployer".parse().ok(),
        serial_number: Some("arn:aws:iam::210987654321:mfa/me".to_owned()),
        ..Connection::default()
    };
    Role::of_options(&connection).expect("a role")
}

/// A session is of that role.
pub(super) fn check_role(arn: &str) {
    let lower = arn.to_ascii_lowercase();
    let name = lower.strip_prefix("arn:aws:sts::123456789012:assumed-role/deployer/");
    assert!(name.is_some_and(|name| !name.contains('/')), "{arn}");
}

pub(super) fn budget() -> TimeBudget {
    TimeBudget::of_credentials(LIMIT)
}

pub(super) fn run<T>(work: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().build().expect("a runtime");
    runtime.block_on(work)
}

/// Splits an input into its first line, which names the operation, and the bodies of the responses, with NUL between them.
/// The first line may also have changes of XML that random bytes seldom make: ` -3` removes the element of this number,
/// ` +3` repeats it, and ` =3:x` replaces what it contains.
pub(super) fn parts(bytes: &[u8]) -> (String, Vec<Vec<u8>>) {
    let (line, bodies) = bytes.split_at(bytes.iter().position(|byte| *byte == b'\n').unwrap_or(0));
    let line = String::from_utf8_lossy(line);
    let mut words = line.split(' ');
    let operation = words.next().unwrap_or_default().to_owned();
    let mut bodies = bodies.get(1..).unwrap_or_default().to_vec();
    for word in words.take(4) {
        let Some((change, rest)) = word.split_at_checked(1) else {
            continue;
        };
        let (number, text) = rest.split_once(':').unwrap_or((rest, ""));
        if let Ok(number) = number.parse()
            && let Some(element) = element(&bodies, number)
        {
            let whole = bodies[element.clone()].to_vec();
            let new = match change {
                "-" => Vec::new(),
                "+" => [&*whole, &*whole].concat(),
                _ => with_content(&whole, text.as_bytes()),
            };
            bodies.splice(element, new);
        }
    }
    let bodies = bodies.split(|byte| *byte == 0);
    (operation, bodies.map(<[u8]>::to_vec).collect())
}

/// Returns the place of an element, counted from the start.
fn element(xml: &[u8], number: usize) -> Option<Range<usize>> {
    let is_start = |pair: &[u8]| pair[0] == b'<' && pair[1].is_ascii_alphabetic();
    let mut starts = xml
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| is_start(pair));
    let (start, _) = starts.nth(number)?;
    let length = xml[start..].iter().position(|byte| b" >/".contains(byte))?;
    let end = [b"</", &xml[start + 1..start + length], b">"].concat();
    let mut after = xml[start..].windows(end.len());
    Some(start..start + after.position(|part| part == end)? + end.len())
}

fn with_content(element: &[u8], text: &[u8]) -> Vec<u8> {
    let start = element.iter().position(|byte| *byte == b'>').unwrap_or(0);
    let end = element.iter().rposition(|byte| *byte == b'<').unwrap_or(0);
    [&element[..=start], text, &element[end..]].concat()
}

/// What a response has: the texts of the elements in its result, and in each member of its list.
#[derive(Debug, Default)]
pub(super) struct Expected {
    pub(super) result: BTreeMap<String, String>,
    pub(super) members: Vec<BTreeMap<String, String>>,
}

impl Expected {
    /// Reads a response that was accepted, only with the XML library. The operation is of IAM or STS, and `group` is the
    /// element with the list or the structure.
    pub(super) fn of(body: &[u8], operation: &str, group: &str) -> Self {
        let text = std::str::from_utf8(body).expect("accepted, and not UTF-8");
        let document = Document::parse(text).expect("accepted, and not XML");
        let root = document.root_element();
        let name = root.tag_name();
        assert_eq!(name.name(), format!("{operation}Response"));
        let is_iam = name.namespace() == Some("https://iam.amazonaws.com/doc/2010-05-08/");
        let is_sts = name.namespace() == Some("https://sts.amazonaws.com/doc/2011-06-15/");
        assert!(is_iam || is_sts, "accepted from another service");
        let result = only(root, &format!("{operation}Result")).expect("accepted without a result");
        let group = only(result, group);
        let members = group.into_iter().flat_map(|list| list.children());
        let members = members.filter(|node| node.tag_name().name() == "member");
        let structure = group.into_iter().flat_map(texts);
        Self {
            result: texts(result).into_iter().chain(structure).collect(),
            members: members.map(texts).collect(),
        }
    }

    pub(super) fn get(&self, name: &str) -> &str {
        get(&self.result, name)
    }
}

pub(super) fn get<'a>(texts: &'a BTreeMap<String, String>, name: &str) -> &'a str {
    texts.get(name).map_or("", |text| text.trim())
}

/// Returns the only child of this name.
fn only<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    let elements = node.children().filter(Node::is_element);
    let mut found = elements.filter(|node| node.tag_name().name() == name);
    let first = found.next();
    assert!(found.next().is_none(), "accepted with two of {name}");
    first
}

fn texts(node: Node<'_, '_>) -> BTreeMap<String, String> {
    let elements = node.children().filter(Node::is_element);
    let pairs = elements.map(|node| {
        let texts = node.children().filter(Node::is_text);
        let text: String = texts.filter_map(|text| text.text()).collect();
        (node.tag_name().name().to_owned(), text)
    });
    pairs.collect()
}

/// Compares a time with its text. The SDK reads more forms than the other parser, and this machine represents fewer times.
pub(super) fn check_time(time: Option<SystemTime>, text: &str) {
    if let (Some(time), Ok(expected)) = (time, parse_rfc3339(text)) {
        assert_eq!(time, expected, "{text}");
    }
    assert!(
        time.is_none() || text.contains(|c: char| c.is_ascii_digit()),
        "a time from {text:?}"
    );
}

/// An error is safe to show, and has no secret of the response.
pub(super) fn check_stop(stop: &RunError, body: &[u8]) {
    let hints: Vec<String> = stop.hints.iter().map(ToString::to_string).collect();
    let shown = format!("{stop}\n{}", hints.join("\n"));
    let text = String::from_utf8_lossy(body);
    let ends = ["</SecretAccessKey>", "</SessionToken>"];
    let before = ends.iter().filter_map(|end| text.split_once(end));
    let secrets = before.filter_map(|(before, _)| before.rsplit('>').next());
    // In JSON, secrets are between quotes.
    let members = [
        "secretAccessKey",
        "sessionToken",
        "accessToken",
        "refreshToken",
    ];
    let members = members
        .iter()
        .filter_map(|name| text.split_once(&format!("\"{name}\"")));
    let values = members.filter_map(|(_, value)| value.split('"').nth(1));
    for secret in secrets.chain(values) {
        let is_secret = is_distinct(secret) && text.matches(secret).count() == 1;
        assert!(!is_secret || !shown.contains(secret), "{shown}");
    }
    check_message(&SafeText::message(&shown).to_string(), 8_000);
}

/// Whether a secret is not also a part of our own messages.
pub(super) fn is_distinct(secret: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "+/=-".contains(c);
    secret.len() >= 16 && secret.chars().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use crate::aws::fuzz::{list, sts};
    use crate::fuzz::tests::corpus;

    #[test]
    fn whatever_element_is_missing_repeated_or_other() {
        for (name, check) in [("list", list as fn(&[u8])), ("sts", sts)] {
            for bytes in corpus(name) {
                let end = bytes
                    .iter()
                    .position(|byte| *byte == b'\n')
                    .expect("a line");
                for number in 0..30 {
                    for (change, text) in [
                        ("-", ""),
                        ("+", ""),
                        ("=", ":"),
                        ("=", ":true"),
                        ("=", ":x<y/>"),
                    ] {
                        let word = format!(" {change}{number}{text}");
                        check(&[&bytes[..end], word.as_bytes(), &bytes[end..]].concat());
                    }
                }
            }
        }
    }
}

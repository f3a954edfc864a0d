//! Reads the credential report, if IAM permits it and the report is good enough for the conditions.

use std::borrow::Cow;
use std::iter;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::CredentialReport;
use crate::aws::ReportRead;
use crate::error::{CallError, ErrorKind};
use crate::report;
use crate::select::Selector;

/// How long a sweep waits for the credential report, however slowly IAM responds and whether it throttles.
const REPORT_WAIT: Duration = Duration::from_secs(15);

/// The pauses before a report in progress is requested again, in milliseconds. The last one is repeated. A throttled
/// request is repeated once after each of them.
const ASK_AGAIN: [u64; 3] = [200, 800, 2000];

/// By how much a key must be older than the report, because a sweep takes time.
const MARGIN: Duration = Duration::from_hours(1);

impl Selector<'_> {
    /// Reads the credential report. It is some hours old and may lack keys that are younger, so it is only of use if no
    /// such key can meet the conditions.
    pub(in crate::select) async fn credential_report(&self) -> Option<CredentialReport> {
        let minimum_age = self.request.conditions.minimum_age();
        let minimum_age = minimum_age.filter(|age| *age > MARGIN)?;
        let read = self.read_report(minimum_age).await;
        self.log.verbose(|| match &read {
            Ok(report) => format!(
                "according to the credential report, {} of {} users can have matching keys",
                report.users_to_list(),
                report.count
            ),
            Err(why) => format!("no credential report ({why}): listing all users"),
        });
        read.ok()
    }

    async fn read_report(&self, minimum_age: Duration) -> Result<CredentialReport, String> {
        let read = timeout(REPORT_WAIT, self.request_report()).await;
        let read = read.map_err(|_| "IAM took more than 15 s for it")?;
        let read = read.map_err(|failure| {
            let code = failure.code();
            code.map_or("no response".to_owned(), Cow::into_owned)
        })?;
        let path_prefix = self.request.path_prefix.as_ref();
        let report = CredentialReport::parse(&read, &self.request.conditions, path_prefix)?;
        if report.has_root_key {
            report::print_root_key(self.request, self.iam.signer.account());
        }
        if report.age + MARGIN >= minimum_age {
            return Err("it is too old for these conditions".to_owned());
        }
        Ok(report)
    }

    /// Requests a report, waits until it is complete, and reads it.
    async fn request_report(&self) -> Result<ReportRead, CallError> {
        // Listing the users is not slowed down because IAM throttles the report.
        let iam = self.iam.without_patience();
        let [first, second, others] = ASK_AGAIN;
        for pause in [first, second].into_iter().chain(iter::repeat(others)) {
            let complete = repeat_throttled(async || iam.generate_credential_report().await);
            if complete.await? {
                break;
            }
            self.bar
                .wait("waiting up to 15 s for the credential report");
            sleep(Duration::from_millis(pause)).await;
        }
        repeat_throttled(async || iam.credential_report().await).await
    }
}

/// Makes a call, and repeats it a few times while IAM throttles it.
async fn repeat_throttled<T>(
    mut call: impl AsyncFnMut() -> Result<T, CallError>,
) -> Result<T, CallError> {
    for pause in ASK_AGAIN {
        match call().await {
            Err(failure) if failure.kind() == Some(ErrorKind::Throttling) => {
                sleep(Duration::from_millis(pause)).await;
            }
            done => return done,
        }
    }
    call().await
}

//! Reads the credential report, if IAM permits it and the report is good enough for the conditions.

use std::borrow::Cow;
use std::iter;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::CredentialReport;
use crate::error::CallError;
use crate::report::{self, Bar};
use crate::select::Selector;

/// How long a credential report in progress is waited for, however slowly IAM responds.
const REPORT_WAIT: Duration = Duration::from_secs(15);

/// The pauses before it is requested again, in milliseconds. The last one is repeated.
const ASK_AGAIN: [u64; 3] = [200, 800, 2000];

/// By how much a key must be older than the report, because a sweep takes time.
const MARGIN: Duration = Duration::from_hours(1);

impl Selector<'_> {
    /// Reads the credential report. It is some hours old and may lack keys that are younger, so it is only of use if no
    /// such key can meet the conditions.
    pub(in crate::select) async fn credential_report(&self, bar: &Bar) -> Option<CredentialReport> {
        let minimum_age = self.request.conditions.minimum_age();
        let minimum_age = minimum_age.filter(|age| *age > MARGIN)?;
        let read = self.read_report(minimum_age, bar).await;
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

    async fn read_report(
        &self,
        minimum_age: Duration,
        bar: &Bar,
    ) -> Result<CredentialReport, String> {
        let code = |failure: CallError| {
            failure
                .code()
                .map_or("no response".to_owned(), Cow::into_owned)
        };
        let generated = self.generate_report(bar);
        let generated = self.limited(self.iam, "GenerateCredentialReport", generated);
        if !generated.await.map_err(code)? {
            return Err("it is still in progress".to_owned());
        }
        let read = self.iam.credential_report();
        let read = self.limited(self.iam, "GetCredentialReport", read);
        let read = read.await.map_err(code)?;
        let path_prefix = self.request.path_prefix.as_ref();
        let report = CredentialReport::parse(&read, &self.request.conditions, path_prefix)?;
        if report.has_root_key {
            report::print_root_key(self.request, self.signer.account.as_ref());
        }
        if report.age + MARGIN >= minimum_age {
            return Err("it is too old for these conditions".to_owned());
        }
        Ok(report)
    }

    /// Requests a report and waits until it is complete, for a limited time. Returns whether it is.
    async fn generate_report(&self, bar: &Bar) -> Result<bool, CallError> {
        if self.iam.generate_credential_report().await? {
            return Ok(true);
        }
        bar.wait("waiting up to 15 s for the credential report");
        let [first, second, others] = ASK_AGAIN;
        let waiting = async {
            for pause in [first, second].into_iter().chain(iter::repeat(others)) {
                sleep(Duration::from_millis(pause)).await;
                if self.iam.generate_credential_report().await? {
                    break;
                }
            }
            Ok(true)
        };
        let waited = timeout(REPORT_WAIT, waiting).await;
        waited.unwrap_or(Ok(false))
    }
}

//! The two calls of the credential report: IAM is asked to make one, and gives it when it is there.

use std::time::SystemTime;

use aws_sdk_iam::types::ReportStateType;

use super::call::{said_at, time, unusable};
use super::iam::Iam;
use crate::error::CallError;

/// How far a credential report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReportState {
    /// It is in the making.
    Started,
    /// It is there.
    Complete,
}

/// What `GetCredentialReport` says.
#[derive(Debug)]
pub(crate) struct ReportRead {
    /// The report, CSV.
    pub(crate) content: Vec<u8>,
    /// When it was made.
    pub(crate) generated: Option<SystemTime>,
    /// When IAM said so, by its own clock.
    pub(crate) at: Option<SystemTime>,
}

impl Iam {
    /// `GenerateCredentialReport`: IAM makes one at most every four hours.
    pub(crate) async fn generate_credential_report(&self) -> Result<ReportState, CallError> {
        let send = async |recorder| {
            let call = self.client.generate_credential_report();
            call.customize().interceptor(recorder).send().await
        };
        let (output, _) = self.read("GenerateCredentialReport", send).await?;
        match output.state() {
            Some(ReportStateType::Complete) => Ok(ReportState::Complete),
            _ => Ok(ReportState::Started),
        }
    }

    /// `GetCredentialReport`.
    pub(crate) async fn credential_report(&self) -> Result<ReportRead, CallError> {
        let send = async |recorder| {
            let call = self.client.get_credential_report();
            call.customize().interceptor(recorder).send().await
        };
        let (output, record) = self.read("GetCredentialReport", send).await?;
        let content = output.content().map(|content| content.as_ref().to_vec());
        Ok(ReportRead {
            content: content.ok_or_else(|| unusable(&record, "it says nothing"))?,
            generated: output.generated_time().and_then(time),
            at: said_at(&record, &self.responses),
        })
    }
}

//! The credential report: `GenerateCredentialReport` and `GetCredentialReport`.

use super::{Call, Outcome};
use crate::clock;
use crate::report::Stage;

pub(super) fn generate(call: &mut Call<'_>) -> Outcome {
    call.authorize("*")?;
    let (state, description) = match call.reports.generate(call.account, call.now) {
        Stage::Started(reason) => ("STARTED", Some(reason)),
        Stage::InProgress => ("INPROGRESS", None),
        Stage::Complete => ("COMPLETE", None),
    };
    Ok(Some(Box::new(move |xml| {
        xml.leaf("State", state);
        if let Some(description) = description {
            xml.leaf("Description", description);
        }
    })))
}

pub(super) fn get(call: &mut Call<'_>) -> Outcome {
    call.authorize("*")?;
    let report = call.reports.get(call.now)?.clone();
    Ok(Some(Box::new(move |xml| {
        xml.leaf("Content", &report.content);
        xml.leaf("ReportFormat", "text/csv");
        xml.leaf("GeneratedTime", &clock::extended(report.generated));
    })))
}

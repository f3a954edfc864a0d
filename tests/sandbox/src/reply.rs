//! A response before it is sent, and the envelopes for the results and errors of IAM and STS.

use crate::failure::Failure;
use crate::xml::Xml;

/// The two services. The API version in the request identifies the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Iam,
    Sts,
}

impl Service {
    pub(crate) fn of(version: Option<&str>) -> Self {
        match version {
            Some("2011-06-15") => Self::Sts,
            _ => Self::Iam,
        }
    }

    /// The name in the scope of a signature.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Iam => "iam",
            Self::Sts => "sts",
        }
    }

    const fn namespace(self) -> &'static str {
        match self {
            Self::Iam => " xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"",
            Self::Sts => " xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"",
        }
    }
}

/// An HTTP response.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("Content-Type".to_owned(), content_type.to_owned())],
            body: body.into(),
        }
    }

    pub(crate) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The response to a successful action. `result` writes the content of its result element.
    pub(crate) fn success(
        service: Service,
        action: &str,
        request_id: &str,
        result: Option<Written>,
    ) -> Self {
        let mut xml = Xml::default();
        xml.nest(&format!("{action}Response"), service.namespace(), |xml| {
            if let Some(result) = result {
                xml.nest(&format!("{action}Result"), "", result);
            }
            xml.nest("ResponseMetadata", "", |xml| {
                xml.leaf("RequestId", request_id);
            });
        });
        Self::xml(200, request_id, xml)
    }

    pub(crate) fn failure(service: Service, failure: &Failure, request_id: &str) -> Self {
        let blame = if failure.status < 500 {
            "Sender"
        } else {
            "Receiver"
        };
        let mut xml = Xml::default();
        xml.nest("ErrorResponse", service.namespace(), |xml| {
            xml.nest("Error", "", |xml| {
                xml.leaf("Type", blame);
                xml.leaf("Code", &failure.code);
                xml.leaf("Message", &failure.message);
            });
            xml.leaf("RequestId", request_id);
        });
        Self::xml(failure.status, request_id, xml)
    }

    fn xml(status: u16, request_id: &str, xml: Xml) -> Self {
        let headers = [
            ("x-amzn-RequestId", request_id),
            ("Content-Type", "text/xml"),
        ];
        let headers = headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec();
        Self {
            status,
            headers,
            body: xml.into_text().into_bytes(),
        }
    }
}

/// Writes the content of a result element.
pub(crate) type Written = Box<dyn FnOnce(&mut Xml)>;

//! Errors of the SDK in the engine's words.
//!
//! The message keeps the operation, the status, the request ID and the service's own code, in the form that
//! Terraform users know; the kind decides what the engine does. Codes are not unique across services and some
//! mean "try again" only with a certain message, which is what the tables here are about.

use std::any::type_name;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use secstack_sdk::{Error, ErrorKind, Result};

/// The answer of a service call, with its error in the engine's words.
pub trait Answer<T> {
    /// The answer, or an error that names the operation, the request and the service's code.
    ///
    /// # Errors
    /// When the call failed.
    fn api(self) -> Result<T>;
}

impl<T, E> Answer<T> for std::result::Result<T, SdkError<E, HttpResponse>>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    fn api(self) -> Result<T> {
        self.map_err(|e| translate(&e))
    }
}

/// What is done with an answer in which a missing object is no error.
pub trait Missing<T> {
    /// `None` when the object does not exist.
    ///
    /// # Errors
    /// Every other error.
    fn or_missing(self) -> Result<Option<T>>;
}

impl<T> Missing<T> for Result<T> {
    fn or_missing(self) -> Result<Option<T>> {
        match self {
            Ok(v) => Ok(Some(v)),
            Err(e) if e.kind == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }
}

fn translate<E>(e: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let (service, operation) = operation::<E>();
    let head = format!("operation error {service}: {operation}");
    let Some(response) = e.raw_response() else {
        return not_answered(&head, e);
    };
    let status = response.status().as_u16();
    let meta = e.as_service_error().map(ProvideErrorMetadata::meta);
    let request = meta.and_then(RequestId::request_id).or_else(|| e.request_id());
    let request = request.map_or_else(|| request_in_body(response), str::to_string);
    let code = meta.and_then(|m| m.code()).unwrap_or(if status == 404 { "NotFound" } else { "" });
    let text = meta.and_then(|m| m.message()).map_or_else(|| unparsed(e), str::to_string);
    let api = if code.is_empty() { text.clone() } else { format!("api error {code}: {text}") };
    let failure = Failure { service, operation: &operation, status, code, message: &text };
    Error::new(classify(&failure), format!("{head}, https response error StatusCode: {status}, RequestID: {request}, {api}"))
}

/// The ID of a request, where the service gives it in no header.
fn request_in_body(response: &HttpResponse) -> String {
    let body = String::from_utf8_lossy(response.body().bytes().unwrap_or_default());
    let found = ["RequestId", "RequestID"].into_iter().find_map(|name| {
        let (_, rest) = body.split_once(&format!("<{name}>"))?;
        rest.split_once("</").map(|(id, _)| id.to_string())
    });
    found.unwrap_or_default()
}

/// An answer that is no error of the service: a body that is not what the protocol says, or none.
fn unparsed<E: std::error::Error + Send + Sync + 'static>(e: &SdkError<E, HttpResponse>) -> String {
    let body = e.raw_response().and_then(|r| r.body().bytes()).unwrap_or_default();
    match String::from_utf8_lossy(body).trim().chars().take(200).collect::<String>() {
        empty if empty.is_empty() => "an answer without content".into(),
        text => format!("unexpected answer: {text}"),
    }
}

fn not_answered<E: std::error::Error + Send + Sync + 'static>(head: &str, e: &SdkError<E, HttpResponse>) -> Error {
    let cause = DisplayErrorContext(e).to_string();
    let no_credentials = ["no providers in chain", "credential provider was not enabled", "CredentialsNotLoaded"];
    if no_credentials.iter().any(|s| cause.contains(s)) {
        return Error::new(ErrorKind::Denied, format!("{head}, {}", crate::credentials::NONE_FOUND));
    }
    let what = match e {
        SdkError::TimeoutError(_) => "request timed out: the endpoint did not answer in time",
        SdkError::DispatchFailure(d) if d.is_timeout() => "request timed out: the endpoint did not answer in time",
        SdkError::DispatchFailure(_) => "request send failed",
        SdkError::ConstructionFailure(_) => "request could not be made",
        _ => "request failed",
    };
    let kind = if matches!(e, SdkError::ConstructionFailure(_)) { ErrorKind::Invalid } else { ErrorKind::Unanswered };
    Error::new(kind, format!("{head}, {what}: {}", cause.split(" (").next().unwrap_or_default().trim_end_matches(": ")) + &root(e))
}

/// The innermost cause, which names the address or the certificate that is the matter.
fn root(e: &dyn std::error::Error) -> String {
    let mut cause = e;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    format!(": {cause}")
}

/// Service and operation by the error's type, `aws_sdk_ec2::operation::create_vpc::CreateVpcError`.
fn operation<E>() -> (&'static str, String) {
    let path = type_name::<E>();
    let krate = path.split("::").next().unwrap_or_default();
    let service = SERVICES.iter().find(|(k, _)| *k == krate).map_or(krate, |(_, name)| name);
    let name = path.rsplit("::").next().unwrap_or_default();
    (service, name.strip_suffix("Error").unwrap_or(name).to_string())
}

const SERVICES: &[(&str, &str)] = &[
    ("aws_sdk_cloudwatchlogs", "CloudWatch Logs"),
    ("aws_sdk_ec2", "EC2"),
    ("aws_sdk_eks", "EKS"),
    ("aws_sdk_iam", "IAM"),
    ("aws_sdk_kms", "KMS"),
    ("aws_sdk_s3", "S3"),
    ("aws_sdk_sts", "STS"),
];

/// What a service said about a failed call.
pub struct Failure<'a> {
    /// The service, such as `EC2`.
    pub service: &'a str,
    /// The operation, such as `CreateVpc`.
    pub operation: &'a str,
    /// The status of the HTTP response.
    pub status: u16,
    /// The service's code; empty when it gave none.
    pub code: &'a str,
    /// The service's message.
    pub message: &'a str,
}

/// The kind of a failure.
pub fn classify(f: &Failure<'_>) -> ErrorKind {
    let message = f.message.to_lowercase();
    let busy = BUSY_WHEN.iter().any(|(code, text)| f.code.starts_with(code) && message.contains(text));
    if busy {
        return ErrorKind::Busy;
    }
    if f.code == "ResourceInUseException" && f.operation.starts_with("Create") && message.contains("already exists") {
        return ErrorKind::Exists;
    }
    let exact = KINDS.iter().find(|(_, codes)| codes.contains(&f.code));
    if let Some((kind, _)) = exact {
        return *kind;
    }
    match f.code {
        c if c.contains("NotFound") || c.starts_with("NoSuch") => ErrorKind::NotFound,
        c if c.contains("Throttl") || c.ends_with("LimitExceeded") && f.status >= 429 => ErrorKind::Throttled,
        c if c.contains("AlreadyExists") || c.ends_with(".Duplicate") => ErrorKind::Exists,
        c if c.contains("AccessDenied") || c.contains("Unauthorized") => ErrorKind::Denied,
        c if ["Invalid", "Malformed", "Missing", "Validation"].iter().any(|p| c.starts_with(p)) => ErrorKind::Invalid,
        _ => match f.status {
            404 => ErrorKind::NotFound,
            401 | 403 => ErrorKind::Denied,
            429 | 503 => ErrorKind::Throttled,
            500 | 502 | 504 => ErrorKind::Unanswered,
            _ => ErrorKind::Other,
        },
    }
}

/// Codes that mean "try again" when their message has these words: most often a role or principal that is so new
/// that the service does not see it yet.
const BUSY_WHEN: &[(&str, &str)] = &[
    ("MalformedPolicy", "principal"),
    ("InvalidParameter", "could not be assumed"),
    ("InvalidParameter", "cannot be assumed"),
    ("InvalidParameter", "unable to assume"),
    ("InvalidParameter", "role with arn"),
    ("InvalidParameter", "trusted entity"),
    ("InvalidParameter", "trust relationship"),
    ("InvalidParameter", "eks managed policies"),
    ("InvalidParameter", "iam role's policy"),
    ("InvalidParameter", "access denied for logdestination"),
    ("InvalidRequestException", "could not be assumed"),
    ("InvalidArn", "does not exist"),
    ("ResourceInUseException", "in progress"),
    ("ResourceInUseException", "attached"),
];

const KINDS: &[(ErrorKind, &[&str])] = &[
    (
        ErrorKind::Throttled,
        &[
            "Throttling",
            "ThrottlingException",
            "ThrottledException",
            "RequestThrottled",
            "RequestLimitExceeded",
            "RequestThrottledException",
            "TooManyRequestsException",
            "SlowDown",
            "BandwidthLimitExceeded",
            "PriorRequestNotComplete",
            "ServiceUnavailable",
            "EC2ThrottledException",
        ],
    ),
    (
        ErrorKind::Busy,
        &[
            "DependencyViolation",
            "DeleteConflict",
            "ConcurrentModification",
            "ConcurrentModificationException",
            "OperationAborted",
            "IncorrectState",
            "InvalidGroup.InUse",
            "ResourceInUse",
            "ResourceInUseException",
            "InvalidIPAddress.InUse",
            "InvalidParameterValue.NotReady",
            "EntityTemporarilyUnmodifiable",
            "OperationAbortedException",
            "ResourceBusy",
        ],
    ),
    (
        ErrorKind::Exists,
        &[
            "BucketAlreadyOwnedByYou",
            "BucketAlreadyExists",
            "EntityAlreadyExists",
            "InvalidPermission.Duplicate",
            "RouteAlreadyExists",
            "AlreadyExistsException",
            "ResourceAlreadyExistsException",
            "AlreadyAssociated",
        ],
    ),
    (
        ErrorKind::Denied,
        &[
            "AuthFailure",
            "UnauthorizedOperation",
            "ExpiredToken",
            "ExpiredTokenException",
            "InvalidClientTokenId",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
            "OptInRequired",
            "InvalidAccessKeyId",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        check("CreateVpc", 400, "VpcLimitExceeded", "", ErrorKind::Other);
        check("DescribeVpcs", 400, "InvalidVpcID.NotFound", "", ErrorKind::NotFound);
        check("DeleteVpc", 400, "DependencyViolation", "", ErrorKind::Busy);
        check("CreateRole", 409, "EntityAlreadyExists", "", ErrorKind::Exists);
        check("CreateCluster", 409, "ResourceInUseException", "Cluster already exists with name: a", ErrorKind::Exists);
        check("DeleteCluster", 409, "ResourceInUseException", "Cluster has nodegroups attached", ErrorKind::Busy);
        check("CreateKey", 400, "MalformedPolicyDocumentException", "one or more invalid principals", ErrorKind::Busy);
        check("CreateKey", 400, "MalformedPolicyDocumentException", "syntax", ErrorKind::Invalid);
        check("CreateNodegroup", 400, "InvalidParameterValue", "role could not be assumed", ErrorKind::Busy);
        check("RunInstances", 503, "RequestLimitExceeded", "", ErrorKind::Throttled);
        check("HeadBucket", 404, "", "", ErrorKind::NotFound);
        check("X", 500, "InternalError", "", ErrorKind::Unanswered);
    }

    #[test]
    fn names_come_from_the_error_type() {
        let (service, operation) = operation::<aws_sdk_ec2::operation::create_vpc::CreateVpcError>();
        assert_eq!((service, &*operation), ("EC2", "CreateVpc"));
    }

    #[track_caller]
    fn check(operation: &str, status: u16, code: &str, message: &str, want: ErrorKind) {
        assert_eq!(classify(&Failure { service: "", operation, status, code, message }), want, "{operation} {code}");
    }
}

//! What AWS answered, as sentences for the user.

use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use crate::error::Error;

/// A request that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// The status of the answer; 0 when there was none.
    pub status: u16,
    /// What the service calls it; empty when it does not say.
    pub code: String,
    message: String,
    request: String,
}

/// The failure of a call.
pub(super) fn of<E>(e: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let meta = e.as_service_error().map(ProvideErrorMetadata::meta);
    let request = meta.and_then(RequestId::request_id).or_else(|| e.raw_response().and_then(RequestId::request_id));
    let message = meta.and_then(|m| m.message()).map_or_else(|| innermost(e), str::to_string);
    Failure {
        status: e.raw_response().map_or(0, |r| r.status().as_u16()),
        code: meta.and_then(|m| m.code()).unwrap_or_default().into(),
        message,
        request: request.unwrap_or_default().into(),
    }
}

/// The cause beneath the layers of the client, which say nothing to a user.
fn innermost(e: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = e;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let text = cause.to_string();
    match text.find(" (os error") {
        _ if text.is_empty() => DisplayErrorContext(e).to_string(),
        Some(end) => text[..end].to_string(),
        None => text,
    }
}

impl Failure {
    /// Something failed on this side, or in the middle of an answer.
    pub(super) fn broken_off(e: &(dyn std::error::Error + 'static)) -> Self {
        Self { status: 0, code: String::new(), message: innermost(e), request: String::new() }
    }

    /// A failure inside an answer.
    pub(super) fn told(code: &str, message: &str) -> Self {
        Self { status: 0, code: code.into(), message: message.into(), request: String::new() }
    }

    /// Nothing is there.
    pub(super) fn is_missing(&self) -> bool {
        self.status == 404 && self.code != "NoSuchBucket"
    }

    /// A condition did not hold, or somebody else writes at this instant.
    pub(super) fn is_refused(&self) -> bool {
        matches!(self.status, 409 | 412)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.code.is_empty() {
            write!(f, "{}: ", self.code)?;
        }
        f.write_str(self.message.trim_end_matches('.'))?;
        if self.status != 0 {
            write!(f, " (status {}", self.status)?;
            if !self.request.is_empty() {
                write!(f, ", request {}", self.request)?;
            }
            f.write_str(")")?;
        }
        Ok(())
    }
}

/// What a code means: a summary and what to do about it.
const MEANINGS: &[(&str, &str, &str)] = &[
    (
        "NoSuchBucket",
        "No such bucket",
        "The bucket must exist before its first use. Create it, or correct the argument \"bucket\". One that was created within the last minutes may need a moment.",
    ),
    ("ExpiredToken", "Expired credentials", EXPIRED),
    ("ExpiredTokenException", "Expired credentials", EXPIRED),
    ("RequestExpired", "Expired credentials", EXPIRED),
    ("TokenRefreshRequired", "Expired credentials", EXPIRED),
    ("InvalidAccessKeyId", "Invalid credentials", INVALID),
    ("SignatureDoesNotMatch", "Invalid credentials", INVALID),
    ("InvalidToken", "Invalid credentials", INVALID),
    (
        "RequestTimeTooSkewed",
        "Wrong time on this machine",
        "Set the clock of this machine; AWS refuses requests that are off by more than 15 minutes.",
    ),
    ("PermanentRedirect", "Bucket in another region", REGION),
    ("AuthorizationHeaderMalformed", "Bucket in another region", REGION),
    ("KMS.DisabledException", "KMS key is disabled", KEY),
    ("KMS.KMSInvalidStateException", "KMS key cannot be used", KEY),
    ("KMS.NotFoundException", "No such KMS key", "Correct the argument \"kms_key_id\"."),
    (
        "NotImplemented",
        "Server without conditional writes",
        "The server at this endpoint lacks a part of S3 that keeps two runs from overwriting each other. Use one that has it: S3 itself, or a recent version of the server.",
    ),
];

const EXPIRED: &str = "Log in again, or let the run get credentials that it can renew by itself: a role, a profile, or the identity token of the CI job instead of copied keys.";
const INVALID: &str =
    "Look which credentials are used: the backend block comes first, then the environment (AWS_ACCESS_KEY_ID, AWS_PROFILE), then profiles.";
const REGION: &str = "Set the argument \"region\" to the region of the bucket.";
const KEY: &str = "Enable the key again. The state that was stored before is still there, and becomes readable with the key.";
const DENIED: &str = "The credentials need s3:GetObject, s3:PutObject and s3:DeleteObject on the state, on KEY.tflock and on KEY.journal/*, and s3:ListBucket on the bucket.";
const NO_CREDENTIALS: &str =
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile with AWS_PROFILE or the argument \"profile\".";

/// A failure as an error. `action` continues the sentence "Cannot".
pub(super) fn explain(action: &str, failure: &Failure) -> Error {
    let meaning = MEANINGS.iter().find(|(code, ..)| *code == failure.code).map(|(_, summary, help)| (*summary, *help));
    let (summary, help) = match meaning {
        Some(found) => found,
        None if failure.status == 403 || failure.code.contains("AccessDenied") => ("Access denied", DENIED),
        None if failure.status == 301 => ("Bucket in another region", REGION),
        None if failure.status == 501 => ("Server without conditional writes", MEANINGS[MEANINGS.len() - 1].2),
        None if failure.message.contains("no providers in chain provided credentials") => {
            ("No valid credential sources found", NO_CREDENTIALS)
        }
        None if failure.status == 0 => ("State not reachable", "Look whether the network, the endpoint and the region are right."),
        None => ("State not accessible", ""),
    };
    let help = (!help.is_empty()).then(|| help.to_string());
    Error::Remote { summary, problem: format!("Cannot {action}: {failure}."), help }
}

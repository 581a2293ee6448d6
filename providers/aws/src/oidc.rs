//! The identity token of a job in GitHub Actions.
//!
//! A token lasts minutes, but the job may ask for another as long as it runs, at an address that GitHub puts into the
//! environment of jobs with the permission `id-token: write`. So credentials got with such tokens can always be renewed.

use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use secstack_sdk::{Error, ErrorKind, Result};
use serde::Deserialize;

use crate::http::Way;

const URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
const TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";
/// Whom the token is for.
const AUDIENCE: &str = "sts.amazonaws.com";

#[derive(Deserialize)]
struct Answer {
    value: String,
}

/// Whether this job may ask for tokens.
pub fn is_offered() -> bool {
    [URL, TOKEN].iter().all(|name| std::env::var(name).is_ok_and(|v| !v.is_empty()))
}

/// A new token of this job.
///
/// # Errors
/// When GitHub gives none.
pub async fn token(way: &Way) -> Result<String> {
    let from_env = |name: &str| std::env::var(name).map_err(|_| Error::new(ErrorKind::Denied, format!("{name} is not set")));
    let (url, bearer) = (from_env(URL)?, from_env(TOKEN)?);
    let between = if url.contains('?') { '&' } else { '?' };
    let asked = ask(way, &format!("{url}{between}audience={AUDIENCE}"), &bearer).await;
    asked.map_err(|why| Error::new(ErrorKind::Denied, format!("GitHub gives no identity token: {why}")))
}

async fn ask(way: &Way, url: &str, bearer: &str) -> Result<String, String> {
    let mut request = HttpRequest::new(SdkBody::empty());
    request.set_uri(url).map_err(|e| format!("{URL} is not a URL: {e}"))?;
    request.headers_mut().insert("authorization", format!("bearer {bearer}"));
    request.headers_mut().insert("accept", "application/json");
    let answer = way.connector().call(request).await.map_err(|e| e.to_string())?;
    let status = answer.status().as_u16();
    let body = ByteStream::new(answer.into_body()).collect().await.map_err(|e| e.to_string())?;
    if status != 200 {
        return Err(format!("the answer has the status {status}"));
    }
    let answer: Answer = serde_json::from_slice(&body.into_bytes()).map_err(|e| format!("the answer is not understood: {e}"))?;
    Ok(answer.value)
}

//! The identity token of a job in GitHub Actions.
//!
//! A token lasts minutes, but the job may ask for another as long as it runs, at an address that GitHub puts into the
//! environment of jobs with the permission `id-token: write`.

use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde::Deserialize;

use super::http::Http;

const URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
const TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";
/// Whom the token is for.
const AUDIENCE: &str = "sts.amazonaws.com";

#[derive(Deserialize)]
struct Answer {
    value: String,
}

/// Whether this job may ask for tokens.
pub(super) fn is_offered() -> bool {
    [URL, TOKEN].iter().all(|name| std::env::var(name).is_ok_and(|v| !v.is_empty()))
}

/// A new token of this job.
pub(super) async fn token(http: &Http) -> Result<String, String> {
    let from_env = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
    let (url, bearer) = (from_env(URL)?, from_env(TOKEN)?);
    let between = if url.contains('?') { '&' } else { '?' };
    ask(http, &format!("{url}{between}audience={AUDIENCE}"), &bearer).await
}

async fn ask(http: &Http, url: &str, bearer: &str) -> Result<String, String> {
    let failed = |why: String| format!("GitHub gives no identity token: {why}");
    let mut request = HttpRequest::new(SdkBody::empty());
    request.set_uri(url).map_err(|e| failed(format!("{URL} is not a URL: {e}")))?;
    request.headers_mut().insert("authorization", format!("bearer {bearer}"));
    request.headers_mut().insert("accept", "application/json");
    let answer = http.connector().call(request).await.map_err(|e| failed(e.to_string()))?;
    let status = answer.status().as_u16();
    let body = ByteStream::new(answer.into_body()).collect().await.map_err(|e| failed(e.to_string()))?;
    if status != 200 {
        return Err(failed(format!("the answer has the status {status}")));
    }
    let answer: Answer = serde_json::from_slice(&body.into_bytes()).map_err(|e| failed(format!("the answer is not understood: {e}")))?;
    Ok(answer.value)
}

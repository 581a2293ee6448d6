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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::super::config::Login;
    use super::*;

    #[tokio::test]
    async fn a_token_is_asked_for_as_github_wants_it() {
        let answer =
            |status: &str, body: &str| format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        let (found, asked) = ask_server(answer("200 OK", r#"{"value":"a.b.c","count":5}"#)).await;
        assert_eq!(found.unwrap(), "a.b.c");
        let asked = asked.to_lowercase();
        assert!(asked.starts_with("get /x?api-version=1&audience=sts.amazonaws.com http/1.1"), "{asked}");
        assert!(asked.contains("authorization: bearer secret"), "{asked}");
        let (found, _) = ask_server(answer("403 Forbidden", "")).await;
        assert!(found.unwrap_err().contains("403"));
        let (found, _) = ask_server(answer("200 OK", "<html>")).await;
        assert!(found.unwrap_err().contains("not understood"));
    }

    async fn ask_server(answer: String) -> (Result<String, String>, String) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/x?api-version=1&audience={AUDIENCE}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 4096];
            let n = stream.read(&mut asked).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&asked[..n]).into_owned()
        });
        let http = Http::new(&Login { no_proxy: Some("127.0.0.1".into()), ..Login::default() }).unwrap();
        (ask(&http, &url, "secret").await, serving.await.unwrap())
    }
}

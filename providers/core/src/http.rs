//! `hashicorp/http`: what a URL answers.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, Response, StatusCode};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secstack_base::schema::{NestedBlock, Nesting, Schema};
use secstack_base::{Diagnostic, Diags, ProviderAddr, Type, Value};
use secstack_sdk::{Error, Result};

use crate::framework::{at_least, invalid_value, is_true, text, whole, with_all};
use crate::kind::{DataKind, Native, Parts, fail};
use crate::net::{Identity, Trust, chain, client_config};
use crate::schema::{Describe, block, computed, nested, optional, required};

/// The provider.
pub(crate) fn provider() -> Native {
    let versions = vec!["3.5.0", "3.4.5", "3.4.4", "3.4.3"];
    Native::new(ProviderAddr::hashicorp("http"), Parts { versions, data: vec![Box::new(Http)], ..Parts::default() })
}

const METHODS: [&str; 3] = ["GET", "POST", "HEAD"];
/// Pauses between attempts, unless they are set.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

struct Http;

#[async_trait]
impl DataKind for Http {
    fn name(&self) -> &'static str {
        "http"
    }

    fn schema(&self) -> Schema {
        let string = |name: &str, about: &str| optional(name, Type::String, about);
        let attributes = [
            required("url", Type::String, "The URL."),
            string("method", "The method: `GET`, `HEAD` or `POST`. `GET` unless set."),
            optional("request_headers", Type::map(Type::String), "Headers to send."),
            string("request_body", "The body to send."),
            optional("request_timeout_ms", Type::Number, "How long to wait for an answer, in milliseconds."),
            string("ca_cert_pem", "The authorities to trust, in place of those of the system."),
            string("client_cert_pem", "The certificate to show."),
            string("client_key_pem", "The key of that certificate."),
            optional("insecure", Type::Bool, "Whether to trust every certificate."),
            computed("response_body", Type::String, "The body of the answer."),
            computed("body", Type::String, "The body of the answer.").deprecated("Use response_body instead"),
            computed("response_body_base64", Type::String, "The body of the answer, in base64."),
            computed("response_headers", Type::map(Type::String), "The headers of the answer."),
            computed("status_code", Type::Number, "The status of the answer."),
            computed("id", Type::String, "The URL."),
        ];
        let number = |name: &str, about: &str| optional(name, Type::Number, about);
        let retry = block(
            "What to do when there is no answer, or one that tells of a failure of the server.",
            [
                number("attempts", "How many times to ask again."),
                number("min_delay_ms", "The shortest pause, in milliseconds."),
                number("max_delay_ms", "The longest pause, in milliseconds."),
            ],
            [],
        );
        let retry = NestedBlock { nesting: Nesting::Single, ..nested("retry", None, retry) };
        let conflicts = vec![vec!["ca_cert_pem".into(), "insecure".into()]];
        Schema { block: block("What a URL answers.", attributes, [retry]), conflicts, ..Schema::default() }
    }

    fn validate(&self, config: &Value) -> Diags {
        let mut diags = Diags::new();
        if let Some(method) = config.get("method").filter(|m| m.as_str().is_some_and(|m| !METHODS.contains(&m))) {
            diags.push(invalid_value("method", "must be one of: [\"GET\" \"POST\" \"HEAD\"]", method));
        }
        at_least(config, "request_timeout_ms", 1, &mut diags);
        let set = |name: &str| config.get(name).is_some_and(|v| !v.is_null());
        for (one, other) in [("client_cert_pem", "client_key_pem"), ("client_key_pem", "client_cert_pem")] {
            if set(one) && !set(other) {
                let what = format!("Attribute {other:?} must be specified when {one:?} is specified");
                diags.push(Diagnostic::error("Invalid Attribute Combination", what));
            }
        }
        if let Some(retry) = config.get("retry") {
            ["attempts", "min_delay_ms", "max_delay_ms"].iter().for_each(|name| at_least(retry, name, 0, &mut diags));
            if let (Some(least), Some(most)) = (whole(retry, "min_delay_ms"), whole(retry, "max_delay_ms"))
                && most < least
            {
                let got = retry.get("max_delay_ms").unwrap_or(&Value::NULL);
                diags.push(invalid_value("retry.max_delay_ms", "must be at least sum of retry.min_delay_ms", got));
            }
        }
        diags
    }

    async fn read(&self, _provider: &Value, config: &Value) -> Result<Value> {
        let request = Request::of(config)?;
        let response = request.send().await?;
        let status = i64::from(response.status().as_u16());
        let headers = headers_value(response.headers());
        let reading = |e: reqwest::Error| fail("Error reading response body", format!("Error reading response body: {}", chain(&e)));
        let body = response.bytes().await.map_err(reading)?;
        let spoken = Value::from(String::from_utf8_lossy(&body).into_owned());
        let read = [
            ("id", request.url.as_str().into()),
            ("response_headers", headers),
            ("response_body", spoken.clone()),
            ("body", spoken),
            ("response_body_base64", BASE64_STANDARD.encode(&body).into()),
            ("status_code", status.into()),
        ];
        Ok(with_all(config, read))
    }
}

struct Request {
    client: Client,
    method: Method,
    url: String,
    headers: HeaderMap,
    body: Option<String>,
    timeout: Option<Duration>,
    attempts: u32,
    pauses: (Duration, Duration),
}

impl Request {
    fn of(config: &Value) -> Result<Self> {
        let retry = config.get("retry").unwrap_or(&Value::NULL);
        let millis = |object: &Value, name: &str| whole(object, name).and_then(|n| u64::try_from(n).ok()).map(Duration::from_millis);
        let method = Some(text(config, "method")).filter(|m| !m.is_empty()).unwrap_or("GET");
        Ok(Self {
            client: client(config)?,
            method: Method::from_bytes(method.as_bytes()).map_err(|e| fail("Error creating request", e))?,
            url: text(config, "url").into(),
            headers: headers(config)?,
            body: config.get_str("request_body").map(Into::into),
            timeout: millis(config, "request_timeout_ms").filter(|t| !t.is_zero()),
            attempts: whole(retry, "attempts").and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
            pauses: (millis(retry, "min_delay_ms").unwrap_or(PAUSES.0), millis(retry, "max_delay_ms").unwrap_or(PAUSES.1)),
        })
    }

    /// Sends the request, again where that may help.
    async fn send(&self) -> Result<Response> {
        let mut tried = 0;
        loop {
            let answer = self.once().await;
            let again = match &answer {
                Ok(response) => is_passing(response.status()),
                Err(e) => (e.is_connect() || e.is_request() || e.is_timeout()) && !e.is_redirect() && !e.is_builder(),
            };
            match answer {
                Ok(response) if !again => return Ok(response),
                Err(e) if !again => return Err(self.failed(&e, None)),
                answer if tried >= self.attempts => {
                    let gave_up = format!("{} {} giving up after {} attempt(s)", self.method, self.url, tried + 1);
                    return Err(match answer {
                        Ok(_) => fail("Error making request", format!("Error making request: {gave_up}")),
                        Err(e) => self.failed(&e, Some(&gave_up)),
                    });
                }
                answer => {
                    let asked = answer.ok().and_then(|r| retry_after(&r));
                    let grown = self.pauses.0.saturating_mul(1 << tried.min(20)).min(self.pauses.1);
                    tokio::time::sleep(asked.unwrap_or(grown)).await;
                    tried += 1;
                }
            }
        }
    }

    async fn once(&self) -> reqwest::Result<Response> {
        let mut request = self.client.request(self.method.clone(), &self.url).headers(self.headers.clone());
        if let Some(body) = &self.body {
            request = request.body(body.clone());
        }
        if let Some(timeout) = self.timeout {
            request = request.timeout(timeout);
        }
        request.send().await
    }

    fn failed(&self, e: &reqwest::Error, gave_up: Option<&str>) -> Error {
        let why = gave_up.map_or_else(|| chain(e), |g| format!("{g}: {}", chain(e)));
        let why = match self.timeout {
            Some(timeout) if e.is_timeout() => format!("request exceeded the specified timeout: {timeout:?}, err: {why}"),
            _ if e.is_timeout() => format!("timeout error: {why}"),
            _ => format!("Error making request: {why}"),
        };
        fail("Error making request", why)
    }
}

fn is_passing(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED
}

/// How long a busy server asks to wait.
fn retry_after(response: &Response) -> Option<Duration> {
    let busy = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&response.status());
    let seconds = response.headers().get(RETRY_AFTER).filter(|_| busy)?.to_str().ok()?;
    seconds.parse().ok().map(Duration::from_secs)
}

fn client(config: &Value) -> Result<Client> {
    let failed = |e: String| fail("Error configuring TLS client", format!("Error tls: {e}"));
    let trust = match config.get_str("ca_cert_pem") {
        _ if is_true(config, "insecure") => Trust::Everybody,
        None => Trust::System,
        Some(pem) => {
            let roots: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes()).flatten().collect();
            if roots.is_empty() {
                return Err(failed(
                    "Can't add the CA certificate to certificate pool. Only PEM encoded certificates are supported.".into(),
                ));
            }
            Trust::Only(roots)
        }
    };
    let identity = identity(config).transpose()?;
    let (tls, _) = client_config(trust, identity).map_err(failed)?;
    let agent = concat!("secstack/", env!("CARGO_PKG_VERSION"));
    let builder = Client::builder().use_preconfigured_tls(tls).user_agent(agent);
    builder.build().map_err(|e| failed(chain(&e)))
}

fn identity(config: &Value) -> Option<Result<Identity>> {
    let (certificate, key) = (config.get_str("client_cert_pem")?, config.get_str("client_key_pem")?);
    let parse = || {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate.as_bytes()).collect();
        Ok((certificates?, PrivateKeyDer::from_pem_slice(key.as_bytes())?))
    };
    let failed = |e: rustls::pki_types::pem::Error| {
        fail("error creating x509 key pair", format!("error creating x509 key pair from provided pem blocks\n\nError: {e}"))
    };
    Some(parse().map_err(failed))
}

fn headers(config: &Value) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in config.get("request_headers").and_then(Value::as_map).into_iter().flatten() {
        let Some(value) = value.as_str() else { continue };
        let wrong = |e: &dyn std::fmt::Display| fail("Error creating request", format!("The header {name:?} cannot be sent: {e}"));
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|e| wrong(&e))?;
        headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).map_err(|e| wrong(&e))?);
    }
    Ok(headers)
}

/// The headers by name, in the spelling `Content-Type`. Values of the same header are joined.
fn headers_value(headers: &HeaderMap) -> Value {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers {
        all.entry(spelled(name.as_str())).or_default().push(String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    Value::map(Type::String, all.into_iter().map(|(name, values)| (name, Value::from(values.join(", ")))))
}

fn spelled(name: &str) -> String {
    let capital = |word: &str| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + &rest.to_ascii_lowercase()
    };
    name.split('-').map(capital).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// Serves the answers, one for each connection, and gives the requests.
    async fn serve(answers: Vec<&'static str>) -> (String, tokio::task::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/x", listener.local_addr().unwrap());
        let served = tokio::spawn(async move {
            let mut requests = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut buffer = vec![0; 4096];
                let n = stream.read(&mut buffer).await.unwrap();
                requests.push(String::from_utf8_lossy(&buffer[..n]).into_owned());
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            requests
        });
        (url, served)
    }

    fn config(url: &str, set: &[(&str, Value)]) -> Value {
        let empty = Http.schema().block.empty_value().with("url", url.into());
        with_all(&empty, set.iter().cloned())
    }

    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-a: 1\r\nX-A: 2\r\nconnection: close\r\n\r\nhi";
    const BAD: &str = "HTTP/1.1 500 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

    #[tokio::test]
    async fn reads() {
        let (url, served) = serve(vec![OK]).await;
        let headers = Value::map(Type::String, [("Accept", Value::from("text/x"))]);
        let set = [("request_headers", headers), ("method", "POST".into()), ("request_body", "q".into())];
        let read = Http.read(&Value::NULL, &config(&url, &set)).await.unwrap();
        assert_eq!((read.get_str("response_body"), read.get_str("response_body_base64")), (Some("hi"), Some("aGk=")));
        assert_eq!((whole(&read, "status_code"), read.get_str("id")), (Some(200), Some(&*url)));
        assert_eq!(read.get("response_headers").unwrap().get_str("X-A"), Some("1, 2"));
        let request = &served.await.unwrap()[0];
        assert!(request.starts_with("POST /x") && request.contains("accept: text/x") && request.ends_with("q"), "{request}");
    }

    #[tokio::test]
    async fn failures_are_repeated() {
        let retry = Value::object([("attempts", 1i64.into()), ("min_delay_ms", 0i64.into()), ("max_delay_ms", 1i64.into())]);
        let (url, _) = serve(vec![BAD, OK]).await;
        let read = Http.read(&Value::NULL, &config(&url, &[("retry", retry)])).await.unwrap();
        assert_eq!(whole(&read, "status_code"), Some(200));
        let (url, _) = serve(vec![BAD]).await;
        let e = Http.read(&Value::NULL, &config(&url, &[])).await.unwrap_err();
        assert!(e.message.ends_with("giving up after 1 attempt(s)"), "{e}");
        let set = [("ca_cert_pem", "x".into())];
        let e = Http.read(&Value::NULL, &config("https://127.0.0.1:1", &set)).await.unwrap_err();
        assert!(e.message.contains("Can't add the CA certificate"), "{e}");
    }

    #[test]
    fn checks() {
        let check = |set: &[(&str, Value)], want: bool| assert_eq!(Http.validate(&config("u", set)).has_errors(), !want, "{set:?}");
        check(&[], true);
        check(&[("method", "PUT".into())], false);
        check(&[("client_cert_pem", "x".into())], false);
        check(&[("request_timeout_ms", 0i64.into())], false);
        let retry = Value::object([("min_delay_ms", 3i64.into()), ("max_delay_ms", 1i64.into())]);
        check(&[("retry", retry)], false);
        assert_eq!(spelled("x-amz-ID"), "X-Amz-Id");
    }
}

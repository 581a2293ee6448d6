//! The data source `tls_certificate`: the certificates that a server shows.

use async_trait::async_trait;
use reqwest::{Client, Proxy};
use rustls::pki_types::ServerName;
use secstack_base::schema::Schema;
use secstack_base::{Diagnostic, Diags, Type, Value};
use secstack_sdk::{Error, Result};
use sha1::{Digest, Sha1};
use std::sync::Arc;

use super::x509::Certificate;
use super::{checksum, name, pem};
use crate::framework::{decimal, text, with_all};
use crate::kind::{DataKind, fail};
use crate::net::{Trust, chain, client_config};
use crate::schema::{computed, optional, schema};

/// `tls_certificate`.
pub(super) struct Certificates;

/// What is told of a certificate, in the order that makes the ID.
const TOLD: [&str; 11] = [
    "signature_algorithm",
    "public_key_algorithm",
    "serial_number",
    "is_ca",
    "version",
    "issuer",
    "subject",
    "not_before",
    "not_after",
    "sha1_fingerprint",
    "cert_pem",
];

#[async_trait]
impl DataKind for Certificates {
    fn name(&self) -> &'static str {
        "tls_certificate"
    }

    fn schema(&self) -> Schema {
        let attributes = [
            optional("url", Type::String, "The URL of the server: `https://` or `tls://`."),
            optional("content", Type::String, "A certificate in PEM, in place of a server."),
            optional("verify_chain", Type::Bool, "Whether the certificates must be trusted. True unless set."),
            computed("certificates", Type::list(told_type()), "The certificates, that of the authority first."),
            computed("id", Type::String, "A checksum of the certificates."),
        ];
        let exactly_one = vec![vec!["content".into(), "url".into()]];
        let conflicts = vec![vec!["verify_chain".into(), "content".into()]];
        Schema { exactly_one, conflicts, ..schema("The certificates that a server shows.", attributes) }
    }

    fn validate(&self, config: &Value) -> Diags {
        let mut diags = Diags::new();
        if let Some(url) = config.get_str("url").filter(|u| !u.starts_with("https://") && !u.starts_with("tls://")) {
            let what = format!("The URL {url:?} has a scheme that is not one of [https, tls].");
            diags.push(Diagnostic::error("Invalid URL scheme", what));
        }
        diags
    }

    async fn read(&self, provider: &Value, config: &Value) -> Result<Value> {
        let verify = config.get("verify_chain").and_then(Value::as_bool).unwrap_or(true);
        let ders = match config.get_str("content") {
            Some(content) => vec![from_pem(content)?],
            None => shown(provider, text(config, "url"), verify).await?,
        };
        let told: Vec<Value> = ders.iter().rev().map(|der| tell(der)).collect::<Result<_>>()?;
        let id = checksum(format!("[{}]", told.iter().map(spelled).collect::<Vec<_>>().join(" ")).as_bytes());
        let verify = Value::from(verify);
        Ok(with_all(config, [("certificates", Value::list(told_type(), told)), ("id", id), ("verify_chain", verify)]))
    }
}

fn told_type() -> Type {
    let ty = |name: &str| match name {
        "is_ca" => Type::Bool,
        "version" => Type::Number,
        _ => Type::String,
    };
    Type::object(TOLD.map(|name| (name, ty(name))))
}

fn from_pem(content: &str) -> Result<Vec<u8>> {
    match pem::decode(content) {
        Some((label, der)) if label == "CERTIFICATE" => Ok(der),
        Some((label, _)) => Err(fail("Unexpected PEM preamble", format!("Certificate PEM should be \"CERTIFICATE\", got {label:?}"))),
        None => Err(fail("Failed to decoded PEM", "Value is not a valid PEM encoding of a certificate")),
    }
}

fn tell(der: &[u8]) -> Result<Value> {
    let c = Certificate::parse(der).ok_or_else(|| fail("Unable to parse certificate", "x509: malformed certificate"))?;
    let (signature, key) = c.algorithms();
    let values = [
        signature.into(),
        key.into(),
        decimal(c.serial).into(),
        c.is_ca.into(),
        c.version.into(),
        name::text(c.issuer).into(),
        name::text(c.subject).into(),
        c.not_before.into(),
        c.not_after.into(),
        hex::encode(Sha1::digest(c.raw)).into(),
        pem::encode("CERTIFICATE", c.raw).into(),
    ];
    Ok(Value::object(TOLD.into_iter().zip(values)))
}

/// The certificate as Go prints it, since the ID is a checksum of that.
fn spelled(told: &Value) -> String {
    let part = |name: &str| match told.get(name) {
        Some(v) if name == "version" => v.as_number().map(ToString::to_string).unwrap_or_default(),
        Some(v) if name == "is_ca" => v.as_bool().unwrap_or(false).to_string(),
        _ => secstack_base::addr::quote(text(told, name)),
    };
    format!("{{{}}}", TOLD.map(part).join(" "))
}

/// The certificates that the server of a URL shows, its own first.
async fn shown(provider: &Value, url: &str, verify: bool) -> Result<Vec<Vec<u8>>> {
    let result = match url.strip_prefix("tls://") {
        Some(rest) => {
            let server = rest.split(['/', '?', '#']).next().unwrap_or_default();
            if server.rsplit_once(':').is_none_or(|(_, port)| port.parse::<u16>().is_err()) {
                return Err(fail("URL malformed", format!("Port missing from URL: {url}")));
            }
            over_tls(server, verify).await.map_err(|e| format!("unable to execute TLS connection towards {server}: {e}"))
        }
        None => over_https(provider, url, verify).await?,
    };
    result.map_err(|e| fail("Failed to identify fetch peer certificates", e))
}

fn trust(verify: bool) -> Trust {
    if verify { Trust::System } else { Trust::Everybody }
}

async fn over_tls(server: &str, verify: bool) -> Result<Vec<Vec<u8>>, String> {
    let (config, _) = client_config(trust(verify), None)?;
    let host = server.rsplit_once(':').map_or(server, |(host, _)| host).trim_matches(['[', ']']);
    let name = ServerName::try_from(host.to_string()).map_err(|e| e.to_string())?;
    let stream = tokio::net::TcpStream::connect(server).await.map_err(|e| e.to_string())?;
    let stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(|e| e.to_string())?;
    let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
    Ok(certificates.iter().map(|c| c.to_vec()).collect())
}

/// Asks as a browser does, so that redirects and proxies count. The last server's certificates are the answer.
async fn over_https(provider: &Value, url: &str, verify: bool) -> Result<Result<Vec<Vec<u8>>, String>> {
    let configuring = |e: String| fail("Failed to identify fetch peer certificates", e);
    let (config, shown) = client_config(trust(verify), None).map_err(configuring)?;
    let mut builder = Client::builder().use_preconfigured_tls(config).user_agent(concat!("secstack/", env!("CARGO_PKG_VERSION")));
    builder = match proxy(provider)? {
        Via::Environment => builder,
        Via::Nothing => builder.no_proxy(),
        Via::Proxy(proxy) => builder.proxy(*proxy),
    };
    let client = builder.build().map_err(|e| configuring(chain(&e)))?;
    let certificates = || {
        let shown = shown.lock().map(|s| s.clone()).unwrap_or_default();
        shown.iter().map(|c| c.to_vec()).collect::<Vec<_>>()
    };
    if client.head(url).send().await.is_ok() && !certificates().is_empty() {
        return Ok(Ok(certificates()));
    }
    Ok(match client.get(url).send().await {
        Err(e) => Err(format!("failed to fetch certificates from URL 'https': {}", chain(&e))),
        Ok(response) if certificates().is_empty() => {
            Err(format!("got back response (status: {}) with no certificates from URL 'https'", response.status()))
        }
        Ok(_) => Ok(certificates()),
    })
}

enum Via {
    Environment,
    Nothing,
    Proxy(Box<Proxy>),
}

/// The proxy that the provider's configuration asks for.
fn proxy(provider: &Value) -> Result<Via, Error> {
    let blocks = provider.get("proxy").and_then(Value::as_slice).unwrap_or_default();
    let Some(block) = blocks.first() else { return Ok(Via::Environment) };
    let Some(url) = block.get_str("url") else {
        let off = block.get("from_env").and_then(Value::as_bool) == Some(false);
        return Ok(if off { Via::Nothing } else { Via::Environment });
    };
    let proxy = Proxy::all(url).map_err(|e| fail(&format!("Unable to parse proxy URL {url:?}"), chain(&e)))?;
    let user = text(block, "username");
    Ok(Via::Proxy(Box::new(if user.is_empty() { proxy } else { proxy.basic_auth(user, text(block, "password")) })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Kind;
    use crate::tls::curve::Curve;
    use crate::tls::key::PrivateKey;
    use crate::tls::signed::SelfSigned;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn certificate() -> (String, String) {
        let key = PrivateKey::ec(Curve::P256).unwrap();
        let list = |item: &str| Value::list(Type::String, [Value::from(item)]);
        let set = [
            ("private_key_pem", key.pem().unwrap().into()),
            ("validity_period_hours", 5i64.into()),
            ("ip_addresses", list("127.0.0.1")),
            ("allowed_uses", list("server_auth")),
        ];
        let made = SelfSigned.create(&with_all(&SelfSigned.schema().block.empty_value(), set)).await.unwrap();
        (text(&made, "cert_pem").into(), key.pkcs8_pem().unwrap())
    }

    fn config(name: &str, value: &str, verify: bool) -> Value {
        with_all(&Certificates.schema().block.empty_value(), [(name, value.into()), ("verify_chain", verify.into())])
    }

    #[tokio::test]
    async fn shown_by_a_server() {
        let (pem, key) = certificate().await;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let own = vec![CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()];
        let server = server.with_no_client_auth().with_single_cert(own, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(server));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let _ = stream.read(&mut [0; 1024]).await;
                let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n").await;
                let _ = stream.shutdown().await;
            }
        });
        let direct = Value::object([("proxy", Value::tuple([Value::object([("from_env", Value::from(false))])]))]);
        let expected = Certificates.read(&direct, &config("content", &pem, true)).await.unwrap();
        for scheme in ["tls", "https"] {
            let url = format!("{scheme}://{address}");
            let read = Certificates.read(&direct, &config("url", &url, false)).await.unwrap();
            assert_eq!(read.get_str("id"), expected.get_str("id"));
            assert!(read.get("certificates").unwrap().same(expected.get("certificates").unwrap()));
            let e = Certificates.read(&direct, &config("url", &url, true)).await.unwrap_err();
            assert!(e.message.starts_with("Failed to identify fetch peer certificates"), "{e}");
        }
    }

    #[tokio::test]
    async fn errors() {
        for (name, value, want) in [
            ("content", "x", "not a valid PEM encoding"),
            ("content", "-----BEGIN X-----\n-----END X-----", "should be \"CERTIFICATE\""),
            ("url", "tls://localhost", "Port missing"),
        ] {
            let e = Certificates.read(&Value::NULL, &config(name, value, true)).await.unwrap_err();
            assert!(e.message.contains(want), "{e}");
        }
        assert!(Certificates.validate(&config("url", "http://x", true)).has_errors());
    }
}

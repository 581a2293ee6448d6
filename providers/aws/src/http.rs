//! The HTTP client that all services share: one pool of connections, one TLS set-up.

use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use secstack_sdk::{Error, ErrorKind, Result, fence};

use crate::config::Config;

/// The client that a provider block asks for, and the way it goes.
///
/// # Errors
/// When the bundle of certificates cannot be read, a proxy's address is wrong, or checks are to be skipped.
pub fn client(config: &Config) -> Result<(SharedHttpClient, Way)> {
    let invalid = |what: &str, e: &dyn std::fmt::Display| Error::new(ErrorKind::Invalid, format!("{what}: {e}"));
    if config.insecure == Some(true) {
        let help = "name the certificate of its authority in \"custom_ca_bundle\" instead";
        return Err(invalid("\"insecure\" is not supported", &help));
    }
    let mut trusted = TrustStore::default();
    let bundle = config.custom_ca_bundle.clone().or_else(|| std::env::var("AWS_CA_BUNDLE").ok());
    if let Some(path) = bundle.filter(|p| !p.is_empty()) {
        let pem = std::fs::read(&path).map_err(|e| invalid(&format!("the CA bundle {path:?} cannot be read"), &e))?;
        if !pem.windows(11).any(|w| w == b"-----BEGIN ") {
            return Err(invalid(&format!("the CA bundle {path:?} cannot be used"), &"it holds no PEM certificate"));
        }
        trusted.add_pem_certificate(pem);
    }
    let tls = TlsContext::builder().with_trust_store(trusted).build();
    let tls = tls.map_err(|e| invalid("the trusted certificates cannot be used", &e))?;
    let proxy = proxy(config).map_err(|e| invalid("the proxy cannot be used", &e))?;
    let way = Way { tls, proxy };
    let of_client = way.clone();
    let client = Builder::new()
        .build_with_connector_fn(move |settings, components| of_client.make(settings.cloned(), components.and_then(|c| c.sleep_impl())));
    Ok((SharedHttpClient::new(Fenced(client)), way))
}

/// How connections are made.
#[derive(Clone, Debug)]
pub struct Way {
    tls: TlsContext,
    proxy: ProxyConfig,
}

impl Way {
    /// A connection for a request to a server that is none of AWS.
    pub fn connector(&self) -> Connector {
        self.make(None, Some(SharedAsyncSleep::new(TokioSleep::new())))
    }

    fn make(&self, settings: Option<HttpConnectorSettings>, sleep: Option<SharedAsyncSleep>) -> Connector {
        let (tls, proxy) = (self.tls.clone(), self.proxy.clone());
        let mut builder = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls).proxy_config(proxy);
        builder.set_connector_settings(settings);
        builder.set_sleep_impl(sleep);
        builder.build()
    }
}

/// Sends nothing for a run that has lost its lock. This is the last moment at which that can be seen.
#[derive(Clone, Debug)]
struct Fenced<T>(T);

impl HttpClient for Fenced<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Fenced(self.0.http_connector(settings, components)))
    }
}

impl HttpConnector for Fenced<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        match fence::check() {
            Ok(()) => self.0.call(request),
            Err(e) => HttpConnectorFuture::ready(Err(ConnectorError::user(e.message.into()))),
        }
    }
}

fn proxy(config: &Config) -> Result<ProxyConfig, Box<dyn std::error::Error + Send + Sync>> {
    let set = |p: &Option<String>| p.clone().filter(|p| !p.is_empty());
    let proxy = match (set(&config.http_proxy), set(&config.https_proxy)) {
        (None, None) => return Ok(ProxyConfig::from_env()),
        (Some(http), None) => ProxyConfig::all(http)?,
        // Only development endpoints are called without encryption.
        (_, Some(https)) => ProxyConfig::https(https)?,
    };
    let bypass = set(&config.no_proxy).or_else(|| std::env::var("NO_PROXY").ok()).unwrap_or_default();
    Ok(if bypass.is_empty() { proxy } else { proxy.no_proxy(bypass) })
}

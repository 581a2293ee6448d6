//! The way to AWS: certificates that are trusted, a proxy, and the client that all requests share.

use std::sync::Arc;

use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpClient};

use super::config::Login;
use crate::error::{Error, Result};

/// How connections are made. Clones share the client and its connections.
#[derive(Clone, Debug)]
pub(super) struct Http {
    way: Arc<Way>,
    client: SharedHttpClient,
}

#[derive(Debug)]
struct Way {
    tls: TlsContext,
    proxy: ProxyConfig,
}

impl Http {
    /// What the arguments and the environment ask for.
    pub(super) fn new(login: &Login) -> Result<Self> {
        let invalid = |problem: String| Error::Remote { summary: "Invalid backend configuration", problem, help: None };
        let mut trusted = TrustStore::default();
        let bundle = login.ca_bundle.clone().or_else(|| std::env::var("AWS_CA_BUNDLE").ok()).filter(|p| !p.is_empty());
        if let Some(path) = bundle {
            let pem = std::fs::read(&path).map_err(|e| invalid(format!("The bundle of certificates {path:?} cannot be read: {e}.")))?;
            if !pem.windows(11).any(|w| w == b"-----BEGIN ") {
                return Err(invalid(format!("The bundle of certificates {path:?} holds no PEM certificate.")));
            }
            trusted.add_pem_certificate(pem);
        }
        let tls = TlsContext::builder().with_trust_store(trusted).build();
        let tls = tls.map_err(|e| invalid(format!("The trusted certificates cannot be used: {e}.")))?;
        let proxy = proxy(login).map_err(|e| invalid(format!("The proxy cannot be used: {e}.")))?;
        let way = Arc::new(Way { tls, proxy });
        let of_client = way.clone();
        let client = Builder::new().build_with_connector_fn(move |settings, components| {
            of_client.connector(settings.cloned(), components.and_then(|c| c.sleep_impl()))
        });
        Ok(Self { way, client })
    }

    /// The client of services.
    pub(super) fn client(&self) -> SharedHttpClient {
        self.client.clone()
    }

    /// A connection for a request to another server.
    pub(super) fn connector(&self) -> Connector {
        self.way.connector(None, Some(SharedAsyncSleep::new(TokioSleep::new())))
    }
}

impl Way {
    fn connector(&self, settings: Option<HttpConnectorSettings>, sleep: Option<SharedAsyncSleep>) -> Connector {
        let (tls, proxy) = (self.tls.clone(), self.proxy.clone());
        let mut builder = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls).proxy_config(proxy);
        builder.set_connector_settings(settings);
        builder.set_sleep_impl(sleep);
        builder.build()
    }
}

fn proxy(login: &Login) -> Result<ProxyConfig, Box<dyn std::error::Error + Send + Sync>> {
    let proxy = match (&login.http_proxy, &login.https_proxy) {
        (None, None) => return Ok(ProxyConfig::from_env()),
        (Some(http), None) => ProxyConfig::all(http.clone())?,
        // Only servers for development are called without encryption.
        (_, Some(https)) => ProxyConfig::https(https.clone())?,
    };
    let bypass = login.no_proxy.clone().or_else(|| std::env::var("NO_PROXY").ok()).unwrap_or_default();
    Ok(if bypass.is_empty() { proxy } else { proxy.no_proxy(bypass) })
}

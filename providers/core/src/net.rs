//! TLS towards servers: whom to trust, and which certificates they showed.

use std::sync::{Arc, Mutex};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

/// Whom to trust.
pub(crate) enum Trust {
    /// Those that the system trusts.
    System,
    /// The given authorities alone.
    Only(Vec<CertificateDer<'static>>),
    /// Everybody.
    Everybody,
}

/// A client's own certificates and their key.
pub(crate) type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The certificates that a server showed last, its own first.
pub(crate) type Shown = Arc<Mutex<Vec<CertificateDer<'static>>>>;

/// A configuration, and the place where the certificates of servers appear.
///
/// # Errors
/// In words, when there is nobody to trust or a certificate is of no use.
pub(crate) fn client_config(trust: Trust, identity: Option<Identity>) -> Result<(ClientConfig, Shown), String> {
    let provider = Arc::new(default_provider());
    let inner = match trust {
        Trust::Everybody => None,
        Trust::System => Some(system_roots()),
        Trust::Only(certificates) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates {
                roots.add(certificate).map_err(|e| e.to_string())?;
            }
            Some(roots)
        }
    };
    let inner = inner.map(|roots| {
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        builder.build().map_err(|e| format!("no authority to verify certificates with: {e}"))
    });
    let shown = Shown::default();
    let verifier = Recorder { inner: inner.transpose()?, provider: provider.clone(), shown: shown.clone() };
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(|e| e.to_string())?;
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some((certificates, key)) => builder.with_client_auth_cert(certificates, key).map_err(|e| e.to_string())?,
    };
    // A resumed session shows no certificates.
    config.resumption = rustls::client::Resumption::disabled();
    Ok((config, shown))
}

fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// Notes what a server shows, and asks another verifier, if there is one, what to think of it.
#[derive(Debug)]
struct Recorder {
    inner: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
    shown: Shown,
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        more: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(inner) = &self.inner {
            inner.verify_server_cert(own, more, name, ocsp, now)?;
        }
        if let Ok(mut shown) = self.shown.lock() {
            *shown = std::iter::once(own).chain(more).map(|c| c.clone().into_owned()).collect();
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// An error and what caused it, in one line.
pub(crate) fn chain(e: &dyn std::error::Error) -> String {
    let mut text = e.to_string();
    let mut cause = e.source();
    while let Some(e) = cause {
        let more = e.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = e.source();
    }
    text
}

//! Tokens for clusters: a request to tell who calls, signed but not sent. The cluster sends it.

use std::time::{Duration, SystemTime};

use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use secstack_sdk::{Error, Result};

use crate::Aws;

/// A token for a cluster.
///
/// # Errors
/// When there are no credentials.
pub async fn of(cx: &Aws, cluster: &str) -> Result<String> {
    let host = format!("sts.{}.{}", cx.region(), cx.dns_suffix());
    let url = format!("https://{host}/?Action=GetCallerIdentity&Version=2011-06-15");
    let identity: Identity = cx.credentials().await?.into();
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(Duration::from_secs(60));
    let wrong = |e: &dyn std::fmt::Display| Error::other(format!("the token cannot be signed: {e}"));
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(cx.region())
        .name("sts")
        .time(SystemTime::now())
        .settings(settings)
        .build()
        .map_err(|e| wrong(&e))?
        .into();
    let headers = [("host", &*host), ("x-k8s-aws-id", cluster)];
    let request = SignableRequest::new("GET", &*url, headers.into_iter(), SignableBody::Bytes(&[]));
    let (signed, _) = sign(request.map_err(|e| wrong(&e))?, &params).map_err(|e| wrong(&e))?.into_parts();
    let encode = |text: &str| text.bytes().map(percent).collect::<String>();
    let query = signed.params().iter().map(|(k, v)| format!("&{k}={}", encode(v))).collect::<String>();
    let token = aws_smithy_types::base64::encode(format!("{url}{query}"));
    Ok(format!("k8s-aws-v1.{}", token.replace('+', "-").replace('/', "_").trim_end_matches('=')))
}

fn percent(byte: u8) -> String {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    }
}

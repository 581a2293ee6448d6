//! Opens the client: region, credentials, endpoint, and how often a request is repeated.

use std::time::Duration;

use aws_config::retry::{RetryConfig, RetryMode};
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_s3::config::{Region, RequestChecksumCalculation};
use aws_smithy_types::error::display::DisplayErrorContext;

use super::clock::Clock;
use super::config::{Config, Login};
use super::http::Http;
use super::login;
use crate::error::{Error, Result};

/// The longest time to get a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// The longest silence of the server.
const READ: Duration = Duration::from_secs(30);
/// The longest time for a request with all its repetitions.
const OPERATION: Duration = Duration::from_secs(90);
/// How often a request is made at most, unless the configuration says otherwise.
const ATTEMPTS: u32 = 5;

/// A client that has found region and credentials.
pub(super) async fn client(config: Config, clock: Clock) -> Result<aws_sdk_s3::Client> {
    let sdk = sdk(&config.login).await?;
    let mut builder = aws_sdk_s3::config::Builder::from(&sdk).interceptor(clock);
    let env = std::env::var("AWS_ENDPOINT_URL_S3").or_else(|_| std::env::var("AWS_ENDPOINT_URL")).ok();
    let url = config.s3_endpoint.clone().or(env).or_else(|| sdk.endpoint_url().map(str::to_string));
    if let Some(url) = &config.s3_endpoint {
        builder = builder.endpoint_url(url);
    }
    if config.skip_checksum {
        builder = builder.request_checksum_calculation(RequestChecksumCalculation::WhenRequired);
    }
    let path_style = config.path_style || url.is_some_and(|u| is_address(&u));
    Ok(aws_sdk_s3::Client::from_conf(builder.force_path_style(path_style).build()))
}

async fn sdk(of: &Login) -> Result<SdkConfig> {
    let http = Http::new(of)?;
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).read_timeout(READ).operation_timeout(OPERATION).build();
    let from_env = std::env::var("AWS_MAX_ATTEMPTS").ok().and_then(|n| n.parse().ok());
    let attempts = of.max_retries.or(from_env).unwrap_or(ATTEMPTS).max(1);
    let mode = if of.adaptive { RetryMode::Adaptive } else { RetryMode::Standard };
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http.client())
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_retry_mode(mode).with_max_attempts(attempts))
        .no_credentials();
    if let Some(region) = &of.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &of.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(files) = login::profile_files(of) {
        loader = loader.profile_files(files);
    }
    if let Some(on) = of.fips {
        loader = loader.use_fips(on);
    }
    if let Some(on) = of.dual_stack {
        loader = loader.use_dual_stack(on);
    }
    let sdk = loader.load().await;
    check_region(sdk.region().map(AsRef::as_ref).unwrap_or_default(), of)?;
    let credentials = login::credentials(of, &sdk, &http)?;
    credentials.provide_credentials().await.map_err(|e| no_credentials(&e))?;
    let sdk = sdk.into_builder().credentials_provider(credentials).build();
    if !of.allowed_accounts.is_empty() || !of.forbidden_accounts.is_empty() {
        let account = login::account(of, &sdk).await?;
        if of.forbidden_accounts.contains(&account) || !of.allowed_accounts.is_empty() && !of.allowed_accounts.contains(&account) {
            return Err(invalid(format!("The credentials belong to the AWS account {account}, which the backend block does not allow.")));
        }
    }
    Ok(sdk)
}

fn invalid(problem: String) -> Error {
    Error::Remote { summary: "Invalid backend configuration", problem, help: None }
}

fn check_region(region: &str, of: &Login) -> Result<()> {
    if region.is_empty() {
        let problem = "The \"region\" argument or the AWS_REGION or AWS_DEFAULT_REGION environment variable must be set.".into();
        return Err(Error::Remote { summary: "Missing region value", problem, help: None });
    }
    let words: Vec<&str> = region.split('-').collect();
    let plain = |w: &&str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase());
    let number = words.last().is_some_and(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_digit()));
    if of.skip_region_validation || words.len() >= 3 && number && words[..words.len() - 1].iter().all(plain) {
        return Ok(());
    }
    Err(Error::Remote { summary: "Invalid region value", problem: format!("Invalid AWS Region: {region}"), help: None })
}

fn no_credentials(e: &aws_credential_types::provider::error::CredentialsError) -> Error {
    use aws_credential_types::provider::error::CredentialsError::CredentialsNotLoaded;
    let help = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile with AWS_PROFILE or the argument \"profile\".";
    let problem = match e {
        CredentialsNotLoaded(_) => {
            "Neither the backend block nor the environment, profiles or this machine give credentials for AWS.".into()
        }
        _ => {
            let cause = std::error::Error::source(e).map_or_else(|| DisplayErrorContext(e).to_string(), ToString::to_string);
            format!("The credentials cannot be used: {cause}.")
        }
    };
    Error::Remote { summary: "No valid credential sources found", problem, help: Some(help.into()) }
}

/// Whether a URL's host is a number or this machine, where the name of a bucket cannot stand in front.
fn is_address(url: &str) -> bool {
    let host = url.split("://").nth(1).unwrap_or(url).split('/').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_stand_in_the_path_of_addresses() {
        for (url, want) in [
            ("http://127.0.0.1:5000", true),
            ("http://localhost:5000/x", true),
            ("http://[::1]:5000", true),
            ("https://s3.eu-west-1.amazonaws.com", false),
            ("https://minio.example.com", false),
        ] {
            assert_eq!(is_address(url), want, "{url}");
        }
    }

    #[test]
    fn regions_are_looked_at() {
        let strict = Login::default();
        for (region, good) in [("eu-central-1", true), ("us-gov-west-1", true), ("eu-centrall", false), ("", false), ("local", false)] {
            assert_eq!(check_region(region, &strict).is_ok(), good, "{region}");
        }
        assert!(check_region("local", &Login { skip_region_validation: true, ..strict }).is_ok());
    }
}

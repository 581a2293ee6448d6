//! Where credentials come from: the provider block, the environment, profiles, tokens, the machine; and the roles
//! that are assumed with them.

use std::time::Duration;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds::client::EndpointMode;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_sdk_sts::types::{PolicyDescriptorType, Tag};
use aws_types::SdkConfig;
use secstack_sdk::{Error, ErrorKind, Result};

use crate::config::{AssumeRole, Config, WebIdentity};
use crate::error::Answer;
use crate::http::Way;
use crate::oidc;

/// The sentence for a machine without credentials.
pub const NONE_FOUND: &str = "No valid credential sources found. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, \
    or name a profile with AWS_PROFILE or the argument \"profile\"";

/// The files that profiles are read from.
pub fn profile_files(config: &Config) -> Option<EnvConfigFiles> {
    if config.shared_config_files.is_empty() && config.shared_credentials_files.is_empty() {
        return None;
    }
    let mut files = EnvConfigFiles::builder();
    for (given, kind) in
        [(&config.shared_config_files, EnvConfigFileKind::Config), (&config.shared_credentials_files, EnvConfigFileKind::Credentials)]
    {
        for path in given {
            files = files.with_file(kind, expand_home(path));
        }
        files = match kind {
            EnvConfigFileKind::Config if given.is_empty() => files.include_default_config_file(true),
            EnvConfigFileKind::Credentials if given.is_empty() => files.include_default_credentials_file(true),
            _ => files,
        };
    }
    Some(files.build())
}

fn expand_home(path: &str) -> String {
    match (path.strip_prefix("~/"), std::env::var("HOME")) {
        (Some(rest), Ok(home)) => format!("{home}/{rest}"),
        _ => path.to_string(),
    }
}

/// What credentials are found with.
pub(crate) struct Source<'a> {
    /// The provider block.
    pub(crate) config: &'a Config,
    /// The region, and how services are called.
    pub(crate) sdk: &'a SdkConfig,
    /// The way to servers that are none of AWS.
    pub(crate) way: &'a Way,
}

impl Source<'_> {
    /// The source of the credentials that the roles of the provider block, if any, are assumed with.
    ///
    /// # Errors
    /// When only a part of a key is given.
    pub(crate) fn base(&self, at: &ProviderConfig) -> Result<SharedCredentialsProvider> {
        let config = self.config;
        let invalid = |text: &str| Err(Error::new(ErrorKind::Invalid, text));
        match (&config.access_key, &config.secret_key) {
            (Some(access), Some(secret)) => {
                let token = config.token.clone().filter(|t| !t.is_empty());
                return Ok(SharedCredentialsProvider::new(Credentials::new(access, secret, token, None, "provider block")));
            }
            (Some(_), None) => return invalid("\"access_key\" is set without \"secret_key\""),
            (None, Some(_)) => return invalid("\"secret_key\" is set without \"access_key\""),
            (None, None) => {}
        }
        let mut profile = ProfileFileCredentialsProvider::builder().configure(at);
        if let Some(name) = &config.profile {
            profile = profile.profile_name(name);
        }
        if let Some(files) = profile_files(config) {
            profile = profile.profile_files(files);
        }
        let (env, profile) = (EnvironmentVariableCredentialsProvider::new(), profile.build());
        // A profile that the block names counts more than keys in the environment.
        let chain = match &config.profile {
            Some(_) => CredentialsProviderChain::first_try("Profile", profile),
            None => CredentialsProviderChain::first_try("Environment", env).or_else("Profile", profile),
        };
        let mut chain = chain.or_else("WebIdentityToken", WebIdentityTokenCredentialsProvider::builder().configure(at).build());
        if oidc::is_offered() && std::env::var_os("AWS_ROLE_ARN").is_some() && std::env::var_os("AWS_WEB_IDENTITY_TOKEN_FILE").is_none() {
            let how = How::Token(WebIdentity::default(), None, self.way.clone());
            chain = chain.or_else("GitHubActions", Session { client: self.client(None), how });
        }
        chain = chain.or_else("EcsContainer", EcsCredentialsProvider::builder().configure(at).build());
        if config.skip_metadata_api_check.as_deref() != Some("true") {
            chain = chain.or_else("Ec2InstanceMetadata", metadata(config, at)?);
        }
        Ok(SharedCredentialsProvider::new(chain))
    }

    /// The source of credentials after the roles of the provider block are assumed, one with the other's credentials.
    ///
    /// # Errors
    /// When a role's arguments are wrong.
    pub(crate) fn with_roles(&self, base: SharedCredentialsProvider) -> Result<SharedCredentialsProvider> {
        let config = self.config;
        let mut credentials = base;
        for role in &config.assume_role_with_web_identity {
            let how = How::Token(role.clone(), duration(role.duration.as_deref())?, self.way.clone());
            credentials = SharedCredentialsProvider::new(Session { client: self.client(Some(credentials)), how });
        }
        // A block without a role is as good as none.
        for role in config.assume_role.iter().filter(|r| r.role_arn.as_deref().is_some_and(|a| !a.is_empty())) {
            let how = How::Role(role.clone(), duration(role.duration.as_deref())?);
            credentials = SharedCredentialsProvider::new(Session { client: self.client(Some(credentials)), how });
        }
        Ok(credentials)
    }

    /// The client of the service that gives credentials.
    fn client(&self, credentials: Option<SharedCredentialsProvider>) -> aws_sdk_sts::Client {
        let mut builder = aws_sdk_sts::config::Builder::from(self.sdk);
        builder.set_credentials_provider(credentials);
        if let Some(region) = &self.config.sts_region {
            builder = builder.region(aws_types::region::Region::new(region.clone()));
        }
        if let Some(url) = self.config.endpoint(&["sts"]) {
            builder = builder.endpoint_url(url);
        }
        aws_sdk_sts::Client::from_conf(builder.build())
    }
}

fn metadata(config: &Config, at: &ProviderConfig) -> Result<ImdsCredentialsProvider> {
    let mut client = aws_config::imds::Client::builder().configure(at);
    if let Some(url) = &config.ec2_metadata_service_endpoint {
        let wrong = |e| Error::new(ErrorKind::Invalid, format!("\"ec2_metadata_service_endpoint\" is not a URL: {e}"));
        client = client.endpoint(url).map_err(wrong)?;
    }
    if config.ec2_metadata_service_endpoint_mode.as_deref() == Some("IPv6") {
        client = client.endpoint_mode(EndpointMode::IpV6);
    }
    Ok(ImdsCredentialsProvider::builder().configure(at).imds_client(client.build()).build())
}

/// Gives the credentials of a session in a role.
#[derive(Debug)]
struct Session {
    client: aws_sdk_sts::Client,
    how: How,
}

#[derive(Debug)]
enum How {
    Role(AssumeRole, Option<Duration>),
    Token(WebIdentity, Option<Duration>, Way),
}

impl ProvideCredentials for Session {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let found = match &self.how {
                How::Role(role, lasting) => assume(&self.client, role, *lasting).await,
                How::Token(role, lasting, way) => assume_with_token(&self.client, role, *lasting, way).await,
            };
            let given = found.map_err(CredentialsError::provider_error)?;
            let given = given.ok_or_else(|| CredentialsError::unhandled("the answer has no credentials"))?;
            let until = std::time::SystemTime::try_from(given.expiration).ok();
            let (access, secret, token) = (given.access_key_id, given.secret_access_key, given.session_token);
            Ok(Credentials::new(access, secret, Some(token), until, "AssumeRole"))
        })
    }
}

async fn assume(
    client: &aws_sdk_sts::Client,
    role: &AssumeRole,
    lasting: Option<Duration>,
) -> Result<Option<aws_sdk_sts::types::Credentials>> {
    let tags = role.tags.iter().map(|(k, v)| Tag::builder().key(k).value(v).build());
    let tags = tags.collect::<Result<Vec<_>, _>>().map_err(|e| Error::other(e.to_string()))?;
    let call = client
        .assume_role()
        .set_role_arn(role.role_arn.clone())
        .role_session_name(session_name(role.session_name.as_deref()))
        .set_duration_seconds(seconds(lasting))
        .set_external_id(role.external_id.clone())
        .set_policy(role.policy.clone())
        .set_policy_arns(some(role.policy_arns.iter().map(policy).collect()))
        .set_source_identity(role.source_identity.clone())
        .set_tags(some(tags))
        .set_transitive_tag_keys(some(role.transitive_tag_keys.iter().cloned().collect()));
    let arn = role.role_arn.as_deref().unwrap_or_default();
    let failed = |e: Error| Error::new(e.kind, format!("Cannot assume IAM Role {arn}: {}", e.message));
    Ok(call.send().await.api().map_err(failed)?.credentials)
}

async fn assume_with_token(
    client: &aws_sdk_sts::Client,
    role: &WebIdentity,
    lasting: Option<Duration>,
    way: &Way,
) -> Result<Option<aws_sdk_sts::types::Credentials>> {
    let from_env = |given: &Option<String>, name| given.clone().or_else(|| std::env::var(name).ok()).filter(|t| !t.is_empty());
    let token = match (&role.web_identity_token, from_env(&role.web_identity_token_file, "AWS_WEB_IDENTITY_TOKEN_FILE")) {
        (Some(token), _) => token.clone(),
        (None, Some(path)) => tokio::fs::read_to_string(&path)
            .await
            .map_err(|e| Error::new(ErrorKind::Invalid, format!("the token file {path:?} cannot be read: {e}")))?,
        (None, None) if oidc::is_offered() => oidc::token(way).await?,
        (None, None) => return Err(Error::new(ErrorKind::Invalid, "assume_role_with_web_identity has no token")),
    };
    let call = client
        .assume_role_with_web_identity()
        .set_role_arn(from_env(&role.role_arn, "AWS_ROLE_ARN"))
        .role_session_name(session_name(from_env(&role.session_name, "AWS_ROLE_SESSION_NAME").as_deref()))
        .set_duration_seconds(seconds(lasting))
        .set_policy(role.policy.clone())
        .set_policy_arns(some(role.policy_arns.iter().map(policy).collect()))
        .web_identity_token(token.trim());
    Ok(call.send().await.api()?.credentials)
}

fn some<T>(items: Vec<T>) -> Option<Vec<T>> {
    (!items.is_empty()).then_some(items)
}

fn policy(arn: &String) -> PolicyDescriptorType {
    PolicyDescriptorType::builder().arn(arn).build()
}

fn session_name(given: Option<&str>) -> String {
    given.filter(|n| !n.is_empty()).map_or_else(|| secstack_sdk::naming::unique("secstack-"), str::to_string)
}

fn seconds(d: Option<Duration>) -> Option<i32> {
    d.and_then(|d| i32::try_from(d.as_secs()).ok())
}

/// A duration such as `1h30m`.
pub(crate) fn duration(text: Option<&str>) -> Result<Option<Duration>> {
    let Some(text) = text.filter(|t| !t.is_empty()) else { return Ok(None) };
    let wrong = || Error::new(ErrorKind::Invalid, format!("{text:?} is not a duration such as \"1h30m\""));
    let (mut total, mut rest) = (0.0, text);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        total += number
            * match &rest[..unit] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                _ => return Err(wrong()),
            };
        rest = &rest[unit..];
    }
    Duration::try_from_secs_f64(total).map(Some).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(duration(Some("1h30m")).unwrap(), Some(Duration::from_secs(5400)));
        assert_eq!(duration(None).unwrap(), None);
        assert!(duration(Some("1")).is_err() && duration(Some("1d")).is_err() && duration(Some("h")).is_err());
    }
}

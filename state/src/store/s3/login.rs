//! Where the credentials for the state come from: arguments, the environment, profiles, tokens, the machine; and the
//! roles that are assumed with them.
//!
//! Whoever asks gets credentials that are good for a while; the client asks again before they run out. So a run may
//! last longer than a token, also in GitHub Actions, where a new token is asked for each time.

use std::time::SystemTime;

use aws_config::SdkConfig;
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

use super::config::{Login, Role, TokenRole};
use super::http::Http;
use super::oidc;
use crate::error::{Error, Result};

/// The files that profiles are read from, where they are not the usual ones.
pub(super) fn profile_files(login: &Login) -> Option<EnvConfigFiles> {
    let (configs, credentials) = (&login.shared_config_files, &login.shared_credentials_files);
    if configs.is_empty() && credentials.is_empty() {
        return None;
    }
    let mut files =
        EnvConfigFiles::builder().include_default_config_file(configs.is_empty()).include_default_credentials_file(credentials.is_empty());
    for path in configs {
        files = files.with_file(EnvConfigFileKind::Config, expand_home(path));
    }
    for path in credentials {
        files = files.with_file(EnvConfigFileKind::Credentials, expand_home(path));
    }
    Some(files.build())
}

fn expand_home(path: &str) -> String {
    match (path.strip_prefix("~/"), std::env::var("HOME")) {
        (Some(rest), Ok(home)) => format!("{home}/{rest}"),
        _ => path.to_string(),
    }
}

/// The credentials that requests are signed with.
pub(super) fn credentials(login: &Login, sdk: &SdkConfig, http: &Http) -> Result<SharedCredentialsProvider> {
    let at = ProviderConfig::without_region().with_http_client(http.client()).with_region(sdk.region().cloned());
    let mut found = base(login, sdk, &at, http)?;
    if let Some(role) = &login.token_role {
        found = session(How::Token(role.clone(), http.clone()), client(login, sdk, None));
    }
    if let Some(role) = &login.role {
        found = session(How::Role(role.clone()), client(login, sdk, Some(found)));
    }
    Ok(found)
}

fn base(login: &Login, sdk: &SdkConfig, at: &ProviderConfig, http: &Http) -> Result<SharedCredentialsProvider> {
    if let (Some(access), Some(secret)) = (&login.access_key, &login.secret_key) {
        return Ok(SharedCredentialsProvider::new(Credentials::new(access, secret, login.token.clone(), None, "backend block")));
    }
    let mut profile = ProfileFileCredentialsProvider::builder().configure(at);
    if let Some(name) = &login.profile {
        profile = profile.profile_name(name);
    }
    if let Some(files) = profile_files(login) {
        profile = profile.profile_files(files);
    }
    let profile = profile.build();
    let mut chain = match &login.profile {
        // A profile that is named counts more than keys in the environment.
        Some(_) => CredentialsProviderChain::first_try("Profile", profile),
        None => {
            CredentialsProviderChain::first_try("Environment", EnvironmentVariableCredentialsProvider::new()).or_else("Profile", profile)
        }
    };
    chain = chain.or_else("WebIdentityToken", WebIdentityTokenCredentialsProvider::builder().configure(at).build());
    if oidc::is_offered() && std::env::var_os("AWS_ROLE_ARN").is_some() && std::env::var_os("AWS_WEB_IDENTITY_TOKEN_FILE").is_none() {
        let how = How::Token(TokenRole::default(), http.clone());
        chain = chain.or_else("GitHubActions", Session { client: client(login, sdk, None), how });
    }
    chain = chain.or_else("EcsContainer", EcsCredentialsProvider::builder().configure(at).build());
    if !login.skip_metadata {
        chain = chain.or_else("Ec2InstanceMetadata", metadata(login, at)?);
    }
    Ok(SharedCredentialsProvider::new(chain))
}

fn metadata(login: &Login, at: &ProviderConfig) -> Result<ImdsCredentialsProvider> {
    let mut client = aws_config::imds::Client::builder().configure(at);
    if let Some(url) = &login.metadata_endpoint {
        client = client.endpoint(url).map_err(|e| Error::Remote {
            summary: "Invalid backend configuration",
            problem: format!("\"ec2_metadata_service_endpoint\" is not a URL: {e}."),
            help: None,
        })?;
    }
    if login.metadata_mode.as_deref() == Some("IPv6") {
        client = client.endpoint_mode(EndpointMode::IpV6);
    }
    Ok(ImdsCredentialsProvider::builder().configure(at).imds_client(client.build()).build())
}

/// The client of the service that gives tokens.
fn client(login: &Login, sdk: &SdkConfig, credentials: Option<SharedCredentialsProvider>) -> aws_sdk_sts::Client {
    let mut builder = aws_sdk_sts::config::Builder::from(sdk);
    builder.set_credentials_provider(credentials);
    if let Some(region) = &login.sts_region {
        builder = builder.region(aws_sdk_sts::config::Region::new(region.clone()));
    }
    if let Some(url) = &login.sts_endpoint {
        builder = builder.endpoint_url(url);
    }
    aws_sdk_sts::Client::from_conf(builder.build())
}

/// Who calls, by the service that gives tokens.
pub(super) async fn account(login: &Login, sdk: &SdkConfig) -> Result<String> {
    let asked = client(login, sdk, sdk.credentials_provider()).get_caller_identity().send().await;
    let who = asked.map_err(|e| super::failure::explain("ask for the account of the credentials", &super::failure::of(&e)))?;
    Ok(who.account.unwrap_or_default())
}

fn session(how: How, client: aws_sdk_sts::Client) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Session { client, how })
}

/// Gives the credentials of a session in a role, a new session each time.
#[derive(Debug)]
struct Session {
    client: aws_sdk_sts::Client,
    how: How,
}

#[derive(Debug)]
enum How {
    Role(Role),
    Token(TokenRole, Http),
}

impl ProvideCredentials for Session {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let given = match &self.how {
                How::Role(role) => assume(&self.client, role).await,
                How::Token(role, http) => assume_with_token(&self.client, role, http).await,
            };
            let given = given.map_err(CredentialsError::provider_error)?;
            let given = given.ok_or_else(|| CredentialsError::unhandled("the answer has no credentials"))?;
            let until = SystemTime::try_from(given.expiration).ok();
            Ok(Credentials::new(given.access_key_id, given.secret_access_key, Some(given.session_token), until, "AssumeRole"))
        })
    }
}

type Given = Result<Option<aws_sdk_sts::types::Credentials>, String>;

async fn assume(client: &aws_sdk_sts::Client, role: &Role) -> Given {
    let tags = role.tags.iter().map(|(k, v)| Tag::builder().key(k).value(v).build());
    let tags = tags.collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())?;
    let asked = client
        .assume_role()
        .role_arn(&role.arn)
        .role_session_name(session_name(role.session_name.clone()))
        .set_duration_seconds(role.duration.and_then(|d| i32::try_from(d.as_secs()).ok()))
        .set_external_id(role.external_id.clone())
        .set_policy(role.policy.clone())
        .set_policy_arns(some(role.policy_arns.iter().map(policy).collect()))
        .set_source_identity(role.source_identity.clone())
        .set_tags(some(tags))
        .set_transitive_tag_keys(some(role.transitive_tag_keys.clone()));
    let answer = asked.send().await.map_err(|e| format!("the role {} cannot be assumed: {}", role.arn, super::failure::of(&e)))?;
    Ok(answer.credentials)
}

async fn assume_with_token(client: &aws_sdk_sts::Client, role: &TokenRole, http: &Http) -> Given {
    let or_env = |given: &Option<String>, name| given.clone().or_else(|| std::env::var(name).ok()).filter(|t| !t.is_empty());
    let file = or_env(&role.token_file, "AWS_WEB_IDENTITY_TOKEN_FILE");
    let token = match (&role.token, file) {
        (Some(token), _) => token.clone(),
        (None, Some(path)) => {
            std::fs::read_to_string(&path).map_err(|e| format!("the token file {path:?} cannot be read: {e}"))?
        }
        (None, None) if oidc::is_offered() => oidc::token(http).await?,
        (None, None) => return Err("assume_role_with_web_identity names no token, no file with one, and this is no job of GitHub Actions with the permission \"id-token: write\"".into()),
    };
    let arn = or_env(&role.arn, "AWS_ROLE_ARN").ok_or("assume_role_with_web_identity has no \"role_arn\", and AWS_ROLE_ARN is not set")?;
    let asked = client
        .assume_role_with_web_identity()
        .role_arn(&arn)
        .role_session_name(session_name(or_env(&role.session_name, "AWS_ROLE_SESSION_NAME")))
        .set_duration_seconds(role.duration.and_then(|d| i32::try_from(d.as_secs()).ok()))
        .set_policy(role.policy.clone())
        .set_policy_arns(some(role.policy_arns.iter().map(policy).collect()))
        .web_identity_token(token.trim());
    let answer = asked.send().await.map_err(|e| format!("the role {arn} cannot be assumed: {}", super::failure::of(&e)))?;
    Ok(answer.credentials)
}

fn some<T>(items: Vec<T>) -> Option<Vec<T>> {
    (!items.is_empty()).then_some(items)
}

fn policy(arn: &String) -> PolicyDescriptorType {
    PolicyDescriptorType::builder().arn(arn).build()
}

fn session_name(given: Option<String>) -> String {
    given.unwrap_or_else(|| format!("secstack-{}", uuid::Uuid::new_v4().simple()))
}

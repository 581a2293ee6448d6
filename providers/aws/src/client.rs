//! What every resource type works with: clients of the services, region and account, tags, and the memo of reads.

use std::future::Future;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_config::provider_config::ProviderConfig;
use aws_config::retry::{RetryConfig, RetryMode};
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::ProvideCredentials;
use aws_types::region::Region;
use secstack_base::schema::{Draft, Schema};
use secstack_base::{Diags, Str, Value};
use secstack_sdk::typed::Context;
use secstack_sdk::{Error, ErrorKind, Id, Result};

use crate::cache::Cache;
use crate::config::Config;
use crate::error::Answer;
use crate::retry::OneCreation;
use crate::tags::TagRules;
use crate::{credentials, http, partition};

/// The longest time to get a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// The longest silence of an endpoint.
const READ: Duration = Duration::from_secs(30);
/// The longest time for a call with all its repetitions.
const OPERATION: Duration = Duration::from_secs(90);
/// How often a call is made at most, unless the configuration says more.
const ATTEMPTS: u32 = 5;

/// A configured provider: one account in one region.
pub struct Aws {
    sdk: SdkConfig,
    config: Arc<Config>,
    pub(crate) tags: TagRules,
    region: String,
    identity: Arc<tokio::sync::OnceCell<Identity>>,
    cache: Cache,
    changed: AtomicBool,
    unlisted: AtomicBool,
    clients: Clients,
}

/// Who calls.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The account.
    pub account: String,
    /// The user or role.
    pub arn: String,
    /// The unique ID of the user or role.
    pub user_id: String,
}

/// Opens the client of a service when it is first used.
macro_rules! clients {
    ($($(#[$doc:meta])* $name:ident: $krate:ident $names:expr;)*) => {
        #[derive(Default)]
        struct Clients {
            $($name: OnceLock<$krate::Client>,)*
            s3: OnceLock<aws_sdk_s3::Client>,
        }

        impl Aws {
            $($(#[$doc])*
            pub fn $name(&self) -> &$krate::Client {
                self.clients.$name.get_or_init(|| {
                    let mut builder = $krate::config::Builder::from(&self.sdk).interceptor(OneCreation);
                    if let Some(url) = self.config.endpoint($names) {
                        builder = builder.endpoint_url(url);
                    }
                    $krate::Client::from_conf(builder.build())
                })
            })*
        }
    };
}

clients! {
    /// The client of EC2.
    ec2: aws_sdk_ec2 &["ec2"];
    /// The client of EKS.
    eks: aws_sdk_eks &["eks"];
    /// The client of IAM.
    iam: aws_sdk_iam &["iam"];
    /// The client of KMS.
    kms: aws_sdk_kms &["kms"];
    /// The client of CloudWatch Logs.
    logs: aws_sdk_cloudwatchlogs &["logs", "cloudwatchlogs", "cloudwatchlog"];
    /// The client of the service that gives tokens.
    sts: aws_sdk_sts &["sts"];
}

impl Aws {
    /// Finds region and credentials.
    ///
    /// # Errors
    /// When there is no region or are no credentials, or an argument is wrong.
    pub async fn open(config: Config) -> Result<Self> {
        let (http, way) = http::client(&config)?;
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http.clone())
            .timeout_config(timeouts())
            .retry_config(retries(&config)?)
            .identity_cache(aws_config::identity::IdentityCache::lazy().build())
            .no_credentials();
        if let Some(region) = given(&config.region) {
            loader = loader.region(Region::new(region));
        }
        if let Some(profile) = given(&config.profile) {
            loader = loader.profile_name(profile);
        }
        if let Some(files) = credentials::profile_files(&config) {
            loader = loader.profile_files(files);
        }
        if let Some(on) = config.use_fips_endpoint {
            loader = loader.use_fips(on);
        }
        if let Some(on) = config.use_dualstack_endpoint {
            loader = loader.use_dual_stack(on);
        }
        let sdk = loader.load().await;
        let region = sdk.region().map(|r| r.as_ref().to_string()).unwrap_or_default();
        check_region(&region, &config)?;
        let at = ProviderConfig::without_region().with_http_client(http).with_region(sdk.region().cloned());
        let source = credentials::Source { config: &config, sdk: &sdk, way: &way };
        let credentials = source.with_roles(source.base(&at)?)?;
        credentials.provide_credentials().await.map_err(no_credentials)?;
        let aws = Self {
            sdk: sdk.into_builder().credentials_provider(credentials).build(),
            tags: config.tag_rules(),
            config: Arc::new(config),
            region,
            identity: Arc::default(),
            cache: Cache::default(),
            changed: AtomicBool::new(false),
            unlisted: AtomicBool::new(false),
            clients: Clients::default(),
        };
        aws.check_account().await?;
        Ok(aws)
    }

    /// The same account in another region, with clients and a memo of its own.
    pub fn at(&self, region: &str) -> Self {
        Self {
            sdk: self.sdk.clone().into_builder().region(Region::new(region.to_string())).build(),
            tags: self.tags.clone(),
            config: self.config.clone(),
            region: region.to_string(),
            identity: self.identity.clone(),
            cache: Cache::default(),
            changed: AtomicBool::new(!self.is_fresh()),
            unlisted: AtomicBool::new(false),
            clients: Clients::default(),
        }
    }

    /// The region, such as `eu-west-1`.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The partition, such as `aws` or `aws-cn`.
    pub fn partition(&self) -> &'static str {
        partition::of(&self.region).name
    }

    /// The end of the partition's host names, such as `amazonaws.com`.
    pub fn dns_suffix(&self) -> &'static str {
        partition::of(&self.region).dns_suffix
    }

    /// The account. Empty when the provider block says not to ask for it.
    ///
    /// # Errors
    /// When the service refuses to tell.
    pub async fn account_id(&self) -> Result<&str> {
        if self.config.skip_requesting_account_id == Some(true) {
            return Ok("");
        }
        Ok(&self.identity().await?.account)
    }

    /// Who calls. Asked once.
    ///
    /// # Errors
    /// When the service refuses to tell.
    pub async fn identity(&self) -> Result<&Identity> {
        let ask = || async {
            let who = self.sts().get_caller_identity().send().await.api()?;
            let text = |t: Option<String>| t.unwrap_or_default();
            Ok(Identity { account: text(who.account), arn: text(who.arn), user_id: text(who.user_id) })
        };
        self.identity.get_or_try_init(ask).await
    }

    /// The credentials that calls are signed with.
    ///
    /// # Errors
    /// When there are none.
    pub async fn credentials(&self) -> Result<aws_credential_types::Credentials> {
        let none = || Error::new(ErrorKind::Denied, credentials::NONE_FOUND);
        self.sdk.credentials_provider().ok_or_else(none)?.provide_credentials().await.map_err(no_credentials)
    }

    /// What the provider block says about tags.
    pub fn tag_rules(&self) -> &TagRules {
        &self.tags
    }

    /// The client of S3, which names the bucket in the path where it cannot stand in the host.
    pub fn s3(&self) -> &aws_sdk_s3::Client {
        self.clients.s3.get_or_init(|| {
            let mut builder = aws_sdk_s3::config::Builder::from(&self.sdk).interceptor(OneCreation);
            let env = std::env::var("AWS_ENDPOINT_URL_S3").or_else(|_| std::env::var("AWS_ENDPOINT_URL")).ok();
            let own = self.config.endpoint(&["s3", "s3api"]).map(str::to_string);
            let url = own.clone().or(env).or_else(|| self.sdk.endpoint_url().map(str::to_string));
            if let Some(url) = own {
                builder = builder.endpoint_url(url);
            }
            let path_style = self.config.s3_use_path_style == Some(true) || url.is_some_and(|u| is_loopback(&u));
            aws_sdk_s3::Client::from_conf(builder.force_path_style(path_style).build())
        })
    }

    /// The answer to a read call under `key`, which names the call and all its arguments. The call is made at most
    /// once between two changes, however many ask.
    ///
    /// # Errors
    /// Those of `read`, which are not kept.
    pub async fn cached<T, F>(&self, key: impl Into<String>, read: F) -> Result<Arc<T>>
    where
        T: Send + Sync + 'static,
        F: Future<Output = Result<T>>,
    {
        self.cache.get(key.into(), read).await
    }

    /// Forgets the answers of read calls.
    pub fn forget(&self) {
        self.cache.clear();
    }

    /// Forgets the answers of read calls, since something changed.
    pub fn change(&self) {
        self.changed.store(true, Ordering::Relaxed);
        self.forget();
    }

    /// Whether nothing was changed yet. Objects of the state are expected to be there then, and many are read
    /// together; afterwards it is single ones, which may just have come or gone.
    pub fn is_fresh(&self) -> bool {
        !self.changed.load(Ordering::Relaxed)
    }

    /// Whether many objects may be read by listings: as long as nothing was changed and no listing was refused.
    pub fn may_list(&self) -> bool {
        self.is_fresh() && !self.unlisted.load(Ordering::Relaxed)
    }

    /// Notes that a listing was refused.
    pub fn never_list(&self) {
        self.unlisted.store(true, Ordering::Relaxed);
    }

    async fn check_account(&self) -> Result<()> {
        let (allowed, forbidden) = (&self.config.allowed_account_ids, &self.config.forbidden_account_ids);
        if allowed.is_empty() && forbidden.is_empty() {
            return Ok(());
        }
        let account = &self.identity().await?.account;
        if forbidden.contains(account) || !allowed.is_empty() && !allowed.contains(account) {
            return Err(Error::new(ErrorKind::Denied, format!("AWS account ID not allowed: {account}")));
        }
        Ok(())
    }
}

impl Context for Aws {
    fn plan(cx: Option<&Self>, schema: &Schema, draft: &mut Draft) -> Diags {
        if schema.block.attribute("tags_all").is_some() {
            TagRules::plan(cx.map(|cx| &cx.tags), draft, schema.legacy);
        }
        Diags::new()
    }

    fn found(&self, schema: &Schema, prior: Option<&Value>, object: Value) -> Value {
        match schema.block.attribute("tags_all") {
            Some(_) => self.tags.found(prior, object, schema.legacy),
            None => object,
        }
    }

    async fn settle(&self, objects: &[(Str, Id)]) -> Result<()> {
        crate::made::settle(self, objects).await
    }
}

fn given(text: &Option<String>) -> Option<String> {
    text.clone().filter(|t| !t.is_empty())
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT).read_timeout(READ).operation_timeout(OPERATION).build()
}

fn retries(config: &Config) -> Result<RetryConfig> {
    let env = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    let attempts = match config.max_retries {
        Some(n) => u32::try_from(n).ok(),
        None => env("AWS_MAX_ATTEMPTS").and_then(|n| n.parse().ok()),
    };
    let mode = match given(&config.retry_mode).or_else(|| env("AWS_RETRY_MODE")).as_deref() {
        None | Some("standard" | "legacy") => RetryMode::Standard,
        Some("adaptive") => RetryMode::Adaptive,
        Some(other) => {
            let text = format!("\"retry_mode\" is {other:?}; it must be \"standard\" or \"adaptive\"");
            return Err(Error::new(ErrorKind::Invalid, text));
        }
    };
    let attempts = attempts.unwrap_or(ATTEMPTS).max(1);
    Ok(RetryConfig::standard().with_retry_mode(mode).with_max_attempts(attempts).with_max_backoff(Duration::from_secs(20)))
}

fn check_region(region: &str, config: &Config) -> Result<()> {
    if region.is_empty() {
        let text = "Missing region: set the argument \"region\", AWS_REGION or AWS_DEFAULT_REGION, or a region in the profile";
        return Err(Error::new(ErrorKind::Invalid, text));
    }
    if config.skip_region_validation == Some(true) || partition::is_region(region) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Invalid, format!("invalid AWS Region: {region}")))
}

fn no_credentials(e: aws_credential_types::provider::error::CredentialsError) -> Error {
    let text = aws_smithy_types::error::display::DisplayErrorContext(&e).to_string();
    let cause = std::error::Error::source(&e).map_or_else(|| text.clone(), ToString::to_string);
    if matches!(e, aws_credential_types::provider::error::CredentialsError::CredentialsNotLoaded(_)) {
        return Error::new(ErrorKind::Denied, credentials::NONE_FOUND);
    }
    Error::new(ErrorKind::Denied, format!("The credentials cannot be used: {cause}"))
}

/// Whether a URL's host is an IP address of this machine, where bucket names cannot be host names.
pub(crate) fn is_loopback(url: &str) -> bool {
    let host = url.split("://").nth(1).unwrap_or(url).split('/').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

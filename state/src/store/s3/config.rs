//! The arguments of `backend "s3"`: Terraform's, with Terraform's names, defaults and environment variables.

use std::collections::BTreeMap;
use std::time::Duration;

use secstack_base::Value;

use super::super::Problem;
use super::arguments::{Reader, env};

/// How long a lock is good for without being renewed, unless `SECSTACK_LOCK_LEASE` says otherwise.
const LEASE: Duration = Duration::from_secs(30);
/// A shorter lease would run out while a request is repeated.
const SHORTEST_LEASE: u64 = 3;

/// Where states are in S3, and how to get there.
#[derive(Clone, Debug, Default)]
pub(super) struct Config {
    pub bucket: String,
    pub key: String,
    pub workspace_key_prefix: String,
    pub sealing: Sealing,
    pub acl: Option<String>,
    pub lease: Duration,
    pub login: Login,
    pub path_style: bool,
    pub s3_endpoint: Option<String>,
    pub skip_checksum: bool,
}

/// How objects are encrypted by S3.
#[derive(Clone, Debug, Default)]
pub(super) enum Sealing {
    /// As the bucket says.
    #[default]
    Bucket,
    /// With a key of S3.
    S3,
    /// With a key of KMS.
    Kms(String),
    /// With a key that we hold, as base64.
    Customer(String),
}

/// Who calls AWS, and how.
#[derive(Clone, Debug, Default)]
pub(super) struct Login {
    pub region: Option<String>,
    pub access_key: Option<String>,
    pub secret_key: Option<String>,
    pub token: Option<String>,
    pub profile: Option<String>,
    pub shared_config_files: Vec<String>,
    pub shared_credentials_files: Vec<String>,
    pub skip_region_validation: bool,
    pub skip_metadata: bool,
    pub metadata_endpoint: Option<String>,
    pub metadata_mode: Option<String>,
    pub allowed_accounts: Vec<String>,
    pub forbidden_accounts: Vec<String>,
    pub sts_endpoint: Option<String>,
    pub sts_region: Option<String>,
    pub dual_stack: Option<bool>,
    pub fips: Option<bool>,
    pub max_retries: Option<u32>,
    pub adaptive: bool,
    pub ca_bundle: Option<String>,
    pub http_proxy: Option<String>,
    pub https_proxy: Option<String>,
    pub no_proxy: Option<String>,
    pub role: Option<Role>,
    pub token_role: Option<TokenRole>,
}

/// A role that is assumed.
#[derive(Clone, Debug, Default)]
pub(super) struct Role {
    pub arn: String,
    pub duration: Option<Duration>,
    pub external_id: Option<String>,
    pub policy: Option<String>,
    pub policy_arns: Vec<String>,
    pub session_name: Option<String>,
    pub source_identity: Option<String>,
    pub tags: BTreeMap<String, String>,
    pub transitive_tag_keys: Vec<String>,
}

/// A role that is assumed with a token of an identity provider.
#[derive(Clone, Debug, Default)]
pub(super) struct TokenRole {
    pub arn: Option<String>,
    pub duration: Option<Duration>,
    pub policy: Option<String>,
    pub policy_arns: Vec<String>,
    pub session_name: Option<String>,
    pub token: Option<String>,
    pub token_file: Option<String>,
}

/// All that `backend "s3"` takes.
pub(crate) const ARGUMENTS: [&str; 45] = [
    "access_key",
    "acl",
    "allowed_account_ids",
    "assume_role",
    "assume_role_with_web_identity",
    "bucket",
    "custom_ca_bundle",
    "dynamodb_endpoint",
    "dynamodb_table",
    "ec2_metadata_service_endpoint",
    "ec2_metadata_service_endpoint_mode",
    "encrypt",
    "endpoint",
    "endpoints",
    "forbidden_account_ids",
    "force_path_style",
    "http_proxy",
    "https_proxy",
    "iam_endpoint",
    "insecure",
    "key",
    "kms_key_id",
    "max_retries",
    "no_proxy",
    "profile",
    "region",
    "retry_mode",
    "secret_key",
    "shared_config_files",
    "shared_credentials_file",
    "shared_credentials_files",
    "skip_credentials_validation",
    "skip_metadata_api_check",
    "skip_region_validation",
    "skip_requesting_account_id",
    "skip_s3_checksum",
    "sse_customer_key",
    "sts_endpoint",
    "sts_region",
    "token",
    "use_dualstack_endpoint",
    "use_fips_endpoint",
    "use_lockfile",
    "use_path_style",
    "workspace_key_prefix",
];

impl Config {
    /// Reads the arguments. Those that are null count as left out.
    pub(super) fn read(value: &Value) -> Result<Self, Vec<Problem>> {
        let mut r = Reader { value, within: "", problems: Vec::new() };
        r.only(&ARGUMENTS);
        let config = Config {
            bucket: r.required("bucket", "The name of the bucket that keeps the state."),
            key: r.required("key", "The path of the state inside the bucket."),
            workspace_key_prefix: r.text("workspace_key_prefix").unwrap_or_else(|| "env:".into()),
            sealing: sealing(&mut r),
            acl: r.text("acl"),
            lease: lease(&mut r),
            path_style: [r.switch("use_path_style"), r.switch("force_path_style")].contains(&Some(true)),
            s3_endpoint: r.endpoint("s3").or_else(|| r.text("endpoint")).or_else(|| env("AWS_S3_ENDPOINT")),
            skip_checksum: r.switch("skip_s3_checksum") == Some(true),
            login: login(&mut r),
        };
        check(&config, &mut r);
        if r.problems.is_empty() { Ok(config) } else { Err(r.problems) }
    }

    /// Where the state of a workspace is.
    pub(super) fn key_of(&self, workspace: &str) -> String {
        match (workspace, self.workspace_key_prefix.as_str()) {
            ("default", _) => self.key.clone(),
            (name, "") => format!("{name}/{}", self.key),
            (name, prefix) => format!("{prefix}/{name}/{}", self.key),
        }
    }

    /// The workspace whose state is at a key, if it is not the default one.
    pub(super) fn workspace_at<'a>(&self, key: &'a str) -> Option<&'a str> {
        let rest = match self.workspace_key_prefix.as_str() {
            "" => key,
            prefix => key.strip_prefix(prefix)?.strip_prefix('/')?,
        };
        let (name, key) = rest.split_once('/')?;
        (key == self.key && !name.is_empty()).then_some(name)
    }
}

fn sealing(r: &mut Reader<'_>) -> Sealing {
    let (kms, customer) = (r.text("kms_key_id"), r.text("sse_customer_key").or_else(|| env("AWS_SSE_CUSTOMER_KEY")));
    if kms.is_some() && customer.is_some() {
        r.wrong("kms_key_id", "Only one of \"kms_key_id\" and \"sse_customer_key\" can be set.");
    }
    if customer.as_ref().is_some_and(|k| !aws_smithy_types::base64::decode(k).is_ok_and(|k| k.len() == 32)) {
        r.wrong("sse_customer_key", "It must be 32 bytes in base64, which takes 44 characters.");
    }
    match (r.switch("encrypt"), kms, customer) {
        (Some(true), Some(kms), _) => Sealing::Kms(kms),
        (Some(true), None, Some(key)) => Sealing::Customer(key),
        (Some(true), None, None) => Sealing::S3,
        (_, _, _) => Sealing::Bucket,
    }
}

fn lease(r: &mut Reader<'_>) -> Duration {
    let Some(text) = env("SECSTACK_LOCK_LEASE") else { return LEASE };
    match text.parse::<u64>() {
        Ok(seconds) if seconds >= SHORTEST_LEASE => Duration::from_secs(seconds),
        _ => {
            let text = format!(
                "The environment variable SECSTACK_LOCK_LEASE is {text:?}. It must be a number of seconds, at least {SHORTEST_LEASE}."
            );
            r.problems.push(Problem { argument: None, text });
            LEASE
        }
    }
}

fn login(r: &mut Reader<'_>) -> Login {
    let mut credentials_files = r.texts("shared_credentials_files");
    credentials_files.extend(r.text("shared_credentials_file"));
    Login {
        region: r.text("region").or_else(|| env("AWS_REGION")).or_else(|| env("AWS_DEFAULT_REGION")),
        access_key: r.text("access_key"),
        secret_key: r.text("secret_key"),
        token: r.text("token"),
        profile: r.text("profile"),
        shared_config_files: r.texts("shared_config_files"),
        shared_credentials_files: credentials_files,
        skip_region_validation: r.switch("skip_region_validation") == Some(true),
        skip_metadata: r.switch("skip_metadata_api_check") == Some(true),
        metadata_endpoint: r.text("ec2_metadata_service_endpoint"),
        metadata_mode: r.text("ec2_metadata_service_endpoint_mode"),
        allowed_accounts: r.texts("allowed_account_ids"),
        forbidden_accounts: r.texts("forbidden_account_ids"),
        sts_endpoint: r.endpoint("sts").or_else(|| r.text("sts_endpoint")).or_else(|| env("AWS_STS_ENDPOINT")),
        sts_region: r.text("sts_region"),
        dual_stack: r.switch("use_dualstack_endpoint"),
        fips: r.switch("use_fips_endpoint"),
        max_retries: r.number("max_retries"),
        adaptive: retry_mode(r),
        ca_bundle: r.text("custom_ca_bundle"),
        http_proxy: r.text("http_proxy"),
        https_proxy: r.text("https_proxy"),
        no_proxy: r.text("no_proxy"),
        role: role(r),
        token_role: token_role(r),
    }
}

fn retry_mode(r: &mut Reader<'_>) -> bool {
    match r.text("retry_mode").or_else(|| env("AWS_RETRY_MODE")).as_deref() {
        None | Some("standard" | "legacy") => false,
        Some("adaptive") => true,
        Some(_) => {
            r.wrong("retry_mode", "It must be \"standard\" or \"adaptive\".");
            false
        }
    }
}

fn role(r: &mut Reader<'_>) -> Option<Role> {
    let value = r.given("assume_role")?;
    let mut inner = Reader { value: &value, within: "assume_role.", problems: Vec::new() };
    inner.only(&[
        "role_arn",
        "duration",
        "external_id",
        "policy",
        "policy_arns",
        "session_name",
        "source_identity",
        "tags",
        "transitive_tag_keys",
    ]);
    let role = Role {
        arn: inner.required("role_arn", "The role to assume."),
        duration: inner.duration("duration"),
        external_id: inner.text("external_id"),
        policy: inner.text("policy"),
        policy_arns: inner.texts("policy_arns"),
        session_name: inner.text("session_name"),
        source_identity: inner.text("source_identity"),
        tags: inner.map("tags"),
        transitive_tag_keys: inner.texts("transitive_tag_keys"),
    };
    r.problems.extend(inner.problems);
    Some(role)
}

fn token_role(r: &mut Reader<'_>) -> Option<TokenRole> {
    let value = r.given("assume_role_with_web_identity")?;
    let mut inner = Reader { value: &value, within: "assume_role_with_web_identity.", problems: Vec::new() };
    inner.only(&["role_arn", "duration", "policy", "policy_arns", "session_name", "web_identity_token", "web_identity_token_file"]);
    let role = TokenRole {
        arn: inner.text("role_arn"),
        duration: inner.duration("duration"),
        policy: inner.text("policy"),
        policy_arns: inner.texts("policy_arns"),
        session_name: inner.text("session_name"),
        token: inner.text("web_identity_token"),
        token_file: inner.text("web_identity_token_file"),
    };
    r.problems.extend(inner.problems);
    Some(role)
}

fn check(config: &Config, r: &mut Reader<'_>) {
    if config.key.starts_with('/') || config.key.ends_with('/') {
        r.wrong("key", "It must not start or end with \"/\".");
    }
    if config.workspace_key_prefix.starts_with('/') || config.workspace_key_prefix.ends_with('/') {
        r.wrong("workspace_key_prefix", "It must not start or end with \"/\".");
    }
    if r.text("dynamodb_table").is_some() {
        let text = "Locks in DynamoDB are not supported: Terraform has deprecated them in favour of a lock beside the state in S3. \
                    Remove \"dynamodb_table\" and set use_lockfile = true, so that Terraform and secstack exclude each other.";
        r.wrong("dynamodb_table", text);
    }
    if r.switch("insecure") == Some(true) {
        r.wrong("insecure", "Certificates are always checked. Name the certificate of the authority in \"custom_ca_bundle\" instead.");
    }
    match (&config.login.access_key, &config.login.secret_key) {
        (Some(_), None) => r.wrong("access_key", "It is set without \"secret_key\"."),
        (None, Some(_)) => r.wrong("secret_key", "It is set without \"access_key\"."),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use secstack_base::Str;

    use super::*;

    fn config(more: &[(&str, Value)]) -> Result<Config, String> {
        let given = [("bucket", Value::string("b")), ("key", Value::string("k/state"))].into_iter().chain(more.iter().cloned());
        let given: BTreeMap<Str, Value> = given.map(|(k, v)| (k.into(), v)).collect();
        Config::read(&Value::object(given)).map_err(|p| p.into_iter().map(|p| p.text).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn states_are_where_terraform_has_them() {
        for (prefix, workspace, key) in
            [(None, "default", "k/state"), (None, "dev", "env:/dev/k/state"), (Some("a/b"), "dev", "a/b/dev/k/state")]
        {
            let more: Vec<_> = prefix.map(|p| ("workspace_key_prefix", Value::string(p))).into_iter().collect();
            let config = config(&more).unwrap();
            assert_eq!(config.key_of(workspace), key);
            assert_eq!(config.workspace_at(key).unwrap_or("default"), workspace);
        }
        assert_eq!(config(&[]).unwrap().workspace_at("env:/dev/k/state.tflock"), None);
        assert_eq!(config(&[]).unwrap().workspace_at("other:/dev/k/state"), None);
    }

    #[test]
    fn mistakes_are_named() {
        let role = |name: &str, value: &str| Value::object([(name, Value::string(value))]);
        for (name, value, want) in [
            ("bukket", Value::string("x"), "Did you mean \"bucket\"?"),
            ("key", Value::string("/x"), "must not start or end"),
            ("dynamodb_table", Value::string("t"), "use_lockfile = true"),
            ("encrypt", Value::string("maybe"), "\"encrypt\":"),
            ("access_key", Value::string("a"), "without \"secret_key\""),
            ("assume_role", role("arn", "x"), "\"assume_role.arn\": The backend"),
            ("assume_role", role("external_id", "x"), "\"assume_role.role_arn\": This argument is required"),
            ("assume_role", Value::object([("role_arn", Value::string("r")), ("duration", Value::string("1d"))]), "is not a duration"),
            ("endpoints", role("s4", "x"), "\"endpoints.s4\""),
            ("sse_customer_key", Value::string("c2hvcnQ="), "32 bytes"),
            ("retry_mode", Value::string("never"), "\"standard\" or \"adaptive\""),
        ] {
            let e = config(&[(name, value)]).map(|_| ()).unwrap_err();
            assert!(e.contains(want), "{e}");
        }
    }

    #[test]
    fn objects_are_encrypted_when_it_is_asked_for() {
        let kms = ("kms_key_id", Value::string("alias/a"));
        assert!(matches!(config(std::slice::from_ref(&kms)).unwrap().sealing, Sealing::Bucket));
        assert!(matches!(config(&[("encrypt", true.into()), kms]).unwrap().sealing, Sealing::Kms(_)));
        assert!(matches!(config(&[("encrypt", Value::string("true"))]).unwrap().sealing, Sealing::S3));
    }
}

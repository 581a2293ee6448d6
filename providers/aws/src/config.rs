//! The provider block: region, credentials, tags, endpoints.

use std::collections::{BTreeMap, BTreeSet};

use secstack_base::convert::ConvertError;
use secstack_base::schema::{Attribute, Block as SchemaBlock, Presence};
use secstack_base::{Type, Value};
use secstack_sdk::check;
use secstack_sdk::typed::{Block, BlockType, FromValue, IntoValue, Schema, Tags};

use crate::credentials;
use crate::tags::TagRules;

/// How to reach AWS, and what every object gets.
#[derive(Clone, Debug, Default, Schema)]
#[data("aws")]
pub struct Config {
    /// The access key. Also `AWS_ACCESS_KEY_ID`, or a profile.
    pub access_key: Option<String>,
    /// The only accounts that may be worked on.
    pub allowed_account_ids: BTreeSet<String>,
    /// A file with certificates of authorities to trust besides the system's. Also `AWS_CA_BUNDLE`.
    pub custom_ca_bundle: Option<String>,
    /// The address of the instance metadata service. Also `AWS_EC2_METADATA_SERVICE_ENDPOINT`.
    pub ec2_metadata_service_endpoint: Option<String>,
    /// The protocol of the instance metadata service: `IPv4` or `IPv6`.
    pub ec2_metadata_service_endpoint_mode: Option<String>,
    /// Accounts that must not be worked on.
    pub forbidden_account_ids: BTreeSet<String>,
    /// The proxy for plain requests. Also `HTTP_PROXY`.
    pub http_proxy: Option<String>,
    /// The proxy for encrypted requests. Also `HTTPS_PROXY`.
    pub https_proxy: Option<String>,
    /// Whether certificates of endpoints go unchecked.
    pub insecure: Option<bool>,
    /// How often a call is made at most.
    pub max_retries: Option<i64>,
    /// Hosts that need no proxy, separated by commas. Also `NO_PROXY`.
    pub no_proxy: Option<String>,
    /// The profile in the shared configuration and credentials files. Also `AWS_PROFILE`.
    pub profile: Option<String>,
    /// The region. Also `AWS_REGION`, `AWS_DEFAULT_REGION`, or a profile.
    pub region: Option<String>,
    /// How calls are repeated: `standard` or `adaptive`.
    pub retry_mode: Option<String>,
    /// Whether S3 in us-east-1 is called at its `legacy` global or its `regional` endpoint.
    pub s3_us_east_1_regional_endpoint: Option<String>,
    /// Whether the name of a bucket stands in the path and not in the host of a URL.
    pub s3_use_path_style: Option<bool>,
    /// The secret key. Also `AWS_SECRET_ACCESS_KEY`, or a profile.
    pub secret_key: Option<String>,
    /// Shared configuration files, instead of `~/.aws/config`.
    pub shared_config_files: Vec<String>,
    /// Shared credentials files, instead of `~/.aws/credentials`.
    pub shared_credentials_files: Vec<String>,
    /// Accepted for compatibility: credentials are checked by their first use.
    pub skip_credentials_validation: Option<bool>,
    /// Whether the instance metadata service is not asked for credentials: `true` or `false`.
    pub skip_metadata_api_check: Option<String>,
    /// Whether any region name is accepted.
    pub skip_region_validation: Option<bool>,
    /// Whether the account is not asked for.
    pub skip_requesting_account_id: Option<bool>,
    /// The region of the service that gives tokens.
    pub sts_region: Option<String>,
    /// The session token of temporary credentials. Also `AWS_SESSION_TOKEN`.
    pub token: Option<String>,
    /// The capacity of the bucket of tokens that limits repeated calls.
    pub token_bucket_rate_limiter_capacity: Option<i64>,
    /// Whether dual-stack endpoints are called. Also `AWS_USE_DUALSTACK_ENDPOINT`.
    pub use_dualstack_endpoint: Option<bool>,
    /// Whether FIPS endpoints are called. Also `AWS_USE_FIPS_ENDPOINT`.
    pub use_fips_endpoint: Option<bool>,
    /// Roles to assume, each with the credentials of the one before.
    #[attr(block = list)]
    pub assume_role: Vec<AssumeRole>,
    /// A role to assume with a token of an identity provider.
    #[attr(block = list)]
    pub assume_role_with_web_identity: Vec<WebIdentity>,
    /// Tags that every object gets.
    #[attr(block = list)]
    pub default_tags: Vec<DefaultTags>,
    /// Addresses of services, instead of those of AWS.
    #[attr(block = set)]
    pub endpoints: Vec<Endpoints>,
    /// Tags that are overlooked.
    #[attr(block = list)]
    pub ignore_tags: Vec<IgnoreTags>,
}

/// A role to assume.
#[derive(Clone, Debug, Default, Block)]
pub struct AssumeRole {
    /// How long the session lasts, such as `1h`.
    #[attr(check = session_length)]
    pub duration: Option<String>,
    /// What the role's trust policy asks for.
    #[attr(check = check::length(2, 1224))]
    pub external_id: Option<String>,
    /// A policy that limits the session.
    #[attr(check = check::json)]
    pub policy: Option<String>,
    /// Managed policies that limit the session.
    #[attr(check = check::each(check::arn))]
    pub policy_arns: BTreeSet<String>,
    /// The role.
    #[attr(check = check::arn)]
    pub role_arn: Option<String>,
    /// The session's name.
    #[attr(check = check::length(2, 64))]
    pub session_name: Option<String>,
    /// Who stands behind the session.
    #[attr(check = check::length(2, 64))]
    pub source_identity: Option<String>,
    /// Tags of the session.
    pub tags: Tags,
    /// Keys of tags that go on to further roles.
    pub transitive_tag_keys: BTreeSet<String>,
}

/// A role to assume with a token of an identity provider.
#[derive(Clone, Debug, Default, Block)]
pub struct WebIdentity {
    /// How long the session lasts, such as `1h`.
    #[attr(check = session_length)]
    pub duration: Option<String>,
    /// A policy that limits the session.
    #[attr(check = check::json)]
    pub policy: Option<String>,
    /// Managed policies that limit the session.
    #[attr(check = check::each(check::arn))]
    pub policy_arns: BTreeSet<String>,
    /// The role.
    #[attr(check = check::arn)]
    pub role_arn: Option<String>,
    /// The session's name.
    #[attr(check = check::length(2, 64))]
    pub session_name: Option<String>,
    /// The token.
    pub web_identity_token: Option<String>,
    /// The file that holds the token.
    pub web_identity_token_file: Option<String>,
}

/// Tags that every object gets.
#[derive(Clone, Debug, Default, Block)]
pub struct DefaultTags {
    /// The tags.
    pub tags: Tags,
}

/// Tags that are overlooked.
#[derive(Clone, Debug, Default, Block)]
pub struct IgnoreTags {
    /// Beginnings of their keys.
    pub key_prefixes: BTreeSet<String>,
    /// Their keys.
    pub keys: BTreeSet<String>,
}

/// Addresses of services by the service's name.
#[derive(Clone, Debug, Default)]
pub struct Endpoints(pub BTreeMap<String, String>);

/// How long the session of a role may last.
fn session_length(v: &Value) -> check::Checked {
    let Some(text) = v.as_str() else { return Ok(()) };
    match credentials::duration(Some(text)) {
        Ok(Some(d)) if (15 * 60..=12 * 60 * 60).contains(&d.as_secs()) => Ok(()),
        Ok(_) => Err("duration \"{key}\" must be between 15 minutes (15m) and 12 hours (12h), inclusive".into()),
        Err(_) => Err(format!("\"{{key}}\" cannot be parsed as a duration: time: invalid duration {text:?}")),
    }
}

impl Config {
    /// The address of a service under any of its names.
    pub fn endpoint(&self, names: &[&str]) -> Option<&str> {
        let mut found = self.endpoints.iter().flat_map(|e| names.iter().filter_map(|n| e.0.get(*n)));
        found.find(|url| !url.is_empty()).map(String::as_str)
    }

    /// What the block and the environment say about tags.
    pub fn tag_rules(&self) -> TagRules {
        let mut rules = TagRules::default();
        let words = |name: &str| {
            let text = std::env::var(name).unwrap_or_default();
            text.split(',').map(|s| s.trim().to_string()).filter(|s| !s.is_empty()).collect::<BTreeSet<_>>()
        };
        rules.ignore_keys = words("TF_AWS_IGNORE_TAGS_KEYS");
        rules.ignore_prefixes = words("TF_AWS_IGNORE_TAGS_KEY_PREFIXES");
        let env = std::env::vars().filter_map(|(k, v)| Some((k.strip_prefix("TF_AWS_DEFAULT_TAGS_")?.to_string(), v)));
        rules.default = env.collect();
        self.default_tags.iter().for_each(|b| rules.default.extend(b.tags.clone()));
        for b in &self.ignore_tags {
            rules.ignore_keys.extend(b.keys.iter().cloned());
            rules.ignore_prefixes.extend(b.key_prefixes.iter().cloned());
        }
        rules
    }
}

impl BlockType for Endpoints {
    fn block() -> SchemaBlock {
        let attribute = |name| {
            let mut a = Attribute::new(name, Type::String, Presence::Optional);
            a.description = "The service's address, instead of that of AWS.".into();
            a
        };
        let attributes = SERVICES.split_whitespace().map(attribute).collect();
        let description = "Addresses of services, instead of those of AWS.".into();
        SchemaBlock { attributes, description, ..SchemaBlock::default() }.sorted()
    }
}

impl FromValue for Endpoints {
    fn ty() -> Type {
        Self::block().ty()
    }

    fn from_value(v: &Value) -> Result<Self, ConvertError> {
        let given = v.as_map().into_iter().flatten().filter_map(|(k, v)| Some((k.to_string(), v.as_str()?.to_string())));
        Ok(Self(given.collect()))
    }
}

impl IntoValue for Endpoints {
    fn into_value(self) -> Value {
        let address = |n: &str| self.0.get(n).map_or_else(|| Value::null(Type::String), |url| Value::string(url));
        Value::object(SERVICES.split_whitespace().map(|n| (n, address(n))))
    }
}

/// What the block `endpoints` knows.
const SERVICES: &str = "\
    accessanalyzer account acm acmpca amg amp amplify apigateway apigatewayv2 appautoscaling appconfig appfabric \
    appflow appintegrations appintegrationsservice applicationautoscaling applicationinsights applicationsignals \
    appmesh appregistry apprunner appstream appsync athena auditmanager autoscaling autoscalingplans backup \
    batch bcmdataexports beanstalk bedrock bedrockagent billing budgets ce chatbot chime chimesdkmediapipelines \
    chimesdkvoice cleanrooms cloud9 cloudcontrol cloudcontrolapi cloudformation cloudfront \
    cloudfrontkeyvaluestore cloudhsm cloudhsmv2 cloudsearch cloudtrail cloudwatch cloudwatchevents \
    cloudwatchevidently cloudwatchlog cloudwatchlogs cloudwatchobservabilityaccessmanager cloudwatchrum \
    codeartifact codebuild codecatalyst codecommit codeconnections codedeploy codeguruprofiler codegurureviewer \
    codepipeline codestarconnections codestarnotifications cognitoidentity cognitoidentityprovider cognitoidp \
    comprehend computeoptimizer config configservice connect connectcases controltower costandusagereportservice \
    costexplorer costoptimizationhub cur customerprofiles databasemigration databasemigrationservice databrew \
    dataexchange datapipeline datasync datazone dax deploy detective devicefarm devopsguru directconnect \
    directoryservice dlm dms docdb docdbelastic drs ds dsql dynamodb ec2 ecr ecrpublic ecs efs eks elasticache \
    elasticbeanstalk elasticloadbalancing elasticloadbalancingv2 elasticsearch elasticsearchservice \
    elastictranscoder elb elbv2 emr emrcontainers emrserverless es eventbridge events evidently evs finspace \
    firehose fis fms fsx gamelift glacier globalaccelerator glue gluedatabrew grafana greengrass groundstation \
    guardduty healthlake iam identitystore imagebuilder inspector inspector2 inspectorv2 internetmonitor \
    invoicing iot iotanalytics iotevents ivs ivschat kafka kafkaconnect kendra keyspaces kinesis \
    kinesisanalytics kinesisanalyticsv2 kinesisvideo kms lakeformation lambda launchwizard lex lexmodelbuilding \
    lexmodelbuildingservice lexmodels lexmodelsv2 lexv2models licensemanager lightsail location locationservice \
    logs lookoutmetrics m2 macie2 managedgrafana mediaconnect mediaconvert medialive mediapackage mediapackagev2 \
    mediapackagevod mediastore memorydb mgn mq msk mwaa neptune neptunegraph networkfirewall networkmanager \
    networkmonitor notifications notificationscontacts oam opensearch opensearchingestion opensearchserverless \
    opensearchservice opsworks organizations osis outposts paymentcryptography pcaconnectorad pcs pinpoint \
    pinpointsmsvoicev2 pipes polly pricing prometheus prometheusservice qbusiness qldb quicksight ram rbin rds \
    recyclebin redshift redshiftdata redshiftdataapiservice redshiftserverless rekognition resiliencehub \
    resourceexplorer2 resourcegroups resourcegroupstagging resourcegroupstaggingapi rolesanywhere route53 \
    route53domains route53profiles route53recoverycontrolconfig route53recoveryreadiness route53resolver rum s3 \
    s3api s3control s3outposts s3tables sagemaker scheduler schemas sdb secretsmanager securityhub securitylake \
    serverlessapplicationrepository serverlessapprepo serverlessrepo servicecatalog servicecatalogappregistry \
    servicediscovery servicequotas ses sesv2 sfn shield signer simpledb sns sqs ssm ssmcontacts ssmincidents \
    ssmquicksetup ssmsap sso ssoadmin stepfunctions storagegateway sts swf synthetics taxsettings \
    timestreaminfluxdb timestreamquery timestreamwrite transcribe transcribeservice transfer verifiedpermissions \
    vpclattice waf wafregional wafv2 wellarchitected worklink workspaces workspacesweb xray";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_last_a_quarter_of_an_hour_to_half_a_day() {
        for (text, want) in [("15m", true), ("12h", true), ("14m59s", false), ("12h1s", false), ("an hour", false)] {
            assert_eq!(session_length(&Value::string(text)).is_ok(), want, "{text}");
        }
    }
}

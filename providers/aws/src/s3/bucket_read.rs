//! What the service says about a bucket: a dozen calls, made at the same time.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_s3::operation::get_bucket_website::GetBucketWebsiteOutput;
use aws_sdk_s3::types;
use secstack_sdk::{ErrorKind, Result};

use super::blocks::{
    CorsRule, Encryption, EncryptionRule, Grant, Logging, ObjectLock, ObjectLockRule, Retention, VersioningBlock, Website,
};
use super::bucket::Bucket;
use super::{encryption_of, lifecycle, replication, server_side_encryption, versioning_of};
use crate::error::{Answer, Missing};
use crate::{Aws, partition, policy};

/// A bucket. With a prior object, some of the settings that it does not have are not asked for: an ordinary plan has
/// nothing to do with them, unlike with access, encryption and versions.
///
/// # Errors
/// Of the kind `NotFound` when there is none.
pub async fn find(cx: &Aws, name: &str, prior: Option<&Bucket>) -> Result<Bucket> {
    let s3 = cx.s3();
    // Buckets of other regions do not answer here.
    let region = cx.region().to_string();
    macro_rules! ask {
        ($call:ident) => {
            async { absent(s3.$call().bucket(name).send().await.api()) }
        };
        ($call:ident, unless $lacks:expr) => {
            async { if prior.is_some_and($lacks) { Ok(None) } else { ask!($call).await } }
        };
    }
    let (policy, acl, cors, website, versioning, accelerate) = futures::join!(
        ask!(get_bucket_policy),
        ask!(get_bucket_acl),
        ask!(get_bucket_cors, unless | b | b.cors_rule.is_empty()),
        ask!(get_bucket_website, unless | b | b.website.is_none()),
        versioning_of(cx, name, None),
        ask!(get_bucket_accelerate_configuration, unless | b | b.acceleration_status.as_deref() == Some("")),
    );
    let (payment, logging, rules, replicas, encryption, lock, tags) = futures::join!(
        ask!(get_bucket_request_payment, unless owner_pays),
        ask!(get_bucket_logging, unless | b | b.logging.is_none()),
        ask!(get_bucket_lifecycle_configuration, unless | b | b.lifecycle_rule.is_empty()),
        ask!(get_bucket_replication, unless | b | b.replication_configuration.is_none()),
        encryption_of(cx, name, None),
        ask!(get_object_lock_configuration, unless | b | b.object_lock_enabled == Some(false) && b.object_lock_configuration.is_none()),
        ask!(get_bucket_tagging),
    );
    let suffix = partition::of(&region).dns_suffix;
    let payer = payment?.and_then(|p| p.payer).map(|p| p.as_str().into()).or_else(|| prior?.request_payer.clone());
    let versioning = versioning?;
    let website = website?;
    let lock = lock?.and_then(|l| l.object_lock_configuration);
    let locked = lock.as_ref().and_then(|l| l.object_lock_enabled.as_ref()).is_some_and(|e| e.as_str() == "Enabled");
    let domain = website.as_ref().map(|_| website_domain(&region, suffix));
    Ok(Bucket {
        acceleration_status: Some(accelerate?.and_then(|a| a.status).map(|s| s.as_str().into()).unwrap_or_default()),
        acl: None,
        arn: Some(format!("arn:{}:s3:::{name}", partition::of(&region).name)),
        bucket: Some(name.into()),
        bucket_domain_name: Some(format!("{name}.s3.{suffix}")),
        bucket_prefix: crate::iam::prefix_of(name),
        bucket_regional_domain_name: Some(format!("{name}.s3.{region}.{suffix}")),
        force_destroy: false,
        hosted_zone_id: Some(hosted_zone(&region).into()),
        object_lock_enabled: Some(locked),
        policy: Some(policy?.and_then(|p| p.policy).map(|p| policy::read(&p)).unwrap_or_default()),
        request_payer: Some(payer.unwrap_or_default()),
        tags: tags?.map(|t| t.tag_set.into_iter().map(|t| (t.key, t.value)).collect()).unwrap_or_default(),
        website_endpoint: domain.as_ref().map(|d| format!("{name}.{d}")),
        website_domain: domain,
        cors_rule: cors?.and_then(|c| c.cors_rules).unwrap_or_default().into_iter().map(cors_rule).collect(),
        grant: grants(acl?.and_then(|a| a.grants).unwrap_or_default()),
        lifecycle_rule: rules?.and_then(|r| r.rules).unwrap_or_default().iter().map(lifecycle::from_remote).collect(),
        logging: logging?
            .and_then(|l| l.logging_enabled)
            .map(|l| Logging { target_bucket: l.target_bucket, target_prefix: Some(l.target_prefix) }),
        object_lock_configuration: lock.as_ref().map(object_lock),
        replication_configuration: replicas?.and_then(|r| r.replication_configuration).map(replication::from_remote),
        server_side_encryption_configuration: encryption.or_missing()?.and_then(|e| e.as_ref().as_ref().map(encryption_block)),
        versioning: Some(VersioningBlock { enabled: versioning.status == "Enabled", mfa_delete: versioning.mfa_delete == "Enabled" }),
        website: website.map(website_block),
        region: Some(region),
    })
}

/// Whether requests are paid for as they are unless somebody says otherwise.
fn owner_pays(bucket: &Bucket) -> bool {
    matches!(bucket.request_payer.as_deref(), Some("" | "BucketOwner"))
}

/// Codes of endpoints that do not know the question at all, and answer nothing or another one.
const UNKNOWN: [&str; 5] =
    ["api error MethodNotAllowed", "NotImplemented", "api error UnsupportedOperation", "StatusCode: 501", "StatusCode: 200"];

/// The answer, where no configuration, or an endpoint that does not know of it, is none. No bucket is an error.
fn absent<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Err(e) if e.kind == ErrorKind::NotFound && e.message.contains("api error NoSuchBucket:") => Err(e),
        Err(e) if e.kind == ErrorKind::NotFound => Ok(None),
        Err(e) if UNKNOWN.iter().any(|u| e.message.contains(u)) => Ok(None),
        other => other.map(Some),
    }
}

fn cors_rule(c: types::CorsRule) -> CorsRule {
    CorsRule {
        allowed_headers: c.allowed_headers.unwrap_or_default(),
        allowed_methods: c.allowed_methods,
        allowed_origins: c.allowed_origins,
        expose_headers: c.expose_headers.unwrap_or_default(),
        max_age_seconds: Some(c.max_age_seconds.unwrap_or_default().into()),
    }
}

/// The service gives a grant for every permission, the schema has one for everybody.
fn grants(all: Vec<types::Grant>) -> BTreeSet<Grant> {
    let mut by_grantee: BTreeMap<(String, String, String), BTreeSet<String>> = BTreeMap::new();
    for g in all {
        let Some(who) = g.grantee else { continue };
        let key = (who.id.unwrap_or_default(), who.r#type.as_str().to_string(), who.uri.unwrap_or_default());
        by_grantee.entry(key).or_default().extend(g.permission.map(|p| p.as_str().to_string()));
    }
    by_grantee.into_iter().map(|((id, r#type, uri), permissions)| Grant { id: Some(id), permissions, r#type, uri: Some(uri) }).collect()
}

fn object_lock(l: &types::ObjectLockConfiguration) -> ObjectLock {
    let retention = |r: &types::DefaultRetention| Retention {
        days: Some(r.days.unwrap_or_default().into()),
        mode: r.mode.as_ref().map(|m| m.as_str().into()).unwrap_or_default(),
        years: Some(r.years.unwrap_or_default().into()),
    };
    let rule = |r: &types::ObjectLockRule| ObjectLockRule { default_retention: r.default_retention.as_ref().map(retention) };
    ObjectLock {
        object_lock_enabled: Some(l.object_lock_enabled.as_ref().map(|e| e.as_str().into()).unwrap_or_default()),
        rule: l.rule.as_ref().filter(|r| r.default_retention.is_some()).map(rule),
    }
}

fn encryption_block(e: &types::ServerSideEncryptionConfiguration) -> Encryption {
    let rule = e.rules.first().map(server_side_encryption::from_remote).map(|r| EncryptionRule {
        bucket_key_enabled: Some(r.bucket_key_enabled.unwrap_or_default()),
        apply_server_side_encryption_by_default: r.apply_server_side_encryption_by_default,
    });
    Encryption { rule }
}

fn website_block(w: GetBucketWebsiteOutput) -> Website {
    let redirect = w.redirect_all_requests_to.map(|r| match r.protocol {
        Some(p) => format!("{}://{}", p.as_str(), r.host_name),
        None => r.host_name,
    });
    Website {
        error_document: Some(w.error_document.map(|d| d.key).unwrap_or_default()),
        index_document: Some(w.index_document.map(|d| d.suffix).unwrap_or_default()),
        redirect_all_requests_to: Some(redirect.unwrap_or_default()),
        routing_rules: Some(String::new()),
    }
}

/// Old regions write a dash, new ones a dot.
fn website_domain(region: &str, suffix: &str) -> String {
    const DASHED: [&str; 9] = [
        "ap-northeast-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "eu-west-1",
        "sa-east-1",
        "us-east-1",
        "us-gov-west-1",
        "us-west-1",
        "us-west-2",
    ];
    let between = if DASHED.contains(&region) { '-' } else { '.' };
    format!("s3-website{between}{region}.{suffix}")
}

fn hosted_zone(region: &str) -> &'static str {
    HOSTED_ZONES.iter().find(|(r, _)| *r == region).map_or("", |(_, zone)| zone)
}

/// Hosted zones of web sites, as AWS documents them.
const HOSTED_ZONES: &[(&str, &str)] = &[
    ("af-south-1", "Z83WF9RJE8B12"),
    ("ap-east-1", "ZNB98KWMFR0R6"),
    ("ap-northeast-1", "Z2M4EHUR26P7ZW"),
    ("ap-northeast-2", "Z3W03O7B5YMIYP"),
    ("ap-northeast-3", "Z2YQB5RD63NC85"),
    ("ap-south-1", "Z11RGJOFQNVJUP"),
    ("ap-south-2", "Z02976202B4EZMXIPMXF7"),
    ("ap-southeast-1", "Z3O0J2DXBE1FTB"),
    ("ap-southeast-2", "Z1WCIGYICN2BYD"),
    ("ap-southeast-3", "Z01846753K324LI26A3VV"),
    ("ap-southeast-4", "Z0312387243XT5FE14WFO"),
    ("ca-central-1", "Z1QDHH18159H29"),
    ("cn-northwest-1", "Z282HJ1KT0DH03"),
    ("eu-central-1", "Z21DNDUVLTQW6Q"),
    ("eu-central-2", "Z030506016YDQGETNASS"),
    ("eu-north-1", "Z3BAZG2TWCNX0D"),
    ("eu-south-1", "Z30OZKI7KPW7MI"),
    ("eu-south-2", "Z0081959F7139GRJC19J"),
    ("eu-west-1", "Z1BKCTXD74EZPE"),
    ("eu-west-2", "Z3GKZC51ZF0DB4"),
    ("eu-west-3", "Z3R1K369G5AVDG"),
    ("il-central-1", "Z09640613K4A3MN55U7GU"),
    ("me-central-1", "Z06143092I8HRXZRUZROF"),
    ("me-south-1", "Z1MPMWCPA7YB62"),
    ("sa-east-1", "Z7KQH4QJS55SO"),
    ("us-east-1", "Z3AQBSTGFYJSTF"),
    ("us-east-2", "Z2O1EMRO9K5GLX"),
    ("us-gov-east-1", "Z2NIFVYYW2VKV1"),
    ("us-gov-west-1", "Z31GFT0UA1I2HV"),
    ("us-west-1", "Z2F56UZL2M1ACD"),
    ("us-west-2", "Z3BJ6K6RIION7M"),
];

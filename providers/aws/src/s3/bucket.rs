//! A bucket. Most of what can be said about one has become resource types of its own; the blocks for that are
//! still here, and tell what is there when they are not written.

use std::collections::BTreeSet;

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, ObjectOwnership};
use secstack_base::schema::Draft;
use secstack_base::{Diagnostic, Diags, Type, Value};
use secstack_sdk::drift::{Known, Severity, Shared, Weakness};
use secstack_sdk::typed::{Ask, Found, Resource, Schema, Tags};
use secstack_sdk::{Id, Result, Trace, check};

use super::blocks::{CorsRule, Encryption, Grant, LifecycleRule, Logging, ObjectLock, VersioningBlock, Website};
use super::replication::Replication;
use super::{bucket_read, bucket_write};
use crate::error::{Answer, Missing};
use crate::iam::name_of;
use crate::{Aws, made, plan, policy};

/// A bucket that holds objects.
#[derive(Clone, Debug, Default, Schema)]
#[resource(
    "aws_s3_bucket",
    timeouts(create, read, update, delete),
    conflicts(bucket, bucket_prefix),
    conflicts(acl, grant),
    conflicts(object_lock_enabled, object_lock_configuration)
)]
pub struct Bucket {
    /// Whether transfers are accelerated.
    #[attr(computed, deprecated = "Use the aws_s3_bucket_accelerate_configuration resource instead.", check = check::one_of(["Enabled", "Suspended"]))]
    pub acceleration_status: Option<String>,
    /// A ready-made list of who may do what.
    #[attr(computed, local, deprecated = "Use the aws_s3_bucket_acl resource instead.")]
    pub acl: Option<String>,
    /// The ARN of the bucket.
    #[attr(output)]
    pub arn: Option<String>,
    /// The name of the bucket.
    #[attr(forces_new, computed, check = check::length(0, 63))]
    pub bucket: Option<String>,
    /// The host name of the bucket.
    #[attr(output)]
    pub bucket_domain_name: Option<String>,
    /// The beginning of a name that is made up.
    #[attr(forces_new, computed, check = check::length(0, 37))]
    pub bucket_prefix: Option<String>,
    /// The host name of the bucket in its region.
    #[attr(output)]
    pub bucket_regional_domain_name: Option<String>,
    /// Whether the bucket is deleted with all that is in it.
    #[attr(default = false, local, unset_by_import)]
    pub force_destroy: bool,
    /// The hosted zone of web sites of the region.
    #[attr(output)]
    pub hosted_zone_id: Option<String>,
    /// Whether objects can be kept from being deleted.
    #[attr(forces_new, computed)]
    pub object_lock_enabled: Option<bool>,
    /// Who may do what, as JSON.
    #[attr(computed, same = policy::same, deprecated = "Use the aws_s3_bucket_policy resource instead.")]
    pub policy: Option<String>,
    /// The region of the bucket.
    #[attr(output)]
    pub region: Option<String>,
    /// Who pays for requests.
    #[attr(computed, deprecated = "Use the aws_s3_bucket_request_payment_configuration resource instead.", check = check::one_of(["Requester", "BucketOwner"]))]
    pub request_payer: Option<String>,
    /// Tags of the bucket.
    #[attr(tags)]
    pub tags: Tags,
    /// The domain of the web site.
    #[attr(output, deprecated = "Use the aws_s3_bucket_website_configuration resource instead.")]
    pub website_domain: Option<String>,
    /// The host name of the web site.
    #[attr(output, deprecated = "Use the aws_s3_bucket_website_configuration resource instead.")]
    pub website_endpoint: Option<String>,
    /// What pages of other origins may do.
    #[attr(block = list, computed, deprecated = "Use the aws_s3_bucket_cors_configuration resource instead.")]
    pub cors_rule: Vec<CorsRule>,
    /// Who may do what.
    #[attr(block = set, computed, deprecated = "Use the aws_s3_bucket_acl resource instead.")]
    pub grant: BTreeSet<Grant>,
    /// What becomes of objects with time.
    #[attr(block = list, computed, deprecated = "Use the aws_s3_bucket_lifecycle_configuration resource instead.")]
    pub lifecycle_rule: Vec<LifecycleRule>,
    /// Where accesses are recorded.
    #[attr(block = list, computed, max = 1, deprecated = "Use the aws_s3_bucket_logging resource instead.")]
    pub logging: Option<Logging>,
    /// How long objects cannot be deleted.
    #[attr(
        block = list,
        computed,
        max = 1,
        deprecated = "Use the top-level parameter object_lock_enabled and the aws_s3_bucket_object_lock_configuration resource instead."
    )]
    pub object_lock_configuration: Option<ObjectLock>,
    /// Where objects are copied to.
    #[attr(block = list, computed, max = 1, deprecated = "Use the aws_s3_bucket_replication_configuration resource instead.")]
    pub replication_configuration: Option<Replication>,
    /// How objects are encrypted.
    #[attr(block = list, computed, max = 1, deprecated = "Use the aws_s3_bucket_server_side_encryption_configuration resource instead.")]
    pub server_side_encryption_configuration: Option<Encryption>,
    /// Whether old versions of objects are kept.
    #[attr(block = list, computed, max = 1, deprecated = "Use the aws_s3_bucket_versioning resource instead.")]
    pub versioning: Option<VersioningBlock>,
    /// The bucket as a web site.
    #[attr(block = list, computed, max = 1, deprecated = "Use the aws_s3_bucket_website_configuration resource instead.")]
    pub website: Option<Website>,
}

/// The attributes that types of their own took over.
const SETTINGS: [(&str, &str); 14] = [
    ("acceleration_status", "aws_s3_bucket_accelerate_configuration"),
    ("acl", "aws_s3_bucket_acl"),
    ("cors_rule", "aws_s3_bucket_cors_configuration"),
    ("grant", "aws_s3_bucket_acl"),
    ("lifecycle_rule", "aws_s3_bucket_lifecycle_configuration"),
    ("logging", "aws_s3_bucket_logging"),
    ("object_lock_configuration", "aws_s3_bucket_object_lock_configuration"),
    ("policy", "aws_s3_bucket_policy"),
    ("replication_configuration", "aws_s3_bucket_replication_configuration"),
    ("request_payer", "aws_s3_bucket_request_payment_configuration"),
    ("server_side_encryption_configuration", "aws_s3_bucket_server_side_encryption_configuration"),
    ("versioning", "aws_s3_bucket_versioning"),
    ("website", "aws_s3_bucket_website_configuration"),
    ("website_endpoint", "aws_s3_bucket_website_configuration"),
];

impl Resource for Bucket {
    type Cx = Aws;
    const DATED: bool = true;

    async fn create(cx: &Aws, want: &Self, token: &str) -> Result<Id> {
        let name = want.name_for(token);
        let mut call = cx.s3().create_bucket().bucket(&name);
        // The first region is the one that must not be named.
        if cx.region() != "us-east-1" {
            let place = BucketLocationConstraint::from(cx.region());
            call = call.create_bucket_configuration(CreateBucketConfiguration::builder().location_constraint(place).build());
        }
        if want.object_lock_enabled == Some(true) || want.object_lock_configuration.is_some() {
            call = call.object_lock_enabled_for_bucket(true);
        }
        if want.acl.is_some() || !want.grant.is_empty() {
            call = call.object_ownership(ObjectOwnership::ObjectWriter);
        }
        call.send().await.api()?;
        Ok(Id(name.into()))
    }

    fn natural(want: &Self, token: &str) -> Option<String> {
        Some(want.name_for(token))
    }

    async fn find_made(cx: &Aws, trace: &Trace) -> Result<Option<Id>> {
        let name = made::name(trace)?;
        let all = cx.s3().list_buckets().prefix(name).into_paginator().items().send().collect::<Result<Vec<_>, _>>().await.api()?;
        let found = all.into_iter().find(|b| b.name() == Some(name));
        Ok(found.and_then(|b| made::ours(trace, name, b.creation_date())))
    }

    async fn finish(cx: &Aws, id: &Id, want: &Self) -> Result<()> {
        bucket_write::change(cx, &id.0, &Self::default(), want).await
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let mut found = Vec::new();
        for ask in asks {
            let bucket = bucket_read::find(cx, &ask.id.0, ask.prior.as_ref().filter(|_| !ask.thorough)).await.or_missing()?;
            found.extend(bucket.map(|b| Found::ready(ask.id.clone(), b)));
        }
        Ok(found)
    }

    async fn update(cx: &Aws, id: &Id, prior: &Self, want: &Self) -> Result<()> {
        bucket_write::change(cx, &id.0, prior, want).await
    }

    async fn delete(cx: &Aws, id: &Id, prior: &Self) -> Result<()> {
        let delete = || async { cx.s3().delete_bucket().bucket(&*id.0).send().await.api() };
        match delete().await {
            Err(e) if prior.force_destroy && e.message.contains("BucketNotEmpty") => {
                bucket_write::empty(cx, &id.0, prior.object_lock_enabled).await?;
                delete().await?;
            }
            other => drop(other?),
        }
        Ok(())
    }

    fn plan(draft: &mut Draft) -> Diags {
        if plan::changes(draft, &["website"]) {
            for name in ["website_domain", "website_endpoint"] {
                draft.planned = draft.planned.with(name, Value::unknown(Type::String));
            }
        }
        Diags::new()
    }

    fn validate(config: &Value) -> Diags {
        let mut diags = Diags::new();
        let written = |name: &str| config.get(name).and_then(Value::as_slice).is_some_and(|blocks| !blocks.is_empty());
        let rules = config.get("website").and_then(Value::as_slice).and_then(<[Value]>::first);
        let other = [
            (written("replication_configuration"), "replication_configuration", "aws_s3_bucket_replication_configuration"),
            (
                rules.and_then(|w| w.get("routing_rules")).is_some_and(|r| !r.is_null()),
                "website.routing_rules",
                "aws_s3_bucket_website_configuration",
            ),
        ];
        for (_, argument, instead) in other.iter().filter(|(given, ..)| *given) {
            let detail = format!("The argument {argument} of a bucket cannot be written.");
            diags.push(Diagnostic::error("Unsupported argument", detail).help(format!("Use the resource type {instead} instead.")));
        }
        diags
    }

    fn weakened(was: &Self, now: Option<&Self>) -> Vec<Weakness> {
        let Some(now) = now else { return Vec::new() };
        let mut found = policy::widened("policy", was.policy.as_deref().unwrap_or_default(), now.policy.as_deref().unwrap_or_default());
        let public = |g: &&Grant| g.uri.as_deref().is_some_and(|u| u.ends_with("/AllUsers") || u.ends_with("/AuthenticatedUsers"));
        let opened = now.grant.difference(&was.grant).any(|g| public(&g));
        found.extend(Weakness::when(opened, Severity::Critical, "grant", "an ACL opens the bucket to the public now"));
        let kept = |v: &Self| v.versioning.as_ref().is_some_and(|v| v.enabled);
        let lost = "what is overwritten or deleted in the bucket is lost now";
        found.extend(Weakness::when(kept(was) && !kept(now), Severity::Medium, "versioning", lost));
        let unlogged = was.logging.is_some() && now.logging.is_none();
        found.extend(Weakness::when(unlogged, Severity::High, "logging", "access to the bucket is not logged any more"));
        let bare = was.server_side_encryption_configuration.is_some() && now.server_side_encryption_configuration.is_none();
        let what = "new objects are not encrypted as they were";
        found.extend(Weakness::when(bare, Severity::High, "server_side_encryption_configuration", what));
        found
    }

    fn shared(id: &Id, _now: &Self, known: &Known) -> Vec<Shared> {
        let apart = |(_, ty): &&(&'static str, &str)| known.has(ty, "bucket", &id.0);
        SETTINGS.iter().filter(apart).map(|(attribute, _)| Shared::silent(attribute)).collect()
    }
}

impl Bucket {
    fn name_for(&self, token: &str) -> String {
        name_of(self.bucket.as_ref(), self.bucket_prefix.as_ref(), "terraform-", token)
    }
}

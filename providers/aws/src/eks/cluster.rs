//! A cluster: the control plane, its network, and how it is entered.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_eks::types::ClusterStatus;
use secstack_base::schema::Draft;
use secstack_base::{Diags, Type, Value};
use secstack_sdk::drift::{Severity, Weakness};
use secstack_sdk::typed::{Ask, Found, Resource, Schema, Tags};
use secstack_sdk::{Id, Result, Status, Trace, Wait, check};

use super::blocks::{
    AccessConfig, Certificate, ComputeConfig, Enabled, EncryptionConfig, Identity, NetworkConfig, OutpostConfig, RemoteNetworkConfig,
    StorageConfig, UpgradePolicy, VpcConfig,
};
use super::{added, added_or_removed, cluster_remote, cluster_update, given, removed, some_map};
use crate::error::{Answer, Missing};
use crate::{Aws, made, plan};

/// The kinds of logs.
const LOG_TYPES: [&str; 5] = ["api", "audit", "authenticator", "controllerManager", "scheduler"];

/// A Kubernetes cluster.
#[derive(Clone, Debug, Schema)]
#[resource(
    "aws_eks_cluster",
    version = 1,
    timeouts(create, update, delete),
    conflicts(encryption_config, outpost_config),
    conflicts(kubernetes_network_config, outpost_config),
    conflicts(remote_network_config, outpost_config)
)]
pub struct Cluster {
    /// The ARN of the cluster.
    #[attr(output)]
    pub arn: Option<String>,
    /// Whether the service installs its networking add-ons, unmanaged.
    #[attr(forces_new = was_set, default = true, local, unset_by_import)]
    pub bootstrap_self_managed_addons: bool,
    /// Who signed the certificates of the cluster.
    #[attr(output)]
    pub certificate_authority: Vec<Certificate>,
    /// The ID of a cluster on an Outpost.
    #[attr(output)]
    pub cluster_id: Option<String>,
    /// When the cluster was created.
    #[attr(output)]
    pub created_at: Option<String>,
    /// The kinds of logs that are kept.
    #[attr(check = check::each(log_type))]
    pub enabled_cluster_log_types: BTreeSet<String>,
    /// The URL of the cluster.
    #[attr(output)]
    pub endpoint: Option<String>,
    /// Whether a new version is installed although checks advise against it.
    #[attr(local)]
    pub force_update_version: Option<bool>,
    /// Who the cluster's tokens come from.
    #[attr(output)]
    pub identity: Vec<Identity>,
    /// The name of the cluster.
    #[attr(forces_new, check = check::length(1, 100))]
    pub name: String,
    /// The version of what the service puts around Kubernetes.
    #[attr(output)]
    pub platform_version: Option<String>,
    /// The role of the control plane.
    #[attr(forces_new, check = check::arn)]
    pub role_arn: String,
    /// What the cluster is doing.
    #[attr(output)]
    pub status: Option<String>,
    /// Tags of the cluster.
    #[attr(tags)]
    pub tags: Tags,
    /// The version of Kubernetes.
    #[attr(computed)]
    pub version: Option<String>,
    /// Who may enter the cluster, and how that is said.
    #[attr(block = list, computed, max = 1, forces_new = added)]
    pub access_config: Option<AccessConfig>,
    /// Nodes that the service manages by itself.
    #[attr(block = list, computed, max = 1)]
    pub compute_config: Option<ComputeConfig>,
    /// How secrets are encrypted. That cannot be undone.
    #[attr(block = list, max = 1, forces_new = removed)]
    pub encryption_config: Option<EncryptionConfig>,
    /// Addresses of pods and services.
    #[attr(block = list, computed, max = 1, forces_new = added)]
    pub kubernetes_network_config: Option<NetworkConfig>,
    /// A control plane on an Outpost.
    #[attr(block = list, max = 1, forces_new = added_or_removed)]
    pub outpost_config: Option<OutpostConfig>,
    /// Networks of nodes outside of AWS.
    #[attr(block = list, max = 1, forces_new = added_or_removed)]
    pub remote_network_config: Option<RemoteNetworkConfig>,
    /// Disks that the service manages by itself.
    #[attr(block = list, computed, max = 1)]
    pub storage_config: Option<StorageConfig>,
    /// How long a version is supported.
    #[attr(block = list, computed, max = 1)]
    pub upgrade_policy: Option<UpgradePolicy>,
    /// The network of the cluster.
    #[attr(block = list, min = 1, max = 1)]
    pub vpc_config: Option<VpcConfig>,
    /// Whether traffic leaves an availability zone that has trouble.
    #[attr(block = list, computed, max = 1)]
    pub zonal_shift_config: Option<Enabled>,
}

/// An imported cluster is not known to have been made with either; putting a value there changes nothing.
fn was_set(old: &Value, _: &Value) -> bool {
    !old.is_null()
}

fn log_type(v: &Value) -> check::Checked {
    check::one_of(v, LOG_TYPES)
}

impl Resource for Cluster {
    type Cx = Aws;
    const DATED: bool = true;
    const WAIT: Wait = Wait {
        every: Duration::from_secs(15),
        create: Duration::from_secs(30 * 60),
        update: Duration::from_secs(60 * 60),
        delete: Duration::from_secs(15 * 60),
    };

    async fn create(cx: &Aws, want: &Self, token: &str) -> Result<Id> {
        let call = cx
            .eks()
            .create_cluster()
            .name(&want.name)
            .role_arn(&want.role_arn)
            .client_request_token(token)
            .bootstrap_self_managed_addons(want.bootstrap_self_managed_addons)
            .set_version(given(&want.version))
            .set_tags(some_map(&want.tags))
            .set_resources_vpc_config(want.vpc_config.as_ref().map(cluster_remote::vpc))
            .set_logging(
                Some(cluster_remote::logging(&want.enabled_cluster_log_types)).filter(|_| !want.enabled_cluster_log_types.is_empty()),
            )
            .set_encryption_config(want.encryption_config.as_ref().map(|e| vec![cluster_remote::encryption(e)]))
            .set_access_config(want.access_config.as_ref().map(cluster_remote::access))
            .set_compute_config(want.compute_config.as_ref().map(cluster_remote::compute))
            .set_kubernetes_network_config(want.kubernetes_network_config.as_ref().map(cluster_remote::network))
            .set_outpost_config(want.outpost_config.as_ref().map(cluster_remote::outpost).transpose()?)
            .set_remote_network_config(want.remote_network_config.as_ref().map(cluster_remote::remote_networks))
            .set_storage_config(want.storage_config.as_ref().map(cluster_remote::storage))
            .set_upgrade_policy(want.upgrade_policy.as_ref().map(cluster_remote::upgrade_policy))
            .set_zonal_shift_config(want.zonal_shift_config.as_ref().map(cluster_remote::zonal_shift));
        call.send().await.api()?;
        Ok(Id(want.name.as_str().into()))
    }

    fn natural(want: &Self, _token: &str) -> Option<String> {
        Some(want.name.clone())
    }

    async fn find_made(cx: &Aws, trace: &Trace) -> Result<Option<Id>> {
        let name = made::name(trace)?;
        let found = cx.eks().describe_cluster().name(name).send().await.api().or_missing()?.and_then(|a| a.cluster);
        Ok(found.and_then(|c| made::ours(trace, name, c.created_at())))
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let mut found = Vec::new();
        for ask in asks {
            let answer = cx.eks().describe_cluster().name(&*ask.id.0).send().await.api().or_missing()?;
            let Some(cluster) = answer.and_then(|a| a.cluster) else { continue };
            let status = match &cluster.status {
                Some(ClusterStatus::Active) => Status::Ready,
                Some(ClusterStatus::Failed) => Status::Failed(cluster_remote::trouble(&cluster)),
                _ => Status::Pending,
            };
            let object = cluster_remote::from_remote(cluster, ask.prior.as_ref());
            found.push(Found { id: ask.id.clone(), status, object });
        }
        Ok(found)
    }

    async fn update(cx: &Aws, id: &Id, prior: &Self, want: &Self) -> Result<()> {
        cluster_update::change(cx, &id.0, prior, want).await
    }

    async fn delete(cx: &Aws, id: &Id, _prior: &Self) -> Result<()> {
        match cx.eks().delete_cluster().name(&*id.0).send().await.api() {
            // Asked before, and still at it.
            Err(e) if e.message.contains("DELETING") || e.message.contains("delete in progress") => Ok(()),
            other => other.map(drop),
        }
    }

    fn plan(draft: &mut Draft) -> Diags {
        if draft.prior.is_none() {
            // A new cluster has nothing of these unless it is asked for.
            for name in ["compute_config", "storage_config", "zonal_shift_config"] {
                let none = <Self as secstack_sdk::typed::Declared>::schema()
                    .block
                    .nested(name)
                    .map(secstack_base::schema::NestedBlock::empty_value);
                if let Some(none) = none.filter(|_| draft.planned.get(name).is_some_and(Value::is_unknown)) {
                    draft.planned = draft.planned.with(name, none);
                }
            }
        }
        if plan::changes(draft, &["version"]) {
            draft.planned = draft.planned.with("platform_version", Value::unknown(Type::String));
        }
        Diags::new()
    }

    fn weakened(was: &Self, now: Option<&Self>) -> Vec<Weakness> {
        let Some(now) = now else { return Vec::new() };
        let silent = was.enabled_cluster_log_types.difference(&now.enabled_cluster_log_types);
        let mut found: Vec<_> =
            silent.map(|log| Weakness::new(Severity::High, "enabled_cluster_log_types", format!("the log {log:?} is off now"))).collect();
        let plain = was.encryption_config.is_some() && now.encryption_config.is_none();
        found.extend(Weakness::when(plain, Severity::High, "encryption_config", "secrets are not encrypted with the key any more"));
        let (Some(was), Some(now)) = (&was.vpc_config, &now.vpc_config) else { return found };
        let opened = now.endpoint_public_access && !was.endpoint_public_access;
        found.extend(Weakness::when(opened, Severity::High, "vpc_config", "the API server can be reached from the internet now"));
        let ranges = now.public_access_cidrs.difference(&was.public_access_cidrs).filter(|_| now.endpoint_public_access);
        found.extend(ranges.map(|range| {
            let severity = if range.ends_with("/0") { Severity::Critical } else { Severity::Medium };
            Weakness::new(severity, "vpc_config", format!("the API server is open to {range} now"))
        }));
        found
    }
}

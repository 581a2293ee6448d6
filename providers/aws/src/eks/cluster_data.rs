//! A cluster that exists, and a token to enter it.

use std::collections::BTreeSet;

use secstack_sdk::typed::{DataSource, Schema, Tags};
use secstack_sdk::{Error, ErrorKind, Result};

use super::blocks::{
    AccessConfig, Certificate, ComputeConfig, Enabled, Identity, NetworkConfig, OutpostConfig, RemoteNetworkConfig, StorageConfig,
    UpgradePolicy, VpcConfig,
};
use super::cluster_remote;
use crate::Aws;
use crate::error::Answer;

/// A cluster that exists.
#[derive(Clone, Debug, Schema)]
#[data("aws_eks_cluster")]
pub struct ClusterData {
    /// Who may enter the cluster, and how that is said.
    #[attr(output)]
    pub access_config: Vec<AccessConfig>,
    /// The ARN of the cluster.
    #[attr(output)]
    pub arn: Option<String>,
    /// Who signed the certificates of the cluster.
    #[attr(output)]
    pub certificate_authority: Vec<Certificate>,
    /// The ID of a cluster on an Outpost.
    #[attr(output)]
    pub cluster_id: Option<String>,
    /// Nodes that the service manages by itself.
    #[attr(output)]
    pub compute_config: Vec<ComputeConfig>,
    /// When the cluster was created.
    #[attr(output)]
    pub created_at: Option<String>,
    /// The kinds of logs that are kept.
    #[attr(output)]
    pub enabled_cluster_log_types: BTreeSet<String>,
    /// The URL of the cluster.
    #[attr(output)]
    pub endpoint: Option<String>,
    /// The name of the cluster.
    #[attr(computed)]
    pub id: Option<String>,
    /// Who the cluster's tokens come from.
    #[attr(output)]
    pub identity: Vec<Identity>,
    /// Addresses of pods and services.
    #[attr(output)]
    pub kubernetes_network_config: Vec<NetworkConfig>,
    /// The name of the cluster.
    pub name: String,
    /// A control plane on an Outpost.
    #[attr(output)]
    pub outpost_config: Vec<OutpostConfig>,
    /// The version of what the service puts around Kubernetes.
    #[attr(output)]
    pub platform_version: Option<String>,
    /// Networks of nodes outside of AWS.
    #[attr(output)]
    pub remote_network_config: Vec<RemoteNetworkConfig>,
    /// The role of the control plane.
    #[attr(output)]
    pub role_arn: Option<String>,
    /// What the cluster is doing.
    #[attr(output)]
    pub status: Option<String>,
    /// Disks that the service manages by itself.
    #[attr(output)]
    pub storage_config: Vec<StorageConfig>,
    /// Tags of the cluster.
    #[attr(computed)]
    pub tags: Tags,
    /// How long a version is supported.
    #[attr(output)]
    pub upgrade_policy: Vec<UpgradePolicy>,
    /// The version of Kubernetes.
    #[attr(output)]
    pub version: Option<String>,
    /// The network of the cluster.
    #[attr(output)]
    pub vpc_config: Vec<VpcConfig>,
    /// Whether traffic leaves an availability zone that has trouble.
    #[attr(output)]
    pub zonal_shift_config: Vec<Enabled>,
}

impl DataSource for ClusterData {
    type Cx = Aws;

    async fn read(cx: &Aws, want: Self) -> Result<Self> {
        let failed = |e: Error| Error::new(e.kind, format!("reading EKS Cluster ({}): {}", want.name, e.message));
        let found = cx.eks().describe_cluster().name(&want.name).send().await.api().map_err(failed)?.cluster;
        let missing = || Error::new(ErrorKind::NotFound, format!("reading EKS Cluster ({}): couldn't find resource", want.name));
        let c = cluster_remote::from_remote(found.ok_or_else(missing)?, None);
        // The service does not tell; here it is not made up.
        let access = c.access_config.map(|a| AccessConfig { bootstrap_cluster_creator_admin_permissions: Some(true), ..a });
        let tags = c.tags.into_iter().filter(|(k, _)| !k.starts_with("aws:") && !cx.tag_rules().ignores(k));
        Ok(Self {
            access_config: access.into_iter().collect(),
            arn: c.arn,
            certificate_authority: c.certificate_authority,
            cluster_id: c.cluster_id,
            compute_config: c.compute_config.into_iter().collect(),
            created_at: c.created_at,
            enabled_cluster_log_types: c.enabled_cluster_log_types,
            endpoint: c.endpoint,
            id: Some(c.name.clone()),
            identity: c.identity,
            kubernetes_network_config: c.kubernetes_network_config.into_iter().collect(),
            name: c.name,
            outpost_config: c.outpost_config.into_iter().collect(),
            platform_version: c.platform_version,
            remote_network_config: c.remote_network_config.into_iter().collect(),
            role_arn: Some(c.role_arn),
            status: c.status,
            storage_config: c.storage_config.into_iter().collect(),
            tags: tags.collect(),
            upgrade_policy: c.upgrade_policy.into_iter().collect(),
            version: c.version,
            vpc_config: c.vpc_config.into_iter().collect(),
            zonal_shift_config: c.zonal_shift_config.into_iter().collect(),
        })
    }
}

/// A token to enter a cluster. It is good for a quarter of an hour.
#[derive(Clone, Debug, Schema)]
#[data("aws_eks_cluster_auth")]
pub struct ClusterAuth {
    /// The name of the cluster.
    #[attr(computed)]
    pub id: Option<String>,
    /// The name of the cluster.
    #[attr(check = secstack_sdk::check::length(1, 100))]
    pub name: String,
    /// The token.
    #[attr(output, sensitive)]
    pub token: Option<String>,
}

impl DataSource for ClusterAuth {
    type Cx = Aws;

    async fn read(cx: &Aws, want: Self) -> Result<Self> {
        let token = super::token::of(cx, &want.name).await?;
        Ok(Self { id: Some(want.name.clone()), name: want.name, token: Some(token) })
    }
}

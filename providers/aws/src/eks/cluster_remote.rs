//! A cluster as the service takes and gives it.

use std::collections::BTreeSet;

use aws_sdk_eks::types;
use secstack_sdk::{Error, ErrorKind, Result};

use super::blocks::{
    AccessConfig, Certificate, ComputeConfig, Enabled, EncryptionConfig, Identity, KeyProvider, NetworkConfig, Networks, Oidc,
    OutpostConfig, Placement, RemoteNetworkConfig, StorageConfig, UpgradePolicy, VpcConfig,
};
use super::cluster::Cluster;
use super::{given, of_map};

/// The network.
pub fn vpc(v: &VpcConfig) -> types::VpcConfigRequest {
    let list = |s: &BTreeSet<String>| Some(s.iter().cloned().collect::<Vec<_>>()).filter(|l| !l.is_empty());
    types::VpcConfigRequest::builder()
        .set_subnet_ids(list(&v.subnet_ids))
        .set_security_group_ids(list(&v.security_group_ids))
        .set_public_access_cidrs(list(&v.public_access_cidrs))
        .endpoint_private_access(v.endpoint_private_access)
        .endpoint_public_access(v.endpoint_public_access)
        .build()
}

/// The kinds of logs that are kept, and those that are not.
pub fn logging(on: &BTreeSet<String>) -> types::Logging {
    let setup = |enabled: bool| {
        let all = types::LogType::values().iter().filter(|t| on.contains(**t) == enabled).map(|t| types::LogType::from(*t));
        let all: Vec<_> = all.collect();
        (!all.is_empty()).then(|| types::LogSetup::builder().enabled(enabled).set_types(Some(all)).build())
    };
    types::Logging::builder().set_cluster_logging(Some([true, false].into_iter().filter_map(setup).collect())).build()
}

/// The encryption of secrets.
pub fn encryption(e: &EncryptionConfig) -> types::EncryptionConfig {
    let provider = e.provider.as_ref().map(|p| types::Provider::builder().key_arn(&p.key_arn).build());
    let resources = e.resources.iter().cloned().collect();
    types::EncryptionConfig::builder().set_resources(Some(resources)).set_provider(provider).build()
}

/// Who may enter, at creation.
pub fn access(a: &AccessConfig) -> types::CreateAccessConfigRequest {
    types::CreateAccessConfigRequest::builder()
        .set_authentication_mode(mode(a))
        .bootstrap_cluster_creator_admin_permissions(a.bootstrap_cluster_creator_admin_permissions.unwrap_or_default())
        .build()
}

/// Where it is said who may enter.
pub fn mode(a: &AccessConfig) -> Option<types::AuthenticationMode> {
    given(&a.authentication_mode).map(|m| types::AuthenticationMode::from(&*m))
}

/// Nodes that the service manages.
pub fn compute(c: &ComputeConfig) -> types::ComputeConfigRequest {
    types::ComputeConfigRequest::builder()
        .set_enabled(c.enabled)
        .set_node_pools(Some(c.node_pools.iter().cloned().collect::<Vec<_>>()).filter(|p| !p.is_empty()))
        .set_node_role_arn(given(&c.node_role_arn))
        .build()
}

/// Addresses of pods and services.
pub fn network(n: &NetworkConfig) -> types::KubernetesNetworkConfigRequest {
    types::KubernetesNetworkConfigRequest::builder()
        .set_ip_family(given(&n.ip_family).map(|f| types::IpFamily::from(&*f)))
        .set_service_ipv4_cidr(given(&n.service_ipv4_cidr))
        .set_elastic_load_balancing(balancing(n))
        .build()
}

/// Load balancers that the service manages.
pub fn balancing(n: &NetworkConfig) -> Option<types::ElasticLoadBalancing> {
    n.elastic_load_balancing.first().map(|b| types::ElasticLoadBalancing::builder().set_enabled(b.enabled).build())
}

/// A control plane on an Outpost.
///
/// # Errors
/// When an argument is missing.
pub fn outpost(o: &OutpostConfig) -> Result<types::OutpostConfigRequest> {
    let placement = o.control_plane_placement.first();
    let placement = placement.map(|p| types::ControlPlanePlacementRequest::builder().group_name(&p.group_name).build());
    let request = types::OutpostConfigRequest::builder()
        .control_plane_instance_type(&o.control_plane_instance_type)
        .set_outpost_arns(Some(o.outpost_arns.iter().cloned().collect()))
        .set_control_plane_placement(placement);
    request.build().map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()))
}

/// Networks of nodes outside of AWS.
pub fn remote_networks(r: &RemoteNetworkConfig) -> types::RemoteNetworkConfigRequest {
    let cidrs = |n: &Networks| Some(n.cidrs.iter().cloned().collect::<Vec<_>>());
    let node = |n: &Networks| types::RemoteNodeNetwork::builder().set_cidrs(cidrs(n)).build();
    let pod = |n: &Networks| types::RemotePodNetwork::builder().set_cidrs(cidrs(n)).build();
    types::RemoteNetworkConfigRequest::builder()
        .set_remote_node_networks(Some(r.remote_node_networks.iter().map(node).collect()))
        .set_remote_pod_networks(Some(r.remote_pod_networks.iter().map(pod).collect()))
        .build()
}

/// Disks that the service manages.
pub fn storage(s: &StorageConfig) -> types::StorageConfigRequest {
    let block = s.block_storage.first().map(|b| types::BlockStorage::builder().set_enabled(b.enabled).build());
    types::StorageConfigRequest::builder().set_block_storage(block).build()
}

/// How long a version is supported.
pub fn upgrade_policy(u: &UpgradePolicy) -> types::UpgradePolicyRequest {
    let support = given(&u.support_type).map(|s| types::SupportType::from(&*s));
    types::UpgradePolicyRequest::builder().set_support_type(support).build()
}

/// Whether traffic leaves a zone that has trouble.
pub fn zonal_shift(z: &Enabled) -> types::ZonalShiftConfigRequest {
    types::ZonalShiftConfigRequest::builder().set_enabled(z.enabled).build()
}

/// Why a cluster failed.
pub fn trouble(c: &types::Cluster) -> String {
    let issue = |i: &types::ClusterIssue| {
        let code = i.code.as_ref().map(|c| c.as_str()).unwrap_or_default();
        format!("{code}: {}", i.message().unwrap_or_default())
    };
    let issues: Vec<String> = c.health.iter().flat_map(|h| h.issues()).map(issue).collect();
    format!("EKS Cluster ({}) is FAILED. {}", c.name().unwrap_or_default(), issues.join("\n"))
}

/// A cluster that was found. `prior` says what the service does not.
pub fn from_remote(c: types::Cluster, prior: Option<&Cluster>) -> Cluster {
    // The service does it unless it is told not to, which a block without the argument does.
    let prior_access = prior.and_then(|p| p.access_config.as_ref());
    let bootstrap = prior_access.is_none_or(|a| a.bootstrap_cluster_creator_admin_permissions.unwrap_or_default());
    Cluster {
        arn: c.arn,
        bootstrap_self_managed_addons: true,
        certificate_authority: c.certificate_authority.map(|a| Certificate { data: a.data }).into_iter().collect(),
        cluster_id: c.id,
        created_at: c.created_at.as_ref().and_then(crate::iam::time),
        enabled_cluster_log_types: c.logging.map(|l| enabled_logs(&l)).unwrap_or_default(),
        endpoint: Some(c.endpoint.unwrap_or_default()),
        force_update_version: None,
        identity: c.identity.map(identity).into_iter().collect(),
        name: c.name.unwrap_or_default(),
        platform_version: Some(c.platform_version.unwrap_or_default()),
        role_arn: c.role_arn.unwrap_or_default(),
        status: c.status.map(|s| s.as_str().into()),
        tags: of_map(c.tags),
        version: c.version,
        access_config: c.access_config.map(|a| AccessConfig {
            authentication_mode: Some(text(a.authentication_mode.as_ref().map(|m| m.as_str()))),
            bootstrap_cluster_creator_admin_permissions: Some(bootstrap),
        }),
        compute_config: c.compute_config.map(|c| ComputeConfig {
            enabled: Some(c.enabled.unwrap_or_default()),
            node_pools: c.node_pools.unwrap_or_default().into_iter().collect(),
            node_role_arn: Some(c.node_role_arn.unwrap_or_default()),
        }),
        encryption_config: c.encryption_config.unwrap_or_default().into_iter().next().map(|e| EncryptionConfig {
            resources: e.resources.unwrap_or_default().into_iter().collect(),
            provider: e.provider.map(|p| KeyProvider { key_arn: p.key_arn.unwrap_or_default() }),
        }),
        kubernetes_network_config: c.kubernetes_network_config.map(|n| NetworkConfig {
            ip_family: Some(text(n.ip_family.as_ref().map(|f| f.as_str()))),
            service_ipv4_cidr: Some(n.service_ipv4_cidr.unwrap_or_default()),
            service_ipv6_cidr: Some(n.service_ipv6_cidr.unwrap_or_default()),
            elastic_load_balancing: n.elastic_load_balancing.map(|b| on(b.enabled)).into_iter().collect(),
        }),
        outpost_config: c.outpost_config.map(|o| OutpostConfig {
            control_plane_instance_type: o.control_plane_instance_type,
            outpost_arns: o.outpost_arns.into_iter().collect(),
            control_plane_placement: o
                .control_plane_placement
                .and_then(|p| p.group_name)
                .map(|n| Placement { group_name: n })
                .into_iter()
                .collect(),
        }),
        remote_network_config: c.remote_network_config.map(|r| RemoteNetworkConfig {
            remote_node_networks: r.remote_node_networks.unwrap_or_default().into_iter().map(|n| cidrs(n.cidrs)).collect(),
            remote_pod_networks: r.remote_pod_networks.unwrap_or_default().into_iter().map(|n| cidrs(n.cidrs)).collect(),
        }),
        storage_config: c
            .storage_config
            .map(|s| StorageConfig { block_storage: s.block_storage.map(|b| on(b.enabled)).into_iter().collect() }),
        upgrade_policy: c.upgrade_policy.map(|u| UpgradePolicy { support_type: Some(text(u.support_type.as_ref().map(|s| s.as_str()))) }),
        vpc_config: c.resources_vpc_config.map(|v| VpcConfig {
            cluster_security_group_id: Some(v.cluster_security_group_id.unwrap_or_default()),
            endpoint_private_access: v.endpoint_private_access,
            endpoint_public_access: v.endpoint_public_access,
            public_access_cidrs: v.public_access_cidrs.unwrap_or_default().into_iter().collect(),
            security_group_ids: v.security_group_ids.unwrap_or_default().into_iter().collect(),
            subnet_ids: v.subnet_ids.unwrap_or_default().into_iter().collect(),
            vpc_id: Some(v.vpc_id.unwrap_or_default()),
        }),
        zonal_shift_config: c.zonal_shift_config.map(|z| on(z.enabled)),
    }
}

fn text(t: Option<&str>) -> String {
    t.unwrap_or_default().to_string()
}

fn on(enabled: Option<bool>) -> Enabled {
    Enabled { enabled: Some(enabled.unwrap_or_default()) }
}

fn cidrs(list: Option<Vec<String>>) -> Networks {
    Networks { cidrs: list.unwrap_or_default().into_iter().collect() }
}

fn enabled_logs(l: &types::Logging) -> BTreeSet<String> {
    let on = l.cluster_logging().iter().filter(|s| s.enabled == Some(true));
    on.flat_map(|s| s.types()).map(|t| t.as_str().to_string()).collect()
}

fn identity(i: types::Identity) -> Identity {
    Identity { oidc: i.oidc.map(|o| Oidc { issuer: Some(o.issuer.unwrap_or_default()) }).into_iter().collect() }
}

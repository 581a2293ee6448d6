//! Changes of a cluster. The service takes one at a time.

use secstack_sdk::Result;

use super::blocks::{NetworkConfig, VpcConfig};
use super::cluster::Cluster;
use super::{Target, cluster_remote, done, given, retag};
use crate::Aws;
use crate::error::Answer;

/// Brings a cluster from `prior` to `want`.
///
/// # Errors
/// When a step is refused or fails; those before it are done then.
pub async fn change(cx: &Aws, name: &str, prior: &Cluster, want: &Cluster) -> Result<()> {
    retag(cx, prior.arn.as_ref(), &prior.tags, &want.tags).await?;
    // Nodes, load balancers and disks that the service manages are switched together, before the version.
    let balancing = |c: &Cluster| c.kubernetes_network_config.as_ref().map(|n: &NetworkConfig| n.elastic_load_balancing.clone());
    let managed = |c: &Cluster| (c.compute_config.clone(), balancing(c).unwrap_or_default(), c.storage_config.clone());
    if managed(prior) != managed(want) {
        let network = want.kubernetes_network_config.as_ref().and_then(cluster_remote::balancing);
        let network = network.map(|b| aws_sdk_eks::types::KubernetesNetworkConfigRequest::builder().elastic_load_balancing(b).build());
        let call = cx
            .eks()
            .update_cluster_config()
            .name(name)
            .set_compute_config(want.compute_config.as_ref().map(cluster_remote::compute))
            .set_kubernetes_network_config(network)
            .set_storage_config(want.storage_config.as_ref().map(cluster_remote::storage));
        done(cx, name, Target::Cluster, call.send().await.api()?.update).await?;
    }
    if let Some(version) = given(&want.version).filter(|_| prior.version != want.version) {
        let call = cx.eks().update_cluster_version().name(name).version(version).force(want.force_update_version == Some(true));
        done(cx, name, Target::Cluster, call.send().await.api()?.update).await?;
    }
    if let Some(e) = want.encryption_config.as_ref().filter(|_| prior.encryption_config.is_none()) {
        let call = cx.eks().associate_encryption_config().cluster_name(name).encryption_config(cluster_remote::encryption(e));
        done(cx, name, Target::Cluster, call.send().await.api()?.update).await?;
    }
    if prior.enabled_cluster_log_types != want.enabled_cluster_log_types {
        let logging = cluster_remote::logging(&want.enabled_cluster_log_types);
        configure(cx, name, |call| call.logging(logging)).await?;
    }
    if let (Some(old), Some(new)) = (&prior.vpc_config, &want.vpc_config) {
        vpc(cx, name, old, new).await?;
    }
    let mode = |c: &Cluster| c.access_config.as_ref().and_then(cluster_remote::mode);
    if let Some(mode) = mode(want).filter(|m| mode(prior).as_ref() != Some(m)) {
        let access = aws_sdk_eks::types::UpdateAccessConfigRequest::builder().authentication_mode(mode).build();
        configure(cx, name, |call| call.access_config(access)).await?;
    }
    if let Some(policy) = want.upgrade_policy.as_ref().filter(|_| prior.upgrade_policy != want.upgrade_policy) {
        configure(cx, name, |call| call.upgrade_policy(cluster_remote::upgrade_policy(policy))).await?;
    }
    if let Some(shift) = want.zonal_shift_config.as_ref().filter(|_| prior.zonal_shift_config != want.zonal_shift_config) {
        configure(cx, name, |call| call.zonal_shift_config(cluster_remote::zonal_shift(shift))).await?;
    }
    if let Some(networks) = want.remote_network_config.as_ref().filter(|_| prior.remote_network_config != want.remote_network_config) {
        configure(cx, name, |call| call.remote_network_config(cluster_remote::remote_networks(networks))).await?;
    }
    Ok(())
}

/// Who reaches the cluster, and its subnets and security groups, are changes of their own.
async fn vpc(cx: &Aws, name: &str, old: &VpcConfig, new: &VpcConfig) -> Result<()> {
    let reach = |v: &VpcConfig| (v.endpoint_private_access, v.endpoint_public_access, v.public_access_cidrs.clone());
    if reach(old) != reach(new) {
        let cidrs: Vec<String> = new.public_access_cidrs.iter().cloned().collect();
        let request = aws_sdk_eks::types::VpcConfigRequest::builder()
            .endpoint_private_access(new.endpoint_private_access)
            .endpoint_public_access(new.endpoint_public_access)
            .set_public_access_cidrs(Some(cidrs).filter(|c| !c.is_empty()))
            .build();
        configure(cx, name, |call| call.resources_vpc_config(request)).await?;
    }
    if (&old.subnet_ids, &old.security_group_ids) != (&new.subnet_ids, &new.security_group_ids) {
        let request = aws_sdk_eks::types::VpcConfigRequest::builder()
            .set_subnet_ids(Some(new.subnet_ids.iter().cloned().collect()))
            .set_security_group_ids(Some(new.security_group_ids.iter().cloned().collect()))
            .build();
        configure(cx, name, |call| call.resources_vpc_config(request)).await?;
    }
    Ok(())
}

type Call = aws_sdk_eks::operation::update_cluster_config::builders::UpdateClusterConfigFluentBuilder;

async fn configure(cx: &Aws, name: &str, with: impl FnOnce(Call) -> Call) -> Result<()> {
    let answer = with(cx.eks().update_cluster_config().name(name)).send().await.api();
    match answer {
        // A step that an interrupted run has taken.
        Err(e) if e.message.to_lowercase().contains("no changes needed") => Ok(()),
        other => done(cx, name, Target::Cluster, other?.update).await,
    }
}

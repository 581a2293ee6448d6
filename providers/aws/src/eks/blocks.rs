//! The nested blocks of a cluster.

use std::collections::BTreeSet;

use secstack_base::Value;
use secstack_sdk::check;
use secstack_sdk::typed::Block;

use super::{added, added_or_removed};

/// Who may enter a cluster, and how that is said.
#[derive(Clone, Debug, PartialEq, Block)]
pub struct AccessConfig {
    /// Where it is said: `API`, `CONFIG_MAP`, or both.
    #[attr(computed, check = check::one_of(["API", "API_AND_CONFIG_MAP", "CONFIG_MAP"]))]
    pub authentication_mode: Option<String>,
    /// Whether whoever creates the cluster administers it.
    #[attr(forces_new)]
    pub bootstrap_cluster_creator_admin_permissions: Option<bool>,
}

/// Nodes that the service manages by itself.
#[derive(Clone, Debug, PartialEq, Block)]
pub struct ComputeConfig {
    /// Whether it does.
    pub enabled: Option<bool>,
    /// Which kinds of nodes.
    #[attr(check = check::each(node_pool))]
    pub node_pools: BTreeSet<String>,
    /// The role of the nodes.
    #[attr(forces_new = another_role)]
    pub node_role_arn: Option<String>,
}

fn node_pool(v: &Value) -> check::Checked {
    check::one_of(v, ["general-purpose", "system"])
}

/// A role that is set cannot be exchanged.
fn another_role(prior: &Value, planned: &Value) -> bool {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_string();
    !text(prior).is_empty() && (planned.is_unknown() || text(prior) != text(planned))
}

/// How secrets are encrypted.
#[derive(Clone, Debug, PartialEq, Block)]
pub struct EncryptionConfig {
    /// What is encrypted: `secrets`.
    #[attr(required)]
    pub resources: BTreeSet<String>,
    /// With what.
    #[attr(block = list, min = 1, max = 1)]
    pub provider: Option<KeyProvider>,
}

/// What encrypts.
#[derive(Clone, Debug, PartialEq, Block)]
pub struct KeyProvider {
    /// The ARN of the key.
    pub key_arn: String,
}

/// Addresses of pods and services.
#[derive(Clone, Debug, PartialEq, Block)]
pub struct NetworkConfig {
    /// `ipv4` or `ipv6`.
    #[attr(computed, forces_new, check = check::one_of(["ipv4", "ipv6"]))]
    pub ip_family: Option<String>,
    /// The range of addresses of services.
    #[attr(computed, forces_new, check = check::cidr_v4)]
    pub service_ipv4_cidr: Option<String>,
    /// The range of IPv6 addresses of services.
    #[attr(output)]
    pub service_ipv6_cidr: Option<String>,
    /// Load balancers that the service manages by itself.
    #[attr(block = list, computed, max = 1)]
    pub elastic_load_balancing: Vec<Enabled>,
}

/// Whether something is on.
#[derive(Clone, Debug, PartialEq, Block)]
pub struct Enabled {
    /// Whether it is.
    pub enabled: Option<bool>,
}

/// A control plane on an Outpost.
#[derive(Clone, Debug, PartialEq, Block)]
pub struct OutpostConfig {
    /// The type of its instances.
    #[attr(forces_new)]
    pub control_plane_instance_type: String,
    /// The Outposts.
    #[attr(required)]
    pub outpost_arns: BTreeSet<String>,
    /// Where on them.
    #[attr(block = list, max = 1, forces_new = added_or_removed)]
    pub control_plane_placement: Vec<Placement>,
}

/// Where on an Outpost.
#[derive(Clone, Debug, PartialEq, Block)]
pub struct Placement {
    /// The placement group.
    #[attr(forces_new)]
    pub group_name: String,
}

/// Networks of nodes outside of AWS.
#[derive(Clone, Debug, PartialEq, Block)]
pub struct RemoteNetworkConfig {
    /// Of nodes.
    #[attr(block = list, min = 1, max = 1, forces_new = added_or_removed)]
    pub remote_node_networks: Vec<Networks>,
    /// Of pods.
    #[attr(block = list, max = 1, forces_new = added)]
    pub remote_pod_networks: Vec<Networks>,
}

/// Ranges of addresses.
#[derive(Clone, Debug, PartialEq, Block)]
pub struct Networks {
    /// The ranges.
    #[attr(forces_new)]
    pub cidrs: BTreeSet<String>,
}

/// Disks that the service manages by itself.
#[derive(Clone, Debug, PartialEq, Block)]
pub struct StorageConfig {
    /// Whether it does.
    #[attr(block = list, max = 1)]
    pub block_storage: Vec<Enabled>,
}

/// How long a version is supported.
#[derive(Clone, Debug, PartialEq, Block)]
pub struct UpgradePolicy {
    /// `STANDARD`, or `EXTENDED` for a fee.
    #[attr(computed, check = check::one_of(["STANDARD", "EXTENDED"]))]
    pub support_type: Option<String>,
}

/// The network of a cluster.
#[derive(Clone, Debug, PartialEq, Block)]
pub struct VpcConfig {
    /// The security group that the service makes.
    #[attr(output)]
    pub cluster_security_group_id: Option<String>,
    /// Whether the cluster can be reached from the VPC.
    #[attr(default = false)]
    pub endpoint_private_access: bool,
    /// Whether the cluster can be reached from the internet.
    #[attr(default = true)]
    pub endpoint_public_access: bool,
    /// From where in the internet.
    #[attr(computed, check = check::each(check::cidr_v4))]
    pub public_access_cidrs: BTreeSet<String>,
    /// More security groups.
    pub security_group_ids: BTreeSet<String>,
    /// The subnets, in two availability zones at least.
    #[attr(required)]
    pub subnet_ids: BTreeSet<String>,
    /// The VPC of the subnets.
    #[attr(output)]
    pub vpc_id: Option<String>,
}

/// Who signed the certificates of a cluster.
#[derive(Clone, Debug, PartialEq, Block)]
pub struct Certificate {
    /// The certificate, in base 64.
    pub data: Option<String>,
}

/// Who a cluster's tokens come from.
#[derive(Clone, Debug, PartialEq, Block)]
pub struct Identity {
    /// An identity provider.
    pub oidc: Vec<Oidc>,
}

/// An identity provider.
#[derive(Clone, Debug, PartialEq, Block)]
pub struct Oidc {
    /// Its URL.
    pub issuer: Option<String>,
}

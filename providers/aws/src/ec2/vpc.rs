//! `aws_vpc`. What AWS makes along with a VPC is found once: the default ACL and group stay, and whether its main route
//! table still is the main one is in the answer that reading route tables needs anyway.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_ec2::types::{
    self, AttributeBooleanValue, ResourceType, Tenancy, VpcAttributeName, VpcCidrBlockStateCode, VpcIpv6CidrBlockAssociation, VpcState,
};
use futures::future::try_join_all;
use secstack_base::schema::Draft;
use secstack_base::{Diags, Type, Value};
use secstack_sdk::drift::{Known, Unmanaged};
use secstack_sdk::typed::{Ask, Found, Resource, Schema, Tags};
use secstack_sdk::{Id, Result, Status, Trace, check};

use super::drift;
use super::{arn, filter, given, int, retag, tagged, tags_of};
use super::{made, shared};
use crate::Aws;
use crate::error::{Answer, Missing};

/// A virtual network.
#[derive(Clone, Debug, Schema)]
#[resource(
    "aws_vpc",
    version = 1,
    conflicts(assign_generated_ipv6_cidr_block, ipv6_ipam_pool_id),
    conflicts(cidr_block, ipv4_netmask_length),
    conflicts(ipv6_cidr_block, ipv6_netmask_length)
)]
pub struct Vpc {
    /// The ARN of the VPC.
    #[attr(output)]
    pub arn: String,
    /// Whether AWS gives the VPC a /56 of IPv6 addresses.
    #[attr(optional)]
    pub assign_generated_ipv6_cidr_block: bool,
    /// The IPv4 range, in CIDR notation.
    #[attr(computed, forces_new, check = check::network_v4(16, 28))]
    pub cidr_block: String,
    /// The network ACL of subnets that have no other.
    #[attr(output)]
    pub default_network_acl_id: String,
    /// The route table that AWS made with the VPC.
    #[attr(output)]
    pub default_route_table_id: String,
    /// The security group of objects that have no other.
    #[attr(output)]
    pub default_security_group_id: String,
    /// The DHCP options in use.
    #[attr(output)]
    pub dhcp_options_id: String,
    /// Whether instances with public addresses get public host names.
    #[attr(computed)]
    pub enable_dns_hostnames: bool,
    /// Whether Amazon's DNS server answers in the VPC.
    #[attr(default = true)]
    pub enable_dns_support: bool,
    /// Whether the use of addresses is counted.
    #[attr(computed)]
    pub enable_network_address_usage_metrics: bool,
    /// Whether instances share hardware with those of others.
    #[attr(default = "default", forces_new = tenancy_forces_new, check = check::one_of(["default", "dedicated"]))]
    pub instance_tenancy: String,
    /// The address pool that the IPv4 range is taken from.
    #[attr(forces_new, local)]
    pub ipv4_ipam_pool_id: Option<String>,
    /// The length of the IPv4 range's prefix, when it is taken from a pool.
    #[attr(forces_new, local, check = check::between(0, 28))]
    pub ipv4_netmask_length: Option<i64>,
    /// What ties the IPv6 range to the VPC.
    #[attr(output)]
    pub ipv6_association_id: String,
    /// The IPv6 range, in CIDR notation.
    #[attr(computed, check = check::cidr_v6)]
    pub ipv6_cidr_block: String,
    /// The group of zones that announces the IPv6 range.
    #[attr(computed)]
    pub ipv6_cidr_block_network_border_group: String,
    /// The address pool that the IPv6 range is taken from.
    #[attr(optional)]
    pub ipv6_ipam_pool_id: String,
    /// The length of the IPv6 range's prefix, when it is taken from a pool.
    #[attr(optional)]
    pub ipv6_netmask_length: i64,
    /// The route table of subnets that have no other.
    #[attr(output)]
    pub main_route_table_id: String,
    /// The account that owns the VPC.
    #[attr(output)]
    pub owner_id: String,
    /// Tags of the VPC.
    #[attr(tags)]
    pub tags: Tags,
}

/// Dedicated hardware can be given up in place.
fn tenancy_forces_new(prior: &Value, planned: &Value) -> bool {
    !(prior.as_str() == Some("dedicated") && planned.as_str() == Some("default"))
}

/// An attribute of a VPC that has a call of its own, and its field.
type Switch = (VpcAttributeName, fn(&mut Vpc) -> &mut bool);

const SWITCHES: [Switch; 3] = [
    (VpcAttributeName::EnableDnsHostnames, |v| &mut v.enable_dns_hostnames),
    (VpcAttributeName::EnableDnsSupport, |v| &mut v.enable_dns_support),
    (VpcAttributeName::EnableNetworkAddressUsageMetrics, |v| &mut v.enable_network_address_usage_metrics),
];

impl Resource for Vpc {
    type Cx = Aws;
    const BATCH: usize = super::FILTER_MOST;
    const LEAVES_TOKEN: bool = true;

    async fn create(cx: &Aws, want: &Self, token: &str) -> Result<Id> {
        let v6 = want.assign_generated_ipv6_cidr_block || !want.ipv6_ipam_pool_id.is_empty();
        let call = cx.ec2().create_vpc().set_cidr_block(given(&want.cidr_block));
        let made = call
            .instance_tenancy(Tenancy::from(want.instance_tenancy.as_str()))
            .set_amazon_provided_ipv6_cidr_block(want.assign_generated_ipv6_cidr_block.then_some(true))
            .set_ipv4_ipam_pool_id(want.ipv4_ipam_pool_id.clone())
            .set_ipv4_netmask_length(want.ipv4_netmask_length.map(int))
            .set_ipv6_cidr_block(given(&want.ipv6_cidr_block).filter(|_| v6))
            .set_ipv6_cidr_block_network_border_group(given(&want.ipv6_cidr_block_network_border_group).filter(|_| v6))
            .set_ipv6_ipam_pool_id(given(&want.ipv6_ipam_pool_id))
            .set_ipv6_netmask_length((want.ipv6_netmask_length > 0).then(|| int(want.ipv6_netmask_length)))
            .set_tag_specifications(tagged(ResourceType::Vpc, &want.tags, token))
            .send()
            .await
            .api()?;
        Id::of(made.vpc.and_then(|v| v.vpc_id))
    }

    async fn find_made(cx: &Aws, trace: &Trace) -> Result<Option<Id>> {
        made::vpc(cx, trace).await
    }

    async fn finish(cx: &Aws, id: &Id, want: &Self) -> Result<()> {
        // What a new VPC is, unless it is told otherwise.
        let fresh =
            Self { enable_dns_hostnames: false, enable_dns_support: true, enable_network_address_usage_metrics: false, ..want.clone() };
        flip(cx, id, &fresh, want).await
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let prior: BTreeMap<&str, &Self> = asks.iter().filter_map(|a| Some((&*a.id.0, a.prior.as_ref()?))).collect();
        // Asked for together with the route tables of others.
        let tables = shared::route_tables(cx, prior.values().map(|v| &v.main_route_table_id));
        let (vpcs, tables) = futures::try_join!(shared::vpcs(cx, asks.iter().map(|a| &*a.id.0)), tables)?;
        let made = Companions::of(cx, &vpcs, &tables, &prior).await?;
        let each = vpcs.iter().map(|(id, vpc)| from_remote(cx, vpc, prior.get(&**id).copied(), &made));
        Ok(try_join_all(each).await?.into_iter().flatten().collect())
    }

    async fn update(cx: &Aws, id: &Id, prior: &Self, want: &Self) -> Result<()> {
        flip(cx, id, prior, want).await?;
        if prior.instance_tenancy != want.instance_tenancy {
            let call = cx.ec2().modify_vpc_tenancy().vpc_id(&*id.0);
            call.instance_tenancy(types::VpcTenancy::Default).send().await.api()?;
        }
        let v6 = |v: &Self| {
            let range = v.ipv6_cidr_block.clone();
            (v.assign_generated_ipv6_cidr_block, v.ipv6_ipam_pool_id.clone(), v.ipv6_netmask_length, range)
        };
        if v6(prior) != v6(want) {
            change_v6(cx, id, prior, want).await?;
        }
        retag(cx, &id.0, &prior.tags, &want.tags).await
    }

    async fn delete(cx: &Aws, id: &Id, _prior: &Self) -> Result<()> {
        cx.ec2().delete_vpc().vpc_id(&*id.0).send().await.api()?;
        Ok(())
    }

    /// What depends on the IPv6 range is known only after it is given or given up.
    fn plan(draft: &mut Draft) -> Diags {
        let Some(prior) = draft.prior.clone() else { return Diags::new() };
        let changed = |name: &str| {
            let (old, new) = (prior.get(name), draft.planned.get(name));
            let truth = |v: Option<&Value>| v.and_then(Value::as_bool).unwrap_or(false);
            if new.is_some_and(Value::is_unknown) { true } else { truth(old) != truth(new) }
        };
        if changed("assign_generated_ipv6_cidr_block") {
            for name in ["ipv6_association_id", "ipv6_cidr_block"] {
                if draft.config.get(name).is_none_or(Value::is_null) {
                    draft.planned = draft.planned.with(name, Value::unknown(Type::String));
                }
            }
        }
        Diags::new()
    }

    async fn unmanaged(cx: &Aws, ours: &[Id], known: &Known) -> Result<Vec<Unmanaged>> {
        drift::in_our_vpcs(cx, ours, known).await
    }
}

async fn flip(cx: &Aws, id: &Id, prior: &Vpc, want: &Vpc) -> Result<()> {
    let (mut prior, mut want) = (prior.clone(), want.clone());
    for (name, field) in SWITCHES {
        let (old, new) = (*field(&mut prior), *field(&mut want));
        if old == new {
            continue;
        }
        let on = AttributeBooleanValue::builder().value(new).build();
        let call = cx.ec2().modify_vpc_attribute().vpc_id(&*id.0);
        let call = match name {
            VpcAttributeName::EnableDnsHostnames => call.enable_dns_hostnames(on),
            VpcAttributeName::EnableDnsSupport => call.enable_dns_support(on),
            _ => call.enable_network_address_usage_metrics(on),
        };
        call.send().await.api()?;
    }
    Ok(())
}

async fn change_v6(cx: &Aws, id: &Id, prior: &Vpc, want: &Vpc) -> Result<()> {
    if !prior.ipv6_association_id.is_empty() {
        let call = cx.ec2().disassociate_vpc_cidr_block().association_id(&prior.ipv6_association_id);
        call.send().await.api().or_missing()?;
    }
    if want.assign_generated_ipv6_cidr_block || !want.ipv6_ipam_pool_id.is_empty() {
        let call = cx.ec2().associate_vpc_cidr_block().vpc_id(&*id.0);
        call.set_amazon_provided_ipv6_cidr_block(want.assign_generated_ipv6_cidr_block.then_some(true))
            .set_ipv6_ipam_pool_id(given(&want.ipv6_ipam_pool_id))
            .set_ipv6_netmask_length((want.ipv6_netmask_length > 0).then(|| int(want.ipv6_netmask_length)))
            .set_ipv6_cidr_block(given(&want.ipv6_cidr_block).filter(|_| !want.ipv6_ipam_pool_id.is_empty()))
            .set_ipv6_cidr_block_network_border_group(given(&want.ipv6_cidr_block_network_border_group))
            .send()
            .await
            .api()?;
    }
    Ok(())
}

/// The objects that AWS made with VPCs, by VPC.
#[derive(Default)]
struct Companions {
    acl: BTreeMap<String, String>,
    group: BTreeMap<String, String>,
    main: BTreeMap<String, String>,
}

impl Companions {
    /// Checks those that are known already and looks for the others.
    async fn of(
        cx: &Aws,
        vpcs: &shared::ById<types::Vpc>,
        tables: &shared::ById<types::RouteTable>,
        prior: &BTreeMap<&str, &Vpc>,
    ) -> Result<Self> {
        let known = |f: fn(&Vpc) -> &String| {
            let pairs = prior.iter().map(|(id, v)| (id.to_string(), f(v).clone()));
            pairs.filter(|(_, companion)| !companion.is_empty()).collect()
        };
        // The default ACL and group stay as long as the VPC does; another table may become the main one.
        let mut made =
            Self { acl: known(|v| &v.default_network_acl_id), group: known(|v| &v.default_security_group_id), ..Self::default() };
        made.main.extend(tables.values().filter(|t| is_main(t)).filter_map(|t| pair(&t.vpc_id, &t.route_table_id)));
        let missing = |known: &BTreeMap<String, String>| {
            let ids: Vec<String> = vpcs.keys().filter(|id| !known.contains_key(*id)).cloned().collect();
            (!ids.is_empty()).then(|| filter("vpc-id", ids))
        };
        let (acl, group, main) = (missing(&made.acl), missing(&made.group), missing(&made.main));
        let (acl, group, main) = futures::try_join!(default_acls(cx, acl), default_groups(cx, group), main_tables(cx, main))?;
        made.acl.extend(acl);
        made.group.extend(group);
        made.main.extend(main);
        Ok(made)
    }
}

fn pair(vpc: &Option<String>, id: &Option<String>) -> Option<(String, String)> {
    Some((vpc.clone()?, id.clone()?))
}

fn is_main(table: &types::RouteTable) -> bool {
    table.associations().iter().any(|a| a.main == Some(true))
}

async fn default_acls(cx: &Aws, vpcs: Option<types::Filter>) -> Result<Vec<(String, String)>> {
    let Some(vpcs) = vpcs else { return Ok(vec![]) };
    let call = cx.ec2().describe_network_acls().filters(vpcs).filters(filter("default", ["true"]));
    let found = call.into_paginator().items().send().try_collect().await.api()?;
    Ok(found.iter().filter_map(|a| pair(&a.vpc_id, &a.network_acl_id)).collect())
}

async fn default_groups(cx: &Aws, vpcs: Option<types::Filter>) -> Result<Vec<(String, String)>> {
    let Some(vpcs) = vpcs else { return Ok(vec![]) };
    let call = cx.ec2().describe_security_groups().filters(vpcs).filters(filter("group-name", ["default"]));
    let found = call.into_paginator().items().send().try_collect().await.api()?;
    Ok(found.iter().filter_map(|g| pair(&g.vpc_id, &g.group_id)).collect())
}

async fn main_tables(cx: &Aws, vpcs: Option<types::Filter>) -> Result<Vec<(String, String)>> {
    let Some(vpcs) = vpcs else { return Ok(vec![]) };
    let call = cx.ec2().describe_route_tables().filters(vpcs).filters(filter("association.main", ["true"]));
    let found = call.into_paginator().items().send().try_collect().await.api()?;
    Ok(found.iter().filter_map(|t| pair(&t.vpc_id, &t.route_table_id)).collect())
}

/// Whether one of the three switches of a VPC is on. `None` when the VPC does not exist.
pub(super) async fn switch(cx: &Aws, vpc: &str, name: VpcAttributeName) -> Result<Option<bool>> {
    let key = format!("ec2 vpc attribute {vpc} {name}");
    let answer = cx.cached(key, async { cx.ec2().describe_vpc_attribute().vpc_id(vpc).attribute(name.clone()).send().await.api() });
    let Some(answer) = answer.await.or_missing()? else { return Ok(None) };
    let value = match name {
        VpcAttributeName::EnableDnsHostnames => &answer.enable_dns_hostnames,
        VpcAttributeName::EnableDnsSupport => &answer.enable_dns_support,
        _ => &answer.enable_network_address_usage_metrics,
    };
    Ok(Some(value.as_ref().and_then(|v| v.value).unwrap_or(false)))
}

/// The association of the IPv6 range: the one known by ID, or the first in use.
pub(super) fn v6_association<'a>(vpc: &'a types::Vpc, known: &str) -> Option<&'a VpcIpv6CidrBlockAssociation> {
    let live = |a: &&VpcIpv6CidrBlockAssociation| {
        a.ipv6_cidr_block_state.as_ref().and_then(|s| s.state.as_ref()) == Some(&VpcCidrBlockStateCode::Associated)
    };
    let all = vpc.ipv6_cidr_block_association_set();
    all.iter().filter(live).find(|a| a.association_id.as_deref() == Some(known)).or_else(|| all.iter().find(live))
}

async fn from_remote(cx: &Aws, vpc: &types::Vpc, prior: Option<&Vpc>, made: &Companions) -> Result<Option<Found<Vpc>>> {
    let id = vpc.vpc_id.clone().unwrap_or_default();
    let [hostnames, support, metrics] = SWITCHES.map(|(name, _)| switch(cx, &id, name));
    let (Some(hostnames), Some(support), Some(metrics)) = futures::try_join!(hostnames, support, metrics)? else {
        return Ok(None);
    };
    let companion = |of: &BTreeMap<String, String>| of.get(&id).cloned().unwrap_or_default();
    let owner_id = vpc.owner_id.clone().unwrap_or_default();
    let v6 = v6_association(vpc, prior.map_or("", |p| &p.ipv6_association_id));
    let text = |f: fn(&VpcIpv6CidrBlockAssociation) -> &Option<String>| v6.and_then(|a| f(a).clone()).unwrap_or_default();
    let pool = text(|a| &a.ipv6_pool);
    let range = text(|a| &a.ipv6_cidr_block);
    let pooled = !pool.is_empty() && pool != "Amazon";
    let object = Vpc {
        arn: arn(cx, &owner_id, &format!("vpc/{id}")),
        assign_generated_ipv6_cidr_block: pool == "Amazon",
        cidr_block: vpc.cidr_block.clone().unwrap_or_default(),
        default_network_acl_id: companion(&made.acl),
        // The table that is the main one when the VPC is first read stays the default one.
        default_route_table_id: prior.and_then(|p| given(&p.default_route_table_id)).unwrap_or_else(|| companion(&made.main)),
        default_security_group_id: companion(&made.group),
        dhcp_options_id: vpc.dhcp_options_id.clone().unwrap_or_default(),
        enable_dns_hostnames: hostnames,
        enable_dns_support: support,
        enable_network_address_usage_metrics: metrics,
        instance_tenancy: vpc.instance_tenancy.as_ref().map(|t| t.as_str().into()).unwrap_or_default(),
        ipv4_ipam_pool_id: None,
        ipv4_netmask_length: None,
        ipv6_association_id: text(|a| &a.association_id),
        ipv6_cidr_block_network_border_group: text(|a| &a.network_border_group),
        ipv6_ipam_pool_id: match pool.as_str() {
            "IPAM Managed" => prior.map(|p| p.ipv6_ipam_pool_id.clone()).unwrap_or_default(),
            _ if pooled => pool,
            _ => String::new(),
        },
        ipv6_netmask_length: range.split_once('/').filter(|_| pooled).and_then(|(_, n)| n.parse().ok()).unwrap_or_default(),
        ipv6_cidr_block: range,
        main_route_table_id: companion(&made.main),
        owner_id,
        tags: tags_of(vpc.tags()),
    };
    let associating = vpc
        .ipv6_cidr_block_association_set()
        .iter()
        .any(|a| a.ipv6_cidr_block_state.as_ref().and_then(|s| s.state.as_ref()) == Some(&VpcCidrBlockStateCode::Associating));
    let ready = vpc.state == Some(VpcState::Available) && !associating;
    let status = if ready { Status::Ready } else { Status::Pending };
    Ok(Some(Found { id: Id(Arc::from(id)), status, object }))
}

//! `aws_subnet`. The service changes one attribute of a subnet per call.

use aws_sdk_ec2::types::{self, AttributeBooleanValue, HostnameType, ResourceType, SubnetCidrBlockStateCode, SubnetState};
use secstack_sdk::drift::{Severity, Weakness};
use secstack_sdk::typed::{Ask, Found, Resource, Schema, Tags};
use secstack_sdk::{Id, Result, Status, Trace, check};

use super::{filter, given, int, made, retag, tagged, tags_of};
use crate::Aws;
use crate::error::{Answer, Missing};

/// A range of addresses inside one availability zone of a VPC.
#[derive(Clone, Debug, Schema)]
#[resource("aws_subnet", version = 1, timeouts(create, delete), conflicts(availability_zone, availability_zone_id))]
pub struct Subnet {
    /// The ARN of the subnet.
    #[attr(output)]
    pub arn: String,
    /// Whether network interfaces made here get an IPv6 address.
    #[attr(default = false)]
    pub assign_ipv6_address_on_creation: bool,
    /// The availability zone, by name. AWS picks one when it is left out.
    #[attr(computed, forces_new)]
    pub availability_zone: String,
    /// The availability zone, by the ID that is the same in every account.
    #[attr(computed, forces_new)]
    pub availability_zone_id: String,
    /// The IPv4 range of the subnet, in CIDR notation.
    #[attr(optional, forces_new, check = check::cidr_v4)]
    pub cidr_block: String,
    /// The pool of addresses of one's own that instances on an Outpost get.
    #[attr(optional)]
    pub customer_owned_ipv4_pool: String,
    /// Whether DNS answers for IPv4-only services with IPv6 addresses.
    #[attr(default = false)]
    pub enable_dns64: bool,
    /// The position at which local network interfaces are attached.
    #[attr(optional)]
    pub enable_lni_at_device_index: i64,
    /// Whether queries for instance names are answered with A records.
    #[attr(default = false)]
    pub enable_resource_name_dns_a_record_on_launch: bool,
    /// Whether queries for instance names are answered with AAAA records.
    #[attr(default = false)]
    pub enable_resource_name_dns_aaaa_record_on_launch: bool,
    /// The IPv6 range of the subnet, in CIDR notation.
    #[attr(optional, check = check::cidr_v6)]
    pub ipv6_cidr_block: String,
    /// What ties the IPv6 range to the subnet.
    #[attr(output)]
    pub ipv6_cidr_block_association_id: String,
    /// Whether the subnet has IPv6 addresses only.
    #[attr(default = false, forces_new)]
    pub ipv6_native: bool,
    /// Whether network interfaces made here get an address of one's own.
    #[attr(optional)]
    pub map_customer_owned_ip_on_launch: bool,
    /// Whether an instance launched here gets a public IPv4 address.
    #[attr(default = false)]
    pub map_public_ip_on_launch: bool,
    /// The Outpost that the subnet is on.
    #[attr(optional, forces_new, check = check::arn)]
    pub outpost_arn: String,
    /// The account that owns the subnet.
    #[attr(output)]
    pub owner_id: String,
    /// What instances get their host names from.
    #[attr(computed, check = check::one_of(["ip-name", "resource-name"]))]
    pub private_dns_hostname_type_on_launch: String,
    /// Tags of the subnet.
    #[attr(tags)]
    pub tags: Tags,
    /// The VPC the subnet belongs to.
    #[attr(forces_new)]
    pub vpc_id: String,
}

impl Resource for Subnet {
    type Cx = Aws;
    const BATCH: usize = super::FILTER_MOST;
    const LEAVES_TOKEN: bool = true;

    async fn create(cx: &Aws, want: &Self, token: &str) -> Result<Id> {
        let call = cx.ec2().create_subnet().vpc_id(&want.vpc_id).set_cidr_block(given(&want.cidr_block));
        let made = call
            .set_availability_zone(given(&want.availability_zone))
            .set_availability_zone_id(given(&want.availability_zone_id))
            .set_ipv6_cidr_block(given(&want.ipv6_cidr_block))
            .set_ipv6_native(want.ipv6_native.then_some(true))
            .set_outpost_arn(given(&want.outpost_arn))
            .set_tag_specifications(tagged(ResourceType::Subnet, &want.tags, token))
            .send()
            .await
            .api()?;
        Id::of(made.subnet.and_then(|s| s.subnet_id))
    }

    async fn find_made(cx: &Aws, trace: &Trace) -> Result<Option<Id>> {
        made::subnet(cx, trace).await
    }

    async fn finish(cx: &Aws, id: &Id, want: &Self) -> Result<()> {
        let fresh = Self {
            assign_ipv6_address_on_creation: false,
            customer_owned_ipv4_pool: String::new(),
            enable_dns64: false,
            enable_lni_at_device_index: 0,
            enable_resource_name_dns_a_record_on_launch: false,
            enable_resource_name_dns_aaaa_record_on_launch: false,
            map_customer_owned_ip_on_launch: false,
            map_public_ip_on_launch: false,
            private_dns_hostname_type_on_launch: String::new(),
            ..want.clone()
        };
        modify(cx, id, &fresh, want).await
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        // A filter, not `subnet_ids`: one missing ID would fail the whole call.
        let ids = asks.iter().map(|a| &*a.id.0);
        let call = cx.ec2().describe_subnets().filters(filter("subnet-id", ids));
        let found = call.into_paginator().items().send().try_collect().await.api()?;
        found.into_iter().map(from_remote).collect()
    }

    async fn update(cx: &Aws, id: &Id, prior: &Self, want: &Self) -> Result<()> {
        if prior.ipv6_cidr_block != want.ipv6_cidr_block {
            // Without a range, no interface may ask for an address of it.
            if !prior.ipv6_cidr_block_association_id.is_empty() {
                if prior.assign_ipv6_address_on_creation {
                    let off = Self { assign_ipv6_address_on_creation: false, ..prior.clone() };
                    modify(cx, id, prior, &off).await?;
                }
                let call = cx.ec2().disassociate_subnet_cidr_block();
                call.association_id(&prior.ipv6_cidr_block_association_id).send().await.api().or_missing()?;
            }
            if let Some(range) = given(&want.ipv6_cidr_block) {
                cx.ec2().associate_subnet_cidr_block().subnet_id(&*id.0).ipv6_cidr_block(range).send().await.api()?;
            }
            let off = Self { assign_ipv6_address_on_creation: false, ..prior.clone() };
            modify(cx, id, &off, want).await?;
        } else {
            modify(cx, id, prior, want).await?;
        }
        retag(cx, &id.0, &prior.tags, &want.tags).await
    }

    async fn delete(cx: &Aws, id: &Id, _prior: &Self) -> Result<()> {
        cx.ec2().delete_subnet().subnet_id(&*id.0).send().await.api()?;
        Ok(())
    }

    fn weakened(was: &Self, now: Option<&Self>) -> Vec<Weakness> {
        let opened = now.is_some_and(|n| n.map_public_ip_on_launch && !was.map_public_ip_on_launch);
        let what = "new instances in the subnet get public addresses now";
        Weakness::when(opened, Severity::Medium, "map_public_ip_on_launch", what).into_iter().collect()
    }
}

fn boolean(b: bool) -> AttributeBooleanValue {
    AttributeBooleanValue::builder().value(b).build()
}

/// Brings the attributes that are not given on creation from `prior` to `want`.
async fn modify(cx: &Aws, id: &Id, prior: &Subnet, want: &Subnet) -> Result<()> {
    let call = || cx.ec2().modify_subnet_attribute().subnet_id(&*id.0);
    let differs = |f: fn(&Subnet) -> bool| (f(prior) != f(want)).then(|| boolean(f(want)));
    let mut calls = vec![];
    if prior.customer_owned_ipv4_pool != want.customer_owned_ipv4_pool
        || prior.map_customer_owned_ip_on_launch != want.map_customer_owned_ip_on_launch
    {
        let on = boolean(want.map_customer_owned_ip_on_launch);
        calls.push(call().map_customer_owned_ip_on_launch(on).set_customer_owned_ipv4_pool(given(&want.customer_owned_ipv4_pool)));
    }
    if prior.enable_lni_at_device_index != want.enable_lni_at_device_index {
        calls.push(call().enable_lni_at_device_index(int(want.enable_lni_at_device_index)));
    }
    if let Some(on) = differs(|s| s.assign_ipv6_address_on_creation) {
        calls.push(call().assign_ipv6_address_on_creation(on));
    }
    if let Some(on) = differs(|s| s.enable_dns64) {
        calls.push(call().enable_dns64(on));
    }
    if let Some(on) = differs(|s| s.enable_resource_name_dns_aaaa_record_on_launch) {
        calls.push(call().enable_resource_name_dns_aaaa_record_on_launch(on));
    }
    if let Some(on) = differs(|s| s.enable_resource_name_dns_a_record_on_launch) {
        calls.push(call().enable_resource_name_dns_a_record_on_launch(on));
    }
    if let Some(on) = differs(|s| s.map_public_ip_on_launch) {
        calls.push(call().map_public_ip_on_launch(on));
    }
    let hostnames = &want.private_dns_hostname_type_on_launch;
    if !hostnames.is_empty() && *hostnames != prior.private_dns_hostname_type_on_launch {
        calls.push(call().private_dns_hostname_type_on_launch(HostnameType::from(hostnames.as_str())));
    }
    for call in calls {
        call.send().await.api()?;
    }
    Ok(())
}

fn from_remote(s: types::Subnet) -> Result<Found<Subnet>> {
    let v6_in = |state: &SubnetCidrBlockStateCode| {
        let is =
            |a: &&types::SubnetIpv6CidrBlockAssociation| a.ipv6_cidr_block_state.as_ref().and_then(|s| s.state.as_ref()) == Some(state);
        s.ipv6_cidr_block_association_set().iter().find(is)
    };
    let v6 = v6_in(&SubnetCidrBlockStateCode::Associated);
    let pending = s.state == Some(SubnetState::Pending) || v6_in(&SubnetCidrBlockStateCode::Associating).is_some();
    let dns = s.private_dns_name_options_on_launch.as_ref();
    let object = Subnet {
        arn: s.subnet_arn.clone().unwrap_or_default(),
        assign_ipv6_address_on_creation: s.assign_ipv6_address_on_creation.unwrap_or_default(),
        availability_zone: s.availability_zone.clone().unwrap_or_default(),
        availability_zone_id: s.availability_zone_id.clone().unwrap_or_default(),
        cidr_block: s.cidr_block.clone().unwrap_or_default(),
        customer_owned_ipv4_pool: s.customer_owned_ipv4_pool.clone().unwrap_or_default(),
        enable_dns64: s.enable_dns64.unwrap_or_default(),
        enable_lni_at_device_index: s.enable_lni_at_device_index.unwrap_or_default().into(),
        enable_resource_name_dns_a_record_on_launch: dns.and_then(|d| d.enable_resource_name_dns_a_record).unwrap_or_default(),
        enable_resource_name_dns_aaaa_record_on_launch: dns.and_then(|d| d.enable_resource_name_dns_aaaa_record).unwrap_or_default(),
        ipv6_cidr_block: v6.and_then(|a| a.ipv6_cidr_block.clone()).unwrap_or_default(),
        ipv6_cidr_block_association_id: v6.and_then(|a| a.association_id.clone()).unwrap_or_default(),
        ipv6_native: s.ipv6_native.unwrap_or_default(),
        map_customer_owned_ip_on_launch: s.map_customer_owned_ip_on_launch.unwrap_or_default(),
        map_public_ip_on_launch: s.map_public_ip_on_launch.unwrap_or_default(),
        outpost_arn: s.outpost_arn.clone().unwrap_or_default(),
        owner_id: s.owner_id.clone().unwrap_or_default(),
        private_dns_hostname_type_on_launch: dns.and_then(|d| d.hostname_type.as_ref()).map(|t| t.as_str().to_string()).unwrap_or_default(),
        tags: tags_of(s.tags()),
        vpc_id: s.vpc_id.clone().unwrap_or_default(),
    };
    let status = if pending { Status::Pending } else { Status::Ready };
    Ok(Found { id: Id::of(s.subnet_id)?, status, object })
}

//! `data.aws_subnet`

use std::collections::BTreeSet;

use aws_sdk_ec2::types::SubnetCidrBlockStateCode;
use secstack_sdk::Result;
use secstack_sdk::typed::{DataSource, Schema, Tags};

use super::query::{FilterBlock, Query, only, visible};
use crate::Aws;
use crate::error::Answer;

/// A subnet that exists.
#[derive(Clone, Debug, Schema)]
#[data("aws_subnet", timeouts(read))]
pub struct SubnetData {
    /// The ARN of the subnet.
    #[attr(output)]
    pub arn: String,
    /// Whether network interfaces made here get an IPv6 address.
    #[attr(output)]
    pub assign_ipv6_address_on_creation: bool,
    /// The availability zone, by name.
    #[attr(computed)]
    pub availability_zone: Option<String>,
    /// The availability zone, by ID.
    #[attr(computed)]
    pub availability_zone_id: Option<String>,
    /// The number of addresses that nobody has.
    #[attr(output)]
    pub available_ip_address_count: i64,
    /// The IPv4 range.
    #[attr(computed)]
    pub cidr_block: Option<String>,
    /// The pool of addresses of one's own that instances on an Outpost get.
    #[attr(output)]
    pub customer_owned_ipv4_pool: String,
    /// Whether this is the default subnet of its zone.
    #[attr(computed)]
    pub default_for_az: Option<bool>,
    /// Whether DNS answers for IPv4-only services with IPv6 addresses.
    #[attr(output)]
    pub enable_dns64: bool,
    /// The position at which local network interfaces are attached.
    #[attr(output)]
    pub enable_lni_at_device_index: i64,
    /// Whether queries for instance names are answered with A records.
    #[attr(output)]
    pub enable_resource_name_dns_a_record_on_launch: bool,
    /// Whether queries for instance names are answered with AAAA records.
    #[attr(output)]
    pub enable_resource_name_dns_aaaa_record_on_launch: bool,
    /// What the subnet must be like.
    #[attr(block = set)]
    pub filter: BTreeSet<FilterBlock>,
    /// The subnet.
    #[attr(computed)]
    pub id: Option<String>,
    /// The IPv6 range.
    #[attr(computed)]
    pub ipv6_cidr_block: Option<String>,
    /// What ties the IPv6 range to the subnet.
    #[attr(output)]
    pub ipv6_cidr_block_association_id: String,
    /// Whether the subnet has IPv6 addresses only.
    #[attr(output)]
    pub ipv6_native: bool,
    /// Whether network interfaces made here get an address of one's own.
    #[attr(output)]
    pub map_customer_owned_ip_on_launch: bool,
    /// Whether an instance launched here gets a public IPv4 address.
    #[attr(output)]
    pub map_public_ip_on_launch: bool,
    /// The Outpost that the subnet is on.
    #[attr(output)]
    pub outpost_arn: String,
    /// The account that owns the subnet.
    #[attr(output)]
    pub owner_id: String,
    /// What instances get their host names from.
    #[attr(output)]
    pub private_dns_hostname_type_on_launch: String,
    /// The state of the subnet.
    #[attr(computed)]
    pub state: Option<String>,
    /// Tags of the subnet.
    #[attr(computed)]
    pub tags: Tags,
    /// The VPC of the subnet.
    #[attr(computed)]
    pub vpc_id: Option<String>,
}

impl DataSource for SubnetData {
    type Cx = Aws;

    async fn read(cx: &Aws, want: Self) -> Result<Self> {
        let query = Query::default()
            .with("availabilityZone", want.availability_zone.clone())
            .with("availabilityZoneId", want.availability_zone_id.clone())
            .with("defaultForAz", want.default_for_az.filter(|d| *d).map(|d| d.to_string()))
            .with("state", want.state.clone())
            .with("vpc-id", want.vpc_id.clone())
            .with("cidrBlock", want.cidr_block.clone())
            .with("ipv6-cidr-block-association.ipv6-cidr-block", want.ipv6_cidr_block.clone())
            .tags(&want.tags)
            .blocks(&want.filter);
        let id = want.id.clone().filter(|id| !id.is_empty());
        let found = cx.cached(query.key("subnets", &format!("{id:?}")), async {
            let call = cx.ec2().describe_subnets().set_subnet_ids(id.clone().map(|id| vec![id])).set_filters(query.filters());
            call.into_paginator().items().send().try_collect().await.api()
        });
        let found = found.await?;
        let s = only(&found, "Subnet")?;
        let text = |t: &Option<String>| t.clone().unwrap_or_default();
        let v6 = s
            .ipv6_cidr_block_association_set()
            .iter()
            .find(|a| a.ipv6_cidr_block_state.as_ref().and_then(|s| s.state.as_ref()) == Some(&SubnetCidrBlockStateCode::Associated));
        let dns = s.private_dns_name_options_on_launch.as_ref();
        Ok(Self {
            arn: text(&s.subnet_arn),
            assign_ipv6_address_on_creation: s.assign_ipv6_address_on_creation.unwrap_or_default(),
            availability_zone: s.availability_zone.clone(),
            availability_zone_id: s.availability_zone_id.clone(),
            available_ip_address_count: s.available_ip_address_count.unwrap_or_default().into(),
            cidr_block: Some(text(&s.cidr_block)),
            customer_owned_ipv4_pool: text(&s.customer_owned_ipv4_pool),
            default_for_az: Some(s.default_for_az.unwrap_or_default()),
            enable_dns64: s.enable_dns64.unwrap_or_default(),
            enable_lni_at_device_index: s.enable_lni_at_device_index.unwrap_or_default().into(),
            enable_resource_name_dns_a_record_on_launch: dns.and_then(|d| d.enable_resource_name_dns_a_record).unwrap_or_default(),
            enable_resource_name_dns_aaaa_record_on_launch: dns.and_then(|d| d.enable_resource_name_dns_aaaa_record).unwrap_or_default(),
            id: s.subnet_id.clone(),
            ipv6_cidr_block: Some(v6.map(|a| text(&a.ipv6_cidr_block)).unwrap_or_default()),
            ipv6_cidr_block_association_id: v6.map(|a| text(&a.association_id)).unwrap_or_default(),
            ipv6_native: s.ipv6_native.unwrap_or_default(),
            map_customer_owned_ip_on_launch: s.map_customer_owned_ip_on_launch.unwrap_or_default(),
            map_public_ip_on_launch: s.map_public_ip_on_launch.unwrap_or_default(),
            outpost_arn: text(&s.outpost_arn),
            owner_id: text(&s.owner_id),
            private_dns_hostname_type_on_launch: dns
                .and_then(|d| d.hostname_type.as_ref())
                .map(|t| t.as_str().to_string())
                .unwrap_or_default(),
            state: s.state.as_ref().map(|s| s.as_str().to_string()),
            tags: visible(cx, s.tags()),
            vpc_id: s.vpc_id.clone(),
            ..want
        })
    }
}

//! `data.aws_vpc`

use std::collections::BTreeSet;

use aws_sdk_ec2::types::VpcAttributeName;
use secstack_sdk::Result;
use secstack_sdk::typed::{Block, DataSource, Schema, Tags};

use super::query::{FilterBlock, Query, only, visible};
use super::vpc::switch;
use super::{arn, filter, vpc};
use crate::Aws;
use crate::error::Answer;

/// A virtual network that exists.
#[derive(Clone, Debug, Schema)]
#[data("aws_vpc", timeouts(read))]
pub struct VpcData {
    /// The ARN of the VPC.
    #[attr(output)]
    pub arn: String,
    /// The first IPv4 range.
    #[attr(computed)]
    pub cidr_block: Option<String>,
    /// All IPv4 ranges.
    #[attr(output)]
    pub cidr_block_associations: Vec<Association>,
    /// Whether this is the default VPC of the region.
    #[attr(computed)]
    pub default: Option<bool>,
    /// The DHCP options in use.
    #[attr(computed)]
    pub dhcp_options_id: Option<String>,
    /// Whether instances with public addresses get public host names.
    #[attr(output)]
    pub enable_dns_hostnames: bool,
    /// Whether Amazon's DNS server answers in the VPC.
    #[attr(output)]
    pub enable_dns_support: bool,
    /// Whether the use of addresses is counted.
    #[attr(output)]
    pub enable_network_address_usage_metrics: bool,
    /// What the VPC must be like.
    #[attr(block = set)]
    pub filter: BTreeSet<FilterBlock>,
    /// The VPC.
    #[attr(computed)]
    pub id: Option<String>,
    /// Whether instances share hardware with those of others.
    #[attr(output)]
    pub instance_tenancy: String,
    /// What ties the IPv6 range to the VPC.
    #[attr(output)]
    pub ipv6_association_id: String,
    /// The IPv6 range.
    #[attr(output)]
    pub ipv6_cidr_block: String,
    /// The route table of subnets that have no other.
    #[attr(output)]
    pub main_route_table_id: String,
    /// The account that owns the VPC.
    #[attr(output)]
    pub owner_id: String,
    /// The state that the VPC must have.
    #[attr(computed)]
    pub state: Option<String>,
    /// Tags of the VPC.
    #[attr(computed)]
    pub tags: Tags,
}

/// An IPv4 range of a VPC.
#[derive(Clone, Debug, Block)]
pub struct Association {
    /// What ties the range to the VPC.
    #[attr(output)]
    pub association_id: String,
    /// The range.
    #[attr(output)]
    pub cidr_block: String,
    /// Whether the range is in use.
    #[attr(output)]
    pub state: String,
}

impl DataSource for VpcData {
    type Cx = Aws;

    async fn read(cx: &Aws, want: Self) -> Result<Self> {
        let query = Query::default()
            .with("cidr", want.cidr_block.clone())
            .with("dhcp-options-id", want.dhcp_options_id.clone())
            .with("isDefault", want.default.filter(|d| *d).map(|d| d.to_string()))
            .with("state", want.state.clone())
            .tags(&want.tags)
            .blocks(&want.filter);
        let id = want.id.clone().filter(|id| !id.is_empty());
        let found = cx.cached(query.key("vpcs", &format!("{id:?}")), async {
            let call = cx.ec2().describe_vpcs().set_vpc_ids(id.clone().map(|id| vec![id])).set_filters(query.filters());
            call.into_paginator().items().send().try_collect().await.api()
        });
        let found = found.await?;
        let v = only(&found, "VPC")?;
        let id = v.vpc_id.clone().unwrap_or_default();
        let main = cx.cached(format!("ec2 main table of {id}"), async {
            let call = cx.ec2().describe_route_tables().filters(filter("association.main", ["true"]));
            call.filters(filter("vpc-id", [&id])).send().await.api()
        });
        let (main, hostnames, support, metrics) = futures::try_join!(
            main,
            switch(cx, &id, VpcAttributeName::EnableDnsHostnames),
            switch(cx, &id, VpcAttributeName::EnableDnsSupport),
            switch(cx, &id, VpcAttributeName::EnableNetworkAddressUsageMetrics),
        )?;
        let text = |t: &Option<String>| t.clone().unwrap_or_default();
        let association = |a: &aws_sdk_ec2::types::VpcCidrBlockAssociation| Association {
            association_id: text(&a.association_id),
            cidr_block: text(&a.cidr_block),
            state: a.cidr_block_state.as_ref().and_then(|s| s.state.as_ref()).map(|s| s.as_str().into()).unwrap_or_default(),
        };
        let v6 = vpc::v6_association(v, "");
        Ok(Self {
            arn: arn(cx, &text(&v.owner_id), &format!("vpc/{id}")),
            cidr_block: v.cidr_block.clone(),
            cidr_block_associations: v.cidr_block_association_set().iter().map(association).collect(),
            default: v.is_default,
            dhcp_options_id: v.dhcp_options_id.clone(),
            enable_dns_hostnames: hostnames.unwrap_or_default(),
            enable_dns_support: support.unwrap_or_default(),
            enable_network_address_usage_metrics: metrics.unwrap_or_default(),
            id: Some(id),
            instance_tenancy: v.instance_tenancy.as_ref().map(|t| t.as_str().into()).unwrap_or_default(),
            ipv6_association_id: v6.map(|a| text(&a.association_id)).unwrap_or_default(),
            ipv6_cidr_block: v6.map(|a| text(&a.ipv6_cidr_block)).unwrap_or_default(),
            main_route_table_id: main.route_tables().first().map(|t| text(&t.route_table_id)).unwrap_or_default(),
            owner_id: text(&v.owner_id),
            tags: visible(cx, v.tags()),
            ..want
        })
    }
}

//! Networks and what guards them: types of EC2.
//!
//! A file is a type. What several types share is in `shared` (calls that one request answers for all of them),
//! `rules` (rules of security groups), `entries` (those of network ACLs), `routes`, and `sets`.

mod drift;
mod entries;
pub(crate) mod made;
mod query;
mod routes;
mod rules;
mod sets;
mod shared;
mod single_rule;

pub mod data_availability_zones;
pub mod data_subnet;
pub mod data_subnets;
pub mod data_vpc;
pub mod default_network_acl;
pub mod default_route_table;
pub mod default_security_group;
pub mod egress_only_internet_gateway;
pub mod eip;
pub mod internet_gateway;
pub mod nat_gateway;
pub mod network_acl;
pub mod network_acl_rule;
pub mod route;
pub mod route_table;
pub mod route_table_association;
pub mod security_group;
pub mod security_group_rule;
pub mod subnet;
pub mod vpc;
pub mod vpc_dhcp_options;
pub mod vpc_dhcp_options_association;
pub mod vpc_ipv4_cidr_block_association;
pub mod vpc_security_group_egress_rule;
pub mod vpc_security_group_ingress_rule;

use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};
use secstack_sdk::Result;
use secstack_sdk::typed::{Registry, Tags};

use crate::Aws;
use crate::error::Answer;
use crate::made::marked;

/// The most values that a filter of EC2 takes.
const FILTER_MOST: usize = 200;

/// Adds the types of this service.
pub fn register(types: Registry<Aws>) -> Registry<Aws> {
    types
        .resource::<vpc::Vpc>()
        .resource::<subnet::Subnet>()
        .resource::<internet_gateway::InternetGateway>()
        .resource::<egress_only_internet_gateway::EgressOnlyInternetGateway>()
        .resource::<eip::Eip>()
        .resource::<nat_gateway::NatGateway>()
        .resource::<route_table::RouteTable>()
        .resource::<route::Route>()
        .resource::<route_table_association::RouteTableAssociation>()
        .resource::<network_acl::NetworkAcl>()
        .resource::<network_acl_rule::NetworkAclRule>()
        .resource::<security_group::SecurityGroup>()
        .resource::<security_group_rule::SecurityGroupRule>()
        .resource::<vpc_security_group_ingress_rule::IngressRule>()
        .resource::<vpc_security_group_egress_rule::EgressRule>()
        .resource::<default_security_group::DefaultSecurityGroup>()
        .resource::<default_route_table::DefaultRouteTable>()
        .resource::<default_network_acl::DefaultNetworkAcl>()
        .resource::<vpc_dhcp_options::VpcDhcpOptions>()
        .resource::<vpc_dhcp_options_association::VpcDhcpOptionsAssociation>()
        .resource::<vpc_ipv4_cidr_block_association::VpcIpv4CidrBlockAssociation>()
        .data::<data_availability_zones::AvailabilityZones>()
        .data::<data_vpc::VpcData>()
        .data::<data_subnet::SubnetData>()
        .data::<data_subnets::SubnetsData>()
}

/// A filter by the values of a name.
fn filter(name: &str, values: impl IntoIterator<Item = impl Into<String>>) -> Filter {
    Filter::builder().name(name).set_values(Some(values.into_iter().map(Into::into).collect())).build()
}

/// The tags of an object that is created, with that of its creation.
fn tagged(ty: ResourceType, tags: &Tags, token: &str) -> Option<Vec<TagSpecification>> {
    let tags = to_tags(&marked(tags, token));
    Some(vec![TagSpecification::builder().resource_type(ty).set_tags(Some(tags)).build()])
}

fn to_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(k, v)| Tag::builder().key(k).value(v).build()).collect()
}

/// The tags of an object that was found.
fn tags_of(tags: &[Tag]) -> Tags {
    tags.iter().filter_map(|t| Some((t.key.clone()?, t.value.clone().unwrap_or_default()))).collect()
}

/// Changes the tags of an object.
async fn retag(cx: &Aws, id: &str, prior: &Tags, want: &Tags) -> Result<()> {
    let (set, remove) = crate::tags::changes(prior, want);
    if !remove.is_empty() {
        let keys = remove.iter().map(|k| Tag::builder().key(k).build()).collect();
        cx.ec2().delete_tags().resources(id).set_tags(Some(keys)).send().await.api()?;
    }
    if !set.is_empty() {
        cx.ec2().create_tags().resources(id).set_tags(Some(to_tags(&set))).send().await.api()?;
    }
    Ok(())
}

/// The ARN of an object of EC2, such as of `vpc/vpc-1`.
fn arn(cx: &Aws, owner: &str, object: &str) -> String {
    format!("arn:{}:ec2:{}:{owner}:{object}", cx.partition(), cx.region())
}

/// The text, unless it is empty: how the older framework says that an argument is not set.
fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_string())
}

/// A number for the service. Schemas keep numbers in its range.
fn int(n: i64) -> i32 {
    i32::try_from(n).unwrap_or(if n < 0 { i32::MIN } else { i32::MAX })
}

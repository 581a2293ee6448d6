//! `aws_vpc_dhcp_options`

use aws_sdk_ec2::types::{self, NewDhcpConfiguration, ResourceType};
use secstack_sdk::typed::{Ask, Found, Resource, Schema, Tags};
use secstack_sdk::{Id, Result, Trace};

use super::{arn, filter, given, made, retag, tagged, tags_of};
use crate::Aws;
use crate::error::Answer;

/// What instances of a VPC are told about names and time.
#[derive(Clone, Debug, Schema)]
#[resource(
    "aws_vpc_dhcp_options",
    at_least_one(
        domain_name,
        domain_name_servers,
        ipv6_address_preferred_lease_time,
        netbios_name_servers,
        netbios_node_type,
        ntp_servers
    )
)]
pub struct VpcDhcpOptions {
    /// The ARN of the options.
    #[attr(output)]
    pub arn: String,
    /// The end of host names.
    #[attr(optional, forces_new)]
    pub domain_name: String,
    /// The DNS servers, or `AmazonProvidedDNS`.
    #[attr(forces_new)]
    pub domain_name_servers: Vec<String>,
    /// How long an IPv6 address is preferred, in seconds.
    #[attr(optional, forces_new)]
    pub ipv6_address_preferred_lease_time: String,
    /// The NetBIOS name servers.
    #[attr(forces_new)]
    pub netbios_name_servers: Vec<String>,
    /// The NetBIOS node type.
    #[attr(optional, forces_new)]
    pub netbios_node_type: String,
    /// The time servers.
    #[attr(forces_new)]
    pub ntp_servers: Vec<String>,
    /// The account that owns the options.
    #[attr(output)]
    pub owner_id: String,
    /// Tags of the options.
    #[attr(tags)]
    pub tags: Tags,
}

impl Resource for VpcDhcpOptions {
    type Cx = Aws;
    const BATCH: usize = super::FILTER_MOST;
    const LEAVES_TOKEN: bool = true;

    async fn create(cx: &Aws, want: &Self, token: &str) -> Result<Id> {
        let one = |text: &String| given(text).into_iter().collect();
        let options: [(&str, Vec<String>); 6] = [
            ("domain-name", one(&want.domain_name)),
            ("domain-name-servers", want.domain_name_servers.clone()),
            ("ipv6-address-preferred-lease-time", one(&want.ipv6_address_preferred_lease_time)),
            ("netbios-name-servers", want.netbios_name_servers.clone()),
            ("netbios-node-type", one(&want.netbios_node_type)),
            ("ntp-servers", want.ntp_servers.clone()),
        ];
        let set = options.into_iter().filter(|(_, values)| !values.is_empty());
        let set = set.map(|(key, values)| NewDhcpConfiguration::builder().key(key).set_values(Some(values)).build());
        let call = cx.ec2().create_dhcp_options().set_dhcp_configurations(Some(set.collect()));
        let made = call.set_tag_specifications(tagged(ResourceType::DhcpOptions, &want.tags, token)).send().await.api()?;
        Id::of(made.dhcp_options.and_then(|o| o.dhcp_options_id))
    }

    async fn find_made(cx: &Aws, trace: &Trace) -> Result<Option<Id>> {
        made::dhcp_options(cx, trace).await
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let ids = asks.iter().map(|a| &*a.id.0);
        let call = cx.ec2().describe_dhcp_options().filters(filter("dhcp-options-id", ids));
        let found: Vec<types::DhcpOptions> = call.into_paginator().items().send().try_collect().await.api()?;
        found.iter().map(|o| from_remote(cx, o)).collect()
    }

    async fn update(cx: &Aws, id: &Id, prior: &Self, want: &Self) -> Result<()> {
        retag(cx, &id.0, &prior.tags, &want.tags).await
    }

    async fn delete(cx: &Aws, id: &Id, _prior: &Self) -> Result<()> {
        let users = cx.ec2().describe_vpcs().filters(filter("dhcp-options-id", [&*id.0])).into_paginator().items().send();
        for vpc in users.try_collect().await.api()?.into_iter().filter_map(|v| v.vpc_id) {
            cx.ec2().associate_dhcp_options().vpc_id(vpc).dhcp_options_id("default").send().await.api()?;
        }
        cx.ec2().delete_dhcp_options().dhcp_options_id(&*id.0).send().await.api()?;
        Ok(())
    }
}

fn from_remote(cx: &Aws, o: &types::DhcpOptions) -> Result<Found<VpcDhcpOptions>> {
    let id = Id::of(o.dhcp_options_id.clone())?;
    let list = |key: &str| -> Vec<String> {
        let found = o.dhcp_configurations().iter().find(|c| c.key.as_deref() == Some(key));
        found.into_iter().flat_map(|c| c.values()).filter_map(|v| v.value.clone()).collect()
    };
    let one = |key: &str| list(key).into_iter().next().unwrap_or_default();
    let owner_id = o.owner_id.clone().unwrap_or_default();
    let object = VpcDhcpOptions {
        arn: arn(cx, &owner_id, &format!("dhcp-options/{id}")),
        domain_name: one("domain-name"),
        domain_name_servers: list("domain-name-servers"),
        ipv6_address_preferred_lease_time: one("ipv6-address-preferred-lease-time"),
        netbios_name_servers: list("netbios-name-servers"),
        netbios_node_type: one("netbios-node-type"),
        ntp_servers: list("ntp-servers"),
        owner_id,
        tags: tags_of(o.tags()),
    };
    Ok(Found::ready(id, object))
}

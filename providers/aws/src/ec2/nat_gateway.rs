//! `aws_nat_gateway`

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{self, ConnectivityType, NatGatewayState, ResourceType};
use secstack_sdk::typed::{Ask, Found, Resource, Schema, Tags};
use secstack_sdk::{Id, Result, Status, Trace, check};

use super::{filter, given, int, made, retag, tagged, tags_of};
use crate::Aws;
use crate::error::Answer;

/// Lets instances without public addresses reach other networks.
#[derive(Clone, Debug, Schema)]
#[resource(
    "aws_nat_gateway",
    timeouts(create, delete, update),
    conflicts(secondary_private_ip_address_count, secondary_private_ip_addresses)
)]
pub struct NatGateway {
    /// The elastic address of a public gateway.
    #[attr(optional, forces_new)]
    pub allocation_id: String,
    /// What ties the elastic address to the gateway.
    #[attr(output)]
    pub association_id: String,
    /// Whether the gateway leads to the internet or to other networks of one's own.
    #[attr(default = "public", forces_new, check = check::one_of(["private", "public"]))]
    pub connectivity_type: String,
    /// The network interface of the gateway.
    #[attr(output)]
    pub network_interface_id: String,
    /// The private address.
    #[attr(computed, forces_new, check = check::ipv4)]
    pub private_ip: String,
    /// The public address.
    #[attr(output)]
    pub public_ip: String,
    /// Further elastic addresses.
    pub secondary_allocation_ids: BTreeSet<String>,
    /// The number of further private addresses of a private gateway.
    #[attr(computed)]
    pub secondary_private_ip_address_count: i64,
    /// Further private addresses.
    #[attr(computed)]
    pub secondary_private_ip_addresses: BTreeSet<String>,
    /// The subnet of the gateway.
    #[attr(forces_new)]
    pub subnet_id: String,
    /// Tags of the gateway.
    #[attr(tags)]
    pub tags: Tags,
}

impl Resource for NatGateway {
    type Cx = Aws;
    const BATCH: usize = super::FILTER_MOST;
    const LEAVES_TOKEN: bool = true;

    async fn create(cx: &Aws, want: &Self, token: &str) -> Result<Id> {
        let list = |s: &BTreeSet<String>| (!s.is_empty()).then(|| s.iter().cloned().collect());
        let count = want.secondary_private_ip_address_count;
        let call = cx.ec2().create_nat_gateway().client_token(token).subnet_id(&want.subnet_id);
        let made = call
            .set_allocation_id(given(&want.allocation_id))
            .connectivity_type(ConnectivityType::from(want.connectivity_type.as_str()))
            .set_private_ip_address(given(&want.private_ip))
            .set_secondary_allocation_ids(list(&want.secondary_allocation_ids))
            .set_secondary_private_ip_address_count((count > 0).then(|| int(count)))
            .set_secondary_private_ip_addresses(list(&want.secondary_private_ip_addresses))
            .set_tag_specifications(tagged(ResourceType::Natgateway, &want.tags, token))
            .send()
            .await
            .api()?;
        Id::of(made.nat_gateway.and_then(|g| g.nat_gateway_id))
    }

    async fn find_made(cx: &Aws, trace: &Trace) -> Result<Option<Id>> {
        let call = cx.ec2().describe_nat_gateways().filter(made::has_tag(trace));
        let found: Vec<types::NatGateway> = call.into_paginator().items().send().try_collect().await.api()?;
        let made = found.into_iter().find(|g| g.state != Some(NatGatewayState::Deleted) && made::is_marked(g.tags(), trace));
        Ok(made.and_then(|g| g.nat_gateway_id).map(|id| Id(id.into())))
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let ids = asks.iter().map(|a| &*a.id.0);
        let call = cx.ec2().describe_nat_gateways().filter(filter("nat-gateway-id", ids));
        let found: Vec<types::NatGateway> = call.into_paginator().items().send().try_collect().await.api()?;
        // A gateway is listed for an hour after it is gone.
        let there = found.into_iter().filter(|g| g.state != Some(NatGatewayState::Deleted));
        there.map(from_remote).collect()
    }

    async fn update(cx: &Aws, id: &Id, prior: &Self, want: &Self) -> Result<()> {
        match want.connectivity_type.as_str() {
            "public" => change_public(cx, id, prior, want).await?,
            _ => change_private(cx, id, prior, want).await?,
        }
        retag(cx, &id.0, &prior.tags, &want.tags).await
    }

    async fn delete(cx: &Aws, id: &Id, _prior: &Self) -> Result<()> {
        cx.ec2().delete_nat_gateway().nat_gateway_id(&*id.0).send().await.api()?;
        Ok(())
    }
}

/// Adds further elastic addresses, and takes those away that are no longer wanted.
async fn change_public(cx: &Aws, id: &Id, prior: &NatGateway, want: &NatGateway) -> Result<()> {
    let add: Vec<_> = want.secondary_allocation_ids.difference(&prior.secondary_allocation_ids).cloned().collect();
    let remove: Vec<_> = prior.secondary_allocation_ids.difference(&want.secondary_allocation_ids).cloned().collect();
    if !add.is_empty() {
        cx.ec2().associate_nat_gateway_address().nat_gateway_id(&*id.0).set_allocation_ids(Some(add)).send().await.api()?;
    }
    if !remove.is_empty() {
        let addresses = cx.ec2().describe_addresses().filters(filter("allocation-id", remove)).send().await.api()?;
        let associations = addresses.addresses().iter().filter_map(|a| a.association_id.clone()).collect();
        let call = cx.ec2().disassociate_nat_gateway_address().nat_gateway_id(&*id.0);
        call.set_association_ids(Some(associations)).send().await.api()?;
    }
    Ok(())
}

/// Adds further private addresses, and takes those away that are no longer wanted.
async fn change_private(cx: &Aws, id: &Id, prior: &NatGateway, want: &NatGateway) -> Result<()> {
    let (old, new) = (&prior.secondary_private_ip_addresses, &want.secondary_private_ip_addresses);
    let more = want.secondary_private_ip_address_count - prior.secondary_private_ip_address_count;
    if new.is_empty() && more > 0 {
        let call = cx.ec2().assign_private_nat_gateway_address().nat_gateway_id(&*id.0);
        call.private_ip_address_count(int(more)).send().await.api()?;
        return Ok(());
    }
    let add: Vec<_> = new.difference(old).cloned().collect();
    let remove: Vec<_> = match more {
        // Only their number matters, so the last ones go.
        less if new.is_empty() && less < 0 => old.iter().rev().take(usize::try_from(-less).unwrap_or(0)).cloned().collect(),
        _ => old.difference(new).cloned().collect(),
    };
    if !add.is_empty() {
        let call = cx.ec2().assign_private_nat_gateway_address().nat_gateway_id(&*id.0);
        call.set_private_ip_addresses(Some(add)).send().await.api()?;
    }
    if !remove.is_empty() {
        let call = cx.ec2().unassign_private_nat_gateway_address().nat_gateway_id(&*id.0);
        call.set_private_ip_addresses(Some(remove)).send().await.api()?;
    }
    Ok(())
}

fn from_remote(g: types::NatGateway) -> Result<Found<NatGateway>> {
    let addresses = g.nat_gateway_addresses();
    let is_primary = |a: &types::NatGatewayAddress| a.is_primary == Some(true) || addresses.len() == 1;
    let primary = addresses.iter().find(|a| is_primary(a));
    let text = |f: fn(&types::NatGatewayAddress) -> &Option<String>| primary.and_then(|a| f(a).clone()).unwrap_or_default();
    let further = |f: fn(&types::NatGatewayAddress) -> &Option<String>| -> BTreeSet<String> {
        addresses.iter().filter(|a| !is_primary(a)).filter_map(|a| f(a).clone()).collect()
    };
    let private = further(|a| &a.private_ip);
    let object = NatGateway {
        allocation_id: text(|a| &a.allocation_id),
        association_id: text(|a| &a.association_id),
        connectivity_type: g.connectivity_type.as_ref().map_or("public", ConnectivityType::as_str).into(),
        network_interface_id: text(|a| &a.network_interface_id),
        private_ip: text(|a| &a.private_ip),
        public_ip: text(|a| &a.public_ip),
        secondary_allocation_ids: further(|a| &a.allocation_id),
        secondary_private_ip_address_count: i64::try_from(private.len()).unwrap_or_default(),
        secondary_private_ip_addresses: private,
        subnet_id: g.subnet_id.clone().unwrap_or_default(),
        tags: tags_of(g.tags()),
    };
    let status = match g.state {
        Some(NatGatewayState::Available) => Status::Ready,
        Some(NatGatewayState::Failed) => {
            let why = [g.failure_code.clone(), g.failure_message.clone()];
            Status::Failed(why.into_iter().flatten().collect::<Vec<_>>().join(": "))
        }
        _ => Status::Pending,
    };
    Ok(Found { id: Id::of(g.nat_gateway_id)?, status, object })
}

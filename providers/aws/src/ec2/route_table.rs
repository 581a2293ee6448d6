//! `aws_route_table`

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{self, ResourceType};
use secstack_base::Diags;
use secstack_base::schema::Draft;
use secstack_sdk::drift::{Known, Shared, Weakness};
use secstack_sdk::typed::{Ask, Found, Resource, Schema, Tags};
use secstack_sdk::{Id, Result, Trace};

use super::drift;
use super::routes::{self, Hop, one_spelling, route_block};
use super::{arn, made, retag, sets, shared, tagged, tags_of};
use crate::Aws;
use crate::error::{Answer, Missing};

/// Where the traffic of subnets goes.
#[derive(Clone, Debug, Schema)]
#[resource("aws_route_table", timeouts(create, delete, update))]
pub struct RouteTable {
    /// The ARN of the table.
    #[attr(output)]
    pub arn: String,
    /// The account that owns the table.
    #[attr(output)]
    pub owner_id: String,
    /// Virtual private gateways whose routes the table takes over.
    #[attr(computed)]
    pub propagating_vgws: BTreeSet<String>,
    /// All routes of the table. Use either these or resources of type `aws_route`.
    #[attr(computed, as_blocks)]
    pub route: BTreeSet<TableRoute>,
    /// Tags of the table.
    #[attr(tags)]
    pub tags: Tags,
    /// The VPC of the table.
    #[attr(forces_new)]
    pub vpc_id: String,
}

route_block! { TableRoute:
    /// A carrier gateway.
    carrier_gateway_id;
    /// The destination, as an IPv4 range.
    cidr_block;
    /// A core network.
    core_network_arn;
    /// The destination, as a list of ranges.
    destination_prefix_list_id;
    /// An egress-only internet gateway.
    egress_only_gateway_id;
    /// An internet gateway, a virtual private gateway, or `local`.
    gateway_id;
    /// The destination, as an IPv6 range.
    ipv6_cidr_block;
    /// A gateway of an Outpost.
    local_gateway_id;
    /// A NAT gateway.
    nat_gateway_id;
    /// A network interface.
    network_interface_id;
    /// A transit gateway.
    transit_gateway_id;
    /// A VPC endpoint.
    vpc_endpoint_id;
    /// A peering connection.
    vpc_peering_connection_id;
}

impl Resource for RouteTable {
    type Cx = Aws;
    const BATCH: usize = super::FILTER_MOST;
    const LEAVES_TOKEN: bool = true;

    async fn create(cx: &Aws, want: &Self, token: &str) -> Result<Id> {
        let tags = tagged(ResourceType::RouteTable, &want.tags, token);
        let call = cx.ec2().create_route_table().vpc_id(&want.vpc_id).client_token(token);
        let made = call.set_tag_specifications(tags).send().await.api()?;
        Id::of(made.route_table.and_then(|t| t.route_table_id))
    }

    async fn find_made(cx: &Aws, trace: &Trace) -> Result<Option<Id>> {
        made::route_table(cx, trace).await
    }

    async fn finish(cx: &Aws, id: &Id, want: &Self) -> Result<()> {
        let wanted = TableRoute::hops(&want.route);
        if wanted.is_empty() && want.propagating_vgws.is_empty() {
            return Ok(());
        }
        let there = shared::route_tables(cx, [&*id.0]).await?.remove(&*id.0);
        let there = there.map(|t| (routes::made(&t, &wanted), routes::propagating(&t))).unwrap_or_default();
        routes::propagate(cx, &id.0, &there.1, &want.propagating_vgws).await?;
        routes::change(cx, &id.0, &there.0, &wanted).await
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let tables = shared::route_tables(cx, asks.iter().map(|a| &*a.id.0)).await?;
        let prior: BTreeMap<&str, &Self> = asks.iter().filter_map(|a| Some((&*a.id.0, a.prior.as_ref()?))).collect();
        let object = |(id, t): (&String, &std::sync::Arc<types::RouteTable>)| {
            let known = prior.get(&**id).map(|p| TableRoute::hops(&p.route)).unwrap_or_default();
            let owner_id = t.owner_id.clone().unwrap_or_default();
            let object = Self {
                arn: arn(cx, &owner_id, &format!("route-table/{id}")),
                owner_id,
                propagating_vgws: routes::propagating(t),
                route: routes::made(t, &known).into_iter().map(TableRoute::of).collect(),
                tags: tags_of(t.tags()),
                vpc_id: t.vpc_id.clone().unwrap_or_default(),
            };
            Found::ready(Id(id.as_str().into()), object)
        };
        Ok(tables.iter().map(object).collect())
    }

    async fn update(cx: &Aws, id: &Id, prior: &Self, want: &Self) -> Result<()> {
        routes::propagate(cx, &id.0, &prior.propagating_vgws, &want.propagating_vgws).await?;
        let hops = |t: &Self| -> BTreeSet<Hop> { TableRoute::hops(&t.route) };
        routes::change(cx, &id.0, &hops(prior), &hops(want)).await?;
        retag(cx, &id.0, &prior.tags, &want.tags).await
    }

    async fn delete(cx: &Aws, id: &Id, _prior: &Self) -> Result<()> {
        // A subnet that is still associated would hold the table.
        if let Some(table) = shared::route_tables(cx, [&*id.0]).await?.remove(&*id.0) {
            for association in table.associations().iter().filter_map(|a| a.route_table_association_id.clone()) {
                cx.ec2().disassociate_route_table().association_id(association).send().await.api().or_missing()?;
            }
        }
        cx.ec2().delete_route_table().route_table_id(&*id.0).send().await.api()?;
        Ok(())
    }

    fn plan(draft: &mut Draft) -> Diags {
        sets::plan(draft, "route", |r| sets::respelt(r, "ipv6_cidr_block", one_spelling));
        Diags::new()
    }

    fn weakened(was: &Self, now: Option<&Self>) -> Vec<Weakness> {
        now.map(|now| drift::rerouted(&TableRoute::hops(&was.route), &TableRoute::hops(&now.route))).unwrap_or_default()
    }

    fn shared(id: &Id, now: &Self, known: &Known) -> Vec<Shared> {
        drift::table_routes(id, TableRoute::hops(&now.route), known)
    }
}

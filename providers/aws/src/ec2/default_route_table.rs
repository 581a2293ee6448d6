//! `aws_default_route_table`: the route table that AWS made with a VPC, taken over. It is never deleted.

use std::collections::BTreeSet;
use std::time::Duration;

use secstack_base::Diags;
use secstack_base::schema::Draft;
use secstack_sdk::drift::{Known, Shared, Weakness};
use secstack_sdk::typed::{Ask, Found, Resource, Schema, Tags};
use secstack_sdk::{Error, ErrorKind, Id, Result, Trace, Wait};

use super::drift;
use super::routes::{self, Hop, one_spelling, route_block};
use super::{arn, filter, retag, sets, shared, tags_of};
use crate::Aws;
use crate::error::Answer;

/// The route table that AWS made with a VPC.
#[derive(Clone, Debug, Schema)]
#[resource("aws_default_route_table", timeouts(create, update))]
pub struct DefaultRouteTable {
    /// The ARN of the table.
    #[attr(output)]
    pub arn: String,
    /// The table.
    #[attr(forces_new)]
    pub default_route_table_id: String,
    /// The account that owns the table.
    #[attr(output)]
    pub owner_id: String,
    /// Virtual private gateways whose routes the table takes over.
    pub propagating_vgws: BTreeSet<String>,
    /// All routes of the table.
    #[attr(computed, as_blocks)]
    pub route: BTreeSet<DefaultRoute>,
    /// Tags of the table.
    #[attr(tags)]
    pub tags: Tags,
    /// The VPC of the table.
    #[attr(output)]
    pub vpc_id: String,
}

route_block! { DefaultRoute:
    /// The destination, as an IPv4 range.
    cidr_block;
    /// A core network.
    core_network_arn;
    /// The destination, as a list of ranges.
    destination_prefix_list_id;
    /// An egress-only internet gateway.
    egress_only_gateway_id;
    /// An internet gateway or a virtual private gateway.
    gateway_id;
    /// An instance.
    instance_id;
    /// The destination, as an IPv6 range.
    ipv6_cidr_block;
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

impl Resource for DefaultRouteTable {
    type Cx = Aws;
    const BATCH: usize = super::FILTER_MOST;
    // Deleting only forgets.
    const WAIT: Wait = Wait { delete: Duration::ZERO, ..Wait::DEFAULT };

    async fn create(cx: &Aws, want: &Self, _token: &str) -> Result<Id> {
        let id = &want.default_route_table_id;
        match shared::route_tables(cx, [id]).await?.contains_key(id) {
            true => Ok(Id(id.as_str().into())),
            false => Err(Error::new(ErrorKind::NotFound, format!("there is no route table {id}"))),
        }
    }

    /// The object was there before: taking it over again does no harm.
    async fn find_made(_cx: &Aws, _trace: &Trace) -> Result<Option<Id>> {
        Ok(None)
    }

    async fn finish(cx: &Aws, id: &Id, want: &Self) -> Result<()> {
        let Some(table) = shared::route_tables(cx, [&*id.0]).await?.remove(&*id.0) else { return Ok(()) };
        routes::propagate(cx, &id.0, &routes::propagating(&table), &want.propagating_vgws).await?;
        let wanted = DefaultRoute::hops(&want.route);
        routes::change(cx, &id.0, &routes::made(&table, &wanted), &wanted).await?;
        retag(cx, &id.0, &tags_of(table.tags()), &want.tags).await
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let tables = shared::route_tables(cx, asks.iter().map(|a| &*a.id.0)).await?;
        let object = |ask: &Ask<Self>| {
            let t = tables.get(&*ask.id.0)?;
            let known = ask.prior.as_ref().map(|p| DefaultRoute::hops(&p.route)).unwrap_or_default();
            let owner_id = t.owner_id.clone().unwrap_or_default();
            let object = Self {
                arn: arn(cx, &owner_id, &format!("route-table/{}", ask.id)),
                default_route_table_id: ask.id.0.to_string(),
                owner_id,
                propagating_vgws: routes::propagating(t),
                route: routes::made(t, &known).into_iter().map(DefaultRoute::of).collect(),
                tags: tags_of(t.tags()),
                vpc_id: t.vpc_id.clone().unwrap_or_default(),
            };
            Some(Found::ready(ask.id.clone(), object))
        };
        Ok(asks.iter().filter_map(object).collect())
    }

    async fn update(cx: &Aws, id: &Id, prior: &Self, want: &Self) -> Result<()> {
        routes::propagate(cx, &id.0, &prior.propagating_vgws, &want.propagating_vgws).await?;
        let hops = |t: &Self| -> BTreeSet<Hop> { DefaultRoute::hops(&t.route) };
        routes::change(cx, &id.0, &hops(prior), &hops(want)).await?;
        retag(cx, &id.0, &prior.tags, &want.tags).await
    }

    async fn delete(_cx: &Aws, _id: &Id, _prior: &Self) -> Result<()> {
        Ok(())
    }

    /// The text is the ID of the VPC.
    async fn parse_import(cx: &Aws, text: &str) -> Result<Ask<Self>> {
        let call = cx.ec2().describe_route_tables().filters(filter("vpc-id", [text]));
        let found = call.filters(filter("association.main", ["true"])).send().await.api()?;
        let id = found.route_tables().first().and_then(|t| t.route_table_id.clone());
        let id = id.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no main route table in {text:?}")))?;
        Ok(Ask::id(id))
    }

    fn plan(draft: &mut Draft) -> Diags {
        sets::plan(draft, "route", |r| sets::respelt(r, "ipv6_cidr_block", one_spelling));
        Diags::new()
    }

    fn weakened(was: &Self, now: Option<&Self>) -> Vec<Weakness> {
        now.map(|now| drift::rerouted(&DefaultRoute::hops(&was.route), &DefaultRoute::hops(&now.route))).unwrap_or_default()
    }

    fn shared(id: &Id, now: &Self, known: &Known) -> Vec<Shared> {
        drift::table_routes(id, DefaultRoute::hops(&now.route), known)
    }
}

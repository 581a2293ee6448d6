//! `aws_route`. Its ID is made of the table and a checksum of the destination, so that reading by ID means
//! looking for the route with that checksum.

use aws_sdk_ec2::types;
use secstack_sdk::drift::{Severity, Weakness};
use secstack_sdk::naming::hash;
use secstack_sdk::typed::{Ask, Found, Resource, Schema};
use secstack_sdk::{Error, ErrorKind, Id, Result, check};

use super::routes::{self, Hop, one_spelling, same_range};
use super::shared;
use crate::Aws;

/// A route of a route table.
#[derive(Clone, Debug, Default, Schema)]
#[resource(
    "aws_route",
    timeouts(create, delete, update),
    exactly_one(destination_cidr_block, destination_ipv6_cidr_block, destination_prefix_list_id),
    exactly_one(
        carrier_gateway_id,
        core_network_arn,
        egress_only_gateway_id,
        gateway_id,
        local_gateway_id,
        nat_gateway_id,
        network_interface_id,
        transit_gateway_id,
        vpc_endpoint_id,
        vpc_peering_connection_id
    )
)]
pub struct Route {
    /// A carrier gateway.
    #[attr(optional)]
    pub carrier_gateway_id: String,
    /// A core network.
    #[attr(optional)]
    pub core_network_arn: String,
    /// The destination, as an IPv4 range.
    #[attr(optional, forces_new, check = check::cidr_v4)]
    pub destination_cidr_block: String,
    /// The destination, as an IPv6 range.
    #[attr(optional, forces_new, check = check::cidr_v6, same = same_range, told)]
    pub destination_ipv6_cidr_block: String,
    /// The destination, as a list of ranges.
    #[attr(optional, forces_new)]
    pub destination_prefix_list_id: String,
    /// An egress-only internet gateway.
    #[attr(optional)]
    pub egress_only_gateway_id: String,
    /// An internet gateway, a virtual private gateway, or `local`.
    #[attr(optional)]
    pub gateway_id: String,
    /// The instance that the route leads to.
    #[attr(output)]
    pub instance_id: String,
    /// The account of that instance.
    #[attr(output)]
    pub instance_owner_id: String,
    /// A gateway of an Outpost.
    #[attr(optional)]
    pub local_gateway_id: String,
    /// A NAT gateway.
    #[attr(optional)]
    pub nat_gateway_id: String,
    /// A network interface.
    #[attr(computed)]
    pub network_interface_id: String,
    /// How the route came to be.
    #[attr(output)]
    pub origin: String,
    /// The table of the route.
    #[attr(forces_new)]
    pub route_table_id: String,
    /// Whether the target is there.
    #[attr(output)]
    pub state: String,
    /// A transit gateway.
    #[attr(optional)]
    pub transit_gateway_id: String,
    /// A VPC endpoint.
    #[attr(optional)]
    pub vpc_endpoint_id: String,
    /// A peering connection.
    #[attr(optional)]
    pub vpc_peering_connection_id: String,
}

impl Resource for Route {
    type Cx = Aws;
    const BATCH: usize = 1000;

    async fn create(cx: &Aws, want: &Self, _token: &str) -> Result<Id> {
        routes::add(cx, &want.route_table_id, &want.hop()).await?;
        Ok(Id(want.id().into()))
    }

    fn natural(want: &Self, _token: &str) -> Option<String> {
        Some(format!("{}_{}", want.route_table_id, want.written_destination()))
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let candidates = asks.iter().flat_map(tables_of);
        let tables = shared::route_tables(cx, candidates).await?;
        let object = |ask: &Ask<Self>| {
            let found = tables_of(ask).into_iter().filter_map(|t| tables.get(&t)).find_map(|t| find(t, ask))?;
            Some(Found::ready(ask.id.clone(), found))
        };
        Ok(asks.iter().filter_map(object).collect())
    }

    async fn update(cx: &Aws, _id: &Id, _prior: &Self, want: &Self) -> Result<()> {
        routes::replace(cx, &want.route_table_id, &want.hop()).await
    }

    async fn delete(cx: &Aws, _id: &Id, prior: &Self) -> Result<()> {
        routes::remove(cx, &prior.route_table_id, &prior.hop()).await
    }

    /// The text is `TABLE_DESTINATION`.
    async fn parse_import(_cx: &Aws, text: &str) -> Result<Ask<Self>> {
        let Some((table, to)) = text.split_once('_').filter(|(t, d)| !t.is_empty() && !d.is_empty()) else {
            let text = format!("{text:?} is not of the form ROUTETABLEID_DESTINATION");
            return Err(Error::new(ErrorKind::Invalid, text));
        };
        let mut route = Self { route_table_id: table.into(), ..Self::default() };
        match to {
            v6 if v6.contains(':') => route.destination_ipv6_cidr_block = v6.into(),
            v4 if v4.contains('.') => route.destination_cidr_block = v4.into(),
            list => route.destination_prefix_list_id = list.into(),
        }
        Ok(Ask::of(route.id(), route))
    }

    fn weakened(was: &Self, now: Option<&Self>) -> Vec<Weakness> {
        let opened = now.is_some_and(|n| n.gateway_id.starts_with("igw-") && was.gateway_id != n.gateway_id);
        Weakness::when(opened, Severity::High, "gateway_id", "the route goes to the internet now").into_iter().collect()
    }
}

impl Route {
    fn id(&self) -> String {
        format!("r-{}{}", self.route_table_id, hash(self.written_destination()))
    }

    /// The destination as the configuration spells it.
    fn written_destination(&self) -> &str {
        let to = [&self.destination_cidr_block, &self.destination_ipv6_cidr_block, &self.destination_prefix_list_id];
        to.into_iter().find(|t| !t.is_empty()).map_or("", String::as_str)
    }

    fn hop(&self) -> Hop {
        // The interface is a target only when nothing else is: otherwise the service told it.
        let alone = self.target().iter().all(|t| t.is_empty());
        Hop {
            cidr_block: self.destination_cidr_block.clone(),
            ipv6_cidr_block: self.destination_ipv6_cidr_block.clone(),
            destination_prefix_list_id: self.destination_prefix_list_id.clone(),
            carrier_gateway_id: self.carrier_gateway_id.clone(),
            core_network_arn: self.core_network_arn.clone(),
            egress_only_gateway_id: self.egress_only_gateway_id.clone(),
            gateway_id: self.gateway_id.clone(),
            instance_id: String::new(),
            local_gateway_id: self.local_gateway_id.clone(),
            nat_gateway_id: self.nat_gateway_id.clone(),
            network_interface_id: if alone { self.network_interface_id.clone() } else { String::new() },
            transit_gateway_id: self.transit_gateway_id.clone(),
            vpc_endpoint_id: self.vpc_endpoint_id.clone(),
            vpc_peering_connection_id: self.vpc_peering_connection_id.clone(),
        }
    }

    /// The targets besides the interface.
    fn target(&self) -> [&String; 9] {
        [
            &self.carrier_gateway_id,
            &self.core_network_arn,
            &self.egress_only_gateway_id,
            &self.gateway_id,
            &self.local_gateway_id,
            &self.nat_gateway_id,
            &self.transit_gateway_id,
            &self.vpc_endpoint_id,
            &self.vpc_peering_connection_id,
        ]
    }
}

/// The tables that the route may be in. IDs of tables have 8 or 17 digits, so that where one ends and the checksum
/// begins is not always certain.
fn tables_of(ask: &Ask<Route>) -> Vec<String> {
    if let Some(prior) = &ask.prior {
        return vec![prior.route_table_id.clone()];
    }
    let Some(rest) = ask.id.0.strip_prefix("r-rtb-") else { return vec![] };
    let table = |n: usize| rest.get(..n).map(|digits| format!("rtb-{digits}"));
    [17, 8].into_iter().filter_map(table).collect()
}

fn find(table: &types::RouteTable, ask: &Ask<Route>) -> Option<Route> {
    let id = table.route_table_id.as_deref()?;
    let prior = ask.prior.as_ref().map(|p| p.hop().destination());
    let wanted = |hop: &Hop| match &prior {
        Some(to) => hop.destination() == *to,
        None => format!("r-{id}{}", hash(&hop.destination())) == *ask.id.0,
    };
    let (hop, route) = table.routes().iter().map(|r| (Hop::of(r), r)).find(|(hop, _)| wanted(hop))?;
    Some(Route {
        carrier_gateway_id: hop.carrier_gateway_id,
        core_network_arn: hop.core_network_arn,
        destination_cidr_block: hop.cidr_block,
        destination_ipv6_cidr_block: one_spelling(&hop.ipv6_cidr_block),
        destination_prefix_list_id: hop.destination_prefix_list_id,
        egress_only_gateway_id: hop.egress_only_gateway_id,
        gateway_id: hop.gateway_id,
        instance_id: hop.instance_id,
        instance_owner_id: route.instance_owner_id.clone().unwrap_or_default(),
        local_gateway_id: hop.local_gateway_id,
        nat_gateway_id: hop.nat_gateway_id,
        network_interface_id: hop.network_interface_id,
        origin: route.origin.as_ref().map(|o| o.as_str().to_string()).unwrap_or_default(),
        route_table_id: id.into(),
        state: route.state.as_ref().map(|s| s.as_str().to_string()).unwrap_or_default(),
        transit_gateway_id: hop.transit_gateway_id,
        vpc_endpoint_id: hop.vpc_endpoint_id,
        vpc_peering_connection_id: hop.vpc_peering_connection_id,
    })
}

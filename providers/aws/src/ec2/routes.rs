//! Routes of a route table, whichever resource type manages them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv6Addr;

use aws_sdk_ec2::types::{self, RouteOrigin};
use secstack_base::Value;
use secstack_sdk::{ErrorKind, Result};

use super::given;
use crate::Aws;
use crate::error::{Answer, Missing};

/// A route: a destination and a target. What does not apply is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hop {
    pub cidr_block: String,
    pub ipv6_cidr_block: String,
    pub destination_prefix_list_id: String,
    pub carrier_gateway_id: String,
    pub core_network_arn: String,
    pub egress_only_gateway_id: String,
    pub gateway_id: String,
    pub instance_id: String,
    pub local_gateway_id: String,
    pub nat_gateway_id: String,
    pub network_interface_id: String,
    pub transit_gateway_id: String,
    pub vpc_endpoint_id: String,
    pub vpc_peering_connection_id: String,
}

/// The gateway of the routes that a table has by itself.
const LOCAL: &str = "local";

impl Hop {
    /// The route in a table.
    pub fn of(r: &types::Route) -> Self {
        let text = |t: &Option<String>| t.clone().unwrap_or_default();
        let gateway = text(&r.gateway_id);
        let endpoint = gateway.starts_with("vpce-");
        Self {
            cidr_block: text(&r.destination_cidr_block),
            ipv6_cidr_block: text(&r.destination_ipv6_cidr_block),
            destination_prefix_list_id: text(&r.destination_prefix_list_id),
            carrier_gateway_id: text(&r.carrier_gateway_id),
            core_network_arn: text(&r.core_network_arn),
            egress_only_gateway_id: text(&r.egress_only_internet_gateway_id),
            gateway_id: if endpoint { String::new() } else { gateway.clone() },
            instance_id: text(&r.instance_id),
            local_gateway_id: text(&r.local_gateway_id),
            nat_gateway_id: text(&r.nat_gateway_id),
            network_interface_id: text(&r.network_interface_id),
            transit_gateway_id: text(&r.transit_gateway_id),
            vpc_endpoint_id: if endpoint { gateway } else { String::new() },
            vpc_peering_connection_id: text(&r.vpc_peering_connection_id),
        }
    }

    /// Where the route leads, in one spelling.
    pub fn destination(&self) -> String {
        let ranges = [&self.cidr_block, &self.ipv6_cidr_block, &self.destination_prefix_list_id];
        ranges.into_iter().find(|r| !r.is_empty()).map(|r| one_spelling(r)).unwrap_or_default()
    }
}

/// An IPv6 range in its shortest form; other text as it is.
pub fn one_spelling(range: &str) -> String {
    let Some((ip, bits)) = range.split_once('/') else { return range.into() };
    ip.parse::<Ipv6Addr>().map_or_else(|_| range.into(), |ip| format!("{ip}/{bits}"))
}

/// Whether two IPv6 ranges are the same.
pub fn same_range(a: &Value, b: &Value) -> bool {
    let range = |v: &Value| v.as_str().map(one_spelling);
    range(a) == range(b)
}

/// Sets destination and target of a call.
macro_rules! route_call {
    ($call:expr, $table:expr, $hop:expr) => {
        $call
            .route_table_id($table)
            .set_destination_cidr_block(given(&$hop.cidr_block))
            .set_destination_ipv6_cidr_block(given(&$hop.ipv6_cidr_block))
            .set_destination_prefix_list_id(given(&$hop.destination_prefix_list_id))
            .set_carrier_gateway_id(given(&$hop.carrier_gateway_id))
            .set_core_network_arn(given(&$hop.core_network_arn))
            .set_egress_only_internet_gateway_id(given(&$hop.egress_only_gateway_id))
            .set_local_gateway_id(given(&$hop.local_gateway_id))
            .set_nat_gateway_id(given(&$hop.nat_gateway_id))
            .set_network_interface_id(given(&$hop.network_interface_id))
            .set_transit_gateway_id(given(&$hop.transit_gateway_id))
            .set_vpc_endpoint_id(given(&$hop.vpc_endpoint_id))
            .set_vpc_peering_connection_id(given(&$hop.vpc_peering_connection_id))
    };
}

/// Adds a route. A local route is there already and only gets its target back.
pub async fn add(cx: &Aws, table: &str, hop: &Hop) -> Result<()> {
    if hop.gateway_id == LOCAL {
        return replace(cx, table, hop).await;
    }
    let call = route_call!(cx.ec2().create_route(), table, hop);
    call.set_gateway_id(given(&hop.gateway_id)).send().await.api().map_err(not_yet)?;
    Ok(())
}

/// Changes the target of a route.
pub async fn replace(cx: &Aws, table: &str, hop: &Hop) -> Result<()> {
    let call = route_call!(cx.ec2().replace_route(), table, hop);
    let call = match hop.gateway_id.as_str() {
        LOCAL => call.local_target(true),
        gateway => call.set_gateway_id(given(gateway)),
    };
    call.send().await.api().map_err(not_yet)?;
    Ok(())
}

/// A target that is so new that the service does not see it.
fn not_yet(mut e: secstack_sdk::Error) -> secstack_sdk::Error {
    let unseen = ["InvalidTransitGatewayID.NotFound", "InvalidNatGatewayID.NotFound", "InvalidGatewayID.NotFound"];
    if unseen.iter().any(|code| e.message.contains(code)) {
        e.kind = ErrorKind::Busy;
    }
    e
}

/// Removes a route, unless it is gone. A local route cannot be removed.
pub async fn remove(cx: &Aws, table: &str, hop: &Hop) -> Result<()> {
    if hop.gateway_id == LOCAL {
        return Ok(());
    }
    let call = cx.ec2().delete_route().route_table_id(table).set_destination_cidr_block(given(&hop.cidr_block));
    let call = call.set_destination_ipv6_cidr_block(given(&hop.ipv6_cidr_block));
    let call = call.set_destination_prefix_list_id(given(&hop.destination_prefix_list_id));
    call.send().await.api().or_missing()?;
    Ok(())
}

/// Brings the routes of a table from `prior` to `want`.
pub async fn change(cx: &Aws, table: &str, prior: &BTreeSet<Hop>, want: &BTreeSet<Hop>) -> Result<()> {
    let by = |hops: &BTreeSet<Hop>| hops.iter().map(|h| (h.destination(), h.clone())).collect::<BTreeMap<_, _>>();
    let (old, new) = (by(prior), by(want));
    for (_, hop) in old.iter().filter(|(to, _)| !new.contains_key(*to)) {
        remove(cx, table, hop).await?;
    }
    for (to, hop) in &new {
        match old.get(to) {
            None => add(cx, table, hop).await?,
            Some(before) if before != hop => replace(cx, table, hop).await?,
            Some(_) => {}
        }
    }
    Ok(())
}

/// The routes of a table that somebody made there: neither its own, nor propagated, nor those of endpoints and
/// lattices. Local routes count where `known` has them.
pub fn made(table: &types::RouteTable, known: &BTreeSet<Hop>) -> BTreeSet<Hop> {
    let by_hand = |r: &&types::Route| {
        let gateway = r.gateway_id.as_deref().unwrap_or_default();
        let listed = r.destination_prefix_list_id.is_some();
        r.origin != Some(RouteOrigin::EnableVgwRoutePropagation) && gateway != "VpcLattice" && !(listed && gateway.starts_with("vpce-"))
    };
    let local = |h: &Hop| h.gateway_id == LOCAL || h.gateway_id.is_empty() && h == &bare(h);
    let is_known = |h: &Hop| known.iter().any(|k| k.gateway_id == LOCAL && k.destination() == h.destination());
    table.routes().iter().filter(by_hand).map(Hop::of).filter(|h| !local(h) || is_known(h)).collect()
}

/// The route without a target.
fn bare(h: &Hop) -> Hop {
    Hop {
        cidr_block: h.cidr_block.clone(),
        ipv6_cidr_block: h.ipv6_cidr_block.clone(),
        destination_prefix_list_id: h.destination_prefix_list_id.clone(),
        ..Hop::default()
    }
}

/// Starts and stops taking over the routes of virtual private gateways.
pub async fn propagate(cx: &Aws, table: &str, prior: &BTreeSet<String>, want: &BTreeSet<String>) -> Result<()> {
    for gateway in prior.difference(want) {
        let call = cx.ec2().disable_vgw_route_propagation().gateway_id(gateway).route_table_id(table);
        call.send().await.api().or_missing()?;
    }
    for gateway in want.difference(prior) {
        cx.ec2().enable_vgw_route_propagation().gateway_id(gateway).route_table_id(table).send().await.api()?;
    }
    Ok(())
}

/// The gateways whose routes a table takes over.
pub fn propagating(table: &types::RouteTable) -> BTreeSet<String> {
    table.propagating_vgws().iter().filter_map(|g| g.gateway_id.clone()).collect()
}

/// Declares the `route` blocks of a type and their conversions. The names are attributes of the block.
macro_rules! route_block {
    ($block:ident: $($(#[$doc:meta])* $name:ident;)*) => {
        /// A route.
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, secstack_sdk::typed::Block)]
        pub struct $block {
            $($(#[$doc])* #[attr(optional)] pub $name: String,)*
        }

        impl $block {
            pub(super) fn hops(routes: &BTreeSet<Self>) -> BTreeSet<Hop> {
                routes.iter().map(|r| Hop { $($name: r.$name.clone(),)* ..Hop::default() }).collect()
            }

            fn of(hop: Hop) -> Self {
                Self { $($name: hop.$name,)* }
            }
        }
    };
}
pub(super) use route_block;

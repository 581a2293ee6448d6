//! What changes made outside mean for networks: opened groups and ACLs, routes to the internet, and objects in a VPC of
//! ours that nobody manages.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::Tag;
use secstack_base::Str;
use secstack_sdk::drift::{Known, Severity, Shared, Unmanaged, Weakness};
use secstack_sdk::typed::{Declared, FromValue};
use secstack_sdk::{Id, Result};

use super::entries::Entry;
use super::internet_gateway::InternetGateway;
use super::nat_gateway::NatGateway;
use super::network_acl::NetworkAcl;
use super::network_acl_rule::NetworkAclRule;
use super::route::Route;
use super::route_table::RouteTable;
use super::routes::{Hop, one_spelling};
use super::rules::{self, Atom, Peer, Rule, Way};
use super::security_group::SecurityGroup;
use super::security_group_rule::SecurityGroupRule;
use super::single_rule::Single;
use super::subnet::Subnet;
use super::vpc_security_group_egress_rule::EgressRule;
use super::vpc_security_group_ingress_rule::IngressRule;
use super::{FILTER_MOST, filter, tags_of};
use crate::Aws;
use crate::error::Answer;

/// Ports that the whole world may reach without that being a surprise.
const PUBLIC: [i64; 2] = [80, 443];

/// What rules let through that they did not before.
pub fn opened(attribute: &str, was: &BTreeSet<Atom>, now: &BTreeSet<Atom>, way: Way) -> Vec<Weakness> {
    let known = |a: &&Atom| !was.iter().any(|w| (&w.ports, &w.peer) == (&a.ports, &a.peer));
    now.iter().filter(known).map(|a| Weakness::new(severity(a, way), attribute, format!("{} now", words(a, way)))).collect()
}

/// What both attributes of a group say.
pub fn group_opened(was: (&BTreeSet<Rule>, &BTreeSet<Rule>), now: (&BTreeSet<Rule>, &BTreeSet<Rule>)) -> Vec<Weakness> {
    let mut found = opened("ingress", &rules::atoms(was.0), &rules::atoms(now.0), Way::In);
    found.extend(opened("egress", &rules::atoms(was.1), &rules::atoms(now.1), Way::Out));
    found
}

fn severity(atom: &Atom, way: Way) -> Severity {
    let world = matches!(&atom.peer, Peer::V4(r) | Peer::V6(r) if r.ends_with("/0"));
    let public = atom.ports.from == atom.ports.to && PUBLIC.contains(&atom.ports.from) && atom.ports.protocol != "-1";
    match (way, world) {
        (Way::In, true) if public => Severity::High,
        (Way::In, true) => Severity::Critical,
        (Way::In, false) | (Way::Out, true) => Severity::Medium,
        (Way::Out, false) => Severity::Low,
    }
}

/// Such as `22/tcp is open to 0.0.0.0/0`.
fn words(atom: &Atom, way: Way) -> String {
    let ports = match &atom.ports {
        p if p.protocol == "-1" => "everything".to_string(),
        p if p.from == p.to => format!("{}/{}", p.from, p.protocol),
        p => format!("{}-{}/{}", p.from, p.to, p.protocol),
    };
    let peer = match &atom.peer {
        Peer::V4(r) | Peer::V6(r) | Peer::List(r) | Peer::Group(r) => r.as_str(),
        Peer::Itself => "itself",
    };
    match way {
        Way::In => format!("{ports} is open to {peer}"),
        Way::Out => format!("{ports} may go out to {peer}"),
    }
}

/// The rules of a group that resources of their own made; those that nobody made are unmanaged.
pub fn group_rules(id: &Id, ingress: &BTreeSet<Rule>, egress: &BTreeSet<Rule>, known: &Known) -> Vec<Shared> {
    let ways = [("ingress", Way::In, ingress), ("egress", Way::Out, egress)];
    ways.into_iter().filter_map(|(attribute, way, found)| one_way(id, (attribute, way), found, known)).collect()
}

fn one_way(id: &Id, (attribute, way): (&'static str, Way), found: &BTreeSet<Rule>, known: &Known) -> Option<Shared> {
    let made = made_apart(&id.0, way, known);
    if made.is_empty() {
        return None;
    }
    let alike = |a: &Atom, b: &Atom| a.ports == b.ports && a.peer == b.peer;
    let strange = rules::atoms(found).into_iter().filter(|a| !made.iter().any(|m| alike(m, a)));
    let ty = if way == Way::In { IngressRule::NAME } else { EgressRule::NAME };
    let unmanaged = strange.map(|a| Unmanaged {
        owner: id.clone(),
        ty: ty.into(),
        id: "".into(),
        text: format!("a rule by which {}", words(&a, way)),
        weakens: Some((severity(&a, way), words(&a, way))),
    });
    Some(Shared { attribute, unmanaged: unmanaged.collect() })
}

/// The rules of a group that resources of their own made.
fn made_apart(group: &str, way: Way, known: &Known) -> BTreeSet<Atom> {
    let mine = |s: &Single| s.security_group_id == group;
    let single = match way {
        Way::In => known
            .of(IngressRule::NAME)
            .filter_map(|v| Some(IngressRule::from_value(v).ok()?.single()))
            .filter(mine)
            .flat_map(|s| s.atoms())
            .collect(),
        Way::Out => known
            .of(EgressRule::NAME)
            .filter_map(|v| Some(EgressRule::from_value(v).ok()?.single()))
            .filter(mine)
            .flat_map(|s| s.atoms())
            .collect(),
    };
    let older = known.of(SecurityGroupRule::NAME).filter_map(|v| SecurityGroupRule::from_value(v).ok());
    let older = older.filter(|r| r.security_group_id == group && r.way() == way);
    older.fold(single, |mut all: BTreeSet<Atom>, r| {
        all.extend(r.rule().atoms());
        all
    })
}

/// Routes that lead out of the network and were not there before.
pub fn rerouted(was: &BTreeSet<Hop>, now: &BTreeSet<Hop>) -> Vec<Weakness> {
    let new = now.iter().filter(|h| !was.contains(h) && h.gateway_id.starts_with("igw-"));
    new.map(|h| Weakness::new(Severity::High, "route", format!("{} goes to the internet now", h.destination()))).collect()
}

/// The routes of a table that resources of their own made; those that nobody made are unmanaged.
pub fn table_routes(id: &Id, found: BTreeSet<Hop>, known: &Known) -> Vec<Shared> {
    let made = known.of(Route::NAME).filter(|r| r.get_str("route_table_id") == Some(&id.0));
    let names = ["destination_cidr_block", "destination_ipv6_cidr_block", "destination_prefix_list_id"];
    let made: BTreeSet<String> = made
        .flat_map(|r| names.iter().filter_map(|n| r.get_str(n).filter(|t| !t.is_empty()).map(one_spelling)).collect::<Vec<_>>())
        .collect();
    if made.is_empty() {
        return Vec::new();
    }
    let strange = found.into_iter().filter(|h| !made.contains(&h.destination()));
    let unmanaged = strange.map(|h| Unmanaged {
        owner: id.clone(),
        ty: Route::NAME.into(),
        id: format!("{}_{}", id.0, h.destination()).into(),
        text: format!("a route to {}", h.destination()),
        weakens: h.gateway_id.starts_with("igw-").then(|| (Severity::High, format!("{} goes to the internet", h.destination()))),
    });
    vec![Shared { attribute: "route", unmanaged: unmanaged.collect() }]
}

/// What entries of an ACL let through that they did not before, or do not keep out any more.
pub fn entries_opened(attribute: &str, was: &BTreeSet<Entry>, now: &BTreeSet<Entry>) -> Vec<Weakness> {
    let allows = |e: &&Entry| e.action.eq_ignore_ascii_case("allow");
    let peer = |e: &Entry| if e.cidr_block.is_empty() { e.ipv6_cidr_block.clone() } else { e.cidr_block.clone() };
    let new = now.iter().filter(allows).filter(|e| !was.contains(*e));
    let new = new.map(|e| Weakness::new(Severity::Medium, attribute, format!("entry {} allows traffic with {} now", e.rule_no, peer(e))));
    let lost = was.iter().filter(|e| !allows(e) && !now.contains(*e));
    let lost = lost.map(|e| {
        Weakness::new(Severity::Medium, attribute, format!("entry {} does not deny traffic with {} any more", e.rule_no, peer(e)))
    });
    new.chain(lost).collect()
}

/// The attributes of an ACL that resources of their own make.
pub fn acl_entries(id: &Id, known: &Known) -> Vec<Shared> {
    let of_ours = |egress: bool| {
        known
            .of(NetworkAclRule::NAME)
            .any(|r| r.get_str("network_acl_id") == Some(&id.0) && r.get("egress").and_then(secstack_base::Value::as_bool) == Some(egress))
    };
    let subnets = known.has("aws_network_acl_association", "network_acl_id", &id.0);
    let all = [("ingress", of_ours(false)), ("egress", of_ours(true)), ("subnet_ids", subnets)];
    all.into_iter().filter(|(_, made)| *made).map(|(attribute, _)| Shared::silent(attribute)).collect()
}

/// An object in a VPC.
struct Seen {
    ty: &'static str,
    id: String,
    vpc: String,
    tags: Vec<Tag>,
}

impl Seen {
    /// An object, unless it came with its VPC.
    fn of<T: Declared>(id: Option<String>, vpc: Option<String>, tags: Option<Vec<Tag>>, came_with_vpc: bool) -> Option<Self> {
        Some(Self { ty: T::NAME, id: id?, vpc: vpc?, tags: tags.unwrap_or_default() }).filter(|_| !came_with_vpc)
    }
}

/// All pages of the answer to a call.
macro_rules! all {
    ($call:expr) => {
        async {
            let found: Vec<_> = $call.into_paginator().items().send().try_collect().await.api()?;
            secstack_sdk::Result::Ok(found)
        }
    };
}

/// Objects in VPCs that nobody manages. What a cluster or AWS itself made is left out.
pub async fn in_our_vpcs(cx: &Aws, ours: &[Id], known: &Known) -> Result<Vec<Unmanaged>> {
    let mut found: Vec<Seen> = Vec::new();
    for some in ours.chunks(FILTER_MOST) {
        let by = |name: &str| filter(name, some.iter().map(|id| id.0.to_string()));
        let (subnets, groups, tables, acls, gateways, nats) = futures::try_join!(
            all!(cx.ec2().describe_subnets().filters(by("vpc-id"))),
            all!(cx.ec2().describe_security_groups().filters(by("vpc-id"))),
            all!(cx.ec2().describe_route_tables().filters(by("vpc-id"))),
            all!(cx.ec2().describe_network_acls().filters(by("vpc-id"))),
            all!(cx.ec2().describe_internet_gateways().filters(by("attachment.vpc-id"))),
            all!(cx.ec2().describe_nat_gateways().filter(by("vpc-id")).filter(filter("state", ["pending", "available"]))),
        )?;
        found.extend(subnets.into_iter().filter_map(|o| Seen::of::<Subnet>(o.subnet_id, o.vpc_id, o.tags, false)));
        found.extend(groups.into_iter().filter_map(|o| {
            let default = o.group_name.as_deref() == Some("default");
            Seen::of::<SecurityGroup>(o.group_id, o.vpc_id, o.tags, default)
        }));
        found.extend(tables.into_iter().filter_map(|o| {
            let main = o.associations().iter().any(|a| a.main == Some(true));
            Seen::of::<RouteTable>(o.route_table_id, o.vpc_id, o.tags, main)
        }));
        found.extend(
            acls.into_iter().filter_map(|o| Seen::of::<NetworkAcl>(o.network_acl_id, o.vpc_id, o.tags, o.is_default == Some(true))),
        );
        found.extend(gateways.into_iter().filter_map(|o| {
            let vpc = o.attachments().first().and_then(|a| a.vpc_id.clone());
            Seen::of::<InternetGateway>(o.internet_gateway_id, vpc, o.tags, false)
        }));
        found.extend(nats.into_iter().filter_map(|o| Seen::of::<NatGateway>(o.nat_gateway_id, o.vpc_id, o.tags, false)));
    }
    Ok(found.into_iter().filter(|s| !known.mentions(&s.id) && !is_made_by_cluster(&s.tags)).map(unmanaged).collect())
}

/// Whether a cluster, or a controller in it, made the object and takes it away again.
fn is_made_by_cluster(tags: &[Tag]) -> bool {
    let tags: BTreeMap<String, String> = tags_of(tags).into_iter().collect();
    tags.iter().any(|(k, v)| k.starts_with("kubernetes.io/cluster/") && v == "owned")
        || ["elbv2.k8s.aws/cluster", "aws:eks:cluster-name"].iter().any(|k| tags.contains_key(*k))
}

fn unmanaged(seen: Seen) -> Unmanaged {
    let name = tags_of(&seen.tags).get("Name").cloned().unwrap_or_default();
    let weakens = (seen.ty == InternetGateway::NAME)
        .then(|| (Severity::High, "the network has a way to the internet that nobody manages".to_string()));
    let called = if name.is_empty() { String::new() } else { format!(" ({name})") };
    let text = format!("the {} {}{called}", seen.ty, seen.id);
    Unmanaged { owner: Id(seen.vpc.into()), ty: seen.ty.into(), id: Str::from(seen.id), text, weakens }
}

#[cfg(test)]
mod tests {
    use super::super::rules::Ports;
    use super::*;

    fn atom(protocol: &str, port: i64, peer: Peer) -> Atom {
        Atom { ports: Ports::new(protocol, port, port), peer, description: String::new() }
    }

    #[test]
    fn what_is_opened() {
        let world = || Peer::V4("0.0.0.0/0".into());
        let was = BTreeSet::from([atom("tcp", 443, Peer::V4("10.0.0.0/8".into()))]);
        for (now, way, want) in [
            (atom("tcp", 22, world()), Way::In, "critical: 22/tcp is open to 0.0.0.0/0 now"),
            (atom("tcp", 443, world()), Way::In, "high: 443/tcp is open to 0.0.0.0/0 now"),
            (atom("-1", 0, Peer::Group("sg-1".into())), Way::In, "medium: everything is open to sg-1 now"),
            (atom("-1", 0, Peer::V6("::/0".into())), Way::Out, "medium: everything may go out to ::/0 now"),
        ] {
            let mut all = was.clone();
            all.insert(now);
            let found = opened("ingress", &was, &all, way);
            assert_eq!(found.iter().map(|w| format!("{}: {}", w.severity, w.text)).collect::<Vec<_>>(), [want]);
        }
        let described = was.iter().map(|a| Atom { description: "x".into(), ..a.clone() }).collect();
        assert_eq!(opened("ingress", &was, &described, Way::In), []);
        assert_eq!(opened("ingress", &was, &BTreeSet::new(), Way::In), []);
    }

    #[test]
    fn what_a_cluster_made() {
        let tag = |k: &str, v: &str| [Tag::builder().key(k).value(v).build()];
        assert!(is_made_by_cluster(&tag("kubernetes.io/cluster/a", "owned")));
        assert!(!is_made_by_cluster(&tag("kubernetes.io/cluster/a", "shared")));
        assert!(is_made_by_cluster(&tag("elbv2.k8s.aws/cluster", "a")));
    }
}

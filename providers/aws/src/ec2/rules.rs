//! Rules of security groups, whichever resource type manages them.
//!
//! The service keeps one rule for each peer but answers with all peers of the same ports together. Blocks in
//! a configuration group them as they like. So rules are compared one peer at a time, and put back
//! together as the prior object had them.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{self, IpPermission, IpRange, Ipv6Range, PrefixListId, UserIdGroupPair};
use secstack_base::Value;
use secstack_sdk::typed::Block;
use secstack_sdk::{Error, ErrorKind, Id, Result};

use super::{given, int, sets, shared};
use crate::Aws;
use crate::error::{Answer, Missing};

/// A rule of a security group, for any number of peers.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct Rule {
    /// The IPv4 ranges.
    pub cidr_blocks: Vec<String>,
    /// What the rule is for.
    #[attr(optional)]
    pub description: String,
    /// The first port, or the ICMP type.
    pub from_port: i64,
    /// The IPv6 ranges.
    pub ipv6_cidr_blocks: Vec<String>,
    /// Lists of ranges.
    pub prefix_list_ids: Vec<String>,
    /// The protocol: `tcp`, `udp`, `icmp`, `icmpv6`, a number, or `-1` for all.
    pub protocol: String,
    /// Security groups.
    pub security_groups: BTreeSet<String>,
    /// Whether the group itself is a peer.
    #[attr(name = "self", optional)]
    pub this: bool,
    /// The last port, or the ICMP code.
    pub to_port: i64,
}

/// Whether a rule is about traffic in or out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    In,
    Out,
}

/// Who a rule lets through.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    V4(String),
    V6(String),
    List(String),
    Group(String),
    Itself,
}

/// Protocol and ports of a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ports {
    pub protocol: String,
    pub from: i64,
    pub to: i64,
}

/// A rule for one peer: what the service keeps.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Atom {
    pub ports: Ports,
    pub peer: Peer,
    pub description: String,
}

/// The protocol as the service spells it.
pub fn protocol(text: &str) -> String {
    let lower = text.to_lowercase();
    let known = match lower.as_str() {
        "all" => "-1",
        "6" => "tcp",
        "17" => "udp",
        "1" => "icmp",
        "58" => "icmpv6",
        other => other,
    };
    known.into()
}

impl Ports {
    /// Ports do not matter when all protocols are meant.
    pub fn new(text: &str, from: i64, to: i64) -> Self {
        let protocol = protocol(text);
        let all = protocol == "-1";
        Self { protocol, from: if all { 0 } else { from }, to: if all { 0 } else { to } }
    }

    fn of(p: &IpPermission) -> Self {
        let port = |p: Option<i32>| p.map_or(0, i64::from);
        Self::new(p.ip_protocol.as_deref().unwrap_or_default(), port(p.from_port), port(p.to_port))
    }
}

impl Rule {
    /// The rule, one peer at a time.
    pub fn atoms(&self) -> BTreeSet<Atom> {
        let ports = Ports::new(&self.protocol, self.from_port, self.to_port);
        let v4 = self.cidr_blocks.iter().cloned().map(Peer::V4);
        let v6 = self.ipv6_cidr_blocks.iter().map(|r| Peer::V6(super::routes::one_spelling(r)));
        let lists = self.prefix_list_ids.iter().cloned().map(Peer::List);
        let groups = self.security_groups.iter().cloned().map(Peer::Group);
        let peers = v4.chain(v6).chain(lists).chain(groups).chain(self.this.then_some(Peer::Itself));
        peers.map(|peer| Atom { ports: ports.clone(), peer, description: self.description.clone() }).collect()
    }

    fn add(&mut self, peer: Peer) {
        match peer {
            Peer::V4(r) => self.cidr_blocks.push(r),
            Peer::V6(r) => self.ipv6_cidr_blocks.push(r),
            Peer::List(l) => self.prefix_list_ids.push(l),
            Peer::Group(g) => drop(self.security_groups.insert(g)),
            Peer::Itself => self.this = true,
        }
    }
}

/// All rules, one peer at a time.
pub fn atoms<'a>(rules: impl IntoIterator<Item = &'a Rule>) -> BTreeSet<Atom> {
    rules.into_iter().flat_map(Rule::atoms).collect()
}

/// What the service told of one way of a group, one peer at a time.
pub fn atoms_of(group: &types::SecurityGroup, way: Way) -> Vec<Atom> {
    let id = group.group_id.as_deref().unwrap_or_default();
    let permissions = match way {
        Way::In => group.ip_permissions(),
        Way::Out => group.ip_permissions_egress(),
    };
    permissions.iter().flat_map(|p| permission_atoms(p, id, group.owner_id.as_deref())).collect()
}

fn permission_atoms(p: &IpPermission, group: &str, owner: Option<&str>) -> Vec<Atom> {
    let ports = Ports::of(p);
    let atom = |peer: Peer, about: &Option<String>| Atom { ports: ports.clone(), peer, description: about.clone().unwrap_or_default() };
    let text = |t: &Option<String>| t.clone().unwrap_or_default();
    let mut out = vec![];
    out.extend(p.ip_ranges().iter().map(|r| atom(Peer::V4(text(&r.cidr_ip)), &r.description)));
    out.extend(p.ipv6_ranges().iter().map(|r| atom(Peer::V6(text(&r.cidr_ipv6)), &r.description)));
    out.extend(p.prefix_list_ids().iter().map(|l| atom(Peer::List(text(&l.prefix_list_id)), &l.description)));
    for pair in p.user_id_group_pairs() {
        let of = pair.group_id.clone().or_else(|| pair.group_name.clone()).unwrap_or_default();
        let foreign = pair.user_id.as_deref().filter(|u| Some(*u) != owner);
        let peer = match foreign {
            _ if of == group => Peer::Itself,
            Some(account) => Peer::Group(format!("{account}/{of}")),
            None => Peer::Group(of),
        };
        out.push(atom(peer, &pair.description));
    }
    out
}

/// The rules that were found, grouped as in `known`; those that are in none of its rules are grouped by ports.
pub fn grouped(found: Vec<Atom>, known: &BTreeSet<Rule>) -> BTreeSet<Rule> {
    let mut left: Vec<Atom> = found;
    let mut out = BTreeSet::new();
    for rule in known {
        let atoms = rule.atoms();
        if !atoms.is_empty() && atoms.iter().all(|a| left.iter().any(|l| same(l, a))) {
            left.retain(|l| !atoms.iter().any(|a| same(l, a)));
            out.insert(rule.clone());
        }
    }
    let mut others: BTreeMap<(Ports, String), Rule> = BTreeMap::new();
    for atom in left {
        let Ports { protocol, from, to } = atom.ports.clone();
        let rule = others.entry((atom.ports, atom.description.clone())).or_insert_with(|| Rule {
            protocol,
            from_port: from,
            to_port: to,
            description: atom.description,
            ..Rule::default()
        });
        rule.add(atom.peer);
    }
    out.extend(others.into_values());
    out
}

fn same(a: &Atom, b: &Atom) -> bool {
    a.ports == b.ports && a.description == b.description && same_peer(&a.peer, &b.peer)
}

/// Whether two peers are the same, however an IPv6 range is spelt.
pub fn same_peer(a: &Peer, b: &Peer) -> bool {
    match (a, b) {
        (Peer::V6(a), Peer::V6(b)) => super::routes::one_spelling(a) == super::routes::one_spelling(b),
        _ => a == b,
    }
}

/// A rule in one spelling, for [`sets::plan`].
pub fn canonical(rule: &Value) -> Value {
    let mut out = sets::respelt(rule, "protocol", protocol);
    for name in ["cidr_blocks", "ipv6_cidr_blocks", "prefix_list_ids"] {
        let Some(items) = out.get(name).and_then(Value::as_slice) else { continue };
        let mut sorted: Vec<String> = items.iter().filter_map(|v| v.as_str().map(str::to_lowercase)).collect();
        sorted.sort();
        if sorted.len() == items.len() {
            out = out.with(name, Value::list(secstack_base::Type::String, sorted.iter().map(|s| Value::string(s))));
        }
    }
    out
}

/// Puts the planned protocols of a set of rules in the service's spelling.
pub fn spell(draft: &mut secstack_base::schema::Draft, name: &str) {
    let Some(planned) = draft.planned.get(name) else { return };
    let spelt = planned.map_parts(|_, rule| sets::respelt(rule, "protocol", protocol));
    draft.planned = draft.planned.with(name, spelt);
    sets::plan(draft, name, canonical);
}

/// What calls take: the rules by their ports.
pub fn permissions<'a>(atoms: impl IntoIterator<Item = &'a Atom>, group: &str) -> Vec<IpPermission> {
    let mut by_ports: BTreeMap<&Ports, Vec<&Atom>> = BTreeMap::new();
    for atom in atoms {
        by_ports.entry(&atom.ports).or_default().push(atom);
    }
    by_ports.into_iter().map(|(ports, atoms)| permission(ports, &atoms, group)).collect()
}

fn permission(ports: &Ports, atoms: &[&Atom], group: &str) -> IpPermission {
    let mut p = IpPermission::builder().ip_protocol(&ports.protocol);
    if ports.protocol != "-1" {
        p = p.from_port(int(ports.from)).to_port(int(ports.to));
    }
    for atom in atoms {
        let about = given(&atom.description);
        p = match &atom.peer {
            Peer::V4(r) => p.ip_ranges(IpRange::builder().cidr_ip(r).set_description(about).build()),
            Peer::V6(r) => p.ipv6_ranges(Ipv6Range::builder().cidr_ipv6(r).set_description(about).build()),
            Peer::List(l) => p.prefix_list_ids(PrefixListId::builder().prefix_list_id(l).set_description(about).build()),
            Peer::Itself => p.user_id_group_pairs(UserIdGroupPair::builder().group_id(group).set_description(about).build()),
            Peer::Group(g) => {
                let (account, id) = g.split_once('/').map_or((None, g.as_str()), |(a, id)| (Some(a.to_string()), id));
                let pair = UserIdGroupPair::builder().group_id(id).set_user_id(account).set_description(about);
                p.user_id_group_pairs(pair.build())
            }
        };
    }
    p.build()
}

/// Takes rules away. Those that are gone do not matter.
pub async fn revoke<'a>(cx: &Aws, group: &str, way: Way, atoms: impl IntoIterator<Item = &'a Atom>) -> Result<()> {
    let atoms: Vec<&Atom> = atoms.into_iter().collect();
    if atoms.is_empty() || revoke_all(cx, group, way, &atoms).await? {
        return Ok(());
    }
    // One that is gone fails the call for all, and so may one whose description was changed.
    for atom in atoms {
        if !revoke_all(cx, group, way, &[atom]).await? && !atom.description.is_empty() {
            revoke_all(cx, group, way, &[&Atom { description: String::new(), ..atom.clone() }]).await?;
        }
    }
    Ok(())
}

/// Whether all were there.
async fn revoke_all(cx: &Aws, group: &str, way: Way, atoms: &[&Atom]) -> Result<bool> {
    let permissions = Some(permissions(atoms.iter().copied(), group));
    let done = match way {
        Way::In => {
            let call = cx.ec2().revoke_security_group_ingress().group_id(group).set_ip_permissions(permissions);
            call.send().await.api().map(|_| ())
        }
        Way::Out => {
            let call = cx.ec2().revoke_security_group_egress().group_id(group).set_ip_permissions(permissions);
            call.send().await.api().map(|_| ())
        }
    };
    Ok(done.or_missing()?.is_some())
}

/// Adds rules.
pub async fn authorize<'a>(cx: &Aws, group: &str, way: Way, atoms: impl IntoIterator<Item = &'a Atom>) -> Result<()> {
    let permissions = permissions(atoms, group);
    if permissions.is_empty() {
        return Ok(());
    }
    let permissions = Some(permissions);
    match way {
        Way::In => {
            let call = cx.ec2().authorize_security_group_ingress().group_id(group).set_ip_permissions(permissions);
            call.send().await.api()?;
        }
        Way::Out => {
            let call = cx.ec2().authorize_security_group_egress().group_id(group).set_ip_permissions(permissions);
            call.send().await.api()?;
        }
    }
    Ok(())
}

/// Brings one way of a group from `prior` to `want`.
pub async fn change(cx: &Aws, group: &str, way: Way, prior: &BTreeSet<Atom>, want: &BTreeSet<Atom>) -> Result<()> {
    revoke(cx, group, way, prior.difference(want)).await?;
    authorize(cx, group, way, want.difference(prior)).await
}

/// Brings a group from what it is to what is wanted: a new one has rules that let everything out.
pub async fn converge(cx: &Aws, id: &Id, ingress: &BTreeSet<Rule>, egress: &BTreeSet<Rule>) -> Result<types::SecurityGroup> {
    let Some(group) = shared::security_groups(cx, [&*id.0]).await?.remove(&*id.0) else {
        return Err(Error::new(ErrorKind::Busy, format!("the security group {id} is not visible yet")));
    };
    for (way, rules) in [(Way::In, ingress), (Way::Out, egress)] {
        let there = atoms_of(&group, way).into_iter().collect();
        change(cx, &id.0, way, &there, &atoms(rules)).await?;
    }
    Ok((*group).clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn found_rules_are_grouped_as_they_were_known() {
        let rule = |port: i64, about: &str, ranges: &str| Rule {
            protocol: "tcp".into(),
            from_port: port,
            to_port: port,
            description: about.into(),
            cidr_blocks: ranges.split(' ').map(Into::into).collect(),
            ..Rule::default()
        };
        let known: BTreeSet<Rule> = [rule(80, "", "b a"), rule(80, "", "c"), rule(22, "ssh", "a")].into();
        let mut found: Vec<Atom> = atoms(&known).into_iter().collect();
        assert_eq!(grouped(found.clone(), &known), known);
        found.extend(rule(22, "ssh", "z").atoms());
        let mut more = known.clone();
        more.insert(rule(22, "ssh", "z"));
        assert_eq!(grouped(found.clone(), &more), more);
        assert!(grouped(found, &known).contains(&rule(22, "ssh", "z")));
        let other: BTreeSet<Rule> = [rule(80, "", "a b c"), rule(22, "ssh", "a")].into();
        assert_eq!(grouped(atoms(&known).into_iter().collect(), &BTreeSet::new()), other);
    }
}

//! `aws_security_group_rule`. Its ID is a checksum of its arguments, so that only the prior object tells what to read.

use std::collections::BTreeSet;

use aws_sdk_ec2::types;
use secstack_base::Diags;
use secstack_base::schema::Draft;
use secstack_sdk::drift::Weakness;
use secstack_sdk::naming::hash;
use secstack_sdk::typed::{Ask, Found, Resource, Schema};
use secstack_sdk::{Error, ErrorKind, Id, Result, check};

use super::drift;
use super::rules::{self, Peer, Rule, Way};
use super::{filter, sets, shared};
use crate::Aws;
use crate::error::Answer;

/// A rule of a security group, for any number of peers.
#[derive(Clone, Debug, Default, Schema)]
#[allow(clippy::duplicated_attributes, reason = "an argument may be in several groups")]
#[resource(
    "aws_security_group_rule",
    version = 2,
    timeouts(create),
    conflicts(cidr_blocks, source_security_group_id),
    conflicts(ipv6_cidr_blocks, source_security_group_id),
    conflicts(self, cidr_blocks),
    at_least_one(cidr_blocks, ipv6_cidr_blocks, prefix_list_ids, self, source_security_group_id)
)]
pub struct SecurityGroupRule {
    /// The IPv4 ranges.
    #[attr(forces_new, check = check::each(check::cidr_v4))]
    pub cidr_blocks: Option<Vec<String>>,
    /// What the rule is for.
    pub description: Option<String>,
    /// The first port, or the ICMP type.
    #[attr(forces_new)]
    pub from_port: i64,
    /// What the checksum of the rule's arguments is.
    #[attr(computed)]
    pub id: String,
    /// The IPv6 ranges.
    #[attr(forces_new, check = check::each(check::cidr_v6))]
    pub ipv6_cidr_blocks: Option<Vec<String>>,
    /// Lists of ranges.
    #[attr(forces_new)]
    pub prefix_list_ids: Option<Vec<String>>,
    /// The protocol: `tcp`, `udp`, `icmp`, `icmpv6`, a number, or `-1` for all.
    #[attr(forces_new)]
    pub protocol: String,
    /// The group of the rule.
    #[attr(forces_new)]
    pub security_group_id: String,
    /// What EC2 calls the rule, when it has one peer.
    #[attr(output, local)]
    pub security_group_rule_id: Option<String>,
    /// Whether the group itself is a peer.
    #[attr(name = "self", default = false, forces_new)]
    pub this: bool,
    /// Another security group.
    #[attr(computed, forces_new)]
    pub source_security_group_id: Option<String>,
    /// The last port, or the ICMP code.
    #[attr(forces_new)]
    pub to_port: i64,
    /// Whether the rule is about traffic in or out.
    #[attr(forces_new, check = check::one_of(["egress", "ingress"]))]
    pub r#type: String,
}

impl Resource for SecurityGroupRule {
    type Cx = Aws;
    const BATCH: usize = 1000;

    async fn create(cx: &Aws, want: &Self, _token: &str) -> Result<Id> {
        rules::authorize(cx, &want.security_group_id, want.way(), &want.rule().atoms()).await?;
        Ok(Id(want.checksum().into()))
    }

    fn natural(want: &Self, _token: &str) -> Option<String> {
        Some(want.import_text())
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let known = asks.iter().filter_map(|a| Some(a.prior.as_ref()?.security_group_id.clone()));
        let groups = shared::security_groups(cx, known).await?;
        let mut out = vec![];
        for ask in asks {
            let Some(prior) = &ask.prior else { return Err(unreadable(&ask.id)) };
            let Some(group) = groups.get(&prior.security_group_id) else { continue };
            if let Some(object) = find(group, prior) {
                // Only what was made just now is looked up.
                let rule_id = if prior.id.is_empty() { Some(rule_id(cx, prior).await?) } else { prior.security_group_rule_id.clone() };
                let object = Self { security_group_rule_id: rule_id, ..object };
                out.push(Found::ready(ask.id.clone(), object));
            }
        }
        Ok(out)
    }

    /// Only the description changes.
    async fn update(cx: &Aws, _id: &Id, _prior: &Self, want: &Self) -> Result<()> {
        let permissions = Some(rules::permissions(&want.rule().atoms(), &want.security_group_id));
        let group = &want.security_group_id;
        match want.way() {
            Way::In => {
                let call = cx.ec2().update_security_group_rule_descriptions_ingress().group_id(group);
                call.set_ip_permissions(permissions).send().await.api()?;
            }
            Way::Out => {
                let call = cx.ec2().update_security_group_rule_descriptions_egress().group_id(group);
                call.set_ip_permissions(permissions).send().await.api()?;
            }
        }
        Ok(())
    }

    async fn delete(cx: &Aws, _id: &Id, prior: &Self) -> Result<()> {
        rules::revoke(cx, &prior.security_group_id, prior.way(), &prior.rule().atoms()).await
    }

    /// The text is `GROUP_TYPE_PROTOCOL_FROM_TO_PEER`, with more peers after it.
    async fn parse_import(_cx: &Aws, text: &str) -> Result<Ask<Self>> {
        let mut rule = parse(text)?;
        for list in [&mut rule.cidr_blocks, &mut rule.ipv6_cidr_blocks, &mut rule.prefix_list_ids] {
            list.get_or_insert_default();
        }
        // Without an ID in it the rule counts as made just now, and all of it is looked up.
        let id = std::mem::take(&mut rule.id);
        Ok(Ask::of(id, rule))
    }

    fn plan(draft: &mut Draft) -> Diags {
        draft.planned = sets::respelt(&draft.planned, "protocol", rules::protocol);
        Diags::new()
    }

    fn weakened(was: &Self, now: Option<&Self>) -> Vec<Weakness> {
        let now = now.map(|n| n.rule().atoms()).unwrap_or_default();
        drift::opened("", &was.rule().atoms(), &now, was.way())
    }
}

/// The rule that `GROUP_TYPE_PROTOCOL_FROM_TO_PEER` tells of.
fn parse(text: &str) -> Result<SecurityGroupRule> {
    let parts: Vec<&str> = text.split('_').collect();
    let wrong = || Error::new(ErrorKind::Invalid, format!("{text:?} is not of the form GROUP_TYPE_PROTOCOL_FROM_TO_PEER"));
    let [group, ty @ ("ingress" | "egress"), protocol, from, to, peers @ ..] = parts.as_slice() else {
        return Err(wrong());
    };
    let port = |p: &str| if p == "all" { Ok(0) } else { p.parse().map_err(|_| wrong()) };
    let (from, to) = match *protocol {
        "all" | "-1" => (0, 0),
        _ => (port(from)?, port(to)?),
    };
    let mut rule = SecurityGroupRule {
        security_group_id: (*group).into(),
        r#type: (*ty).into(),
        protocol: rules::protocol(protocol),
        from_port: from,
        to_port: to,
        ..SecurityGroupRule::default()
    };
    for peer in peers.iter().filter(|p| !p.is_empty()) {
        match *peer {
            "self" => rule.this = true,
            v6 if v6.contains(':') => rule.ipv6_cidr_blocks.get_or_insert_default().push(v6.into()),
            list if list.starts_with("pl-") => rule.prefix_list_ids.get_or_insert_default().push(list.into()),
            of if of == *group => rule.this = true,
            of if of.contains("sg-") => rule.source_security_group_id = Some(of.into()),
            v4 => rule.cidr_blocks.get_or_insert_default().push(v4.into()),
        }
    }
    rule.id = rule.checksum();
    Ok(rule)
}

fn unreadable(id: &Id) -> Error {
    Error::new(ErrorKind::Invalid, format!("the rule {id} can be read only by its arguments"))
}

impl SecurityGroupRule {
    pub(super) fn way(&self) -> Way {
        if self.r#type == "egress" { Way::Out } else { Way::In }
    }

    pub(super) fn rule(&self) -> Rule {
        Rule {
            cidr_blocks: self.cidr_blocks.clone().unwrap_or_default(),
            description: self.description.clone().unwrap_or_default(),
            from_port: self.from_port,
            ipv6_cidr_blocks: self.ipv6_cidr_blocks.clone().unwrap_or_default(),
            prefix_list_ids: self.prefix_list_ids.clone().unwrap_or_default(),
            protocol: self.protocol.clone(),
            // The source of a rule on the group itself is told to be the group.
            security_groups: self.source_security_group_id.iter().filter(|g| **g != self.security_group_id).cloned().collect(),
            this: self.this || self.source_security_group_id.as_ref() == Some(&self.security_group_id),
            to_port: self.to_port,
        }
    }

    /// What [`Resource::parse_import`] reads.
    fn import_text(&self) -> String {
        let lists = [&self.cidr_blocks, &self.ipv6_cidr_blocks, &self.prefix_list_ids];
        let peers = lists.into_iter().flatten().flatten().chain(&self.source_security_group_id).map(String::as_str);
        let peers: Vec<&str> = peers.chain(self.this.then_some("self")).collect();
        let protocol = rules::protocol(&self.protocol);
        let head = format!("{}_{}_{protocol}_{}_{}", self.security_group_id, self.r#type, self.from_port, self.to_port);
        format!("{head}_{}", peers.join("_"))
    }

    /// The ID: the checksum of the arguments as the service gets them.
    fn checksum(&self) -> String {
        let mut text = format!("{}-", self.security_group_id);
        let protocol = rules::protocol(&self.protocol);
        let ports = if protocol == "-1" { [0, 0] } else { [self.from_port, self.to_port] };
        for port in ports.into_iter().filter(|p| *p > 0) {
            text += &format!("{port}-");
        }
        text += &format!("{protocol}-{}-", self.r#type);
        for list in [&self.cidr_blocks, &self.ipv6_cidr_blocks, &self.prefix_list_ids] {
            let sorted: BTreeSet<&String> = list.iter().flatten().collect();
            sorted.into_iter().for_each(|item| text += &format!("{item}-"));
        }
        let mut groups: BTreeSet<&str> = self.source_security_group_id.iter().map(|g| g.rsplit('/').next().unwrap_or(g)).collect();
        if self.this {
            groups.insert(&self.security_group_id);
        }
        groups.into_iter().for_each(|g| text += &format!("{g}--"));
        format!("sgrule-{}", hash(&text))
    }
}

/// The rule in a group that has all peers of `prior`; its description is that of the first.
fn find(group: &types::SecurityGroup, prior: &SecurityGroupRule) -> Option<SecurityGroupRule> {
    let there = rules::atoms_of(group, prior.way());
    let wanted = prior.rule().atoms();
    let mut about = None;
    for atom in &wanted {
        let found = there.iter().find(|t| t.ports == atom.ports && rules::same_peer(&t.peer, &atom.peer))?;
        about = about.or_else(|| (!found.description.is_empty()).then(|| found.description.clone()));
    }
    // A description that is gone is not told from one that the service keeps for itself.
    let about = about.or_else(|| prior.description.clone());
    Some(SecurityGroupRule { description: about, protocol: rules::protocol(&prior.protocol), ..prior.clone() })
}

/// What EC2 calls the rule; empty where that would be several.
async fn rule_id(cx: &Aws, rule: &SecurityGroupRule) -> Result<String> {
    let atoms = rule.rule().atoms();
    let mut only = atoms.iter();
    let (Some(atom), None) = (only.next(), only.next()) else { return Ok(String::new()) };
    let group = rule.security_group_id.clone();
    let all = cx.cached(format!("ec2 rules of {group}"), async {
        let call = cx.ec2().describe_security_group_rules().filters(filter("group-id", [&group]));
        call.into_paginator().items().send().try_collect().await.api()
    });
    let is_it = |r: &&types::SecurityGroupRule| {
        let ports = |p: Option<i32>| p.map_or(0, i64::from);
        let theirs = rules::Ports::new(r.ip_protocol.as_deref().unwrap_or_default(), ports(r.from_port), ports(r.to_port));
        let of = r.referenced_group_info.as_ref().and_then(|g| g.group_id.clone());
        let peer = match (&r.cidr_ipv4, &r.cidr_ipv6, &r.prefix_list_id, of) {
            (Some(range), ..) => Peer::V4(range.clone()),
            (_, Some(range), ..) => Peer::V6(range.clone()),
            (_, _, Some(list), _) => Peer::List(list.clone()),
            (.., Some(of)) if of == rule.security_group_id => Peer::Itself,
            (.., of) => Peer::Group(of.unwrap_or_default()),
        };
        let wanted = match &atom.peer {
            Peer::Group(g) => Peer::Group(g.rsplit('/').next().unwrap_or(g).into()),
            other => other.clone(),
        };
        (r.is_egress == Some(true)) == (rule.way() == Way::Out) && theirs == atom.ports && rules::same_peer(&peer, &wanted)
    };
    Ok(all.await?.iter().find(is_it).and_then(|r| r.security_group_rule_id.clone()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_terraform() {
        let rule = SecurityGroupRule { security_group_id: "sg-866ce618a66fb5d2a".into(), r#type: "ingress".into(), ..Default::default() };
        let cidr = SecurityGroupRule {
            protocol: "TCP".into(),
            from_port: 8080,
            to_port: 8080,
            cidr_blocks: Some(vec!["10.0.0.0/8".into()]),
            ..rule.clone()
        };
        let own = SecurityGroupRule { protocol: "all".into(), this: true, ..rule.clone() };
        let group = SecurityGroupRule {
            r#type: "egress".into(),
            protocol: "tcp".into(),
            from_port: 1,
            to_port: 65535,
            source_security_group_id: Some("sg-b95ae5532b6f298be".into()),
            ..rule
        };
        assert_eq!(cidr.checksum(), "sgrule-2658199150");
        assert_eq!(own.checksum(), "sgrule-3158054275");
        assert_eq!(group.checksum(), "sgrule-2377871258");
    }

    #[test]
    fn a_rule_is_found_again_by_its_arguments() {
        let rule = SecurityGroupRule {
            security_group_id: "sg-1".into(),
            r#type: "egress".into(),
            protocol: "6".into(),
            from_port: 80,
            to_port: 81,
            cidr_blocks: Some(vec!["10.0.0.0/8".into(), "10.1.0.0/16".into()]),
            ipv6_cidr_blocks: Some(vec!["::/0".into()]),
            prefix_list_ids: Some(vec!["pl-1".into()]),
            ..Default::default()
        };
        let all = SecurityGroupRule { protocol: "all".into(), this: true, cidr_blocks: None, ..rule.clone() };
        let of = SecurityGroupRule {
            source_security_group_id: Some("123456789012/sg-2".into()),
            cidr_blocks: None,
            ipv6_cidr_blocks: None,
            prefix_list_ids: None,
            ..rule.clone()
        };
        for rule in [rule, all, of] {
            let read = parse(&rule.import_text()).unwrap();
            assert_eq!(read.checksum(), rule.checksum());
            assert_eq!(read.rule().atoms(), rule.rule().atoms());
        }
    }
}

//! Entries of network ACLs, whichever resource type manages them. The service knows protocols by number only.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{self, IcmpTypeCode, NetworkAclEntry, PortRange, RuleAction};
use secstack_base::Value;
use secstack_sdk::typed::Block;
use secstack_sdk::{Error, ErrorKind, Result, check};

use super::{filter, given, int, sets};
use crate::Aws;
use crate::error::{Answer, Missing};

/// An entry of a network ACL.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Block)]
pub struct Entry {
    /// Whether traffic passes.
    #[attr(check = check::one_of_nocase(["allow", "deny"]))]
    pub action: String,
    /// The IPv4 range.
    #[attr(optional, check = check::cidr_v4)]
    pub cidr_block: String,
    /// The first port.
    pub from_port: i64,
    /// The ICMP code.
    #[attr(optional)]
    pub icmp_code: i64,
    /// The ICMP type.
    #[attr(optional)]
    pub icmp_type: i64,
    /// The IPv6 range.
    #[attr(optional, check = check::cidr_v6)]
    pub ipv6_cidr_block: String,
    /// The protocol, by name or number, or `-1` for all.
    pub protocol: String,
    /// The number by which entries are ordered.
    #[attr(check = check::between(1, 32766))]
    pub rule_no: i64,
    /// The last port.
    pub to_port: i64,
}

/// Names of protocols.
const PROTOCOLS: &[(&str, &str)] = &[
    ("-1", "all"),
    ("1", "icmp"),
    ("2", "igmp"),
    ("4", "ipv4"),
    ("6", "tcp"),
    ("8", "egp"),
    ("9", "igp"),
    ("17", "udp"),
    ("27", "rdp"),
    ("41", "ipv6"),
    ("46", "rsvp"),
    ("47", "gre"),
    ("50", "esp"),
    ("51", "ah"),
    ("58", "icmpv6"),
    ("58", "ipv6-icmp"),
    ("88", "eigrp"),
    ("89", "ospf"),
    ("94", "ipip"),
    ("103", "pim"),
    ("108", "ipcomp"),
    ("112", "vrrp"),
    ("115", "l2tp"),
    ("132", "sctp"),
    ("136", "udplite"),
    ("137", "mpls-in-ip"),
];

/// The number of a protocol.
pub fn number(protocol: &str) -> String {
    let lower = protocol.to_lowercase();
    PROTOCOLS.iter().find(|(_, name)| *name == lower).map_or(lower.clone(), |(number, _)| (*number).into())
}

/// Whether two protocols are the same.
pub fn same_protocol(a: &Value, b: &Value) -> bool {
    a.as_str().map(number) == b.as_str().map(number)
}

/// An entry in one spelling, for [`sets::plan`].
pub fn canonical(entry: &Value) -> Value {
    let entry = sets::respelt(entry, "protocol", number);
    let entry = sets::respelt(&entry, "ipv6_cidr_block", super::routes::one_spelling);
    sets::respelt(&entry, "action", str::to_lowercase)
}

/// An entry without what does not matter to the service.
fn essence(e: &Entry) -> Entry {
    let protocol = number(&e.protocol);
    let icmp = matches!(protocol.as_str(), "1" | "58");
    let all = protocol == "-1";
    Entry {
        action: e.action.to_lowercase(),
        icmp_code: if icmp { e.icmp_code } else { 0 },
        icmp_type: if icmp { e.icmp_type } else { 0 },
        from_port: if all { 0 } else { e.from_port },
        to_port: if all { 0 } else { e.to_port },
        protocol,
        ..e.clone()
    }
}

/// The entries of one way of an ACL that somebody made there.
pub fn made(acl: &types::NetworkAcl, egress: bool) -> BTreeSet<Entry> {
    // The last entries, one for IPv4 and one for IPv6, are always there.
    let by_hand = |e: &&NetworkAclEntry| e.egress == Some(egress) && !matches!(e.rule_number, Some(32767 | 32768) | None);
    acl.entries().iter().filter(by_hand).map(of).collect()
}

fn of(e: &NetworkAclEntry) -> Entry {
    let port = |f: fn(&PortRange) -> Option<i32>| e.port_range.as_ref().and_then(f).unwrap_or_default().into();
    let icmp = |f: fn(&IcmpTypeCode) -> Option<i32>| e.icmp_type_code.as_ref().and_then(f).unwrap_or_default().into();
    Entry {
        action: e.rule_action.as_ref().map(|a| a.as_str().to_string()).unwrap_or_default(),
        cidr_block: e.cidr_block.clone().unwrap_or_default(),
        from_port: port(|p| p.from),
        icmp_code: icmp(|t| t.code),
        icmp_type: icmp(|t| t.r#type),
        ipv6_cidr_block: e.ipv6_cidr_block.clone().unwrap_or_default(),
        protocol: number(e.protocol.as_deref().unwrap_or_default()),
        rule_no: e.rule_number.unwrap_or_default().into(),
        to_port: port(|p| p.to),
    }
}

/// Which call an entry needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    Create,
    Replace,
}

/// Sets the arguments of a call.
macro_rules! entry_call {
    ($call:expr, $acl:expr, $egress:expr, $entry:expr) => {{
        let e = essence($entry);
        let icmp = matches!(e.protocol.as_str(), "1" | "58");
        let code = || IcmpTypeCode::builder().code(int(e.icmp_code)).r#type(int(e.icmp_type)).build();
        $call
            .network_acl_id($acl)
            .egress($egress)
            .rule_number(int(e.rule_no))
            .rule_action(RuleAction::from(e.action.as_str()))
            .protocol(&e.protocol)
            .set_cidr_block(given(&e.cidr_block))
            .set_ipv6_cidr_block(given(&e.ipv6_cidr_block))
            .port_range(PortRange::builder().from(int(e.from_port)).to(int(e.to_port)).build())
            .set_icmp_type_code(icmp.then(code))
    }};
}

/// Creates or replaces an entry.
pub async fn put(cx: &Aws, how: Put, acl: &str, egress: bool, entry: &Entry) -> Result<()> {
    match how {
        Put::Create => {
            entry_call!(cx.ec2().create_network_acl_entry(), acl, egress, entry).send().await.api()?;
        }
        Put::Replace => {
            entry_call!(cx.ec2().replace_network_acl_entry(), acl, egress, entry).send().await.api()?;
        }
    }
    Ok(())
}

/// Removes an entry, unless it is gone.
pub async fn remove(cx: &Aws, acl: &str, egress: bool, rule: i64) -> Result<()> {
    let call = cx.ec2().delete_network_acl_entry().network_acl_id(acl).egress(egress).rule_number(int(rule));
    call.send().await.api().or_missing()?;
    Ok(())
}

/// Brings one way of an ACL from `prior` to `want`.
pub async fn change(cx: &Aws, acl: &str, egress: bool, prior: &BTreeSet<Entry>, want: &BTreeSet<Entry>) -> Result<()> {
    let by = |entries: &BTreeSet<Entry>| entries.iter().map(|e| (e.rule_no, essence(e))).collect::<BTreeMap<_, _>>();
    let (old, new) = (by(prior), by(want));
    for rule in old.keys().filter(|n| !new.contains_key(n)) {
        remove(cx, acl, egress, *rule).await?;
    }
    for (n, entry) in &new {
        match old.get(n) {
            None => put(cx, Put::Create, acl, egress, entry).await?,
            Some(before) if before != entry => put(cx, Put::Replace, acl, egress, entry).await?,
            Some(_) => {}
        }
    }
    Ok(())
}

/// The subnets that use an ACL.
pub fn subnets(acl: &types::NetworkAcl) -> BTreeSet<String> {
    acl.associations().iter().filter_map(|a| a.subnet_id.clone()).collect()
}

/// Makes subnets use an ACL.
pub async fn assign(cx: &Aws, acl: &str, subnets: impl IntoIterator<Item = &String>) -> Result<()> {
    let subnets: BTreeSet<String> = subnets.into_iter().cloned().collect();
    if subnets.is_empty() {
        return Ok(());
    }
    let call = cx.ec2().describe_network_acls().filters(filter("association.subnet-id", subnets.clone()));
    let found: Vec<types::NetworkAcl> = call.into_paginator().items().send().try_collect().await.api()?;
    for association in found.iter().flat_map(|a| a.associations()) {
        let elsewhere = association.network_acl_id.as_deref() != Some(acl);
        if elsewhere && association.subnet_id.as_ref().is_some_and(|s| subnets.contains(s)) {
            let call = cx.ec2().replace_network_acl_association().network_acl_id(acl);
            call.set_association_id(association.network_acl_association_id.clone()).send().await.api()?;
        }
    }
    Ok(())
}

/// Makes subnets use the default ACL of their VPC. Those that are gone do not matter.
pub async fn release(cx: &Aws, vpc: &str, subnets: impl IntoIterator<Item = &String>) -> Result<()> {
    let mut subnets = subnets.into_iter().peekable();
    if subnets.peek().is_none() {
        return Ok(());
    }
    let call = cx.ec2().describe_network_acls().filters(filter("vpc-id", [vpc]));
    let found = call.filters(filter("default", ["true"])).send().await.api()?;
    let acl = found.network_acls().first().and_then(|a| a.network_acl_id.clone());
    let acl = acl.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no default network ACL in {vpc}")))?;
    assign(cx, &acl, subnets).await
}

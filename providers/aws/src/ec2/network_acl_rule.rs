//! `aws_network_acl_rule`. Its ID is a checksum, so that only the prior object tells what to read.

use aws_sdk_ec2::types;
use secstack_sdk::drift::{Severity, Weakness};
use secstack_sdk::naming::hash;
use secstack_sdk::typed::{Ask, Found, Resource, Schema};
use secstack_sdk::{Error, ErrorKind, Id, Result, check};

use super::entries::{self, Entry, Put};
use super::routes::same_range;
use super::shared;
use crate::Aws;

/// An entry of a network ACL.
#[derive(Clone, Debug, Default, Schema)]
#[resource("aws_network_acl_rule", exactly_one(cidr_block, ipv6_cidr_block))]
pub struct NetworkAclRule {
    /// The IPv4 range.
    #[attr(optional, forces_new, check = check::cidr_v4)]
    pub cidr_block: String,
    /// Whether the entry is for traffic out.
    #[attr(default = false, forces_new)]
    pub egress: bool,
    /// The first port.
    #[attr(forces_new)]
    pub from_port: Option<i64>,
    /// The ICMP code.
    #[attr(forces_new)]
    pub icmp_code: Option<i64>,
    /// The ICMP type.
    #[attr(forces_new)]
    pub icmp_type: Option<i64>,
    /// The IPv6 range.
    #[attr(optional, forces_new, same = same_range, told)]
    pub ipv6_cidr_block: String,
    /// The ACL of the entry.
    #[attr(forces_new)]
    pub network_acl_id: String,
    /// The protocol, by name or number, or `-1` for all.
    #[attr(forces_new, told, same = entries::same_protocol)]
    pub protocol: String,
    /// Whether traffic passes.
    #[attr(forces_new, check = check::one_of_nocase(["allow", "deny"]), same = same_case, told)]
    pub rule_action: String,
    /// The number by which entries are ordered.
    #[attr(forces_new, check = check::between(1, 32766))]
    pub rule_number: i64,
    /// The last port.
    #[attr(forces_new)]
    pub to_port: Option<i64>,
}

fn same_case(a: &secstack_base::Value, b: &secstack_base::Value) -> bool {
    a.as_str().map(str::to_lowercase) == b.as_str().map(str::to_lowercase)
}

impl Resource for NetworkAclRule {
    type Cx = Aws;
    const BATCH: usize = 1000;

    async fn create(cx: &Aws, want: &Self, _token: &str) -> Result<Id> {
        let entry = Entry {
            action: want.rule_action.clone(),
            cidr_block: want.cidr_block.clone(),
            from_port: want.from_port.unwrap_or_default(),
            icmp_code: want.icmp_code.unwrap_or_default(),
            icmp_type: want.icmp_type.unwrap_or_default(),
            ipv6_cidr_block: want.ipv6_cidr_block.clone(),
            protocol: want.protocol.clone(),
            rule_no: want.rule_number,
            to_port: want.to_port.unwrap_or_default(),
        };
        entries::put(cx, Put::Create, &want.network_acl_id, want.egress, &entry).await?;
        Ok(want.id())
    }

    fn natural(want: &Self, _token: &str) -> Option<String> {
        Some(format!("{}:{}:{}:{}", want.network_acl_id, want.rule_number, want.protocol, want.egress))
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let known = asks.iter().filter_map(|a| Some(a.prior.as_ref()?.network_acl_id.clone()));
        let acls = shared::network_acls(cx, known).await?;
        let mut out = vec![];
        for ask in asks {
            let Some(prior) = &ask.prior else {
                return Err(Error::new(ErrorKind::Invalid, format!("the rule {} can be read only by its arguments", ask.id)));
            };
            let found = acls.get(&prior.network_acl_id).and_then(|acl| prior.find(acl));
            out.extend(found.map(|object| Found::ready(ask.id.clone(), object)));
        }
        Ok(out)
    }

    async fn delete(cx: &Aws, _id: &Id, prior: &Self) -> Result<()> {
        entries::remove(cx, &prior.network_acl_id, prior.egress, prior.rule_number).await
    }

    /// The text is `ACL:NUMBER:PROTOCOL:EGRESS`.
    async fn parse_import(_cx: &Aws, text: &str) -> Result<Ask<Self>> {
        let wrong = || Error::new(ErrorKind::Invalid, format!("{text:?} is not of the form ACL:RULE_NUMBER:PROTOCOL:EGRESS"));
        let [acl, number, protocol, egress] = text.split(':').collect::<Vec<_>>()[..] else { return Err(wrong()) };
        let rule = Self {
            network_acl_id: acl.into(),
            rule_number: number.parse().map_err(|_| wrong())?,
            protocol: protocol.into(),
            egress: egress.parse().map_err(|_| wrong())?,
            ..Self::default()
        };
        Ok(Ask::of(rule.id().0, rule))
    }

    fn weakened(was: &Self, now: Option<&Self>) -> Vec<Weakness> {
        let denied = was.rule_action.eq_ignore_ascii_case("deny") && now.is_none_or(|n| !n.rule_action.eq_ignore_ascii_case("deny"));
        let what = "the ACL does not deny this traffic any more";
        Weakness::when(denied, Severity::Medium, "rule_action", what).into_iter().collect()
    }
}

impl NetworkAclRule {
    /// The checksum of what tells the entry, with the protocol as it was written when the entry was created.
    fn id(&self) -> Id {
        let text = format!("{}-{}-{}-{}-", self.network_acl_id, self.rule_number, self.egress, self.protocol);
        Id(format!("nacl-{}", hash(&text)).into())
    }

    fn find(&self, acl: &types::NetworkAcl) -> Option<Self> {
        let is_it = |e: &&types::NetworkAclEntry| e.egress == Some(self.egress) && e.rule_number.map(i64::from) == Some(self.rule_number);
        let e = acl.entries().iter().find(is_it)?;
        let (ports, icmp) = (e.port_range.as_ref(), e.icmp_type_code.as_ref());
        Some(Self {
            cidr_block: e.cidr_block.clone().unwrap_or_default(),
            egress: self.egress,
            from_port: ports.map(|p| p.from.unwrap_or_default().into()).or(self.from_port),
            icmp_code: icmp.map(|t| t.code.unwrap_or_default().into()).or(self.icmp_code),
            icmp_type: icmp.map(|t| t.r#type.unwrap_or_default().into()).or(self.icmp_type),
            ipv6_cidr_block: e.ipv6_cidr_block.clone().unwrap_or_default(),
            network_acl_id: self.network_acl_id.clone(),
            protocol: entries::number(e.protocol.as_deref().unwrap_or_default()),
            rule_action: e.rule_action.as_ref().map(|a| a.as_str().to_string()).unwrap_or_default(),
            rule_number: self.rule_number,
            to_port: ports.map(|p| p.to.unwrap_or_default().into()).or(self.to_port),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_terraform() {
        let acl = "acl-a738c8b49b748686d";
        let rule = NetworkAclRule { network_acl_id: acl.into(), rule_number: 200, protocol: "tcp".into(), ..Default::default() };
        assert_eq!(&*rule.id().0, "nacl-2124089728");
        let rule = NetworkAclRule { rule_number: 210, egress: true, protocol: "icmp".into(), ..rule };
        assert_eq!(&*rule.id().0, "nacl-4224272436");
    }
}

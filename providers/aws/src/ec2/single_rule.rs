//! Rules of security groups with one peer each, which are objects of their own to EC2. Rules in and rules out are
//! two types that differ in name only.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{self, IpPermission, IpRange, Ipv6Range, PrefixListId, ResourceType, SecurityGroupRuleRequest};
use aws_sdk_ec2::types::{SecurityGroupRuleUpdate, UserIdGroupPair};
use secstack_base::schema::Draft;
use secstack_base::{Path, Value};
use secstack_sdk::typed::Tags;
use secstack_sdk::{Id, Result};

use super::rules::{Atom, Rule, Way, protocol};
use super::{int, retag, tagged, tags_of};
use crate::Aws;
use crate::error::Answer;

/// What both types have.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Single {
    pub cidr_ipv4: Option<String>,
    pub cidr_ipv6: Option<String>,
    pub description: Option<String>,
    pub from_port: Option<i64>,
    pub ip_protocol: String,
    pub prefix_list_id: Option<String>,
    pub referenced_security_group_id: Option<String>,
    pub security_group_id: String,
    pub tags: Tags,
    pub to_port: Option<i64>,
}

impl Single {
    /// The rule as its group has it.
    pub fn atoms(&self) -> BTreeSet<Atom> {
        let listed = |peer: &Option<String>| peer.iter().cloned().collect::<Vec<_>>();
        let itself = self.referenced_security_group_id.as_ref() == Some(&self.security_group_id);
        let rule = Rule {
            cidr_blocks: listed(&self.cidr_ipv4),
            description: self.description.clone().unwrap_or_default(),
            from_port: self.from_port.unwrap_or(0),
            ipv6_cidr_blocks: listed(&self.cidr_ipv6),
            prefix_list_ids: listed(&self.prefix_list_id),
            protocol: self.ip_protocol.clone(),
            security_groups: self.referenced_security_group_id.iter().filter(|_| !itself).cloned().collect(),
            this: itself,
            to_port: self.to_port.unwrap_or(0),
        };
        rule.atoms()
    }
}

/// The arguments of which a rule has one.
const PEERS: [&str; 4] = ["cidr_ipv4", "cidr_ipv6", "prefix_list_id", "referenced_security_group_id"];

/// Whether two protocols are the same.
pub fn same_protocol(a: &Value, b: &Value) -> bool {
    a.as_str().map(protocol) == b.as_str().map(protocol)
}

/// Another kind of peer needs another rule.
pub fn plan(draft: &mut Draft) {
    let Some(prior) = &draft.prior else { return };
    let peer = |v: &Value| PEERS.into_iter().find(|p| v.get(p).is_some_and(|v| !v.is_null()));
    let (old, new) = (peer(prior), peer(&draft.planned));
    if old != new {
        draft.replace.extend([old, new].into_iter().flatten().map(Path::attr));
    }
}

/// Creates the rule.
pub async fn create(cx: &Aws, want: &Single, way: Way, token: &str) -> Result<Id> {
    let tags = tagged(ResourceType::SecurityGroupRule, &want.tags, token);
    let permission = Some(vec![permission(want)]);
    let made = match way {
        Way::In => {
            let call = cx.ec2().authorize_security_group_ingress().group_id(&want.security_group_id);
            call.set_ip_permissions(permission).set_tag_specifications(tags).send().await.api()?.security_group_rules
        }
        Way::Out => {
            let call = cx.ec2().authorize_security_group_egress().group_id(&want.security_group_id);
            call.set_ip_permissions(permission).set_tag_specifications(tags).send().await.api()?.security_group_rules
        }
    };
    Id::of(made.unwrap_or_default().into_iter().next().and_then(|r| r.security_group_rule_id))
}

fn permission(want: &Single) -> IpPermission {
    let about = || want.description.clone();
    let mut p = IpPermission::builder().ip_protocol(protocol(&want.ip_protocol));
    p = p.set_from_port(want.from_port.map(int)).set_to_port(want.to_port.map(int));
    if let Some(range) = &want.cidr_ipv4 {
        p = p.ip_ranges(IpRange::builder().cidr_ip(range).set_description(about()).build());
    }
    if let Some(range) = &want.cidr_ipv6 {
        p = p.ipv6_ranges(Ipv6Range::builder().cidr_ipv6(range).set_description(about()).build());
    }
    if let Some(list) = &want.prefix_list_id {
        p = p.prefix_list_ids(PrefixListId::builder().prefix_list_id(list).set_description(about()).build());
    }
    if let Some(of) = &want.referenced_security_group_id {
        let (account, id) = of.split_once('/').map_or((None, of.as_str()), |(a, id)| (Some(a.to_string()), id));
        let pair = UserIdGroupPair::builder().group_id(id).set_user_id(account).set_description(about());
        p = p.user_id_group_pairs(pair.build());
    }
    p.build()
}

/// The rule that was found, unless it is about the other way.
pub fn from_remote(r: &types::SecurityGroupRule, account: &str, way: Way, prior: Option<&Single>) -> Option<Single> {
    if (r.is_egress == Some(true)) != (way == Way::Out) {
        return None;
    }
    // The service says -1 where no port was given.
    let port = |told: Option<i32>, known: fn(&Single) -> Option<i64>| {
        told.map(i64::from).filter(|p| *p != -1 || prior.is_some_and(|s| known(s).is_some()))
    };
    let group = r.referenced_group_info.as_ref().and_then(|g| {
        let id = g.group_id.clone()?;
        let foreign = g.user_id.as_ref().filter(|u| !u.is_empty() && !account.is_empty() && *u != account);
        Some(foreign.map_or(id.clone(), |account| format!("{account}/{id}")))
    });
    Some(Single {
        cidr_ipv4: r.cidr_ipv4.clone(),
        cidr_ipv6: r.cidr_ipv6.clone(),
        description: r.description.clone().filter(|d| !d.is_empty() || prior.is_some_and(|p| p.description.is_some())),
        from_port: port(r.from_port, |s| s.from_port),
        ip_protocol: r.ip_protocol.clone().unwrap_or_default(),
        prefix_list_id: r.prefix_list_id.clone(),
        referenced_security_group_id: group,
        security_group_id: r.group_id.clone().unwrap_or_default(),
        tags: tags_of(r.tags()),
        to_port: port(r.to_port, |s| s.to_port),
    })
}

/// Changes ports, peer or description.
pub async fn update(cx: &Aws, id: &Id, prior: &Single, want: &Single) -> Result<()> {
    if (Single { tags: Tags::new(), ..prior.clone() }) != (Single { tags: Tags::new(), ..want.clone() }) {
        let peer = want.referenced_security_group_id.as_deref().map(|g| g.rsplit('/').next().unwrap_or(g));
        let rule = SecurityGroupRuleRequest::builder()
            .set_cidr_ipv4(want.cidr_ipv4.clone())
            .set_cidr_ipv6(want.cidr_ipv6.clone())
            .set_description(want.description.clone())
            .set_from_port(want.from_port.map(int))
            .ip_protocol(protocol(&want.ip_protocol))
            .set_prefix_list_id(want.prefix_list_id.clone())
            .set_referenced_group_id(peer.map(Into::into))
            .set_to_port(want.to_port.map(int))
            .build();
        let rule = SecurityGroupRuleUpdate::builder().security_group_rule_id(&*id.0).security_group_rule(rule).build();
        let call = cx.ec2().modify_security_group_rules().group_id(&want.security_group_id);
        call.security_group_rules(rule).send().await.api()?;
    }
    retag(cx, &id.0, &prior.tags, &want.tags).await
}

/// Deletes the rule.
pub async fn delete(cx: &Aws, id: &Id, prior: &Single, way: Way) -> Result<()> {
    let (group, rules) = (&prior.security_group_id, Some(vec![id.0.to_string()]));
    match way {
        Way::In => {
            let call = cx.ec2().revoke_security_group_ingress().group_id(group);
            call.set_security_group_rule_ids(rules).send().await.api()?;
        }
        Way::Out => {
            let call = cx.ec2().revoke_security_group_egress().group_id(group);
            call.set_security_group_rule_ids(rules).send().await.api()?;
        }
    }
    Ok(())
}

/// Declares one of the two types.
macro_rules! single_rule {
    ($(#[$doc:meta])* $rule:ident, $name:literal, $way:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, secstack_sdk::typed::Schema)]
        #[resource($name, framework, exactly_one(cidr_ipv4, cidr_ipv6, prefix_list_id, referenced_security_group_id))]
        pub struct $rule {
            /// The ARN of the rule.
            #[attr(output)]
            pub arn: String,
            /// The IPv4 range.
            #[attr(check = check::cidr_v4)]
            pub cidr_ipv4: Option<String>,
            /// The IPv6 range.
            #[attr(check = check::cidr_v6, same = same_range)]
            pub cidr_ipv6: Option<String>,
            /// What the rule is for.
            pub description: Option<String>,
            /// The first port, or the ICMP type.
            #[attr(check = check::between(-1, 65535))]
            pub from_port: Option<i64>,
            /// The protocol: `tcp`, `udp`, `icmp`, `icmpv6`, a number, or `-1` for all.
            #[attr(same = single_rule::same_protocol)]
            pub ip_protocol: String,
            /// A list of ranges.
            pub prefix_list_id: Option<String>,
            /// Another security group, or the same.
            pub referenced_security_group_id: Option<String>,
            /// The group of the rule.
            #[attr(forces_new)]
            pub security_group_id: String,
            /// What EC2 calls the rule.
            #[attr(output)]
            pub security_group_rule_id: String,
            /// Tags of the rule.
            #[attr(tags)]
            pub tags: Tags,
            /// The last port, or the ICMP code.
            #[attr(check = check::between(-1, 65535))]
            pub to_port: Option<i64>,
        }

        impl $rule {
            pub(super) fn single(&self) -> Single {
                Single {
                    cidr_ipv4: self.cidr_ipv4.clone(),
                    cidr_ipv6: self.cidr_ipv6.clone(),
                    description: self.description.clone(),
                    from_port: self.from_port,
                    ip_protocol: self.ip_protocol.clone(),
                    prefix_list_id: self.prefix_list_id.clone(),
                    referenced_security_group_id: self.referenced_security_group_id.clone(),
                    security_group_id: self.security_group_id.clone(),
                    tags: self.tags.clone(),
                    to_port: self.to_port,
                }
            }

            fn of(cx: &Aws, id: &Id, owner: &str, s: Single) -> Self {
                Self {
                    arn: arn(cx, owner, &format!("security-group-rule/{id}")),
                    cidr_ipv4: s.cidr_ipv4,
                    cidr_ipv6: s.cidr_ipv6,
                    description: s.description,
                    from_port: s.from_port,
                    ip_protocol: s.ip_protocol,
                    prefix_list_id: s.prefix_list_id,
                    referenced_security_group_id: s.referenced_security_group_id,
                    security_group_id: s.security_group_id,
                    security_group_rule_id: id.0.to_string(),
                    tags: s.tags,
                    to_port: s.to_port,
                }
            }
        }

        impl Resource for $rule {
            type Cx = Aws;
            const BATCH: usize = 1000;
            const LEAVES_TOKEN: bool = true;

            async fn create(cx: &Aws, want: &Self, token: &str) -> Result<Id> {
                single_rule::create(cx, &want.single(), $way, token).await
            }

            async fn find_made(cx: &Aws, trace: &secstack_sdk::Trace) -> Result<Option<Id>> {
                super::made::security_group_rule(cx, trace).await
            }

            async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
                let rules = shared::security_group_rules(cx, asks.iter().map(|a| &*a.id.0)).await?;
                let account = cx.account_id().await?;
                let object = |ask: &Ask<Self>| {
                    let rule = rules.get(&*ask.id.0)?;
                    let prior = ask.prior.as_ref().map(Self::single);
                    let mut single = single_rule::from_remote(rule, account, $way, prior.as_ref())?;
                    // A new rule has the description that it was made with, whether or not the service tells it at once.
                    if let Some(new) = ask.prior.as_ref().filter(|p| p.security_group_rule_id.is_empty()) {
                        single.description = single.description.or_else(|| new.description.clone());
                    }
                    Some(Found::ready(ask.id.clone(), Self::of(cx, &ask.id, account, single)))
                };
                Ok(asks.iter().filter_map(object).collect())
            }

            async fn update(cx: &Aws, id: &Id, prior: &Self, want: &Self) -> Result<()> {
                single_rule::update(cx, id, &prior.single(), &want.single()).await
            }

            async fn delete(cx: &Aws, id: &Id, prior: &Self) -> Result<()> {
                single_rule::delete(cx, id, &prior.single(), $way).await
            }

            fn weakened(was: &Self, now: Option<&Self>) -> Vec<secstack_sdk::drift::Weakness> {
                let now = now.map(|n| n.single().atoms()).unwrap_or_default();
                super::drift::opened("", &was.single().atoms(), &now, $way)
            }

            fn plan(draft: &mut Draft) -> Diags {
                single_rule::plan(draft);
                Diags::new()
            }
        }
    };
}
pub(super) use single_rule;

//! `aws_eip`

use aws_sdk_ec2::types::{self, AddressAttributeName, DomainType, ResourceType};
use secstack_sdk::drift::{Known, Shared};
use secstack_sdk::typed::{Ask, Found, Resource, Schema, Tags};
use secstack_sdk::{ErrorKind, Id, Result, Trace, check};

use super::{arn, filter, given, made, retag, tagged, tags_of};
use crate::Aws;
use crate::error::{Answer, Missing};

/// A public IPv4 address that stays.
#[derive(Clone, Debug, Schema)]
#[resource("aws_eip", timeouts(delete, read, update), conflicts(domain, vpc))]
pub struct Eip {
    /// A certain address of a pool.
    #[attr(forces_new, local)]
    pub address: Option<String>,
    /// What EC2 calls the address.
    #[attr(output)]
    pub allocation_id: String,
    /// The ARN of the address.
    #[attr(output)]
    pub arn: String,
    /// The private address of the instance or interface that it stands for.
    #[attr(local)]
    pub associate_with_private_ip: Option<String>,
    /// What ties the address to an instance or interface.
    #[attr(output)]
    pub association_id: String,
    /// The address in a carrier's network.
    #[attr(output)]
    pub carrier_ip: String,
    /// The address of one's own on an Outpost.
    #[attr(output)]
    pub customer_owned_ip: String,
    /// The pool of addresses of one's own.
    #[attr(optional)]
    pub customer_owned_ipv4_pool: String,
    /// Whether the address is for a VPC.
    #[attr(computed, forces_new, check = check::one_of(["vpc", "standard"]))]
    pub domain: String,
    /// The instance that has the address.
    #[attr(computed)]
    pub instance: String,
    /// The address pool that the address is taken from.
    #[attr(computed, forces_new, local)]
    pub ipam_pool_id: Option<String>,
    /// The group of zones that announces the address.
    #[attr(computed, forces_new)]
    pub network_border_group: String,
    /// The network interface that has the address.
    #[attr(computed)]
    pub network_interface: String,
    /// The private host name.
    #[attr(output)]
    pub private_dns: Option<String>,
    /// The private address.
    #[attr(output)]
    pub private_ip: String,
    /// The host name that the address resolves to.
    #[attr(output)]
    pub ptr_record: String,
    /// The public host name.
    #[attr(output)]
    pub public_dns: Option<String>,
    /// The address.
    #[attr(output)]
    pub public_ip: String,
    /// The pool that the address is taken from.
    #[attr(computed, forces_new)]
    pub public_ipv4_pool: String,
    /// Tags of the address.
    #[attr(tags)]
    pub tags: Tags,
    /// Whether the address is for a VPC.
    #[attr(computed, forces_new, deprecated = "Use domain instead.")]
    pub vpc: bool,
}

impl Resource for Eip {
    type Cx = Aws;
    const BATCH: usize = super::FILTER_MOST;
    const LEAVES_TOKEN: bool = true;

    async fn create(cx: &Aws, want: &Self, token: &str) -> Result<Id> {
        let domain = if want.vpc { Some("vpc".into()) } else { given(&want.domain) };
        let made = cx
            .ec2()
            .allocate_address()
            .set_domain(domain.map(|d| DomainType::from(d.as_str())))
            .set_address(want.address.clone())
            .set_customer_owned_ipv4_pool(given(&want.customer_owned_ipv4_pool))
            .set_ipam_pool_id(want.ipam_pool_id.clone())
            .set_network_border_group(given(&want.network_border_group))
            .set_public_ipv4_pool(given(&want.public_ipv4_pool))
            .set_tag_specifications(tagged(ResourceType::ElasticIp, &want.tags, token))
            .send()
            .await
            .api()?;
        Id::of(made.allocation_id)
    }

    async fn find_made(cx: &Aws, trace: &Trace) -> Result<Option<Id>> {
        let found = cx.ec2().describe_addresses().filters(made::has_tag(trace)).send().await.api()?;
        let made = found.addresses().iter().find(|a| made::is_marked(a.tags(), trace));
        Ok(made.and_then(|a| a.allocation_id.clone()).map(|id| Id(id.into())))
    }

    async fn finish(cx: &Aws, id: &Id, want: &Self) -> Result<()> {
        associate(cx, id, want).await
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let ids = asks.iter().map(|a| &*a.id.0);
        let found = cx.ec2().describe_addresses().filters(filter("allocation-id", ids)).send().await.api()?;
        let ids: Vec<String> = found.addresses().iter().filter_map(|a| a.allocation_id.clone()).collect();
        let names = host_names(cx, ids).await?;
        let account = cx.account_id().await?;
        let object = |a: &types::Address| {
            let id = Id::of(a.allocation_id.clone())?;
            let name = names.iter().find(|n| n.allocation_id == a.allocation_id);
            Ok(Found::ready(id, from_remote(cx, account, a, name)))
        };
        found.addresses().iter().map(object).collect()
    }

    async fn update(cx: &Aws, id: &Id, prior: &Self, want: &Self) -> Result<()> {
        let bound = |e: &Self| (e.instance.clone(), e.network_interface.clone(), e.associate_with_private_ip.clone());
        if bound(prior) != bound(want) {
            disassociate(cx, prior).await?;
            associate(cx, id, want).await?;
        }
        retag(cx, &id.0, &prior.tags, &want.tags).await
    }

    async fn delete(cx: &Aws, id: &Id, prior: &Self) -> Result<()> {
        disassociate(cx, prior).await?;
        let group = given(&prior.network_border_group);
        let call = cx.ec2().release_address().allocation_id(&*id.0).set_network_border_group(group);
        call.send().await.api().map_err(|mut e| {
            // What the service says while an interface still holds the address.
            if e.message.contains("AuthFailure") {
                e.kind = ErrorKind::Busy;
            }
            e
        })?;
        Ok(())
    }

    fn shared(id: &Id, _now: &Self, known: &Known) -> Vec<Shared> {
        // What uses the address says so itself.
        let used = ["aws_nat_gateway", "aws_eip_association", "aws_lb"].iter().any(|ty| known.has(ty, "allocation_id", &id.0));
        if used { ["network_interface", "instance"].into_iter().map(Shared::silent).collect() } else { Vec::new() }
    }
}

async fn associate(cx: &Aws, id: &Id, want: &Eip) -> Result<()> {
    if want.instance.is_empty() && want.network_interface.is_empty() {
        return Ok(());
    }
    let call = cx.ec2().associate_address().allocation_id(&*id.0).set_instance_id(given(&want.instance));
    let call = call.set_network_interface_id(given(&want.network_interface));
    call.set_private_ip_address(want.associate_with_private_ip.clone()).send().await.api()?;
    Ok(())
}

async fn disassociate(cx: &Aws, prior: &Eip) -> Result<()> {
    if !prior.association_id.is_empty() {
        cx.ec2().disassociate_address().association_id(&prior.association_id).send().await.api().or_missing()?;
    }
    Ok(())
}

/// The names that addresses resolve to, where somebody set one.
async fn host_names(cx: &Aws, ids: Vec<String>) -> Result<Vec<types::AddressAttribute>> {
    if ids.is_empty() {
        return Ok(vec![]);
    }
    let call = cx.ec2().describe_addresses_attribute().attribute(AddressAttributeName::DomainName);
    let found = call.set_allocation_ids(Some(ids)).into_paginator().items().send().try_collect().await;
    Ok(found.api().or_missing()?.unwrap_or_default())
}

fn from_remote(cx: &Aws, account: &str, a: &types::Address, name: Option<&types::AddressAttribute>) -> Eip {
    let text = |t: &Option<String>| t.clone().unwrap_or_default();
    let id = text(&a.allocation_id);
    let dashed = |ip: &str| ip.replace('.', "-");
    let (private, public) = match cx.region() {
        "us-east-1" => ("ec2".into(), "compute-1".into()),
        region => (format!("{region}.compute"), format!("{region}.compute")),
    };
    let suffix = cx.dns_suffix();
    Eip {
        address: None,
        arn: arn(cx, account, &format!("elastic-ip/{id}")),
        allocation_id: id,
        associate_with_private_ip: None,
        association_id: text(&a.association_id),
        carrier_ip: text(&a.carrier_ip),
        customer_owned_ip: text(&a.customer_owned_ip),
        customer_owned_ipv4_pool: text(&a.customer_owned_ipv4_pool),
        domain: a.domain.as_ref().map(|d| d.as_str().to_string()).unwrap_or_default(),
        instance: text(&a.instance_id),
        ipam_pool_id: None,
        network_border_group: text(&a.network_border_group),
        network_interface: text(&a.network_interface_id),
        private_dns: a.private_ip_address.as_ref().map(|ip| format!("ip-{}.{private}.internal", dashed(ip))),
        private_ip: text(&a.private_ip_address),
        ptr_record: name.and_then(|n| n.ptr_record.clone()).unwrap_or_default(),
        public_dns: a.public_ip.as_ref().map(|ip| format!("ec2-{}.{public}.{suffix}", dashed(ip))),
        public_ip: text(&a.public_ip),
        public_ipv4_pool: text(&a.public_ipv4_pool),
        tags: tags_of(a.tags()),
        vpc: a.domain == Some(DomainType::Vpc),
    }
}

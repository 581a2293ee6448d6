//! Networks, against an emulated AWS: every type is created, read, changed where it can be, imported and deleted.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use serde_json::json;
use support::{Cloud, to_json};

#[tokio::test]
async fn a_network() {
    let c = Cloud::start().await;
    let zones = c.data("aws_availability_zones", json!({"state": "available"})).await;
    let zone = to_json(&zones)["names"][0].clone();
    let vpc = c.create("aws_vpc", json!({"cidr_block": "10.0.0.0/16", "enable_dns_hostnames": true, "tags": {"Name": "a"}})).await;
    assert_eq!(to_json(&vpc.value)["tags_all"], json!({"Name": "a", "team": "net"}));
    assert_eq!(to_json(&vpc.value)["tags"], json!({"Name": "a"}));
    let vpc = c.update(&vpc, json!({"cidr_block": "10.0.0.0/16", "enable_dns_hostnames": false, "tags": {"Name": "b"}})).await;
    c.import(&vpc, &vpc.text("id")).await;
    let id = vpc.text("id");

    let subnet = json!({"vpc_id": id, "cidr_block": "10.0.1.0/24", "availability_zone": zone, "map_public_ip_on_launch": true});
    let subnet = c.create("aws_subnet", subnet).await;
    let subnet = c.update(&subnet, json!({"vpc_id": id, "cidr_block": "10.0.1.0/24", "availability_zone": zone})).await;
    let gateway = c.create("aws_internet_gateway", json!({"vpc_id": id})).await;
    let address = c.create("aws_eip", json!({"domain": "vpc"})).await;
    let nat = c.create("aws_nat_gateway", json!({"subnet_id": subnet.text("id"), "allocation_id": address.text("id")})).await;
    let egress_only = c.create("aws_egress_only_internet_gateway", json!({"vpc_id": id})).await;

    let table = c.create("aws_route_table", json!({"vpc_id": id})).await;
    let t = table.text("id");
    let route = |nat: &str| json!({"route_table_id": t, "destination_cidr_block": "0.0.0.0/0", "nat_gateway_id": nat});
    let route = c.create("aws_route", route(&nat.text("id"))).await;
    let to_gateway = json!({"route_table_id": t, "destination_cidr_block": "0.0.0.0/0", "gateway_id": gateway.text("id")});
    let route = c.update(&route, to_gateway).await;
    c.import(&route, &format!("{t}_0.0.0.0/0")).await;
    let inline = |to: &str, ranges: &[&str]| json!({"vpc_id": id, "route": ranges.iter().map(|r| json!({"cidr_block": r, "gateway_id": to})).collect::<Vec<_>>()});
    let g = gateway.text("id");
    let other = c.create("aws_route_table", inline(&g, &["0.0.0.0/0"])).await;
    let other = c.update(&other, inline(&g, &["192.168.0.0/16"])).await;
    let use_table = |t: &str| json!({"subnet_id": subnet.text("id"), "route_table_id": t});
    let association = c.create("aws_route_table_association", use_table(&t)).await;
    let association = c.update(&association, use_table(&other.text("id"))).await;
    c.import(&association, &format!("{}/{}", subnet.text("id"), other.text("id"))).await;
    let main = c.create("aws_default_route_table", json!({"default_route_table_id": vpc.text("default_route_table_id")})).await;
    c.import(&main, &id).await;

    let options = c.create("aws_vpc_dhcp_options", json!({"domain_name": "a.test", "domain_name_servers": ["AmazonProvidedDNS"]})).await;
    let uses = c.create("aws_vpc_dhcp_options_association", json!({"vpc_id": id, "dhcp_options_id": options.text("id")})).await;
    c.import(&uses, &id).await;
    let range = c.create("aws_vpc_ipv4_cidr_block_association", json!({"vpc_id": id, "cidr_block": "172.20.0.0/16"})).await;
    c.import(&range, &range.text("id")).await;

    let seen = c.data("aws_vpc", json!({"id": id})).await;
    assert_eq!(to_json(&seen)["main_route_table_id"], vpc.text("main_route_table_id"));
    let seen = c.data("aws_subnet", json!({"vpc_id": id, "filter": [{"name": "cidr-block", "values": ["10.0.1.0/24"]}]})).await;
    assert_eq!(to_json(&seen)["id"], subnet.text("id"));
    let seen = c.data("aws_subnets", json!({"filter": [{"name": "vpc-id", "values": [id]}]})).await;
    assert_eq!(to_json(&seen)["ids"], json!([subnet.text("id")]));

    for object in [range, uses, options, association, other, main, route, table, egress_only, nat, address, gateway, subnet, vpc] {
        c.delete(object).await;
    }
}

#[tokio::test]
async fn guards() {
    let c = Cloud::start().await;
    let vpc = c.create("aws_vpc", json!({"cidr_block": "10.0.0.0/16"})).await;
    let id = vpc.text("id");
    let https = json!({"from_port": 443, "to_port": 443, "protocol": "tcp", "cidr_blocks": ["10.2.0.0/16", "10.0.0.0/16"]});
    let dns = json!({"from_port": 53, "to_port": 53, "protocol": "UDP", "self": true, "description": "dns"});
    let all = json!({"from_port": 0, "to_port": 0, "protocol": "-1", "cidr_blocks": ["0.0.0.0/0"]});
    let group = c.create("aws_security_group", json!({"name": "a", "vpc_id": id, "ingress": [https, dns], "egress": [all]})).await;
    let group = c.update(&group, json!({"name": "a", "vpc_id": id, "ingress": [https], "egress": []})).await;
    let bare = c.create("aws_security_group", json!({"name_prefix": "b-", "vpc_id": id})).await;
    assert_eq!(to_json(&bare.value)["egress"], json!([]), "a new group lets nothing out");
    let (a, b) = (group.text("id"), bare.text("id"));

    let rule =
        json!({"type": "ingress", "from_port": 80, "to_port": 80, "protocol": "6", "cidr_blocks": ["10.0.0.0/8"], "security_group_id": b});
    let rule = c.create("aws_security_group_rule", rule).await;
    assert!(rule.text("security_group_rule_id").starts_with("sgr-"));
    c.import(&rule, &format!("{b}_ingress_tcp_80_80_10.0.0.0/8")).await;
    let single = |port: i64| json!({"security_group_id": b, "referenced_security_group_id": a, "ip_protocol": "tcp", "from_port": port, "to_port": port});
    let ingress = c.create("aws_vpc_security_group_ingress_rule", single(90)).await;
    let ingress = c.update(&ingress, single(91)).await;
    let egress = c
        .create("aws_vpc_security_group_egress_rule", json!({"security_group_id": b, "cidr_ipv4": "0.0.0.0/0", "ip_protocol": "-1"}))
        .await;
    c.import(&egress, &egress.text("id")).await;
    let own = json!({"vpc_id": id, "ingress": [{"from_port": 0, "to_port": 0, "protocol": "-1", "self": true}]});
    let default = c.create("aws_default_security_group", own).await;

    let allow =
        |n: i64| json!({"rule_no": n, "protocol": "tcp", "action": "allow", "cidr_block": "10.0.0.0/8", "from_port": 22, "to_port": 22});
    let acl = c.create("aws_network_acl", json!({"vpc_id": id, "ingress": [allow(100)], "egress": [allow(200)]})).await;
    let acl = c.update(&acl, json!({"vpc_id": id, "ingress": [allow(101)], "egress": [allow(200)]})).await;
    let n = acl.text("id");
    let entry = json!({"network_acl_id": n, "rule_number": 300, "protocol": "tcp", "rule_action": "allow", "cidr_block": "10.0.0.0/8", "from_port": 1, "to_port": 2});
    let entry = c.create("aws_network_acl_rule", entry).await;
    c.import(&entry, &format!("{n}:300:tcp:false")).await;
    let default_acl = c
        .create(
            "aws_default_network_acl",
            json!({"default_network_acl_id": vpc.text("default_network_acl_id"), "ingress": [allow(1)], "egress": []}),
        )
        .await;

    for object in [entry, default_acl, acl, default, egress, ingress, rule, bare, group, vpc] {
        c.delete(object).await;
    }
}

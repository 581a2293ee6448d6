"""Lists what exists in the emulated account, read past the counting proxy.

Objects that AWS makes by itself (the default VPC and what belongs to it, main route tables, default groups) are left
out: an account nothing was applied to is empty.
"""
import collections

from aws_api import items, json_call, parse_xml, query, send, text

# action, set in the answer, ID in the item
EC2_LISTS = [
    ("DescribeSubnets", "subnetSet", "subnetId"),
    ("DescribeInternetGateways", "internetGatewaySet", "internetGatewayId"),
    ("DescribeEgressOnlyInternetGateways", "egressOnlyInternetGatewaySet", "egressOnlyInternetGatewayId"),
    ("DescribeNatGateways", "natGatewaySet", "natGatewayId"),
    ("DescribeAddresses", "addressesSet", "allocationId"),
    ("DescribeDhcpOptions", "dhcpOptionsSet", "dhcpOptionsId"),
]


def inventory(upstream, eks=None):
    """Returns kind -> sorted IDs. `upstream` is the address of moto itself, `eks` the emulated EKS in front of it."""
    found = collections.defaultdict(list)
    list_ec2(upstream, found)
    list_iam(upstream, found)
    list_kms(upstream, found)
    groups = json_call(upstream, "logs", "Logs_20140328.DescribeLogGroups").get("logGroups", [])
    found["log group"] += [group["logGroupName"] for group in groups]
    buckets = parse_xml(send(upstream, "s3", method="GET"))
    found["bucket"] += [text(bucket, "Name") for bucket in buckets.iter("Bucket")]
    for kind, names in (eks.inventory() if eks else {}).items():
        found[kind] += names
    return {kind: sorted(ids) for kind, ids in sorted(found.items()) if ids}


def list_ec2(upstream, found):
    """Adds the objects of EC2."""
    default_vpcs = set()
    for vpc in items(query(upstream, "ec2", "DescribeVpcs"), "vpcSet"):
        if text(vpc, "isDefault") == "true":
            default_vpcs.add(text(vpc, "vpcId"))
        else:
            found["vpc"].append(text(vpc, "vpcId"))
    for action, set_name, id_name in EC2_LISTS:
        for item in items(query(upstream, "ec2", action), set_name):
            if text(item, "vpcId") not in default_vpcs and text(item, "state") not in ("deleted", "deleting"):
                found[action.removeprefix("Describe")].append(text(item, id_name))
    for table in items(query(upstream, "ec2", "DescribeRouteTables"), "routeTableSet"):
        main = any(text(part, "main") == "true" for part in items(table, "associationSet"))
        if not main and text(table, "vpcId") not in default_vpcs:
            found["route table"].append(text(table, "routeTableId"))
    for group in items(query(upstream, "ec2", "DescribeSecurityGroups"), "securityGroupInfo"):
        if text(group, "groupName") != "default":
            found["security group"].append(text(group, "groupId"))
    for acl in items(query(upstream, "ec2", "DescribeNetworkAcls"), "networkAclSet"):
        if text(acl, "default") != "true":
            found["network acl"].append(text(acl, "networkAclId"))


def list_iam(upstream, found):
    """Adds roles, policies of the account and identity providers."""
    for role in query(upstream, "iam", "ListRoles", {"MaxItems": 1000}).iter("member"):
        if text(role, "RoleName"):
            found["role"].append(text(role, "RoleName"))
    for policy in query(upstream, "iam", "ListPolicies", {"Scope": "Local", "MaxItems": 1000}).iter("member"):
        if text(policy, "Arn"):
            found["policy"].append(text(policy, "Arn"))
    for provider in query(upstream, "iam", "ListOpenIDConnectProviders").iter("member"):
        found["identity provider"].append(text(provider, "Arn"))


def list_kms(upstream, found):
    """Adds keys that are not on their way out, and aliases; keys and aliases of AWS itself do not count."""
    for key in json_call(upstream, "kms", "TrentService.ListKeys")["Keys"]:
        answer = json_call(upstream, "kms", "TrentService.DescribeKey", {"KeyId": key["KeyId"]})
        if answer["KeyMetadata"]["KeyState"] != "PendingDeletion":
            found["key"].append(key["KeyId"])
    for alias in json_call(upstream, "kms", "TrentService.ListAliases")["Aliases"]:
        if not alias["AliasName"].startswith("alias/aws/"):
            found["alias"].append(alias["AliasName"])

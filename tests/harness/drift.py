#!/usr/bin/env python3
"""Checks `secstack drift` on examples/eks in an emulated AWS. Part of `make test-aws`.

    drift.py [--engine BIN] [--verbose]

Right after an apply there is no drift. Then an account is changed behind the back of the state in many ways, and every one
has to be found, with the severity it deserves, and nothing else; in text, JSON, Markdown and SARIF. Nothing may be written.
"""
import argparse
import json
import os
import sys

sys.dont_write_bytecode = True

from aws_api import json_call, query, send, tag_params, text
from engine import Workspace, add_engine_option, find_engine
from moto import Cloud, stop_on_sigterm

NONE, ERROR, DRIFT = 0, 1, 2
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
ANYBODY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}]}
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_engine_option(parser)
    parser.add_argument("--verbose", action="store_true", help="print the report")
    options = parser.parse_args()
    stop_on_sigterm()
    with Cloud() as cloud, Workspace(find_engine(options.engine), "eks", cloud.env()) as work:
        applied = work.apply()
        check(applied.code == 0, "the apply failed", applied.output)
        trial = Trial(cloud, work, options.verbose)
        trial.nothing_at_first()
        expected = trial.meddle()
        trial.finds(expected)
        trial.documents(expected)
        trial.narrows()
    print("drift: passed")


def check(holds, what, output=""):
    """Stops with a sentence unless something holds."""
    if not holds:
        raise SystemExit(f"drift: {what}\n{output[-6000:]}")


class Trial:
    """An applied stack and what is done to it."""

    def __init__(self, cloud, work, verbose):
        self.cloud, self.work, self.verbose = cloud, work, verbose
        with open(work.state, encoding="utf-8") as file:
            self.before = file.read()
        self.objects = {}
        for resource in json.loads(self.before)["resources"]:
            for instance in resource["instances"]:
                key = instance.get("index_key")
                name = ".".join(filter(None, [resource.get("module"), resource["type"], resource["name"]]))
                self.objects[name + (f'["{key}"]' if key is not None else "")] = instance["attributes"]

    def drift(self, *args):
        return self.work.run("drift", "-no-color", "-input=false", *args)

    def unchanged(self):
        with open(self.work.state, encoding="utf-8") as file:
            check(file.read() == self.before, "drift wrote the state")

    def nothing_at_first(self):
        """An apply leaves no drift, and looking for it changes nothing."""
        self.cloud.reset_calls()
        ran = self.drift()
        check(ran.code == NONE and "No drift." in ran.output, f"there is drift right after an apply (exit code {ran.code})", ran.output)
        calls = self.cloud.calls()
        check(calls["mutating"] == 0, f"drift changed something: {calls['by_action']}")
        self.unchanged()
        ran = self.drift("-sarif")
        check(ran.code == NONE and json.loads(ran.output)["runs"][0]["results"] == [], "SARIF without findings is wrong", ran.output)

    def ec2(self, action, **params):
        return query(self.cloud.upstream, "ec2", action, {name.replace("_", "."): value for name, value in params.items()})

    def iam(self, action, **params):
        return query(self.cloud.upstream, "iam", action, params)

    def meddle(self):
        """Changes the account. Returns what is to be found: (kind, severity, address, part of the words)."""
        of = self.objects
        vpc, group = of["module.network.aws_vpc.this"]["id"], of["aws_security_group.control_plane"]["id"]
        default, bucket = of["module.network.aws_default_security_group.this"]["id"], of["aws_s3_bucket.artifacts"]["id"]
        key, gateway = of["aws_kms_key.this"]["key_id"], of["module.network.aws_internet_gateway.this"]["id"]
        table, subnet = of['module.network.aws_route_table.private["us-east-1a"]']["id"], of['module.network.aws_subnet.private["us-east-1a"]']["id"]
        self.ec2("CreateTags", ResourceId_1=vpc, **tag_params({"ManagedBy": "hand"}))
        for to, port, source in ((group, "22", "0.0.0.0/0"), (default, "443", "10.9.0.0/16")):
            self.ec2("AuthorizeSecurityGroupIngress", GroupId=to, IpPermissions_1_IpProtocol="tcp", IpPermissions_1_FromPort=port,
                     IpPermissions_1_ToPort=port, IpPermissions_1_IpRanges_1_CidrIp=source)
        self.ec2("CreateRoute", RouteTableId=table, DestinationCidrBlock="198.51.100.0/24", GatewayId=gateway)
        made = text(self.ec2("CreateSubnet", VpcId=vpc, CidrBlock="10.0.250.0/24").find("subnet"), "subnetId")
        strange = text(self.ec2("CreateSecurityGroup", VpcId=vpc, GroupName="byhand", GroupDescription="x"), "groupId")
        self.ec2("CreateSecurityGroup", VpcId=vpc, GroupName="k8s-elb", GroupDescription="x", TagSpecification_1_ResourceType="security-group",
                 TagSpecification_1_Tag_1_Key="kubernetes.io/cluster/platform", TagSpecification_1_Tag_1_Value="owned")
        self.ec2("ModifySubnetAttribute", SubnetId=subnet, MapPublicIpOnLaunch_Value="true")
        self.iam("AttachRolePolicy", RoleName="platform-node", PolicyArn=ADMIN)
        self.iam("PutRolePolicy", RoleName="platform-node", PolicyName="extra", PolicyDocument=json.dumps(EVERYTHING))
        self.iam("DetachRolePolicy", RoleName="platform-cluster", PolicyArn="arn:aws:iam::aws:policy/AmazonEKSVPCResourceController")
        self.iam("CreatePolicyVersion", PolicyArn=of["aws_iam_policy.use_key"]["arn"], PolicyDocument=json.dumps(EVERYTHING), SetAsDefault="true")
        json_call(self.cloud.upstream, "kms", "TrentService.DisableKeyRotation", {"KeyId": key})
        json_call(self.cloud.upstream, "logs", "Logs_20140328.DeleteLogGroup", {"logGroupName": "/aws/eks/platform/cluster"})
        xml = {"Content-Type": "application/xml"}
        send(self.cloud.upstream, "s3", "PUT", f"/{bucket}?policy", {"Content-Type": "application/json"}, json.dumps(ANYBODY).encode())
        send(self.cloud.upstream, "s3", "DELETE", f"/{bucket}?publicAccessBlock")
        suspended = b'<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Suspended</Status></VersioningConfiguration>'
        send(self.cloud.upstream, "s3", "PUT", f"/{bucket}?versioning", xml, suspended)
        return [
            ("unmanaged", "critical", "aws_security_group.control_plane", "22/tcp is open to 0.0.0.0/0"),
            ("changed", "medium", "module.network.aws_default_security_group.this", "443/tcp is open to 10.9.0.0/16"),
            ("changed", None, "module.network.aws_vpc.this", "tags"),
            ("unmanaged", "high", 'module.network.aws_route_table.private["us-east-1a"]', "198.51.100.0/24 goes to the internet"),
            ("unmanaged", None, "module.network.aws_vpc.this", made),
            ("unmanaged", None, "module.network.aws_vpc.this", strange),
            ("changed", "medium", 'module.network.aws_subnet.private["us-east-1a"]', "public addresses"),
            ("unmanaged", "critical", 'aws_iam_role.this["node"]', ADMIN),
            ("unmanaged", "critical", 'aws_iam_role.this["node"]', "all actions on all resources"),
            ("gone", "low", 'aws_iam_role_policy_attachment.this["cluster/AmazonEKSVPCResourceController"]', "detached"),
            ("changed", "critical", "aws_iam_policy.use_key", "all actions on all resources"),
            ("changed", "medium", "aws_kms_key.this", "not rotated"),
            ("gone", "high", "aws_cloudwatch_log_group.control_plane", "nothing is logged"),
            ("changed", "critical", "aws_s3_bucket.artifacts", "to anybody"),
            ("gone", "high", "aws_s3_bucket_public_access_block.artifacts", "public policy"),
            ("changed", "medium", "aws_s3_bucket_versioning.artifacts", "is lost"),
        ]

    def finds(self, expected):
        """Every change is found and nothing else, the gravest first."""
        ran = self.drift("-json=drift.json")
        check(ran.code == DRIFT, f"exit code {ran.code} instead of 2", ran.output)
        if self.verbose:
            print(ran.output)
        with open(os.path.join(self.work.dir, "drift.json"), encoding="utf-8") as file:
            report = json.load(file)
        found = report["findings"]
        for kind, severity, address, words in expected:
            alike = [f for f in found if (f["kind"], f["severity"], f["address"]) == (kind, severity, address) and words in json.dumps(f)]
            check(len(alike) == 1, f"{kind} {severity} {address} ({words}) was found {len(alike)} times", json.dumps(found, indent=1))
        check(len(found) == len(expected), f"{len(found)} findings instead of {len(expected)}", json.dumps(found, indent=1))
        ranks = [["critical", "high", "medium", "low", None].index(f["severity"]) for f in found]
        check(ranks == sorted(ranks), f"findings are not in order of severity: {ranks}")
        check(report["summary"]["security"] == sum(1 for _, severity, _, _ in expected if severity), f"wrong summary: {report['summary']}")
        for part in ("What matters to security:", "Other differences:", "critical: 22/tcp is open to 0.0.0.0/0", 'ManagedBy = "hand"'):
            check(part in ran.output, f"the text lacks {part!r}", ran.output)
        self.unchanged()

    def documents(self, expected):
        """Documents can be printed and written, and are of their formats."""
        ran = self.drift("-sarif", "-markdown=summary.md")
        check(ran.code == DRIFT, f"exit code {ran.code} instead of 2", ran.output)
        sarif = json.loads(ran.output)
        run = sarif["runs"][0]
        check(sarif["version"] == "2.1.0" and len(run["results"]) == len(expected), "SARIF has other findings")
        for result in run["results"]:
            rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
            check(rule["id"] == result["ruleId"], f"the rule of {result} is {rule}")
            place = result["locations"][0]["physicalLocation"]
            # Relative to the root module, as there is no repository here.
            path = os.path.join(self.work.dir, place["artifactLocation"]["uri"])
            with open(path, encoding="utf-8") as file:
                line = file.read().splitlines()[place["region"]["startLine"] - 1]
            check(line.startswith("resource "), f"{place} is not a resource but {line!r}")
        check(len({json.dumps(r["partialFingerprints"]) for r in run["results"]}) == len(expected), "fingerprints are not unique")
        with open(os.path.join(self.work.dir, "summary.md"), encoding="utf-8") as file:
            markdown = file.read()
        rows = [line for line in markdown.splitlines() if line.startswith("| ")]
        check(len(rows) == len(expected) + 2 and markdown.startswith("## Drift: "), "Markdown has other findings", markdown)
        ran = self.drift("-sarif", "-json")
        check(ran.code == ERROR and "Only one document" in ran.output, "two documents were printed", ran.output)

    def narrows(self):
        """Options leave out what they say."""
        ran = self.drift("-target=aws_kms_key.this")
        check(ran.code == DRIFT and "Drift: 1 changed (of 1 objects)." in ran.output, "-target finds something else", ran.output)
        ran = self.drift("-target=aws_kms_alias.this")
        check(ran.code == NONE, "-target finds something where nothing is", ran.output)
        ran = self.drift("-unmanaged=false")
        check("unmanaged" not in ran.output.replace("-unmanaged", ""), "-unmanaged=false finds what nobody manages", ran.output)
        ran = self.drift("-security")
        check(ran.code == DRIFT and "Other differences" not in ran.output, "-security shows other differences", ran.output)
        ran = self.drift("-target=nonsense")
        check(ran.code == ERROR, "an address without meaning is taken", ran.output)


if __name__ == "__main__":
    sys.exit(main())

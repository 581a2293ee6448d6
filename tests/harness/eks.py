"""The control-plane API of EKS, for the emulator.

moto answers part of it and leaves out what engines read (the security group of a cluster, its service range, updates,
addons, access entries, pod identities). Objects are ACTIVE a `delay` after they were created and gone a `delay` after
they were deleted. The security group of a cluster is a real object in moto.
"""
import contextlib
import json
import re
import secrets
import threading
import time
import urllib.error
import urllib.parse

from aws_api import REGION, numbered, query, text

ACCOUNT = "123456789012"
LOG_TYPES = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
ADDON_VERSIONS = {
    "vpc-cni": "v1.19.2-eksbuild.1",
    "coredns": "v1.11.4-eksbuild.2",
    "kube-proxy": "v1.31.3-eksbuild.2",
    "eks-pod-identity-agent": "v1.3.4-eksbuild.1",
    "aws-ebs-csi-driver": "v1.38.1-eksbuild.2",
    "metrics-server": "v0.7.2-eksbuild.1",
}


class Failure(Exception):
    """An error answer of the service."""

    def __init__(self, status, kind, message):
        super().__init__(message)
        self.status, self.kind, self.message = status, kind, message


def not_found(what, name):
    return Failure(404, "ResourceNotFoundException", f"No {what} found for name: {name}.")


def in_use(message):
    return Failure(409, "ResourceInUseException", message)


class Eks:
    """All clusters and what belongs to them: kind -> key -> object. The key of a child starts with its cluster."""

    def __init__(self, upstream, delay=0.0):
        """`upstream` is the address of moto, which holds subnets and security groups."""
        self.upstream, self.delay = upstream, delay
        self.lock = threading.Lock()
        self.reset()

    def reset(self):
        """Forgets everything."""
        self.objects = {kind: {} for kind in ("cluster", *CHILDREN)}
        self.updates = {}

    def inventory(self):
        """kind -> names of what exists."""
        return {f"EKS {kind}": ["/".join(key) for key in of_kind] for kind, of_kind in self.objects.items() if of_kind}

    def answer(self, method, target, body):
        """Carries out one call. Returns the status, the JSON text, and the error kind or None."""
        path, _, query_string = target.partition("?")
        call = {
            "path": path,
            "query": urllib.parse.parse_qs(query_string),
            "body": json.loads(body) if body else {},
        }
        with self.lock:
            try:
                for wanted, pattern, serve in ROUTES:
                    match = pattern.fullmatch(path.rstrip("/"))
                    if match and wanted == method:
                        names = [urllib.parse.unquote(part) for part in match.groups()]
                        return 200, json.dumps(serve(self, call, *names)), None
                raise Failure(400, "InvalidRequestException", f"The emulator lacks {method} {path}")
            except urllib.error.HTTPError as error:
                failure = Failure(400, "InvalidParameterException", error.read().decode("utf-8", "replace"))
            except Failure as error:
                failure = error
            return failure.status, json.dumps({"message": failure.message, "__type": failure.kind}), failure.kind

    # What all kinds share

    def find(self, kind, *key):
        """The object, after letting time pass over it."""
        if kind != "cluster":
            self.find("cluster", key[0])
        found = self.objects[kind].get(key)
        if found and found.get("status") == "DELETING" and time.time() >= found["_ready"]:
            del self.objects[kind][key]
            found = None
        if found is None:
            raise not_found(CHILDREN[kind]["what"] if kind in CHILDREN else "cluster", key[-1])
        if found.get("status") == "CREATING" and time.time() >= found["_ready"]:
            found["status"] = "ACTIVE"
        return found

    def add(self, kind, key, created):
        """Stores a new object."""
        if kind != "cluster":
            self.find("cluster", key[0])
        if key in self.objects[kind]:
            raise in_use(f"{kind} already exists with name {key[-1]}")
        created["_ready"] = time.time() + self.delay
        self.objects[kind][key] = created
        return view(created)

    def remove(self, kind, *key):
        """Deletes an object, at once where it has no status or there is no delay."""
        found = self.find(kind, *key)
        if "status" in found:
            found["status"], found["_ready"] = "DELETING", time.time() + self.delay
        if "status" not in found or not self.delay:
            del self.objects[kind][key]
        return view(found)

    def names(self, kind, cluster):
        """The last parts of the keys of a cluster's children."""
        self.find("cluster", cluster)
        found = []
        for key in [key for key in self.objects[kind] if key[0] == cluster]:
            try:
                self.find(kind, *key)
                found.append(key[-1])
            except Failure:
                pass
        return found

    def updated(self, cluster, kind):
        """Records an update that is done already."""
        update = {"id": secrets.token_hex(16), "status": "Successful", "type": kind, "params": [], "errors": []}
        update["createdAt"] = time.time()
        self.updates[cluster, update["id"]] = update
        return {"update": update}

    def find_update(self, _call, cluster, update):
        if (cluster, update) not in self.updates:
            raise not_found("update", update)
        return {"update": self.updates[cluster, update]}

    # Clusters

    def list_clusters(self, _call):
        return {"clusters": [key[0] for key in self.objects["cluster"]]}

    def get_cluster(self, _call, name):
        return {"cluster": view(self.find("cluster", name))}

    def create_cluster(self, call):
        body = call["body"]
        name, vpc = body["name"], body["resourcesVpcConfig"]
        if (name,) in self.objects["cluster"]:
            raise in_use(f"Cluster already exists with name: {name}")
        subnets = query(self.upstream, "ec2", "DescribeSubnets", numbered("SubnetId", vpc["subnetIds"]))
        vpc_id = next((element.text for element in subnets.iter("vpcId")), "")
        group = query(self.upstream, "ec2", "CreateSecurityGroup", {
            "GroupName": f"eks-cluster-sg-{name}-{secrets.randbelow(10**9)}",
            "GroupDescription": "EKS created security group",
            "VpcId": vpc_id,
        })
        network = body.get("kubernetesNetworkConfig") or {}
        cluster = {
            "name": name,
            "arn": arn("cluster", name),
            "createdAt": time.time(),
            "version": body.get("version", "1.31"),
            "platformVersion": "eks.15",
            "status": "CREATING",
            "roleArn": body["roleArn"],
            "endpoint": f"https://{secrets.token_hex(16).upper()}.gr7.{REGION}.eks.amazonaws.com",
            "certificateAuthority": {"data": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg=="},
            "identity": {"oidc": {"issuer": f"https://oidc.eks.{REGION}.amazonaws.com/id/{secrets.token_hex(16).upper()}"}},
            "resourcesVpcConfig": {
                "subnetIds": vpc["subnetIds"],
                "securityGroupIds": vpc.get("securityGroupIds") or [],
                "clusterSecurityGroupId": text(group, "groupId"),
                "vpcId": vpc_id,
                "endpointPublicAccess": vpc.get("endpointPublicAccess", True),
                "endpointPrivateAccess": vpc.get("endpointPrivateAccess", False),
                "publicAccessCidrs": vpc.get("publicAccessCidrs") or ["0.0.0.0/0"],
            },
            "kubernetesNetworkConfig": {
                "serviceIpv4Cidr": network.get("serviceIpv4Cidr", "172.20.0.0/16"),
                "ipFamily": network.get("ipFamily", "ipv4"),
                "elasticLoadBalancing": {"enabled": False},
            },
            "logging": logging_of(body.get("logging") or {}),
            "accessConfig": {"authenticationMode": (body.get("accessConfig") or {}).get("authenticationMode", "CONFIG_MAP")},
            "upgradePolicy": body.get("upgradePolicy") or {"supportType": "EXTENDED"},
            "health": {"issues": []},
            "tags": body.get("tags") or {},
        }
        for optional in ("encryptionConfig", "zonalShiftConfig", "computeConfig", "storageConfig", "remoteNetworkConfig"):
            if body.get(optional):
                cluster[optional] = body[optional]
        return {"cluster": self.add("cluster", (name,), cluster)}

    def delete_cluster(self, _call, name):
        cluster = self.find("cluster", name)
        if self.names("nodegroup", name) or self.names("fargateprofile", name):
            raise in_use("Cluster has nodegroups attached")
        for kind in CHILDREN:
            for key in [key for key in self.objects[kind] if key[0] == name]:
                del self.objects[kind][key]
        removed = self.remove("cluster", name)
        group = cluster["resourcesVpcConfig"]["clusterSecurityGroupId"]
        # A group that something still refers to stays behind, as with EKS.
        with contextlib.suppress(urllib.error.HTTPError):
            query(self.upstream, "ec2", "DeleteSecurityGroup", {"GroupId": group})
        return {"cluster": removed}

    def update_config(self, call, name):
        cluster, body = self.find("cluster", name), call["body"]
        for part in ("resourcesVpcConfig", "accessConfig"):
            cluster[part].update(body.get(part) or {})
        for part in ("upgradePolicy", "zonalShiftConfig"):
            if part in body:
                cluster[part] = body[part]
        if "logging" in body:
            cluster["logging"] = logging_of(body["logging"])
        return self.updated(name, "VpcConfigUpdate" if "resourcesVpcConfig" in body else "LoggingUpdate")

    def update_version(self, call, name):
        self.find("cluster", name)["version"] = call["body"]["version"]
        return self.updated(name, "VersionUpdate")

    def associate_encryption(self, call, name):
        self.find("cluster", name)["encryptionConfig"] = call["body"]["encryptionConfig"]
        return self.updated(name, "AssociateEncryptionConfig")

    # Node groups

    def create_nodegroup(self, call, cluster):
        body = call["body"]
        name = body["nodegroupName"]
        version = body.get("version") or self.find("cluster", cluster)["version"]
        group = {
            "nodegroupName": name,
            "nodegroupArn": arn("nodegroup", cluster, name, secrets.token_hex(8)),
            "clusterName": cluster,
            "version": version,
            "releaseVersion": body.get("releaseVersion") or f"{version}.4-20250123",
            "createdAt": time.time(),
            "modifiedAt": time.time(),
            "status": "CREATING",
            "capacityType": body.get("capacityType", "ON_DEMAND"),
            "scalingConfig": body.get("scalingConfig") or {"minSize": 1, "maxSize": 2, "desiredSize": 2},
            "updateConfig": body.get("updateConfig") or {"maxUnavailable": 1},
            "instanceTypes": body.get("instanceTypes") or ([] if "launchTemplate" in body else ["t3.medium"]),
            "subnets": body["subnets"],
            "amiType": body.get("amiType", "AL2023_x86_64_STANDARD"),
            "nodeRole": body["nodeRole"],
            "labels": body.get("labels") or {},
            "taints": body.get("taints") or [],
            "resources": {"autoScalingGroups": [{"name": f"eks-{name}-{secrets.token_hex(4)}"}]},
            "health": {"issues": []},
            "tags": body.get("tags") or {},
        }
        if "launchTemplate" in body:
            group["launchTemplate"] = self.launch_template(body["launchTemplate"])
        else:
            group["diskSize"] = body.get("diskSize", 20)
        for optional in ("remoteAccess", "nodeRepairConfig"):
            if body.get(optional):
                group[optional] = body[optional]
        return {"nodegroup": self.add("nodegroup", (cluster, name), group)}

    def update_nodegroup(self, call, cluster, name):
        group, body = self.find("nodegroup", cluster, name), call["body"]
        group["scalingConfig"].update(body.get("scalingConfig") or {})
        for part in ("updateConfig", "nodeRepairConfig"):
            if body.get(part):
                group[part] = body[part]
        labels, taints = body.get("labels") or {}, body.get("taints") or {}
        group["labels"].update(labels.get("addOrUpdateLabels") or {})
        for label in labels.get("removeLabels") or []:
            group["labels"].pop(label, None)
        added = taints.get("addOrUpdateTaints") or []
        touched = [(taint["key"], taint["effect"]) for taint in added + (taints.get("removeTaints") or [])]
        kept = [taint for taint in group["taints"] if (taint["key"], taint["effect"]) not in touched]
        group["taints"] = kept + added
        return self.updated(cluster, "ConfigUpdate")

    def update_nodegroup_version(self, call, cluster, name):
        group, body = self.find("nodegroup", cluster, name), call["body"]
        for part in ("version", "releaseVersion"):
            if body.get(part):
                group[part] = body[part]
        if body.get("launchTemplate"):
            group["launchTemplate"] = self.launch_template(body["launchTemplate"])
        return self.updated(cluster, "VersionUpdate")

    def launch_template(self, wanted):
        """Completes a reference to a launch template from the one in moto."""
        selector = {"LaunchTemplateId.1": wanted["id"]} if wanted.get("id") else {"LaunchTemplateName.1": wanted["name"]}
        answer = query(self.upstream, "ec2", "DescribeLaunchTemplates", selector)
        first = lambda tag: next((element.text for element in answer.iter(tag)), None)
        return {
            "id": first("launchTemplateId") or wanted.get("id"),
            "name": first("launchTemplateName") or wanted.get("name"),
            "version": str(wanted.get("version") or first("defaultVersionNumber") or "1"),
        }

    # Fargate profiles, addons

    def create_fargate(self, call, cluster):
        name = call["body"]["fargateProfileName"]
        profile = {key: value for key, value in call["body"].items() if key != "clientRequestToken"}
        profile.update({
            "clusterName": cluster,
            "status": "CREATING",
            "createdAt": time.time(),
            "fargateProfileArn": arn("fargateprofile", cluster, name, secrets.token_hex(8)),
            "tags": call["body"].get("tags") or {},
        })
        return {"fargateProfile": self.add("fargateprofile", (cluster, name), profile)}

    def addon_versions(self, call):
        version = call["query"].get("kubernetesVersion", ["1.31"])[0]
        asked = call["query"].get("addonName", list(ADDON_VERSIONS))
        return {"addons": [
            {
                "addonName": name, "type": "networking", "publisher": "eks", "owner": "aws",
                "addonVersions": [{
                    "addonVersion": ADDON_VERSIONS[name],
                    "architecture": ["amd64", "arm64"],
                    "compatibilities": [{"clusterVersion": version, "platformVersions": ["*"], "defaultVersion": True}],
                    "requiresConfiguration": False,
                }],
            } for name in asked if name in ADDON_VERSIONS
        ]}

    def create_addon(self, call, cluster):
        body = call["body"]
        name = body["addonName"]
        if name not in ADDON_VERSIONS:
            raise Failure(400, "InvalidParameterException", f"Addon {name} specified is not supported")
        addon = {
            "addonName": name, "clusterName": cluster, "status": "CREATING",
            "addonVersion": body.get("addonVersion") or ADDON_VERSIONS[name],
            "addonArn": arn("addon", cluster, name, secrets.token_hex(8)),
            "health": {"issues": []}, "createdAt": time.time(), "modifiedAt": time.time(),
            "podIdentityAssociations": [], "tags": body.get("tags") or {},
        }
        for optional in ("serviceAccountRoleArn", "configurationValues"):
            if body.get(optional):
                addon[optional] = body[optional]
        return {"addon": self.add("addon", (cluster, name), addon)}

    def update_addon(self, call, cluster, name):
        addon = self.find("addon", cluster, name)
        for part in ("addonVersion", "serviceAccountRoleArn", "configurationValues"):
            if part in call["body"]:
                addon[part] = call["body"][part]
        return self.updated(cluster, "AddonUpdate")

    # Access entries and their policies

    def create_entry(self, call, cluster):
        body = call["body"]
        principal, kind = body["principalArn"], body.get("type", "STANDARD")
        session = principal + "/{{SessionName}}" if ":role/" in principal else principal
        of_nodes = kind != "STANDARD"
        entry = {
            "clusterName": cluster, "principalArn": principal, "type": kind,
            "kubernetesGroups": ["system:nodes"] if of_nodes else body.get("kubernetesGroups") or [],
            "username": "system:node:{{EC2PrivateDNSName}}" if of_nodes else body.get("username") or session,
            "accessEntryArn": arn("access-entry", cluster, "role", ACCOUNT, principal.rsplit("/", 1)[-1], secrets.token_hex(8)),
            "createdAt": time.time(), "modifiedAt": time.time(), "tags": body.get("tags") or {}, "_policies": {},
        }
        return {"accessEntry": self.add("entry", (cluster, principal), entry)}

    def update_entry(self, call, cluster, principal):
        entry = self.find("entry", cluster, principal)
        for part in ("kubernetesGroups", "username"):
            if part in call["body"]:
                entry[part] = call["body"][part]
        return {"accessEntry": view(entry)}

    def list_policies(self, _call, cluster, principal):
        policies = list(self.find("entry", cluster, principal)["_policies"].values())
        return {"clusterName": cluster, "principalArn": principal, "associatedAccessPolicies": policies}

    def associate_policy(self, call, cluster, principal):
        body = call["body"]
        policy = {
            "policyArn": body["policyArn"],
            "accessScope": {"namespaces": [], **body["accessScope"]},
            "associatedAt": time.time(), "modifiedAt": time.time(),
        }
        self.find("entry", cluster, principal)["_policies"][body["policyArn"]] = policy
        return {"clusterName": cluster, "principalArn": principal, "associatedAccessPolicy": policy}

    def disassociate_policy(self, _call, cluster, principal, policy):
        if self.find("entry", cluster, principal)["_policies"].pop(policy, None) is None:
            raise not_found("access policy association", policy)
        return {}

    # Pod identities

    def list_pods(self, _call, cluster):
        return {"associations": [view(self.find("pod", cluster, name)) for name in self.names("pod", cluster)]}

    def create_pod(self, call, cluster):
        body, name = call["body"], "a-" + secrets.token_hex(8)
        account = (body["namespace"], body["serviceAccount"])
        for other in self.names("pod", cluster):
            found = self.find("pod", cluster, other)
            if (found["namespace"], found["serviceAccount"]) == account:
                raise in_use("Association already exists")
        pod = {
            "clusterName": cluster, "namespace": account[0], "serviceAccount": account[1], "roleArn": body["roleArn"],
            "associationId": name, "associationArn": arn("podidentityassociation", cluster, name),
            "createdAt": time.time(), "modifiedAt": time.time(), "tags": body.get("tags") or {},
        }
        return {"association": self.add("pod", (cluster, name), pod)}

    def update_pod(self, call, cluster, name):
        pod = self.find("pod", cluster, name)
        pod["roleArn"] = call["body"].get("roleArn", pod["roleArn"])
        return {"association": view(pod)}

    # Tags, by ARN

    def by_arn(self, call):
        wanted = urllib.parse.unquote(call["path"].removeprefix("/tags/"))
        for of_kind in self.objects.values():
            for found in of_kind.values():
                if wanted in (value for key, value in found.items() if key.lower().endswith("arn")):
                    return found
        raise not_found("resource", wanted)

    def list_tags(self, call, _arn):
        return {"tags": self.by_arn(call)["tags"]}

    def add_tags(self, call, _arn):
        self.by_arn(call)["tags"].update(call["body"]["tags"])
        return {}

    def remove_tags(self, call, _arn):
        tags = self.by_arn(call)["tags"]
        for key in call["query"].get("tagKeys", []):
            tags.pop(key, None)
        return {}


def arn(*parts):
    return f"arn:aws:eks:{REGION}:{ACCOUNT}:" + "/".join(parts)


def view(stored):
    """An object without what the emulator notes about it."""
    return {key: value for key, value in stored.items() if not key.startswith("_")}


def logging_of(asked):
    """The complete logging settings: what is not switched on is off."""
    asked = asked.get("clusterLogging") or []
    on = sorted({kind for entry in asked if entry.get("enabled") for kind in entry.get("types") or []})
    off = [kind for kind in LOG_TYPES if kind not in on]
    both = [{"types": on, "enabled": True}, {"types": off, "enabled": False}]
    return {"clusterLogging": [entry for entry in both if entry["types"]]}


# kind -> words in messages, name of the object and of the list in answers, folder in the path
CHILDREN = {
    "nodegroup": {"what": "node group", "one": "nodegroup", "many": "nodegroups", "path": "node-groups"},
    "fargateprofile": {"what": "Fargate Profile", "one": "fargateProfile", "many": "fargateProfileNames", "path": "fargate-profiles"},
    "addon": {"what": "addon", "one": "addon", "many": "addons", "path": "addons"},
    "entry": {"what": "access entry", "one": "accessEntry", "many": "accessEntries", "path": "access-entries"},
    "pod": {"what": "association", "one": "association", "many": "associations", "path": "pod-identity-associations"},
}


def routes():
    """The calls: method, pattern of the path, what carries it out. The first that fits is taken."""
    own = [
        ("GET", "/addons/supported-versions", Eks.addon_versions),
        ("GET", "/clusters", Eks.list_clusters),
        ("POST", "/clusters", Eks.create_cluster),
        ("GET", "/clusters/*", Eks.get_cluster),
        ("DELETE", "/clusters/*", Eks.delete_cluster),
        ("POST", "/clusters/*/update-config", Eks.update_config),
        ("POST", "/clusters/*/updates", Eks.update_version),
        ("GET", "/clusters/*/updates/*", Eks.find_update),
        ("POST", "/clusters/*/encryption-config/associate", Eks.associate_encryption),
        ("POST", "/clusters/*/node-groups", Eks.create_nodegroup),
        ("POST", "/clusters/*/node-groups/*/update-config", Eks.update_nodegroup),
        ("POST", "/clusters/*/node-groups/*/update-version", Eks.update_nodegroup_version),
        ("POST", "/clusters/*/fargate-profiles", Eks.create_fargate),
        ("POST", "/clusters/*/addons", Eks.create_addon),
        ("POST", "/clusters/*/addons/*/update", Eks.update_addon),
        ("POST", "/clusters/*/access-entries", Eks.create_entry),
        ("POST", "/clusters/*/access-entries/*", Eks.update_entry),
        ("GET", "/clusters/*/access-entries/*/access-policies", Eks.list_policies),
        ("POST", "/clusters/*/access-entries/*/access-policies", Eks.associate_policy),
        ("DELETE", "/clusters/*/access-entries/*/access-policies/*", Eks.disassociate_policy),
        ("GET", "/clusters/*/pod-identity-associations", Eks.list_pods),
        ("POST", "/clusters/*/pod-identity-associations", Eks.create_pod),
        ("POST", "/clusters/*/pod-identity-associations/*", Eks.update_pod),
        ("GET", "/tags/**", Eks.list_tags),
        ("POST", "/tags/**", Eks.add_tags),
        ("DELETE", "/tags/**", Eks.remove_tags),
    ]
    for kind, words in CHILDREN.items():
        own += child_routes(kind, words)
    return [(method, pattern(path), serve) for method, path, serve in own]


def child_routes(kind, words):
    """Listing, reading and deleting are the same for every kind of child."""
    def listing(eks, _call, cluster):
        return {words["many"]: eks.names(kind, cluster)}

    def reading(eks, _call, cluster, name):
        return {words["one"]: view(eks.find(kind, cluster, name))}

    def deleting(eks, _call, cluster, name):
        return {words["one"]: eks.remove(kind, cluster, name)}

    folder = f"/clusters/*/{words['path']}"
    return [("GET", folder, listing), ("GET", folder + "/*", reading), ("DELETE", folder + "/*", deleting)]


def pattern(path):
    """`*` stands for one part of the path, `**` for the rest."""
    return re.compile(re.escape(path).replace(r"\*\*", "(.+)").replace(r"\*", "([^/]+)"))


ROUTES = routes()

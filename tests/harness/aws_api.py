"""Calls AWS APIs with nothing but the standard library.

The emulator does not verify signatures, it only reads from the Authorization header which service is meant.
"""
import json
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree

REGION = "us-east-1"
VERSIONS = {"ec2": "2016-11-15", "iam": "2010-05-08", "sts": "2011-06-15"}


def send(endpoint, service, method="POST", path="/", headers=None, body=b""):
    """Sends one call and returns the raw answer."""
    credential = f"Credential=test/20240101/{REGION}/{service}/aws4_request"
    headers = {"Authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=unused", **(headers or {})}
    data = body if method in ("POST", "PUT") else None
    request = urllib.request.Request(endpoint.rstrip("/") + path, data=data, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


def query(endpoint, service, action, params=None):
    """Calls an action of a query API (EC2, IAM, STS); returns the XML root, without namespaces."""
    form = {"Action": action, "Version": VERSIONS[service], **(params or {})}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return parse_xml(send(endpoint, service, headers=headers, body=urllib.parse.urlencode(form).encode()))


def json_call(endpoint, service, target, body=None):
    """Calls an action of a JSON API (KMS, CloudWatch Logs); `target` is the X-Amz-Target."""
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
    return json.loads(send(endpoint, service, headers=headers, body=json.dumps(body or {}).encode()) or b"{}")


def parse_xml(raw):
    """Parses XML and drops the namespaces, so that tags are plain names."""
    root = ElementTree.fromstring(raw)
    for element in root.iter():
        element.tag = element.tag.rsplit("}", 1)[-1]
    return root


def text(element, *names):
    """The text of the first of `names` that is a child with text, else the empty string."""
    for name in names:
        child = element.find(name)
        if child is not None and child.text:
            return child.text
    return ""


def items(root, set_name):
    """The `item` elements of every set of that name."""
    return [item for found in root.iter(set_name) for item in found.findall("item")]


def numbered(name, values):
    """EC2's way to write a list: Name.1, Name.2, ..."""
    return {f"{name}.{i}": value for i, value in enumerate(values, 1)}


def tag_params(tags):
    """The tags of a CreateTags call."""
    params = {}
    for i, (key, value) in enumerate(tags.items(), 1):
        params[f"Tag.{i}.Key"] = key
        params[f"Tag.{i}.Value"] = value
    return params

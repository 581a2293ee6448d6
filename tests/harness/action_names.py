"""Says which AWS action an HTTP call is.

Query and JSON APIs write the action into the call. REST APIs (S3, EKS) do not: there the method, the path and the query
decide, looked up in the service models that come with the emulator.
"""
import glob
import gzip
import json
import os
import re
import urllib.parse

READS = re.compile(r"^(Describe|Get|List|Head|BatchGet|AssumeRole|Lookup|Search)", re.I)
SCOPE = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/")
FORM_ACTION = re.compile(rb"(?:^|&)Action=([A-Za-z0-9]+)")


class ActionNames:
    """Names calls. Models of REST services are read when first needed."""

    def __init__(self, models_dir=None):
        """`models_dir` is botocore's folder of service models; without it REST calls are named by method and path."""
        self.models_dir = models_dir
        self.tables = {}

    def name(self, method, target, headers, body):
        """`service:Action` of a call; `headers` has lower-case names."""
        scope = SCOPE.search(headers.get("authorization", ""))
        service = scope.group(1) if scope else "unsigned"
        if "x-amz-target" in headers:
            return f"{service}:{headers['x-amz-target'].rsplit('.', 1)[-1]}"
        form = FORM_ACTION.search(body[:65536])
        if form:
            return f"{service}:{form.group(1).decode()}"
        path, _, query = target.partition("?")
        return f"{service}:{self.rest_name(service, method, path, query)}"

    def rest_name(self, service, method, path, query):
        """The operation whose pattern fits best: the one that demands most query keys and has fewest wildcards."""
        keys = {key for key, _ in urllib.parse.parse_qsl(query, keep_blank_values=True)}
        fitting = [
            (len(row["keys"]), -row["wildcards"], row["name"] in ("PutObject", "ListObjects"), row["name"])
            for row in self.table(service)
            if row["method"] == method and row["keys"] <= keys and row["pattern"].match(path)
        ]
        if fitting:
            return max(fitting)[-1]
        return f"{method} {path}"

    def table(self, service):
        """The operations of a REST service; empty for others."""
        if service not in self.tables:
            self.tables[service] = [row for row in self.operations(service)]
        return self.tables[service]

    def operations(self, service):
        """Reads the newest model of a service and turns its paths into patterns."""
        if not self.models_dir or not re.fullmatch(r"[a-z0-9-]+", service):
            return
        found = sorted(glob.glob(os.path.join(self.models_dir, service, "*", "service-2.json*")))
        if not found:
            return
        opener = gzip.open if found[-1].endswith(".gz") else open
        with opener(found[-1], "rt", encoding="utf-8") as file:
            model = json.load(file)
        if not model["metadata"]["protocol"].startswith("rest"):
            return
        for name, operation in model["operations"].items():
            path, _, query = operation["http"]["requestUri"].partition("?")
            parts = re.split(r"(\{[^}]+\})", path.rstrip("/") or "/")
            pattern = "".join(part_pattern(part) for part in parts)
            yield {
                "name": name,
                "method": operation["http"]["method"],
                "pattern": re.compile(f"^{pattern}/?$"),
                "keys": {key.split("=")[0] for key in query.split("&") if key},
                "wildcards": path.count("{"),
            }


def part_pattern(part):
    """A piece of a path as a regular expression: {Key+} takes slashes, {Bucket} does not."""
    if not part.startswith("{"):
        return re.escape(part)
    return ".+" if part.endswith("+}") else "[^/]+"


def is_read(action):
    """Whether an action (`service:Action`) leaves everything as it is."""
    return bool(READS.match(action.split(":", 1)[1]))

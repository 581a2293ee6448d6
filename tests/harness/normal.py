"""Brings what an engine prints into the form of `expect` in the scenarios (see tests/conformance/SCENARIOS.md)."""
import json
import re

UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
# Applied in this order, after the working directory, the endpoint and UUIDs.
VOLATILE = [
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?"), "<timestamp>"),
    (re.compile(r"\br-rtb-[0-9a-f]{8,}\b"), "<route-id>"),
    (re.compile(
        r"\b(vpc-cidr-assoc|rtbassoc|eipalloc|eipassoc|aclassoc|subnet|vpce|dopt|vpc|sgr|sg|rtb|acl|eigw|igw|eni|nat|vol|ami|"
        r"ltv|lt|pl|pcx|tgw|i)-[0-9a-f]{8,17}(?![0-9A-Za-z])"), lambda match: f"<{match.group(1)}-id>"),
    (re.compile(r"\b(AROA|AIDA|ANPA|AKIA|AGPA|AIPA)[A-Z0-9]{12,}\b"), lambda match: f"<{match.group(1).lower()}-id>"),
    (re.compile(r"(:secret:[A-Za-z0-9/_+=.@-]+?)-[A-Za-z0-9]{6}\b"), r"\1-<suffix>"),
    (re.compile(r"\bterraform-20\d{15,}[0-9a-f]*\b"), "<random-name>"),
    (re.compile(r"-20\d{18,}[0-9a-f]*\b"), "-<unique>"),
    (re.compile(r"RequestID: [A-Za-z0-9-]+"), "RequestID: <request-id>"),
    # What the emulator makes up, and checksums of that.
    (re.compile(r"\b(sgrule|nacl)-\d+\b"), r"<\1-checksum>"),
    (re.compile(r"\b127(\.\d+){3}\b"), "<public-ip>"),
    (re.compile(r"\bec2-127(-\d+){3}\b"), "ec2-<public-ip>"),
    (re.compile(r"\bip(-\d+){4}\b"), "ip-<private-ip>"),
    (re.compile(r"^A[A-Z0-9]{20}$"), "<policy-id>"),
    (re.compile(r"\b[0-9A-F]{32}\b"), "<cluster>"),
    (re.compile(r"(:nodegroup/[^/]+/[^/]+)/[0-9a-f]{16}$"), r"\1/<suffix>"),
    (re.compile(r"^(eks-[\w-]+)-[0-9a-f]{8}$"), r"\1-<suffix>"),
]
ENDPOINT = re.compile(r"https?://(127\.0\.0\.1|localhost):\d+")
SUGGESTION = re.compile(r"Did you mean .*?\?")
# Diagnostics that speak of Terraform's own set-up.
NOT_OURS = ("Terraform encountered problems during init", "Provider development overrides are in effect")


class Normal:
    """Replaces what differs from run to run. UUIDs are numbered by first appearance, so that equal ones stay equal."""

    def __init__(self, cwd):
        self.cwd, self.uuids = cwd, {}

    def text(self, value):
        """Normalises one string."""
        value = ENDPOINT.sub("<endpoint>", value.replace(self.cwd, "<cwd>"))
        value = UUID.sub(lambda match: self.uuids.setdefault(match.group(0), f"<uuid:{len(self.uuids) + 1}>"), value)
        for pattern, replacement in VOLATILE:
            value = pattern.sub(replacement, value)
        return value

    def tree(self, value):
        """Normalises all strings within a value, members in the order of their names."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.tree(element) for element in value]
        if isinstance(value, dict):
            return {name: self.tree(value[name]) for name in sorted(value)}
        return value


def diagnostic(raw, normal):
    """A diagnostic in the form of the scenarios."""
    where = raw.get("range") or {}
    start = where.get("start") or {}
    summary = normal.text(raw.get("summary", ""))
    if summary.startswith("Cycle: "):
        summary = "Cycle: " + ", ".join(sorted(summary.removeprefix("Cycle: ").split(", ")))
    found = {"summary": summary, "file": where.get("filename"), "line": start.get("line"), "column": start.get("column")}
    if raw.get("address"):
        found["address"] = raw["address"]
    detail = normal.text(re.sub(r"\s+", " ", sort_list_lines(raw.get("detail") or "")).strip())
    suggestion = SUGGESTION.search(detail)
    if suggestion:
        found["did_you_mean"] = suggestion.group(0)
    if detail:
        found["detail"] = detail
    return found


def sort_list_lines(detail):
    """Sorts each run of lines that start with a dash."""
    sorted_lines, run = [], []
    for line in detail.split("\n") + [""]:
        if line.strip().startswith("- "):
            run.append(line)
        else:
            sorted_lines += sorted(run) + [line]
            run = []
    return "\n".join(sorted_lines)


def diagnostic_order(found):
    """The order in which warnings are recorded."""
    place = (found.get("file") or "", found.get("line") or 0, found.get("column") or 0)
    return (*place, found["summary"], found.get("address") or "", found.get("detail") or "")


def distinct(diagnostics):
    """The same without repeats."""
    return list({json.dumps(found, sort_keys=True): found for found in diagnostics}.values())


def warnings(raw, normal):
    """The warnings among raw diagnostics, as recorded."""
    of_interest = [one for one in raw if one.get("severity") == "warning"]
    return sorted(distinct(diagnostic(one, normal) for one in of_interest), key=diagnostic_order)


def errors(raw):
    """The errors among raw diagnostics."""
    return [one for one in raw if one.get("severity") == "error"]


def set_errors(result, raw_errors, stage, normal):
    """Writes `error` and `more_errors` of a step."""
    found = distinct(diagnostic(one, normal) for one in raw_errors)
    if not found:
        found = [{"summary": "(no diagnostic)", "file": None, "line": None, "column": None}]
    first, *others = [{**one, "stage": stage} for one in found]
    result["error"] = first
    if others:
        result["more_errors"] = others


def events(output):
    """The JSON objects among the lines of an output."""
    found = []
    for line in output.splitlines():
        if line.strip().startswith("{"):
            try:
                found.append(json.loads(line))
            except ValueError:
                pass
    return found


def event_diagnostics(found):
    """The raw diagnostics in an event stream."""
    raw = [event.get("diagnostic") or {} for event in found if event.get("type") == "diagnostic"]
    return [one for one in raw if not one.get("summary", "").startswith(NOT_OURS)]


def plan(raw):
    """A plan, from `show -json FILE`."""
    found = {"resource_changes": changes(raw.get("resource_changes"))}
    if raw.get("deferred_changes"):
        deferred = [{"reason": one.get("reason"), "address": one["resource_change"]["address"]} for one in raw["deferred_changes"]]
        found["deferred_changes"] = sorted(deferred, key=lambda one: one["address"])
    if raw.get("resource_drift"):
        found["resource_drift"] = changes(raw["resource_drift"])
    found["output_changes"] = {name: output_change(one) for name, one in (raw.get("output_changes") or {}).items()}
    if raw.get("checks"):
        found["checks"] = checks(raw["checks"])
    if raw.get("variables"):
        found["variables"] = {name: one.get("value") for name, one in raw["variables"].items()}
    read = [one["address"] for one in resources(raw.get("prior_state")) if one["mode"] == "data"]
    if read:
        found["data_read"] = sorted(read)
    found.update({key: raw[key] for key in ("applyable", "complete", "errored") if key in raw})
    return found


def changes(raw):
    """Resource changes, by address."""
    return sorted((resource_change(one) for one in raw or []), key=lambda one: (one["address"], bool(one.get("deposed"))))


def resource_change(raw):
    """One change of a resource instance."""
    change, aws = raw["change"], raw["type"].startswith("aws_")
    found = {key: raw[key] for key in ("address", "mode", "type", "name")}
    found["actions"] = change["actions"]
    for key in ("previous_address", "index", "action_reason", "module_address"):
        if raw.get(key) is not None:
            found[key] = raw[key]
    if raw.get("deposed"):
        found["deposed"] = True
    if change.get("importing") is not None:
        found["importing"] = change["importing"]
    if change.get("replace_paths"):
        found["replace_paths"] = sorted(change["replace_paths"], key=str)
    before, after = change.get("before"), change.get("after")
    if aws:
        before, after = sort_blocks(before), sort_blocks(after)
    found["after"] = after
    if before is not None and before != after:
        found["before"] = before
    return found | flags_of(change, aws)


def output_change(raw):
    """One change of an output."""
    found = {"actions": raw["actions"], "after": raw.get("after")}
    if raw.get("before") is not None and raw.get("before") != raw.get("after"):
        found["before"] = raw["before"]
    return found | flags_of(raw, aws=False)


def flags_of(change, aws):
    """Where a change is unknown or sensitive, as lists of paths; empty ones are left out."""
    lists = {
        "unknown": true_paths(change.get("after_unknown"), aws),
        "after_sensitive": true_paths(change.get("after_sensitive"), aws),
        "before_sensitive": true_paths(change.get("before_sensitive"), aws),
    }
    return {key: paths for key, paths in lists.items() if paths}


def true_paths(tree, aws):
    """The paths at which a tree of booleans is true, sorted. In AWS objects every index is `*`, as blocks were sorted."""
    found = set()

    def walk(node, path):
        if node is True:
            found.add(".".join(path))
        elif isinstance(node, dict):
            for name, child in node.items():
                walk(child, [*path, name])
        elif isinstance(node, list):
            for index, child in enumerate(node):
                walk(child, [*path, "*" if aws else str(index)])

    walk(tree, [])
    return sorted(found)


def sort_blocks(value):
    """Sorts arrays of objects by their JSON text: most are sets of blocks, which have no order."""
    if isinstance(value, dict):
        return {name: sort_blocks(child) for name, child in value.items()}
    if isinstance(value, list):
        children = [sort_blocks(child) for child in value]
        if children and all(isinstance(child, dict) for child in children):
            children.sort(key=lambda child: json.dumps(child, sort_keys=True))
        return children
    return value


def checks(raw):
    """Check results, by kind and address."""
    found = []
    for check in raw:
        instances = []
        for instance in check.get("instances") or []:
            one = {"address": instance["address"].get("to_display"), "status": instance.get("status")}
            if instance.get("problems"):
                one["problems"] = sorted(problem.get("message", "") for problem in instance["problems"])
            instances.append(one)
        found.append({
            "address": check["address"].get("to_display"),
            "kind": check["address"].get("kind"),
            "status": check.get("status"),
            "instances": sorted(instances, key=lambda one: one["address"]),
        })
    return sorted(found, key=lambda one: (one["kind"] or "", one["address"] or ""))


def state(raw):
    """The objects of a state, from `show -json`."""
    found = []
    for resource in resources(raw):
        aws = resource["type"].startswith("aws_")
        values = resource.get("values")
        one = {"address": resource["address"], "values": sort_blocks(values) if aws else values}
        sensitive = true_paths(resource.get("sensitive_values"), aws)
        if sensitive:
            one["sensitive"] = sensitive
        if resource.get("tainted"):
            one["tainted"] = True
        if resource.get("deposed_key"):
            one["deposed"] = True
        if resource.get("depends_on"):
            one["depends_on"] = sorted(resource["depends_on"])
        found.append(one)
    return sorted(found, key=lambda one: (one["address"], bool(one.get("deposed"))))


def resources(raw):
    """All resources in the values of a state, of all modules."""
    waiting = [((raw or {}).get("values") or {}).get("root_module") or {}]
    found = []
    while waiting:
        module = waiting.pop(0)
        found += module.get("resources") or []
        waiting += module.get("child_modules") or []
    return found

#!/usr/bin/env python3
"""Checks how many AWS calls the empty plan of examples/eks makes. Part of `make test-aws`.

    calls.py [--engine BIN] [--most N]

Fails when there are more than N, or when one is made twice. Prints them by name then. Some calls are spared that ask for
old settings of buckets; so a setting is made outside, and `plan -refresh-only` must find it.
"""
import argparse
import sys

sys.dont_write_bytecode = True

from aws_api import send
from engine import Workspace, add_engine_option, find_engine
from moto import Cloud, stop_on_sigterm

# Terraform 1.11.4 with version 5.100.0 of its AWS provider makes 89.
MOST = 33


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_engine_option(parser)
    parser.add_argument("--most", type=int, default=MOST)
    options = parser.parse_args()
    stop_on_sigterm()
    # Slow enough that what is asked for together is under way together.
    with Cloud(latency_ms=20) as cloud, Workspace(find_engine(options.engine), "eks", cloud.env()) as work:
        applied = work.apply()
        if applied.code:
            raise SystemExit(f"the apply failed: {applied.output[-1500:]}")
        cloud.reset_calls()
        planned = work.plan()
        calls = cloud.calls()
        if planned.code:
            raise SystemExit(f"the plan ended with {planned.code} instead of 0: {planned.output[-1500:]}")
        (bucket,) = cloud.inventory()["bucket"]
        site = b"<WebsiteConfiguration><IndexDocument><Suffix>index.html</Suffix></IndexDocument></WebsiteConfiguration>"
        send(cloud.upstream, "s3", "PUT", f"/{bucket}?website", {"Content-Type": "application/xml"}, site)
        looked = work.run("plan", "-refresh-only", "-detailed-exitcode", "-input=false", "-no-color")
        if looked.code != 2 or "index.html" not in looked.output:
            raise SystemExit(f"a website went unnoticed by -refresh-only, which ended with {looked.code}: {looked.output[-1500:]}")
    print(f"{calls['total']} calls, at most {options.most} allowed; made twice: {calls['repeats'] or 'none'}")
    if calls["total"] <= options.most and not calls["repeats"]:
        return 0
    for name, count in calls["by_action"].items():
        print(f"{count:4} {name}")
    return 1


if __name__ == "__main__":
    sys.exit(main())

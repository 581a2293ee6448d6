#!/usr/bin/env python3
"""Shows secstack at work on examples/eks, in an emulated AWS account: `make demo`.

Plans, applies, plans again (nothing to do), changes a tag behind its back, plans (the drift shows), puts it right,
destroys, and looks whether anything is left. Exits with an error at the first thing that is not as it should be.
"""
import argparse
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from aws_api import query, tag_params, text
from engine import Workspace, add_engine_option, find_engine
from moto import Cloud, stop_on_sigterm

NO_CHANGES, CHANGES = 0, 2
VPC = "module.network.aws_vpc.this"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_engine_option(parser)
    parser.add_argument("--verbose", action="store_true", help="print all of the engine's output")
    options = parser.parse_args()
    stop_on_sigterm()
    engine = find_engine(options.engine)
    with Cloud() as cloud, Workspace(engine, "eks", cloud.env()) as work:
        Demo(cloud, work, options.verbose).play()


class Demo:
    """The steps of the demonstration, in order."""

    def __init__(self, cloud, work, verbose):
        self.cloud, self.work, self.verbose = cloud, work, verbose

    def play(self):
        """Plays all steps."""
        failed = self.work.init()
        self.check(not failed, failed and f"init failed: {failed.output}")
        before = self.cloud.inventory()
        self.check(not before, f"the account is not empty at the start: {before}")

        heading("Plan: an EKS cluster in a network over three zones")
        self.step(self.work.plan, CHANGES)
        planned = len(self.work.changes())

        heading("Apply")
        self.step(self.work.apply, 0)
        self.check(self.work.managed() == planned, f"{self.work.managed()} objects in the state, but {planned} were planned")

        heading("Plan again: nothing to do")
        self.step(self.work.plan, NO_CHANGES)

        heading("Somebody changes a tag of the VPC outside")
        print(f"  ManagedBy of {self.change_tag()} is now \"hand\"")

        heading("Plan: the drift shows")
        ran = self.step(self.work.plan, CHANGES)
        self.check(list(self.work.changes()) == [VPC], f"only {VPC} should change, not {list(self.work.changes())}")
        drifted = [one["address"] for one in self.work.shown_plan().get("resource_drift") or []]
        self.check(VPC in drifted, f"the drift of {VPC} is not reported, only {drifted}")
        for line in ran.output.splitlines():
            if "ManagedBy" in line:
                print(f"  {line.strip()}")

        heading("Apply: the tag is put right")
        self.step(self.work.apply, 0)
        self.step(self.work.plan, NO_CHANGES)

        heading("Destroy")
        self.step(self.work.destroy, 0)
        left = self.cloud.inventory()
        self.check(not left, f"something is left in the account: {left}")
        self.check(self.work.managed() == 0, "something is left in the state")
        print("  Nothing is left in the account.")
        print("\nThe demonstration went as it should.")

    def step(self, run, code):
        """Runs the engine, prints the line that sums it up and what it took, and checks its exit code."""
        self.cloud.reset_calls()
        ran = self.expect(run(), code)
        calls = self.cloud.calls()
        if self.verbose:
            print(ran.output)
        print(f"  {sum_up(ran.output)}")
        print(f"  {ran.wall_s:.1f} s, {ran.rss_mb:.0f} MB, {calls['total']} AWS calls ({calls['mutating']} of them changes)", flush=True)
        return ran

    def expect(self, ran, code):
        """Stops, with the output, if an exit code is another."""
        if ran.code != code:
            print(ran.output)
        self.check(ran.code == code, f"exit code {ran.code} instead of {code}")
        return ran

    def check(self, holds, otherwise):
        """Stops with a sentence unless something holds."""
        if not holds:
            raise SystemExit(f"demo: {otherwise}")

    def change_tag(self):
        """Changes a tag of the VPC through the EC2 API. Returns the ID of the VPC."""
        vpcs = query(self.cloud.upstream, "ec2", "DescribeVpcs", {"Filter.1.Name": "tag:Name", "Filter.1.Value.1": "platform"})
        vpc = vpcs.find("vpcSet/item")
        self.check(vpc is not None, "there is no VPC named platform")
        vpc_id = text(vpc, "vpcId")
        query(self.cloud.upstream, "ec2", "CreateTags", {"ResourceId.1": vpc_id, **tag_params({"ManagedBy": "hand"})})
        return vpc_id


def heading(words):
    """Prints what comes next."""
    print(f"\n== {words}", flush=True)


def sum_up(output):
    """The line of an output that says what it came to."""
    found = re.findall(r"^(?:Plan: .*|No changes\..*|Apply complete!.*|Destroy complete!.*)$", output, re.M)
    return found[-1] if found else "(no summary)"


if __name__ == "__main__":
    main()

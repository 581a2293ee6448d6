#!/usr/bin/env python3
"""Checks that states pass between secstack and Terraform: applied by one, the other plans no changes and can destroy.

    cross.py [--engine BIN] [--terraform BIN] [EXAMPLE ...]

Terraform has to find the AWS provider, by its CLI configuration ($TF_CLI_CONFIG_FILE) or over the network. Exits with 3
where Terraform or its provider is missing, since then nothing was compared.
"""
import argparse
import os
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from engine import Workspace, add_engine_option, find_engine
from moto import Cloud, stop_on_sigterm

EXAMPLES = ["network", "eks"]
NOT_COMPARED = 3


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_engine_option(parser)
    parser.add_argument("--terraform", default="terraform")
    parser.add_argument("examples", nargs="*", default=EXAMPLES)
    options = parser.parse_args()
    stop_on_sigterm()
    terraform = shutil.which(options.terraform)
    if not terraform:
        print("Terraform is not installed, so nothing was compared: put terraform 1.11 on the path or name it with --terraform.")
        return NOT_COMPARED
    engine = find_engine(options.engine)
    passed = failed = 0
    with Cloud() as cloud:
        for example in options.examples:
            for writer, reader in ((engine, terraform), (terraform, engine)):
                problems = hand_over(cloud, example, writer, reader)
                passed, failed = passed + (not problems), failed + bool(problems)
                verdict = "FAIL" if problems else "pass"
                print(f"{verdict} {example}: applied by {os.path.basename(writer)}, planned by {os.path.basename(reader)}", flush=True)
                for line in problems:
                    print(f"     {line}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def hand_over(cloud, example, writer, reader):
    """Applies with one, plans and destroys with the other. Returns what went wrong, a line each."""
    cloud.clear()
    with Workspace(writer, example, cloud.env()) as ours, Workspace(reader, example, cloud.env()) as theirs:
        for work in (ours, theirs):
            initialise(work)
        applied = ours.apply()
        if applied.code:
            return ["the apply failed", *tail(applied)]
        shutil.copy(ours.state, theirs.state)
        planned = theirs.plan()
        if planned.code == 1:
            return ["the plan failed", *tail(planned)]
        changes = theirs.changes() if planned.code == 2 else {}
        problems = [f"{address}: {'/'.join(actions)} {', '.join(names)}" for address, (actions, names) in changes.items()]
        if planned.code == 2:
            outputs = theirs.shown_plan().get("output_changes") or {}
            problems += [f"output {name} changes" for name, change in outputs.items() if change["actions"] != ["no-op"]]
            problems = problems or ["the exit code says there are changes, the plan shows none"]
        destroyed = theirs.destroy()
        if destroyed.code:
            return [*problems, "the destroy failed", *tail(destroyed)]
        left = cloud.inventory()
        return [*problems, f"left after the destroy: {left}"] if left else problems


def initialise(work):
    """Initialises a working copy; without Terraform's provider there is nothing to compare."""
    failed = work.init()
    if failed:
        print(failed.output)
        print("Terraform could not load the AWS provider, so nothing was compared: let $TF_CLI_CONFIG_FILE name a mirror with it.")
        sys.exit(NOT_COMPARED)


def tail(ran):
    """The last lines of an output."""
    return [line for line in ran.output.splitlines() if line.strip()][-12:]


if __name__ == "__main__":
    sys.exit(main())

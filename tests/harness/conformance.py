#!/usr/bin/env python3
"""Checks an engine against the facts in tests/conformance: the expressions and the scenarios.

    conformance.py [--engine BIN] [--only expressions|builtin|aws] [--show N] [NAME ...]

Names pick expressions by ID or group and scenarios by any part of their name. Cases listed in differences.md (on purpose)
and pending.md (not built yet) are not counted; nothing else is left out. Prints each failure, and a last line "N passed, M failed".
"""
import argparse
import concurrent.futures
import json
import os
import re
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import expressions
from compare import differences
from engine import ROOT, add_engine_option, find_engine
from moto import Cloud, stop_on_sigterm
from scenarios import Player

FACTS = os.path.join(ROOT, "tests", "conformance")
DIFFERENCE = re.compile(r"^- `([^`]+)`: \S")


class Tally:
    """Counts cases and prints those that fail."""

    def __init__(self, deliberate, show):
        self.deliberate, self.show = deliberate, show
        self.passed = self.failed = 0
        self.met = set()

    def add(self, name, problems):
        """Counts one case; `problems` are lines."""
        if name in self.deliberate:
            self.met.add(name)
            if problems:
                return
            problems = ["listed in differences.md or pending.md, but it passes: take it out"]
        if problems:
            self.failed += 1
            print(f"FAIL {name}", flush=True)
            for line in problems[:self.show]:
                print(f"     {line}", flush=True)
            if len(problems) > self.show:
                print(f"     ... {len(problems) - self.show} more", flush=True)
        else:
            self.passed += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_engine_option(parser)
    parser.add_argument("--only", choices=["expressions", "builtin", "aws"])
    parser.add_argument("--show", type=int, default=8, help="how many lines to show of a failure")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    stop_on_sigterm()
    engine = find_engine(options.engine)
    tally = Tally(deliberate_differences(), options.show)
    known = set()
    if options.only in (None, "expressions"):
        known |= check_expressions(engine, options, tally)
    for needs in ("builtin", "aws"):
        if options.only in (None, needs):
            known |= check_scenarios(engine, needs, options, tally)
    if not options.names and not options.only:
        for name in sorted(tally.deliberate - known):
            tally.failed += 1
            print(f"FAIL {name}: listed in differences.md or pending.md, but there is no such case", flush=True)
    if tally.met:
        print(f"{len(tally.met)} cases left out, listed in differences.md and pending.md")
    print(f"{tally.passed} passed, {tally.failed} failed", flush=True)
    return 1 if tally.failed or not tally.passed else 0


def deliberate_differences():
    """The cases listed in differences.md, and those in pending.md: what is not built yet."""
    found = set()
    for name in ("differences.md", "pending.md"):
        with open(os.path.join(FACTS, name), encoding="utf-8") as file:
            found |= {match.group(1) for match in map(DIFFERENCE.match, file) if match}
    return found


def check_expressions(engine, options, tally):
    """Checks the expressions. Returns the names of all there are."""
    cases = expressions.load(os.path.join(FACTS, "expressions.jsonl"))
    wanted = [case for case in cases if not options.names or any(name in (case["id"], case["group"]) for name in options.names)]
    # A batch with a failing case is split until the case is found: what is known to fail would split every time.
    listed = [case for case in wanted if case["id"] in tally.deliberate]
    batches = expressions.batches([case for case in wanted if case not in listed]) + expressions.batches(listed)
    fixtures = os.path.join(FACTS, "fixtures")
    started, before = time.monotonic(), tally.passed
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for results in pool.map(lambda batch: expressions.check(engine, fixtures, batch), batches):
            for case, got in results:
                expected = json.dumps(case["json"], default=str) if "json" in case else f"error: {case['error']}"
                told = [case["expr"][:300], f"expected {expected[:300]}", f"got      {str(got)[:300]}"]
                tally.add(case["id"], told if got is not None else [])
    if wanted:
        print(f"expressions: {tally.passed - before} of {len(wanted)} in {time.monotonic() - started:.1f} s", flush=True)
    return {case["id"] for case in cases}


def check_scenarios(engine, needs, options, tally):
    """Checks the scenarios that need the same. Returns the names of all there are, and of their steps."""
    base, known, wanted = os.path.join(FACTS, "scenarios"), set(), []
    for name in sorted(os.listdir(base)):
        with open(os.path.join(base, name, "scenario.json"), encoding="utf-8") as file:
            scenario = json.load(file)
        if scenario["needs"] == needs:
            known |= {name} | {f"{name}/{step['dir']}" for step in scenario["steps"]}
            if not options.names or any(part in name for part in options.names):
                wanted.append((name, scenario))
    if not wanted:
        return known
    started, before = time.monotonic(), tally.passed
    cloud = Cloud() if needs == "aws" else None
    try:
        # The scenarios with AWS share one account, hence run one after the other.
        with concurrent.futures.ThreadPoolExecutor(1 if cloud else options.jobs) as pool:
            played = pool.map(lambda one: play(Player(engine, cloud), os.path.join(base, one[0])), wanted)
            for (name, scenario), (results, failure) in zip(wanted, played):
                judge(name, scenario, results, failure, tally)
    finally:
        if cloud:
            cloud.close()
    print(f"scenarios ({needs}): {tally.passed - before} of {len(wanted)} in {time.monotonic() - started:.1f} s", flush=True)
    return known


def play(player, folder):
    """Plays a scenario. Returns the results, or None and what went wrong."""
    try:
        return player.play(folder), None
    except Exception as error:  # whatever one engine's run breaks must not end the others
        return None, f"{type(error).__name__}: {str(error)[:600]}"


def judge(name, scenario, results, failure, tally):
    """Compares the steps and counts the scenario; steps listed as deliberate differences are left out of it."""
    if failure:
        tally.add(name, [failure])
        return
    problems = []
    for step, got in zip(scenario["steps"], results):
        found = differences(step["expect"], got)
        place = f"{name}/{step['dir']}"
        if place not in tally.deliberate:
            problems += [f"{step['dir']} {line}" for line in found]
        else:
            tally.met.add(place)
            if not found:
                problems.append(f"{step['dir']} is listed in differences.md, but it passes: take it out")
    tally.add(name, problems)


if __name__ == "__main__":
    sys.exit(main())

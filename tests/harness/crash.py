#!/usr/bin/env python3
"""Cuts runs off at random instants and checks that the next one, on another machine, puts everything right.

    crash.py [--engine BIN] [--example eks] [--how kill|freeze|term] [--during apply|destroy] [--trials N] [--seed N]
             [--latency-ms N] [--state s3|local]

A trial empties the emulated account, starts a run with its state in S3, and cuts it off a random moment after a random
call that changes something (writing the journal is one). Its directory is then deleted. `kill` is SIGKILL; `term` is
what a CI job gets that is cancelled: SIGTERM, and SIGKILL 7 seconds later; `freeze` is SIGSTOP, with SIGCONT only when
another run has taken over and is done. With `--state local` the directory stays. One more run must then do what was
asked: afterwards the account holds exactly what an undisturbed run makes, everything in it is in the state, a plan finds
nothing to do, and in the end a destroy leaves neither objects nor locks nor journals.
"""
import argparse
import collections
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from aws_api import REGION, parse_xml, send, text
from engine import Workspace, add_engine_option, find_engine
from moto import Cloud, stop_on_sigterm

BUCKET, KEY = "secstack-states", "platform/terraform.tfstate"
BACKEND = f"""
terraform {{
  backend "s3" {{
    bucket         = "{BUCKET}"
    key            = "{KEY}"
    region         = "{REGION}"
    use_lockfile   = true
    use_path_style = true
  }}
}}
"""
# Short, so that a takeover needs no patience, and longer than a busy machine keeps a run from renewing its lock, which it
# does every third of it.
LEASE_SECONDS = 5
# How long a cancelled CI job is given.
GRACE_SECONDS = 7
COMMANDS = {"apply": ["apply", "-auto-approve"], "destroy": ["destroy", "-auto-approve"]}
FLAGS = ["-input=false", "-no-color", "-lock-timeout=60s"]


class Wrong(Exception):
    """Something is not as it should be."""


def check(condition, what, *outputs):
    """Fails with a sentence and the ends of outputs."""
    if not condition:
        raise Wrong("\n".join([what, *("\n".join("    | " + line for line in o.strip().splitlines()[-25:]) for o in outputs)]))


class Trials:
    """Trials on one emulated account."""

    def __init__(self, options, engine, cloud):
        self.options, self.engine, self.cloud = options, engine, cloud
        self.random = random.Random(options.seed)
        self.seen = collections.Counter()
        self.wanted = None

    def work(self):
        """A machine of its own."""
        work = Workspace(self.engine, self.options.example, self.cloud.env())
        work.env["SECSTACK_LOCK_LEASE"] = str(LEASE_SECONDS)
        if self.options.state == "s3":
            with open(os.path.join(work.dir, "backend_override.tf"), "w", encoding="utf-8") as file:
                file.write(BACKEND)
        return work

    def clear(self):
        """An empty account, but for the bucket of the state."""
        self.cloud.clear()
        if self.options.state == "s3":
            send(self.cloud.upstream, "s3", "PUT", f"/{BUCKET}")
        self.cloud.reset_calls()

    def inventory(self):
        """What there is, without the bucket of the state."""
        found = self.cloud.inventory()
        buckets = [name for name in found.pop("bucket", []) if name != BUCKET]
        return {**found, **({"bucket": buckets} if buckets else {})}

    def state(self, work):
        """The text of the state, wherever it is."""
        if self.options.state == "s3":
            return send(self.cloud.upstream, "s3", "GET", f"/{BUCKET}/{KEY}").decode()
        with open(work.state, encoding="utf-8") as file:
            return file.read()

    def beside_the_state(self):
        """What stands in the bucket besides the state and has any content: fences have none, and go later."""
        if self.options.state != "s3":
            return []
        tree = parse_xml(send(self.cloud.upstream, "s3", "GET", f"/{BUCKET}?list-type=2"))
        return [text(o, "Key") for o in tree.iter("Contents") if text(o, "Key") != KEY and text(o, "Size") != "0"]

    def undisturbed(self):
        """Runs once undisturbed, for what there should be, and how many calls that takes."""
        self.clear()
        with self.work() as work:
            calls = 0
            for command in ("apply", "destroy"):
                self.cloud.reset_calls()
                ran = work.run(*COMMANDS[command], *FLAGS)
                check(ran.code == 0, f"undisturbed, the {command} failed", ran.output)
                if command == self.options.during:
                    calls = self.cloud.calls()["mutating"]
                if command == "apply":
                    self.wanted = {kind: len(ids) for kind, ids in self.inventory().items()}
            check(not self.inventory(), f"undisturbed, the destroy left {self.inventory()}")
        return calls

    def trial(self, calls):
        """One trial. Returns a line on it."""
        nth = self.random.randint(1, calls)
        delay = self.random.uniform(0, max(self.options.latency_ms, 10)) / 1000
        self.clear()
        first = self.work()
        with first:
            if self.options.during == "destroy":
                ran = first.run(*COMMANDS["apply"], *FLAGS)
                check(ran.code == 0, "the apply before failed", ran.output)
            self.cloud.reset_calls()
            process, log = self.start(first)
            here = f"cut off {delay * 1000:.0f} ms after change {nth} of {calls}"
            self.cut_off(process, nth, delay)
            at_cut = sum(map(len, self.inventory().values()))
            if self.options.state == "local":
                return f"{here}: {self.converge(first, process, log, at_cut)}"
            if self.options.how == "freeze":
                with self.work() as second:
                    return f"{here}: {self.converge(second, process, log, at_cut)}"
        with self.work() as second:
            return f"{here}: {self.converge(second, process, log, at_cut)}"

    def start(self, work):
        """Starts the run that is to be cut off."""
        log = tempfile.TemporaryFile("w+b")
        process = subprocess.Popen(
            [self.engine, *COMMANDS[self.options.during], *FLAGS], cwd=work.dir, env=work.env, stdin=subprocess.DEVNULL, stdout=log,
            stderr=subprocess.STDOUT, start_new_session=True)
        return process, log

    def cut_off(self, process, nth, delay):
        """Waits for the moment, and cuts the run off."""
        event = self.cloud.proxy.counts.when(nth)
        while not event.wait(0.02) and process.poll() is None:
            pass
        time.sleep(delay)
        if process.poll() is not None:
            self.seen["ended before"] += 1
        elif self.options.how == "freeze":
            os.killpg(process.pid, signal.SIGSTOP)
        elif self.options.how == "term":
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(GRACE_SECONDS)
                self.seen["stopped by itself"] += 1
            except subprocess.TimeoutExpired:
                self.seen["had to be killed"] += 1
                os.killpg(process.pid, signal.SIGKILL)
        else:
            os.killpg(process.pid, signal.SIGKILL)
        if self.options.how != "freeze":
            process.wait()
        # What was sent is carried out.
        time.sleep(0.2 + self.options.latency_ms / 1000)

    def converge(self, work, process, log, at_cut):
        """Runs again, elsewhere, and checks everything."""
        began = time.monotonic()
        ran = work.run(*COMMANDS[self.options.during], *FLAGS)
        took = time.monotonic() - began
        if self.options.how == "freeze" and process.poll() is None:
            os.killpg(process.pid, signal.SIGCONT)
            code = process.wait(120)
            log.seek(0)
            output = log.read().decode()
            # It may have been done, all but for the lock.
            honest = code != 0 or "Apply complete!" in output and "Failed to save state" not in output
            check(honest, "the run that was frozen claims to have done its work", output)
            self.seen["woke up too late" if code else "woke up when all was done"] += 1
        log.seek(0)
        former = log.read().decode()
        check(ran.code == 0, "the run after it failed", former, ran.output)
        found = self.inventory()
        if self.options.during == "apply":
            counts = {kind: len(ids) for kind, ids in found.items()}
            check(counts == self.wanted, f"the account holds {counts}, not {self.wanted}", former, ran.output)
            state = self.state(work)
            lost = [id_ for ids in found.values() for id_ in ids if id_.rsplit("/", 1)[-1] not in state]
            check(not lost, f"the state does not know {lost}", former, ran.output)
            plan = work.run("plan", "-detailed-exitcode", *FLAGS)
            check(plan.code == 0, f"a plan ends with {plan.code}", former, ran.output, plan.output)
            destroyed = work.run(*COMMANDS["destroy"], *FLAGS)
            check(destroyed.code == 0, "the destroy failed", destroyed.output)
            found = self.inventory()
        check(not found, f"the destroy left {found}", former, ran.output)
        resources = json.loads(self.state(work))["resources"]
        check(not resources, f"the state still holds {len(resources)} resources")
        beside = self.beside_the_state()
        check(not beside, f"there is more than the state: {beside}", former, ran.output)
        for words in ("taken over", "was taken into the state", "nothing was created", "was read again", "it is gone"):
            self.seen[words] += words in ran.output.lower()
        return f"{at_cut} objects then; put right in {took:.1f} s"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_engine_option(parser)
    parser.add_argument("--example", default="eks", help="a folder of examples (default: eks)")
    parser.add_argument("--how", choices=["kill", "freeze", "term"], default="kill")
    parser.add_argument("--during", choices=list(COMMANDS), default="apply")
    parser.add_argument("--state", choices=["s3", "local"], default="s3")
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--latency-ms", type=float, default=20)
    parser.add_argument("--keep-going", action="store_true", help="go on after a trial that failed")
    options = parser.parse_args()
    if options.how == "freeze" and options.state == "local":
        parser.error("a local state has no lease that another run could wait for")
    stop_on_sigterm()
    engine = find_engine(options.engine)
    failed = 0
    with Cloud(options.latency_ms) as cloud:
        trials = Trials(options, engine, cloud)
        calls = trials.undisturbed()
        print(f"undisturbed: {calls} changes, {sum(trials.wanted.values())} objects: {trials.wanted}", flush=True)
        for number in range(options.trials):
            try:
                print(f"pass {number}: {trials.trial(calls)}", flush=True)
            except Wrong as wrong:
                failed += 1
                print(f"FAIL {number} (seed {options.seed}): {wrong}", flush=True)
                if not options.keep_going:
                    break
    print(f"{options.how} during {options.during}, state {options.state}: {number + 1 - failed} passed, {failed} failed; {dict(trials.seen)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

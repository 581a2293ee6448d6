#!/usr/bin/env python3
"""Measures what the journal on S3 costs: time of an apply, and bytes that are written.

    journal_cost.py [--engine BIN] [--example eks] [--rounds 3] [--latency-ms 50] [--counts 250,500,1000]

Every call to the emulated account takes so much longer. Time is compared within one run, in turns: with the state, its
lock and its journal in S3; with the same, but nothing waiting for the journal (calls for it take no time longer); and with
all of it in a local file. The whole run counts, with the lock taken and given back. Bytes are counted for applies of more
and more objects.
"""
import argparse
import os
import shutil
import statistics
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from aws_api import send
from crash import BACKEND, BUCKET
from engine import Workspace, add_engine_option, clean_env, find_engine, measure
from moto import Cloud, stop_on_sigterm

MANY = """
variable "n" {}
resource "terraform_data" "a" {
  count = var.n
  input = "object number ${count.index}"
}
"""


def times(options, engine):
    """Seconds of applies: with the state and a journal in S3, with a journal that costs no time, and with both in a file."""
    taken = {"s3": [], "no journal": [], "file": []}
    with Cloud(options.latency_ms) as cloud:
        for number in range(options.rounds):
            for where in taken if number % 2 else reversed(taken):
                cloud.proxy.undelayed = ".journal" if where == "no journal" else None
                cloud.clear()
                send(cloud.upstream, "s3", "PUT", f"/{BUCKET}")
                with Workspace(engine, options.example, cloud.env()) as work:
                    if where != "file":
                        with open(os.path.join(work.dir, "backend_override.tf"), "w", encoding="utf-8") as file:
                            file.write(BACKEND)
                    ran = work.apply()
                    if ran.code:
                        raise SystemExit(f"the apply failed: {ran.output[-2000:]}")
                    taken[where].append(ran.wall_s)
    return taken


def written(engine, count):
    """Bytes that an apply of so many objects writes to S3, and calls that write."""
    with Cloud() as cloud:
        send(cloud.upstream, "s3", "PUT", f"/{BUCKET}")
        cloud.reset_calls()
        folder = tempfile.mkdtemp(prefix="secstack-cost-")
        try:
            with open(os.path.join(folder, "main.tf"), "w", encoding="utf-8") as file:
                file.write(BACKEND + MANY)
            command = [engine, "apply", "-auto-approve", "-input=false", "-no-color", f"-var=n={count}"]
            ran = measure(command, folder, clean_env(cloud.env()))
            if ran.code:
                raise SystemExit(f"the apply failed: {ran.output[-2000:]}")
            calls = cloud.calls()
            return calls["bytes_in"], calls["mutating"], ran.wall_s
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_engine_option(parser)
    parser.add_argument("--example", default="eks")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--latency-ms", type=float, default=50)
    parser.add_argument("--counts", default="250,500,1000,2000")
    options = parser.parse_args()
    stop_on_sigterm()
    engine = find_engine(options.engine)
    taken = times(options, engine)
    median = {where: statistics.median(all_) for where, all_ in taken.items()}
    print(f"apply of {options.example}, {options.latency_ms:.0f} ms a call, state in S3: {median['s3']:.2f} s with the journal, "
          f"{median['no journal']:.2f} s without: {median['s3'] / median['no journal'] - 1:+.1%}; in a file: {median['file']:.2f} s")
    print("  all: " + "; ".join(f"{where} {', '.join(f'{t:.2f}' for t in all_)}" for where, all_ in taken.items()))
    for count in map(int, options.counts.split(",")):
        size, calls, wall = written(engine, count)
        print(f"{count:6} objects: {size} bytes written ({size / count:.0f} each) in {calls} calls, {wall:.2f} s")


if __name__ == "__main__":
    main()

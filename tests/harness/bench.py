#!/usr/bin/env python3
"""Measures: many small instances, and the EKS example against an emulated AWS. `make bench`.

    bench.py [--engine BIN] [--terraform BIN] [--sizes 1000,10000,100000] [--rounds 3] [--latency-ms 20]

Terraform is measured beside, in alternation, where it is installed (with its AWS provider for the example). Of the
example, an engine's figures are medians over the rounds; AWS calls are counted by the proxy in front of the emulator,
which adds the latency to each. Both engines plan the same state. Ratios are Terraform's figure over secstack's. Memory
is that of the largest process, and, from one more run that is sampled, that of all processes of the engine together.
"""
import argparse
import os
import shutil
import statistics
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from engine import Workspace, add_engine_option, clean_env, find_engine, measure, needs_init
from moto import Cloud, stop_on_sigterm

PHASES = {
    "plan": ["plan", "-input=false", "-no-color", "-out=bench.tfplan"],
    "apply": ["apply", "-input=false", "-no-color", "bench.tfplan"],
    "empty plan": ["plan", "-input=false", "-no-color"],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_engine_option(parser)
    parser.add_argument("--terraform", default="terraform")
    parser.add_argument("--sizes", default="1000,10000,100000", help="how many instances, comma separated; empty for none")
    parser.add_argument("--terraform-most", type=int, default=1000, help="the largest size Terraform is measured with")
    parser.add_argument("--limit", type=float, default=600, help="seconds after which a run is stopped")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of the example; 0 leaves it out")
    parser.add_argument("--latency-ms", type=float, default=20, help="added to every AWS call")
    options = parser.parse_args()
    stop_on_sigterm()
    engines = {"secstack": find_engine(options.engine)}
    if shutil.which(options.terraform):
        engines["terraform"] = shutil.which(options.terraform)
    else:
        print("Terraform is not installed: measuring secstack alone.")
    sizes = [int(size) for size in options.sizes.split(",") if size]
    sound = not sizes or bench_sizes(engines, sizes, options)
    if options.rounds:
        sound = bench_example(engines, options) and sound
    return 0 if sound else 1


def bench_sizes(engines, sizes, options):
    """Plan, apply and empty plan of N instances. Returns whether all runs succeeded."""
    sound, former = True, {}
    print(f"\n{'instances':>9} {'phase':<10} {'engine':<10} {'wall s':>8} {'cpu s':>8} {'MB':>7}  growth")
    for size in sizes:
        measured = {name: path for name, path in engines.items() if name != "terraform" or size <= options.terraform_most}
        walls = {}
        with tempfile.TemporaryDirectory(prefix="bench-") as base:
            for name, path in measured.items():
                os.mkdir(os.path.join(base, name))
                write_instances(size, os.path.join(base, name))
                if needs_init(path):
                    measure([path, "init", "-input=false"], os.path.join(base, name), clean_env())
            for phase, args in PHASES.items():
                for name, path in measured.items():
                    ran = measure([path, *args], os.path.join(base, name), clean_env(), options.limit)
                    row(size, phase, name, ran, former.get((phase, name)))
                    former[phase, name] = (size, ran.wall_s)
                    walls[phase, name] = ran.wall_s
                    sound = sound and ran.code == 0
        for phase in PHASES:
            if (phase, "terraform") in walls:
                ratio = walls[phase, "terraform"] / walls[phase, "secstack"]
                print(f"{size:>9} {phase:<10} ratio      {ratio:>8.1f}")
    return sound


def row(size, phase, name, ran, before):
    """Prints a line. Growth is how many times longer this took for ten times the instances: 10 is linear."""
    growth = ""
    if before and before[0] < size:
        growth = f"{(ran.wall_s / before[1]) * 10 / (size / before[0]):.1f}"
    failed = f"  FAILED with exit code {ran.code}: {ran.output.strip()[-200:]!r}" if ran.code else ""
    print(f"{size:>9} {phase:<10} {name:<10} {ran.wall_s:>8.2f} {ran.cpu_s:>8.2f} {ran.rss_mb:>7.0f}  {growth}{failed}", flush=True)


def write_instances(size, folder):
    """A tree of instances of `terraform_data`: each but the first refers to that of a tenth of its number."""
    with open(os.path.join(folder, "main.tf"), "w", encoding="utf-8") as file:
        for number in range(size):
            parent = f"terraform_data.r{number // 10}.id" if number else '"root"'
            file.write(
                f'resource "terraform_data" "r{number}" {{\n'
                f'  input = {{ name = "r{number}", parent = {parent}, tags = {{ a = "x", b = "y" }} }}\n}}\n')


def bench_example(engines, options):
    """Plans of examples/eks: of an empty account, and of one that is as it should be. Returns whether all succeeded."""
    print(f"\nexamples/eks, {options.latency_ms:g} ms added to each AWS call, medians of {options.rounds} rounds")
    with Cloud(latency_ms=options.latency_ms) as cloud:
        works = {}
        try:
            for name, path in engines.items():
                work = works[name] = Workspace(path, "eks", cloud.env())
                if work.init():
                    print(f"{name} could not load the AWS provider: it is left out.")
                    works.pop(name).__exit__()
            sound = bench_plans("first plan", works, cloud, options.rounds, expected=2)
            applied = works["secstack"].apply()
            if applied.code:
                print(f"the apply failed:\n{applied.output[-2000:]}")
                return False
            for name in works:
                if name != "secstack":
                    shutil.copy(works["secstack"].state, works[name].state)
            return bench_plans("empty plan", works, cloud, options.rounds, expected=0) and sound
        finally:
            for work in works.values():
                work.__exit__()


def bench_plans(title, works, cloud, rounds, expected):
    """Plans with each engine in turn and prints the medians. Returns whether each exit code was the expected one."""
    runs = {name: [] for name in works}
    calls, sound = {}, True
    for turn in range(rounds):
        for name in list(works) if turn % 2 == 0 else reversed(list(works)):
            cloud.reset_calls()
            ran = works[name].plan()
            calls[name] = cloud.calls()
            runs[name].append(ran)
            if ran.code != expected:
                sound = False
                print(f"{title}: {name} ended with exit code {ran.code} instead of {expected}: {ran.output.strip()[-400:]!r}")
    print(f"\n{title:<12} {'engine':<10} {'wall s':>8} {'cpu s':>8} {'MB':>7} {'MB (all)':>9} {'AWS calls':>10} {'repeats':>8}")
    figures = {}
    for name, ran in runs.items():
        largest = statistics.median(one.rss_mb for one in ran)
        figures[name] = [
            statistics.median(one.wall_s for one in ran), statistics.median(one.cpu_s for one in ran), largest,
            max(largest, works[name].memory_of_plan()), calls[name]["total"], sum(calls[name]["repeats"].values())]
        wall, cpu, rss, whole, total, repeats = figures[name]
        print(f"{'':<12} {name:<10} {wall:>8.2f} {cpu:>8.2f} {rss:>7.0f} {whole:>9.0f} {total:>10} {repeats:>8}", flush=True)
    if "terraform" in figures:
        ratios = [theirs / ours if ours else None for theirs, ours in zip(figures["terraform"][:5], figures["secstack"][:5])]
        shown = ["-" if ratio is None else f"{ratio:.1f}" for ratio in ratios]
        print(f"{'':<12} {'ratio':<10} {shown[0]:>8} {shown[1]:>8} {shown[2]:>7} {shown[3]:>9} {shown[4]:>10}", flush=True)
    return sound


if __name__ == "__main__":
    sys.exit(main())

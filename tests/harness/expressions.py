"""Evaluates the expressions of the corpus with an engine (see "How to compare" in tests/conformance/README.md)."""
import decimal
import json
import os
import subprocess
import tempfile

from engine import clean_env, needs_init

HEAD = 'terraform {\n  required_providers {\n    terraform = { source = "terraform.io/builtin/terraform" }\n  }\n}\n'


def load(path):
    """The cases of a corpus. Numbers are read as decimals, since many do not fit a float."""
    with open(path, encoding="utf-8") as file:
        return [loads(line) for line in file]


def loads(text):
    """JSON with exact numbers."""
    return json.loads(text, parse_float=decimal.Decimal, parse_int=decimal.Decimal)


def batches(cases, size=60):
    """Cuts cases into lists that one run each can check: many that succeed, or one that fails."""
    good = [case for case in cases if "error" not in case]
    bad = [case for case in cases if "error" in case]
    return [good[start:start + size] for start in range(0, len(good), size)] + [[case] for case in bad]


def check(engine, fixtures, cases):
    """Checks a batch. Returns a list of (case, what it gave), the latter None where that is right."""
    got = evaluate(engine, fixtures, cases)
    if "error" in cases[0]:
        return [(cases[0], None if got is None else "no error")]
    if got is None and len(cases) > 1:
        middle = len(cases) // 2
        return check(engine, fixtures, cases[:middle]) + check(engine, fixtures, cases[middle:])
    return [(case, wrong(case, None if got is None else got.get(f"o{index}"))) for index, case in enumerate(cases)]


def wrong(case, got):
    """None if the value is the recorded one, else what to show."""
    if got is None:
        return "an error"
    try:
        return None if equal(loads(got), case["json"]) else got
    except ValueError:
        return got


def equal(one, other):
    """Equality of JSON values with exact numbers."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    return one == other


def evaluate(engine, fixtures, cases):
    """Applies a module with an output for each case. Returns output -> JSON text, or None if it fails."""
    with tempfile.TemporaryDirectory(prefix="expressions-") as folder:
        os.symlink(os.path.abspath(fixtures), os.path.join(folder, "fixtures"))
        with open(os.path.join(folder, "main.tf"), "w", encoding="utf-8", newline="") as file:
            file.write(HEAD + "".join(block(index, case["expr"]) for index, case in enumerate(cases)))
        env = clean_env()

        def run(*args):
            return subprocess.run(
                [engine, *args], cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False)

        try:
            if needs_init(engine):
                run("init", "-input=false")
            if run("apply", "-auto-approve", "-input=false", "-no-color").returncode:
                return None
            printed = run("output", "-json")
            return {name: one["value"] for name, one in json.loads(printed.stdout).items()}
        except (subprocess.TimeoutExpired, ValueError):
            return None


def block(index, expression):
    """A local value and an output of its JSON text."""
    encoded = f"jsonencode(local.v{index})"
    if "sensitive" in expression:
        encoded = f"nonsensitive({encoded})"
    return f'locals {{\n  v{index} = {expression}\n}}\noutput "o{index}" {{\n  value = {encoded}\n}}\n'

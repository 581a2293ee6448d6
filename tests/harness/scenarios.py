"""Plays one scenario of tests/conformance/scenarios with an engine (see "Running a scenario" in SCENARIOS.md)."""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

import normal
from engine import clean_env
from moto import aws_cli

MODES = {"destroy": ["-destroy"], "refresh-only": ["-refresh-only"]}


class Player:
    """Plays scenarios with one engine; those with AWS in one emulated account, which is emptied before each."""

    def __init__(self, engine, cloud=None, timeout=180):
        self.engine, self.cloud, self.timeout = engine, cloud, timeout

    def play(self, folder):
        """Returns what each step gave, in the form of `expect`."""
        with open(os.path.join(folder, "scenario.json"), encoding="utf-8") as file:
            scenario = json.load(file)
        if scenario["needs"] == "aws":
            self.cloud.clear()
        with tempfile.TemporaryDirectory(prefix="scenario-") as base:
            base = os.path.realpath(base)
            work, bin_dir = os.path.join(base, "work"), os.path.join(base, "bin")
            os.mkdir(work)
            os.mkdir(bin_dir)
            if any("aws " in step.get("shell", "") for step in scenario["steps"]):
                os.symlink(aws_cli(), os.path.join(bin_dir, "aws"))
            played = Playing(self, scenario, work, bin_dir)
            placed = []
            for step in scenario["steps"]:
                for path in placed:
                    if os.path.exists(path):
                        os.remove(path)
                placed = place(os.path.join(folder, step["dir"]), work)
                played.play_step(step)
            return played.results

    def env(self, scenario, step, bin_dir):
        """The environment of a step."""
        env = clean_env(self.cloud.env() if scenario["needs"] == "aws" else None)
        env["PATH"] = bin_dir + os.pathsep + env.get("PATH", os.defpath)
        return env | (step.get("env") or {})


class Playing:
    """One scenario while it is played. The state, workspaces and what a step wrote stay for the next."""

    def __init__(self, player, scenario, work, bin_dir):
        self.player, self.scenario, self.work, self.bin_dir = player, scenario, work, bin_dir
        self.normal = normal.Normal(work)
        self.initialised = set()
        self.results = []

    def play_step(self, step):
        """Plays a step and adds its result."""
        self.env = self.player.env(self.scenario, step, self.bin_dir)
        self.cwd = os.path.normpath(os.path.join(self.work, step.get("chdir", ".")))
        result = {}
        self.prepare(step)
        if self.init(step, result):
            if step["command"] == "validate":
                self.validate(step, result)
            elif self.plan(step, result) and step["command"] != "plan":
                self.apply(step, result)
        self.results.append(self.normal.tree(result))

    def engine(self, *args):
        """Runs the engine."""
        return subprocess.run(
            [self.player.engine, *args], cwd=self.cwd, env=self.env, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=self.player.timeout, check=False)

    def json(self, *args):
        """Runs the engine and reads the JSON it prints."""
        ran = self.engine(*args)
        try:
            return json.loads(ran.stdout)
        except ValueError as error:
            raise RuntimeError(f"{' '.join(args)} gave no JSON: {(ran.stdout + ran.stderr)[-400:]!r}") from error

    def prepare(self, step):
        """Runs what the step wants to happen first."""
        if step.get("shell"):
            ran = subprocess.run(
                ["bash", "-ec", step["shell"]], cwd=self.cwd, env=self.env, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, timeout=self.player.timeout, check=False)
            if ran.returncode:
                raise RuntimeError(f"the shell text failed: {ran.stdout[-500:]}")
        for command in step.get("pre") or []:
            ran = self.engine(*command)
            if ran.returncode:
                raise RuntimeError(f"{' '.join(command)} failed: {(ran.stdout + ran.stderr)[-500:]}")

    def init(self, step, result):
        """Initialises, where something may have to be loaded. Returns whether the step goes on."""
        if self.scenario["needs"] == "aws" and self.cwd in self.initialised and not self.has_module_calls():
            return True
        ran = self.engine("init", "-json", "-input=false")
        failed = normal.errors(normal.event_diagnostics(normal.events(ran.stdout)))
        if ran.returncode == 0:
            self.initialised.add(self.cwd)
        if failed:
            normal.set_errors(result, failed, "plan", self.normal)
            if step["command"] == "validate":
                result["valid"] = False
        return not failed

    def has_module_calls(self):
        """Whether the configuration calls modules: then every step loads them again."""
        for path in glob.glob(os.path.join(self.cwd, "**", "*.tf*"), recursive=True):
            if os.path.isfile(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    if 'module "' in file.read():
                        return True
        return False

    def validate(self, step, result):
        """Fills in the result of `validate`."""
        answer = self.json("validate", "-json", *(step.get("args") or []))
        raw = [one for one in answer.get("diagnostics") or [] if not one["summary"].startswith(normal.NOT_OURS)]
        result["valid"] = answer.get("valid")
        if normal.errors(raw):
            normal.set_errors(result, normal.errors(raw), "plan", self.normal)
        set_warnings(result, "warnings", raw, self.normal)

    def plan(self, step, result):
        """Fills in the plan. Returns whether there is one."""
        saved = os.path.join(self.cwd, "tfplan")
        if os.path.exists(saved):
            os.remove(saved)
        mode = MODES.get(step["command"], [])
        ran = self.engine("plan", "-json", "-input=false", "-out=tfplan", *mode, *(step.get("args") or []))
        raw = normal.event_diagnostics(normal.events(ran.stdout))
        set_warnings(result, "warnings", raw, self.normal)
        failed = normal.errors(raw)
        if ran.returncode not in (0, 2) or failed:
            normal.set_errors(result, failed, "plan", self.normal)
            if not failed:
                result["error"]["detail"] = (ran.stdout + ran.stderr)[-300:]
            return False
        result["plan"] = self.normal.tree(normal.plan(self.json("show", "-json", "tfplan")))
        return True

    def apply(self, step, result):
        """Applies the saved plan and fills in what it left."""
        ran = self.engine("apply", "-json", "-input=false", *(step.get("apply_args") or []), "tfplan")
        events = normal.events(ran.stdout)
        raw = normal.event_diagnostics(events)
        failed = normal.errors(raw)
        if ran.returncode or failed:
            normal.set_errors(result, failed, "apply", self.normal)
        set_warnings(result, "apply_warnings", raw, self.normal)
        if step.get("order"):
            result["order"] = order(events, step["order"])
        result["outputs"] = {
            name: {"value": one.get("value"), "type": one.get("type"), "sensitive": bool(one.get("sensitive"))}
            for name, one in self.json("output", "-json").items()
        }
        listed = self.engine("state", "list").stdout.splitlines()
        nothing = ("No state", "The state file is empty")
        result["state_list"] = sorted(line for line in listed if line.strip() and not line.startswith(nothing))
        shown = self.json("show", "-json")
        result["state"] = normal.state(shown)
        if shown.get("checks"):
            result["state_checks"] = normal.checks(shown["checks"])


def set_warnings(result, key, raw, normaliser):
    """Writes warnings where there are any."""
    found = normal.warnings(raw, normaliser)
    if found:
        result[key] = found


def order(events, pairs):
    """Whether, of each pair, the first completed before the second started."""
    first_seen = {}
    for position, event in enumerate(events):
        if event.get("type") in ("apply_start", "apply_complete"):
            hook = event.get("hook") or {}
            first_seen.setdefault((event["type"], f"{hook.get('action')} {hook['resource']['addr']}"), position)
    found = []
    for one, other in pairs:
        ended, started = first_seen.get(("apply_complete", one)), first_seen.get(("apply_start", other))
        missing = ended is None or started is None
        found.append([one, other, "missing" if missing else "ok" if ended < started else "wrong"])
    return found


def place(source, work):
    """Copies the files of a step. Returns where they are now."""
    placed = []
    for root, _, names in os.walk(source):
        for name in names:
            target = os.path.join(work, os.path.relpath(os.path.join(root, name), source))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(os.path.join(root, name), target)
            placed.append(target)
    return placed

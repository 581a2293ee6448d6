#!/usr/bin/env python3
"""Checks states in S3: shared with Terraform, locked against it, moved, and safe from runs that die or are stopped.

    s3_state.py [--engine BIN] [--terraform BIN] [--only NAME]

Runs against an emulated S3. The checks that need Terraform are left out, and said to be, where it is missing; the exit code
is 3 then.
"""
import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import xml.etree.ElementTree as ElementTree

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from aws_api import send
from engine import add_engine_option, aws_env, clean_env, find_engine
from moto import ensure_venv, start_moto, stop_on_sigterm

NOT_COMPARED = 3
LEASE = 3
BACKEND = """
terraform {{
  backend "s3" {{
    bucket         = "{bucket}"
    key            = "stacks/net.tfstate"
    region         = "us-east-1"
    encrypt        = true
    use_lockfile   = true
    use_path_style = true
  }}
}}
"""
CONFIG = """
variable "n" { default = 3 }
variable "pause" { default = 0 }
resource "terraform_data" "a" {
  count = var.n
  input = "v${count.index}"
  provisioner "local-exec" { command = "sleep ${var.pause}" }
}
output "n" { value = length(terraform_data.a) }
"""


class Failed(Exception):
    """A check did not hold."""


def check(condition, what, *outputs):
    """Fails with a sentence and what was printed."""
    if not condition:
        tails = ["\n".join("       | " + line for line in output.strip().splitlines()[-14:]) for output in outputs]
        raise Failed("\n".join([what, *tails]))


class S3:
    """An emulated S3 with one bucket."""

    def __init__(self, endpoint, bucket):
        self.endpoint, self.bucket = endpoint, bucket
        send(endpoint, "s3", "PUT", f"/{bucket}")

    def keys(self):
        """The keys of all objects."""
        tree = ElementTree.fromstring(send(self.endpoint, "s3", "GET", f"/{self.bucket}?list-type=2"))
        return [e.text for e in tree.iter() if e.tag.endswith("Key")]

    def get(self, key):
        """The text of an object, or None."""
        try:
            return send(self.endpoint, "s3", "GET", f"/{self.bucket}/{key}").decode()
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def state(self):
        """The state of the default workspace."""
        return json.loads(self.get("stacks/net.tfstate"))


class Line:
    """A line to the server that can be cut."""

    def __init__(self, port):
        self.to, self.cut = port, False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            near, _ = self.listener.accept()
            if self.cut:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self.to))
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=(source, target), daemon=True).start()

    def carry(self, source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if self.cut:
                    break
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Work:
    """A directory with a configuration, and the engine to run in it."""

    def __init__(self, engine, s3, text=None, endpoint=None):
        self.engine, self.s3 = engine, s3
        self.dir = tempfile.mkdtemp(prefix="secstack-s3-")
        self.write((BACKEND.format(bucket=s3.bucket) if text is None else text) + CONFIG)
        self.env = aws_env(endpoint or s3.endpoint, clean_env())
        self.env.update(TF_CLI_CONFIG_FILE="/dev/null", SECSTACK_LOCK_LEASE=str(LEASE))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir, ignore_errors=True)

    def write(self, text):
        with open(os.path.join(self.dir, "main.tf"), "w", encoding="utf-8") as file:
            file.write(text)

    def start(self, *args):
        """Starts the engine, in a process group of its own."""
        return subprocess.Popen(
            [self.engine, *args], cwd=self.dir, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, start_new_session=True)

    def run(self, *args, code=0):
        """Runs the engine, which must end with this code. Returns what it printed."""
        process = self.start(*args)
        output = process.communicate(timeout=180)[0]
        check(code is None or process.returncode == code, f"`{' '.join(args)}` ended with {process.returncode}", output)
        return output

    def apply(self, *more, code=0):
        return self.run("apply", "-auto-approve", "-input=false", "-no-color", *more, code=code)

    def applying(self, *more):
        return self.start("apply", "-auto-approve", "-input=false", "-no-color", *more)

    def settled(self, *more):
        """Plans, and there must be nothing to do."""
        return self.run("plan", "-detailed-exitcode", "-input=false", "-no-color", *more)


def until(condition, what, seconds=30):
    """Waits until something holds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise Failed(f"{what} did not happen within {seconds} seconds")


def held(s3):
    """The lock, when it is held by somebody who is at work."""
    lock = s3.get("stacks/net.tfstate.tflock")
    return lock and json.loads(lock)


def reads_each_other(engine, terraform, s3):
    """What one stores the other reads, and finds nothing to change."""
    with Work(engine, s3) as ours, Work(terraform, s3) as theirs:
        ours.apply()
        theirs.run("init", "-input=false", "-no-color")
        theirs.settled()
        first = s3.state()
        theirs.apply("-var=n=5")
        second = s3.state()
        check((first["lineage"], first["serial"] + 1) == (second["lineage"], second["serial"]), f"{first['serial']} became {second['serial']}")
        ours.settled("-var=n=5")
        ours.apply("-var=n=2")
        theirs.settled("-var=n=2")
        check(s3.keys() == ["stacks/net.tfstate"], f"there is more than the state: {s3.keys()}")
        listed = ours.run("state", "list")
        check(listed.split() == ["terraform_data.a[0]", "terraform_data.a[1]"], "state list", listed)


def locks_exclude_each_other(engine, terraform, s3):
    """Neither writes while the other holds the lock."""
    with Work(engine, s3) as ours, Work(terraform, s3) as theirs:
        theirs.run("init", "-input=false", "-no-color")
        process = ours.applying("-var=pause=6")
        lock = until(lambda: held(s3), "the lock")
        until(lambda: any(".journal/" in k for k in s3.keys()), "the journal")
        refused = theirs.run("plan", "-no-color", "-input=false", code=1)
        for text in ("Error acquiring the state lock", lock["ID"], lock["Who"]):
            check(text in refused, f"Terraform does not say {text!r}", refused)
        output = process.communicate(timeout=60)[0]
        check(process.returncode == 0, "the apply failed", output)
        check(held(s3) is None, "the lock was left")
        theirs.settled("-var=pause=6")

        process = theirs.applying("-var=n=4", "-var=pause=6")
        lock = until(lambda: held(s3), "Terraform's lock")
        time.sleep(LEASE + 1)
        refused = ours.apply("-var=n=5", code=1)
        for text in ("Error acquiring the state lock", lock["ID"], lock["Who"]):
            check(text in refused, f"secstack does not say {text!r}", refused)
        output = process.communicate(timeout=60)[0]
        check(process.returncode == 0, "Terraform's apply failed", output)
        ours.settled("-var=n=4")


def workspaces_are_shared(engine, terraform, s3):
    """Both list, select and delete the same workspaces."""
    with Work(engine, s3) as ours, Work(terraform, s3) as theirs:
        theirs.run("init", "-input=false", "-no-color")
        ours.run("workspace", "new", "dev")
        ours.apply()
        theirs.run("workspace", "new", "prod")
        theirs.apply()
        names = ["default", "dev", "prod"]
        for work in (ours, theirs):
            listed = work.run("workspace", "list").replace("*", " ").split()
            check(listed == names, f"{work.engine} lists {listed}")
        theirs.run("workspace", "select", "dev")
        theirs.settled()
        ours.run("workspace", "select", "prod")
        ours.settled()
        check(set(s3.keys()) == {"env:/dev/stacks/net.tfstate", "env:/prod/stacks/net.tfstate"}, str(s3.keys()))
        ours.apply("-destroy")
        ours.run("workspace", "select", "default")
        ours.run("workspace", "delete", "prod")
        listed = theirs.run("workspace", "list").replace("*", " ").split()
        check(listed == ["default", "dev"], f"after the deletion: {listed}")


def moves(engine, _terraform, s3):
    """A state moves from a file to S3 and back, and is not forgotten on the way."""
    with Work(engine, s3, "") as work:
        work.apply()
        work.write(BACKEND.format(bucket=s3.bucket) + CONFIG)
        refused = work.run("plan", "-no-color", "-input=false", code=1)
        check("State was not moved" in refused and "init -migrate-state" in refused, "an empty place was taken for the state", refused)
        work.run("init", "-input=false", "-no-color", code=1)
        work.run("init", "-input=false", "-no-color", "-migrate-state")
        work.settled()
        check(not os.path.exists(os.path.join(work.dir, "terraform.tfstate")), "the old state is still there")
        check(s3.state()["resources"], "there is nothing in S3")
        other = BACKEND.format(bucket=s3.bucket).replace("net.tfstate", "other.tfstate")
        work.write(other + CONFIG)
        refused = work.run("plan", "-no-color", "-input=false", code=1)
        check("Backend configuration changed" in refused, "another key went unnoticed", refused)
        work.run("init", "-input=false", "-no-color", "-reconfigure")
        planned = work.run("plan", "-detailed-exitcode", "-no-color", "-input=false", code=2)
        check("3 to add" in planned, "-reconfigure moved something", planned)
        work.write(BACKEND.format(bucket=s3.bucket) + CONFIG)
        work.run("init", "-input=false", "-no-color", "-reconfigure")
        work.write(CONFIG)
        refused = work.run("plan", "-no-color", "-input=false", code=1)
        check("Backend configuration changed" in refused, "the backend was given up unnoticed", refused)
        work.run("init", "-input=false", "-no-color", "-migrate-state")
        work.settled()
        check(os.path.exists(os.path.join(work.dir, "terraform.tfstate")), "the state did not come back")
        lines = "\n".join(line for line in BACKEND.format(bucket=s3.bucket).splitlines() if "bucket" not in line)
        work.write(lines + CONFIG)
        refused = work.run("init", "-input=false", "-no-color", "-reconfigure", code=1)
        check("bucket" in refused, "the missing bucket went unnoticed", refused)
        work.run("init", "-input=false", "-no-color", "-reconfigure", f"-backend-config=bucket={s3.bucket}")
        work.settled()


def outputs_are_read(engine, _terraform, s3):
    """terraform_remote_state reads a state in S3."""
    with Work(engine, s3) as work:
        work.apply()
        reader = f"""
data "terraform_remote_state" "net" {{
  backend = "s3"
  config  = {{ bucket = "{s3.bucket}", key = "stacks/net.tfstate", region = "us-east-1", use_path_style = true }}
}}
output "found" {{ value = data.terraform_remote_state.net.outputs.n }}
"""
        with Work(engine, s3, "") as other:
            other.write(reader)
            other.apply()
            check(other.run("output", "found").strip() == "3", "the output is another")
            other.write(reader.replace("net.tfstate", "nothing"))
            check("No stored state was found" in other.apply(code=1), "a missing state went unnoticed")


def killed(engine, _terraform, s3):
    """A run that is killed is taken up by the next one, on another machine."""
    for n in range(3):
        with Work(engine, s3) as work:
            process = work.applying(f"-var=n={10 + 4 * n}", "-var=pause=1", "-parallelism=3")
            until(lambda: any(re.search(r"\.journal/\d+/0*[1-9]", k) for k in s3.keys()), "the first record")
            time.sleep(0.4 * n)
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        with Work(engine, s3) as work:
            output = work.apply(f"-var=n={10 + 4 * n}", "-lock-timeout=30s")
            check("Lock taken over" in output, "the takeover was not said aloud", output)
            work.settled(f"-var=n={10 + 4 * n}")
            check(len(s3.state()["resources"][0]["instances"]) == 10 + 4 * n, "objects are missing")
        left = [k for k in s3.keys() if k != "stacks/net.tfstate" and s3.get(k)]
        check(not left, f"left behind: {left}")


def stopped(engine, _terraform, s3):
    """A run that is stopped, taken over from and woken up writes nothing any more."""
    with Work(engine, s3) as old, Work(engine, s3) as new:
        old.apply("-var=n=1")
        process = old.applying("-var=n=6", "-var=pause=2", "-parallelism=1")
        until(lambda: any(re.search(r"\.journal/\d+/0*[1-9]", k) for k in s3.keys()), "the first record")
        os.killpg(process.pid, signal.SIGSTOP)
        refused = new.apply("-var=n=3", code=1)
        check("Error acquiring the state lock" in refused, "a lock was taken before its lease ran out", refused)
        output = new.apply("-var=n=3", "-lock-timeout=30s")
        check("Lock taken over" in output, "the takeover was not said aloud", output)
        before = s3.get("stacks/net.tfstate")
        os.killpg(process.pid, signal.SIGCONT)
        output = process.communicate(timeout=60)[0]
        check(process.returncode == 1, f"the old run ended with {process.returncode}", output)
        check("State lock lost" in output, "the old run does not say what happened", output)
        check(s3.get("stacks/net.tfstate") == before, "the old run wrote the state", output)
        left = [k for k in s3.keys() if k != "stacks/net.tfstate" and s3.get(k)]
        check(not left, f"left behind: {left}", output)
        new.settled("-var=n=3")


def cut_off(engine, _terraform, s3):
    """When S3 cannot be reached at the end, the state is kept here, and taken up again by a push."""
    line = Line(int(s3.endpoint.rsplit(":", 1)[1]))
    with Work(engine, s3, endpoint=f"http://127.0.0.1:{line.port}") as work:
        work.env["AWS_MAX_ATTEMPTS"] = "2"
        process = work.applying("-var=n=2", "-var=pause=2")
        until(lambda: any(re.search(r"\.journal/\d+/0*[1-9]", k) for k in s3.keys()), "the first record")
        line.cut = True
        output = process.communicate(timeout=120)[0]
        check(process.returncode == 1, f"the apply ended with {process.returncode}", output)
        check("state push -lock-timeout=1m errored.tfstate" in " ".join(output.split()), "it is not said how to go on", output)
        line.cut = False
        lock = held(s3)
        if lock:
            work.run("force-unlock", "-force", lock["ID"])
        work.run("state", "push", "errored.tfstate")
        listed = work.run("state", "list")
        check("terraform_data.a[0]" in listed and "terraform_data.a[1]" in listed, "objects are missing", listed)


def broken(engine, _terraform, s3):
    """What is broken is named, nothing is written over it, and what was good before stays readable."""
    prefix = f"/{s3.bucket}/"

    def put(path, body):
        send(s3.endpoint, "s3", "PUT", path, {"Content-Type": "application/octet-stream"}, body)

    with Work(engine, s3) as work:
        warned = work.run("init", "-input=false", "-no-color")
        check("Bucket without versioning" in warned, "a bucket without versions went unnoticed", warned)
        enabled = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        put(f"/{s3.bucket}?versioning", enabled)
        warned = work.run("init", "-input=false", "-no-color")
        check("without versioning" not in warned, "a bucket with versions was blamed", warned)
        work.apply()
        key = "stacks/net.tfstate"
        good = s3.get(key)
        for what, bad, says in (
            ("truncated", good[: len(good) // 2], "Truncated state file"),
            ("of another format", good.replace('"version": 4', '"version": 9', 1), "format version 9"),
            ("no state", '{"a": 1}', "Unsupported state file format"),
            ("no JSON", "<html></html>", "state file"),
        ):
            put(prefix + key, bad.encode())
            for command in (["plan"], ["apply", "-auto-approve"], ["destroy", "-auto-approve"], ["state", "list"]):
                refused = " ".join(work.run(*command, *(["-no-color"] if command[0] != "state" else []), code=1).split())
                check(says in refused and key in refused, f"{command[0]}: a state that is {what} gives another error", refused)
            check(s3.get(key) == bad, f"the state that is {what} was written over")
            lock = held(s3)
            check(lock is None, f"the lock stayed: {lock}")
        put(prefix + key, good.encode())
        work.settled()

        put(prefix + key + ".tflock", b"")
        refused = " ".join(work.apply("-var=n=4", code=1).split())
        check("does not say who holds it" in refused and ".tflock" in refused, "a lock without a body gives another error", refused)
        work.settled()
        send(s3.endpoint, "s3", "DELETE", prefix + key + ".tflock")

        process = work.applying("-var=n=9", "-var=pause=1", "-parallelism=2")
        journal = until(lambda: sorted(k for k in s3.keys() if re.search(r"\.journal/\d+/0*[1-9]", k))[1:], "two records")
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        last = sorted(k for k in s3.keys() if ".journal/" in k)[-1]
        whole = s3.get(last)
        put(prefix + last, whole[:-7].encode())
        refused = " ".join(work.apply("-var=n=9", "-lock-timeout=30s", code=1).split())
        check("is not as it was written" in refused and last in refused, f"a torn journal ({journal}) gives another error", refused)
        check(json.loads(s3.get(key).strip())["resources"], "the last good state is gone")
        put(prefix + last, whole.encode())
        work.apply("-var=n=9", "-lock-timeout=30s")
        work.settled("-var=n=9")


def remembers(engine, terraform, s3):
    """The versions of a state tell who wrote them and what became of an object."""
    versioned = b'<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>'
    send(s3.endpoint, "s3", "PUT", f"/{s3.bucket}?versioning", {"Content-Type": "application/xml"}, versioned)
    with Work(engine, s3) as ours, Work(terraform, s3) as theirs:
        ours.env.update(GITHUB_SERVER_URL="https://github.com", GITHUB_REPOSITORY="a/b", GITHUB_RUN_ID="7")
        for n in (1, 2):
            ours.apply(f"-var=n={n}")
        theirs.run("init", "-input=false", "-no-color")
        theirs.write((BACKEND.format(bucket=s3.bucket) + CONFIG).replace('"v$', '"w$'))
        theirs.apply("-var=n=2")
        ours.apply("-var=n=1")
        rows = [re.split(r" {2,}", line) for line in ours.run("state", "versions").splitlines()[1:]]
        # A serial comes up again where a run that took over claimed the state.
        check([row[0] for row in rows] == sorted({row[0] for row in rows}, key=int, reverse=True), "versions are out of order", str(rows))
        by = {row[0]: row[3] for row in rows}
        wrote = {"ours": [s for s, who in by.items() if "(apply), CI job https://github.com/a/b/actions/runs/7" in who], "theirs": [s for s, who in by.items() if who == "-"]}
        check((len(wrote["ours"]), len(wrote["theirs"])) == (3, 1), f"who wrote which version: {by}")
        history = ours.run("state", "history", "terraform_data.a[1]")
        titles = [line.split("serial ")[1].split(maxsplit=1)[1] for line in history.splitlines() if "serial " in line]
        check(titles == ["was removed", "changed", "was added"] and '"v1" -> "w1"' in history, "the history is another", history)
        limited = ours.run("state", "versions", "-limit=2").splitlines()
        check(len(limited) == 3, "-limit=2 lists another number", str(limited))
        check("No instance found" in ours.run("state", "history", "terraform_data.b", code=1), "an object that never was has a history")


CHECKS = [
    (reads_each_other, True), (locks_exclude_each_other, True), (workspaces_are_shared, True), (moves, False), (outputs_are_read, False),
    (remembers, True), (killed, False), (stopped, False), (cut_off, False), (broken, False),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_engine_option(parser)
    parser.add_argument("--terraform", default="terraform")
    parser.add_argument("--only", help="run only the check of this name")
    options = parser.parse_args()
    stop_on_sigterm()
    engine, terraform = find_engine(options.engine), shutil.which(options.terraform)
    passed, failed, left_out = 0, 0, 0
    with tempfile.TemporaryFile("w+b") as log:
        moto, port = start_moto(ensure_venv(), log)
        try:
            for number, (run, needs_terraform) in enumerate(CHECKS):
                name = run.__name__.replace("_", "-")
                if options.only not in (None, name):
                    continue
                if needs_terraform and not terraform:
                    left_out += 1
                    print(f"skip {name}: Terraform is not installed", flush=True)
                    continue
                began = time.monotonic()
                try:
                    run(engine, terraform, S3(f"http://127.0.0.1:{port}", f"states-{number}"))
                except Failed as error:
                    failed += 1
                    print(f"FAIL {name}: {error}", flush=True)
                else:
                    passed += 1
                    print(f"pass {name} ({time.monotonic() - began:.1f} s): {run.__doc__}", flush=True)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(moto.pid, signal.SIGKILL)
            moto.wait()
    print(f"{passed} passed, {failed} failed, {left_out} left out")
    return 1 if failed else NOT_COMPARED if left_out else 0


if __name__ == "__main__":
    sys.exit(main())

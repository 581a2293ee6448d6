#!/usr/bin/env python3
"""Runs an emulated AWS: moto, installed on first use, behind the counting proxy.

    moto.py run [--latency-ms N] [--eks-delay S] [--counts] -- COMMAND...
    moto.py serve [--port N]
    moto.py install

`run` sets the environment so that every AWS SDK talks to the emulator, runs the command and returns its exit code.
`serve` stays in the foreground and prints what to set. As a module: `with Cloud() as cloud: ...`.
"""
import argparse
import contextlib
import fcntl
import glob
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from engine import aws_env
from inventory import inventory
from proxy import Proxy

HERE = os.path.dirname(os.path.abspath(__file__))
REQUIREMENTS = os.path.join(HERE, "requirements.txt")
CLI_REQUIREMENTS = os.path.join(HERE, "requirements-cli.txt")


class Cloud:
    """An emulated account, empty at first; gone with the `with` block."""

    def __init__(self, latency_ms=0.0, eks_delay=0.0, port=0):
        self.venv = ensure_venv()
        self.log = tempfile.TemporaryFile("w+b")
        self.process, upstream_port = start_moto(self.venv, self.log)
        models = glob.glob(os.path.join(self.venv, "lib", "python*", "site-packages", "botocore", "data"))
        self.proxy = Proxy(upstream_port, models[0] if models else None, latency_ms, eks_delay, port)
        self.endpoint = f"http://127.0.0.1:{self.proxy.port}"
        self.upstream = self.proxy.upstream

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Stops the proxy and moto."""
        self.proxy.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()

    def env(self):
        """The environment in which SDKs talk to this account."""
        return aws_env(self.endpoint)

    def clear(self):
        """Empties the account."""
        self.control("POST", "clear")

    def reset_calls(self):
        """Starts counting from zero."""
        self.control("POST", "reset")

    def calls(self):
        """What was counted since: total, mutating, by_action, repeats, errors, most_in_flight."""
        return self.control("GET", "calls")

    def inventory(self):
        """kind -> IDs of what exists."""
        return inventory(self.upstream, self.proxy.eks)

    def control(self, method, name):
        """Calls one of the proxy's own addresses."""
        request = urllib.request.Request(f"{self.endpoint}/_harness/{name}", method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)


def ensure_venv(requirements=REQUIREMENTS, what="moto, the emulator of AWS"):
    """The folder of the virtual environment with `what` in it, made on first use: one for each set of pinned versions."""
    with open(requirements, "rb") as file:
        digest = hashlib.sha256(file.read() + sys.version.split()[0].encode()).hexdigest()[:12]
    cache = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "secstack")
    venv = os.path.join(cache, f"venv-{digest}")
    done = os.path.join(venv, "complete")
    os.makedirs(cache, exist_ok=True)
    with open(venv + ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs at once make it once
        if not os.path.exists(done):
            print(f"Installing {what} (once)", file=sys.stderr)
            needs = f"Python 3.11 or newer with its venv module, and a package index with {requirements}"
            run_quietly([sys.executable, "-m", "venv", "--clear", venv], needs)
            run_quietly([os.path.join(venv, "bin", "pip"), "install", "--quiet", "-r", requirements], needs)
            open(done, "w", encoding="utf-8").close()
    return venv


def aws_cli():
    """The path of the AWS CLI, installed on first use."""
    return os.path.join(ensure_venv(CLI_REQUIREMENTS, "the AWS CLI"), "bin", "aws")


def run_quietly(command, needs):
    """Runs a command of the installation; stops the harness with what it printed, and what it needs, if it fails."""
    made = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if made.returncode:
        raise SystemExit(f"{made.stdout}\nThe installation failed: {' '.join(command)}\nIt needs {needs}.")


def start_moto(venv, log):
    """Starts moto on a free port and waits until it answers. Returns the process and the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = dict(os.environ, MOTO_IAM_LOAD_MANAGED_POLICIES="true")
    command = [os.path.join(venv, "bin", "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/", timeout=1).close()
            return process, port
        except OSError:
            time.sleep(0.1)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    log.seek(0)
    raise SystemExit(log.read().decode("utf-8", "replace")[-2000:] + "\nmoto did not start.")


def stop_on_sigterm():
    """Lets SIGTERM end the program like an exception, so that moto is stopped too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_subparsers(dest="mode", required=True)
    run, serve = modes.add_parser("run"), modes.add_parser("serve")
    modes.add_parser("install")
    for mode in (run, serve):
        mode.add_argument("--latency-ms", type=float, default=0, help="added to every call")
        mode.add_argument("--eks-delay", type=float, default=0, help="seconds EKS objects take to appear and to go")
    run.add_argument("--counts", action="store_true", help="print the counted calls at the end")
    run.add_argument("command", nargs=argparse.REMAINDER, help="-- and the command to run")
    serve.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    if options.mode == "install":
        print(ensure_venv())
        return 0
    stop_on_sigterm()
    with Cloud(options.latency_ms, options.eks_delay, getattr(options, "port", 0)) as cloud:
        if options.mode == "serve":
            for key in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
                print(f"export {key}={cloud.env()[key]}", flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                threading.Event().wait()
            return 0
        command = options.command[1:] if options.command[:1] == ["--"] else options.command
        if not command:
            parser.error("run needs a command")
        try:
            code = subprocess.run(command, env=cloud.env(), check=False).returncode
        except OSError as error:
            raise SystemExit(f"{command[0]}: {error.strerror}") from error
        if options.counts:
            print(json.dumps(cloud.calls(), indent=1), file=sys.stderr)
        return code


if __name__ == "__main__":
    sys.exit(main())

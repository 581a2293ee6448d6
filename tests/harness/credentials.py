#!/usr/bin/env python3
"""Checks credentials that run out while a run is under way, and a store that refuses to be written. Part of `make test-s3`.

    credentials.py [--engine BIN] [--only NAME]

In front of an emulated S3 stands a gate that plays GitHub's token endpoint and the service that gives credentials for its
tokens. These live for seconds, and what is signed with credentials that have run out is refused, as AWS does it.
"""
import argparse
import base64
import collections
import contextlib
import http.client
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from aws_api import send
from engine import add_engine_option, aws_env, clean_env, find_engine
from moto import ensure_venv, start_moto, stop_on_sigterm

# Clients renew credentials ten seconds before they run out.
LIFE = 16
TOKEN_LIFE = 4
BEARER = "the-token-of-the-job"
ROLE = "arn:aws:iam::123456789012:role/deploy"
CONFIG = """
terraform {
  backend "s3" {
    bucket       = "states"
    key          = "stack.tfstate"
    region       = "us-east-1"
    use_lockfile = true
  }
}
resource "terraform_data" "a" {
  count = COUNT
  input = count.index
  provisioner "local-exec" { command = "echo ${self.id} >> made; sleep PAUSE" }
}
"""
TRIALS = []


class Failed(Exception):
    """A check did not hold."""


def trial(function):
    """Adds a function to those that are run."""
    TRIALS.append(function)
    return function


def check(holds, what, output=""):
    """Fails with a sentence and what was printed."""
    if not holds:
        raise Failed(f"{what}\n" + "\n".join("       | " + line for line in output.strip().splitlines()[-40:]))


class Gate(http.server.ThreadingHTTPServer):
    """Between the engine and moto: gives tokens and credentials, and lets nobody through whose credentials have run out."""

    daemon_threads = True

    def __init__(self, upstream):
        super().__init__(("127.0.0.1", 0), Caller)
        self.upstream, self.mutex = upstream, threading.Lock()
        self.forget()
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server_port}"

    def forget(self):
        """Begins anew."""
        self.tokens, self.sessions, self.events = {}, {}, collections.Counter()
        self.read_only = self.no_more_tokens = False

    def new_token(self):
        """A JWT that nobody has yet."""
        part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
        with self.mutex:
            claims = {"iss": "https://token.actions.githubusercontent.com", "jti": len(self.tokens), "exp": int(time.time()) + TOKEN_LIFE}
            token = f"{part({'alg': 'none'})}.{part(claims)}.c2ln"
            self.tokens[token] = time.monotonic() + TOKEN_LIFE
        return token

    def new_session(self):
        """The session token of new credentials, and when they run out."""
        with self.mutex:
            name = f"session-{len(self.sessions) + 1}"
            self.sessions[name] = time.monotonic() + LIFE
        return name

    def allows(self, session):
        return time.monotonic() < self.sessions.get(session, 0)


class Caller(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith("/github/token"):
            return self.token()
        form = urllib.parse.parse_qs(body.decode("latin1")) if self.command == "POST" and self.path == "/" else {}
        if form.get("Action") == ["AssumeRoleWithWebIdentity"]:
            return self.session(form)
        server, session = self.server, self.headers.get("X-Amz-Security-Token", "")
        if not server.allows(session):
            server.events["expired"] += 1
            return self.refuse(400, "ExpiredToken", "The provided token has expired.")
        server.events[session] += 1
        if server.read_only and self.command != "GET" and self.command != "HEAD":
            server.events["refused"] += 1
            return self.refuse(403, "AccessDenied", "Access Denied")
        return self.forward(body)

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET

    def token(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        if self.server.no_more_tokens or self.headers.get("Authorization", "").lower() != f"bearer {BEARER}":
            return self.answer(401, b"{}", "application/json")
        check(query == {"api-version": ["1"], "audience": ["sts.amazonaws.com"]}, f"the token was asked for with {query}")
        self.server.events["tokens"] += 1
        return self.answer(200, json.dumps({"value": self.server.new_token(), "count": 1}).encode(), "application/json")

    def session(self, form):
        token = form["WebIdentityToken"][0]
        if form["RoleArn"] != [ROLE] or time.monotonic() > self.server.tokens.get(token, 0):
            self.server.events["stale tokens"] += 1
            return self.refuse(400, "ExpiredTokenException", "Token expired", service=True)
        name = self.server.new_session()
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + LIFE))
        body = f"""<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>
<Credentials><AccessKeyId>ASIA{name}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>{name}</SessionToken>
<Expiration>{until}</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"""
        return self.answer(200, body.encode(), "text/xml")

    def refuse(self, status, code, message, service=False):
        error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        return self.answer(status, (f"<ErrorResponse>{error}</ErrorResponse>" if service else error).encode(), "application/xml")

    def answer(self, status, body, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def forward(self, body):
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=60)
        dropped = ("connection", "content-length", "expect", "transfer-encoding")
        upstream.request(self.command, self.path, body, {k: v for k, v in self.headers.items() if k.lower() not in dropped})
        answer = upstream.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in (*dropped, "server", "date"):
                self.send_header(name, value)
        self.send_header("Content-Length", answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        upstream.close()

    def log_message(self, *_):
        """Says nothing."""


class Work:
    """A directory with a configuration, and the engine to run in it as in a job of GitHub Actions."""

    def __init__(self, engine, gate, count, pause):
        self.engine, self.gate, self.dir = engine, gate, tempfile.mkdtemp(prefix="secstack-credentials-")
        with open(os.path.join(self.dir, "main.tf"), "w", encoding="utf-8") as file:
            file.write(CONFIG.replace("COUNT", str(count)).replace("PAUSE", str(pause)))
        self.env = aws_env(gate.address, clean_env())
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            del self.env[name]
        self.env.update(
            AWS_ROLE_ARN=ROLE, ACTIONS_ID_TOKEN_REQUEST_TOKEN=BEARER, HOME=self.dir,
            ACTIONS_ID_TOKEN_REQUEST_URL=f"{gate.address}/github/token?api-version=1")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir, ignore_errors=True)

    def start(self, *args):
        return subprocess.Popen(
            [self.engine, *args], cwd=self.dir, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)

    def run(self, *args, code=0):
        """Runs the engine, which must end with this code. Returns what it printed."""
        process = self.start(*args)
        output = process.communicate(timeout=240)[0]
        check(process.returncode == code, f"`{' '.join(args)}` ended with {process.returncode}", output)
        return output

    def apply(self, *more, code=0):
        return self.run("apply", "-auto-approve", "-input=false", "-no-color", "-parallelism=1", *more, code=code)

    def made(self):
        """The IDs of all objects that were ever made."""
        with contextlib.suppress(FileNotFoundError), open(os.path.join(self.dir, "made"), encoding="utf-8") as file:
            return file.read().split()
        return []

    def settled(self, count):
        """Nothing is left to do, and every object that was made is in the state, or was deleted as a tainted one."""
        self.run("plan", "-detailed-exitcode", "-input=false", "-no-color")
        state = json.loads(self.run("state", "pull"))
        known = [i["attributes"]["id"] for r in state["resources"] for i in r["instances"]]
        check(len(known) == count and set(known) <= set(self.made()), f"the state has {known}, made were {self.made()}")
        return known


def until(condition, what, seconds=60):
    """Waits until something holds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.05)
    raise Failed(f"{what} did not happen within {seconds} seconds")


@trial
def credentials_are_renewed(engine, gate):
    """A run that outlives three times its credentials uses new ones, got with new tokens, and no call is refused."""
    with Work(engine, gate, 6, 5) as work:
        out = work.apply()
        events = dict(gate.events)
        sessions = [name for name in events if name.startswith("session-")]
        check(len(sessions) >= 3, f"only {sessions} were used: {events}", out)
        check(events["tokens"] >= len(sessions) and not events.get("expired") and not events.get("stale tokens"), str(events), out)
        check(work.settled(6) == work.made(), "objects were made twice")


@trial
def no_more_tokens(engine, gate):
    """Credentials that cannot be renewed end the run with a sentence, and the next run goes on."""
    with Work(engine, gate, 8, 4) as work:
        process = work.start("apply", "-auto-approve", "-input=false", "-no-color", "-parallelism=1")
        until(lambda: len(work.made()) >= 2, "the second object")
        gate.no_more_tokens = True
        out = process.communicate(timeout=240)[0]
        check(process.returncode == 1 and "GitHub gives no identity token" in out, f"ended with {process.returncode}", out)
        check(len(work.made()) < 8, "the run went on without a store", out)
        gate.no_more_tokens = False
        follow(work, out, 8)


@trial
def a_store_that_refuses(engine, gate):
    """What the exit message says leads on: with the file that is left, and without it."""
    for with_file in (True, False):
        gate.forget()
        send(f"http://127.0.0.1:{gate.upstream}", "s3", "PUT", f"/states-{with_file}".lower())
        with Work(engine, gate, 5, 2) as work:
            path = os.path.join(work.dir, "main.tf")
            with open(path, encoding="utf-8") as file:
                text = file.read().replace('"states"', f'"states-{with_file}"'.lower())
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            process = work.start("apply", "-auto-approve", "-input=false", "-no-color", "-parallelism=1")
            until(lambda: len(work.made()) >= 2, "the second object")
            gate.read_only = True
            out = process.communicate(timeout=240)[0]
            check(process.returncode == 1 and gate.events["refused"], f"ended with {process.returncode}", out)
            check(len(work.made()) < 5, "the run went on without a store", out)
            gate.read_only = False
            if with_file:
                follow(work, out, 5)
            else:
                # What ended when the store refused already is known to nobody.
                os.remove(os.path.join(work.dir, "errored.tfstate"))
                follow(work, out, 5, anew=len(work.made()))


def follow(work, out, count, anew=1):
    """Does what the exit message says, and looks that nothing is lost on the way. So many objects may be made anew: those
    whose provisioners are not known to have ended."""
    told = re.sub(r"[\s│]+", " ", out)
    check("errored.tfstate" in told and "secstack state push -lock-timeout=1m errored.tfstate" in told, "it is not said how to go on", out)
    before = work.made()
    if os.path.exists(os.path.join(work.dir, "errored.tfstate")):
        work.run("state", "push", "-lock-timeout=1m", "errored.tfstate")
    again = work.apply("-lock-timeout=1m")
    known = work.settled(count)
    lost = [i for i in before if i not in known]
    # The object whose provisioner was cut off is tainted: it is deleted, and said to be.
    check(all(i in again for i in lost), f"lost: {lost}", out + again)
    check(len(lost) <= anew, f"{len(lost)} objects were made anew", out + again)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_engine_option(parser)
    parser.add_argument("--only", help="run only the checks whose names hold this")
    options = parser.parse_args()
    engine = find_engine(options.engine)
    stop_on_sigterm()
    failed = passed = 0
    with tempfile.TemporaryFile("w+b") as log:
        process, port = start_moto(ensure_venv(), log)
        try:
            for one in TRIALS:
                if options.only and options.only not in one.__name__:
                    continue
                name = one.__name__.replace("_", " ")
                send(f"http://127.0.0.1:{port}", "s3", "POST", "/moto-api/reset")
                send(f"http://127.0.0.1:{port}", "s3", "PUT", "/states")
                gate = Gate(port)
                try:
                    one(engine, gate)
                    passed += 1
                    print(f"pass {name}", flush=True)
                except (Failed, subprocess.TimeoutExpired) as error:
                    failed += 1
                    print(f"FAIL {name}: {error}", flush=True)
                finally:
                    gate.shutdown()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

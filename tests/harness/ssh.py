#!/usr/bin/env python3
"""Checks provisioners that reach another machine, against a real OpenSSH server on this one. Run by `make test-ssh`.

    ssh.py [--engine BIN] [--only NAME]

The server is started here, on a port of the loopback, as the user who runs this and with keys made for it. Nothing is installed.
"""
import argparse
import contextlib
import getpass
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

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from engine import add_engine_option, clean_env, find_engine

MISSING = "There is no {}: install the OpenSSH server and client (on Debian: apt-get install openssh-server openssh-client)."
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
        raise Failed(f"{what}\n" + "\n".join("       | " + line for line in output.strip().splitlines()[-25:]))


def program(name, *folders):
    """The absolute path of a program. Stops with a sentence where there is none."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", *folders])
    found = shutil.which(name, path=path)
    if not found:
        raise SystemExit(MISSING.format(name))
    return found


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Server:
    """An OpenSSH server."""

    def __init__(self, folder):
        self.folder, self.port, self.process = folder, free_port(), None
        self.sshd = program("sshd")
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)  # the server insists on it
        self.keys()
        with open(self.path("sshd_config"), "w", encoding="utf-8") as file:
            file.write(self.config())
        self.start()

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def make_key(self, name, *options):
        keygen = [program("ssh-keygen"), "-q", "-f", self.path(name), "-C", name, *options]
        subprocess.run(keygen if "-N" in options else [*keygen, "-N", ""], check=True)

    def keys(self):
        for kind in ("ed25519", "rsa", "ecdsa"):
            self.make_key(f"host_{kind}", "-t", kind)
            self.make_key(f"user_{kind}", "-t", kind)
        self.make_key("user_pem", "-t", "rsa", "-m", "PEM")
        self.make_key("user_pkcs8", "-t", "rsa", "-m", "PKCS8")
        self.make_key("user_sec1", "-t", "ecdsa", "-m", "PEM")
        self.make_key("user_521", "-t", "ecdsa", "-b", "521")
        self.make_key("locked", "-t", "ed25519", "-N", "secret")
        self.make_key("locked_pem", "-t", "rsa", "-m", "PEM", "-N", "secret")
        for name in ("stranger", "certified", "authority", "host_authority"):
            self.make_key(name, "-t", "ed25519")
        sign = [program("ssh-keygen"), "-q", "-V", "+1d"]
        who = ["-I", "user", "-n", getpass.getuser()]
        subprocess.run([*sign, "-s", self.path("authority"), *who, self.path("certified.pub")], check=True)
        host = ["-h", "-I", "host", "-n", "localhost"]
        subprocess.run([*sign, "-s", self.path("host_authority"), *host, self.path("host_ed25519.pub")], check=True)
        names = [n for n in os.listdir(self.folder) if n.startswith(("user_", "locked")) and n.endswith(".pub")]
        with open(self.path("authorized_keys"), "w", encoding="utf-8") as file:
            file.writelines(self.read(name) for name in sorted(names))

    def config(self):
        hosts = "".join(f"HostKey {self.path('host_' + kind)}\n" for kind in ("ed25519", "rsa", "ecdsa"))
        return f"""Port {self.port}
ListenAddress 127.0.0.1
{hosts}HostCertificate {self.path('host_ed25519-cert.pub')}
AuthorizedKeysFile {self.path('authorized_keys')}
TrustedUserCAKeys {self.path('authority.pub')}
PidFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
StrictModes no
MaxStartups 100
"""

    def start(self):
        log = open(self.path("log"), "ab")
        command = [self.sshd, "-D", "-e", "-f", self.path("sshd_config")]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        log.close()
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            time.sleep(0.05)
        raise SystemExit(f"The SSH server did not start: {self.read('log')[-1500:]}")

    def stop(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def connection(self, key="user_ed25519", **more):
        """A connection block; an argument that is None is left out."""
        port = self.port
        arguments = dict(host="127.0.0.1", port=port, user=getpass.getuser(), timeout="20s", private_key=self.path(key) if key else None)
        arguments.update(more)
        lines = []
        for name, value in arguments.items():
            if value is not None:
                file = name.endswith(("private_key", "certificate", "host_key"))
                lines.append(f"    {name} = " + (f'trimspace(file("{value}"))' if file else json.dumps(value)))
        return "  connection {\n" + "\n".join(lines) + "\n  }\n"


class Stack:
    """A configuration of one object in a folder of its own."""

    def __init__(self, engine, *blocks, files=(), env=()):
        self.engine, self.dir = engine, tempfile.mkdtemp(prefix="secstack-ssh-")
        self.there = os.path.join(self.dir, "there")
        os.mkdir(self.there)
        self.env = clean_env()
        self.env.pop("SSH_AUTH_SOCK", None)
        self.env.update(env)
        self.write("main.tf", 'resource "terraform_data" "a" {\n' + "".join(blocks).replace("THERE", self.there) + "}\n")
        for name, text in dict(files).items():
            self.write(name, text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir, ignore_errors=True)

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def found(self):
        """What was put there: path -> text."""
        found = {}
        for folder, _, names in os.walk(self.there):
            for name in names:
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    found[os.path.relpath(os.path.join(folder, name), self.there)] = file.read()
        return found

    def start(self, *command):
        return subprocess.Popen(
            [self.engine, *command, "-no-color"], cwd=self.dir, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)

    def run(self, *command):
        process = self.start(*command)
        out, _ = process.communicate(timeout=120)
        return process.returncode, out

    def apply(self):
        return self.run("apply", "-auto-approve")

    def works(self, *words):
        code, out = self.apply()
        check(code == 0, "the apply failed", out)
        for word in words:
            check(word in out, f"{word!r} is not shown", out)
        return out

    def fails(self, *words):
        code, out = self.apply()
        told = re.sub(r"[\s│]+", " ", out)
        check(code == 1, "the apply did not fail", out)
        for word in words:
            check(word in told, f"{word!r} is not said", out)
        return out

    def status(self):
        """The status of each object in the state."""
        with open(os.path.join(self.dir, "terraform.tfstate"), encoding="utf-8") as file:
            return [i.get("status") for r in json.load(file)["resources"] for i in r["instances"]]

    def tainted(self):
        return self.status() == ["tainted"]


def remote(*lines, **more):
    """A remote-exec provisioner."""
    extra = "".join(f"    {name} = {value}\n" for name, value in more.items())
    return f'  provisioner "remote-exec" {{\n    inline = {json.dumps(lines)}\n{extra}  }}\n'


def put(**arguments):
    """A file provisioner."""
    lines = "".join(f"    {name} = {json.dumps(value)}\n" for name, value in arguments.items())
    return f'  provisioner "file" {{\n{lines}  }}\n'


@trial
def a_script_runs(engine, server):
    """Its output is shown, it has a terminal, and nothing is left of it."""
    block = server.connection(script_path="THERE/s-%RAND%.sh")
    with Stack(engine, block, remote("echo out", "echo err >&2", "test -t 1 && echo terminal", "ls -l $0")) as stack:
        out = stack.works("(remote-exec): out\n", "(remote-exec): err\n", "(remote-exec): terminal\n", "Connected!", "-rwx------")
        check(stack.found() == {}, f"left: {stack.found()}", out)


@trial
def a_script_fails(engine, server):
    """The object is tainted, the code is told, nothing is left of the script; what may fail does not stop."""
    block = server.connection(script_path="THERE/s.sh")
    with Stack(engine, block, remote("exit 7", on_failure="continue"), remote("exit 3"), remote("echo never")) as stack:
        out = stack.fails("remote-exec provisioner error", "s.sh\": Process exited with status 3", "on_failure = continue")
        check(stack.tainted() and stack.found() == {} and "(remote-exec): never" not in out, "not as it should be", out)
    with Stack(engine, block, remote("kill -9 $$")) as stack:
        stack.fails("Process exited with status 137 from signal KILL")


@trial
def scripts_from_files(engine, server):
    """With and without a first line that names an interpreter."""
    files = {"one.sh": "echo one $0\n", "two.sh": "#!/bin/cat\nthe text\n"}
    with Stack(engine, server.connection(), '  provisioner "remote-exec" {\n    scripts = ["one.sh", "two.sh"]\n  }\n', files=files) as stack:
        stack.works("(remote-exec): one /tmp/terraform_", "(remote-exec): the text")
    with Stack(engine, server.connection(), '  provisioner "remote-exec" {\n    script = "three.sh"\n  }\n') as stack:
        stack.fails("Failed to open script 'three.sh': open three.sh: no such file or directory")


@trial
def every_kind_of_key(engine, server):
    """Formats and curves; what is locked or strange is refused."""
    names = ("user_ed25519", "user_rsa", "user_ecdsa", "user_pem", "user_pkcs8", "user_sec1", "user_521")
    for name in names:
        with Stack(engine, server.connection(name), remote("echo in")) as stack:
            stack.works("(remote-exec): in\n")
    for name in ("locked", "locked_pem"):
        with Stack(engine, server.connection(name), remote("echo in")) as stack:
            stack.fails("Failed to parse ssh private key: ssh: this private key is passphrase protected")
    with Stack(engine, server.connection("stranger", timeout="2s"), remote("echo in")) as stack:
        stack.fails("timeout - last error: SSH authentication failed", "attempted methods [none publickey], no supported methods remain")
    with Stack(engine, server.connection("certified", certificate=server.path("certified-cert.pub")), remote("echo in")) as stack:
        stack.works("  Certificate: true")
    with Stack(engine, server.connection("certified", timeout="2s"), remote("echo in")) as stack:
        stack.fails("attempted methods [none publickey]")


@trial
def the_host_is_checked(engine, server):
    """By any of its keys, or by the authority that signed it."""
    for kind in ("ed25519", "rsa", "ecdsa"):
        with Stack(engine, server.connection(host_key=server.path(f"host_{kind}.pub")), remote("echo in")) as stack:
            stack.works("  Checking Host Key: true")
    with Stack(engine, server.connection(host_key=server.path("stranger.pub"), timeout="2s"), remote("echo in")) as stack:
        stack.fails("ssh: handshake failed: ")
    signed = server.path("host_authority.pub")
    with Stack(engine, server.connection(host_key=signed, host="localhost"), remote("echo in")) as stack:
        stack.works("(remote-exec): in")
    with Stack(engine, server.connection(host_key=signed, timeout="2s"), remote("echo in")) as stack:
        stack.fails("is for localhost, not for 127.0.0.1")


@trial
def an_agent_has_the_key(engine, server):
    """By default where there is one; asked for where there is none is a mistake."""
    socket_path = server.path("agent")
    agent = subprocess.Popen([program("ssh-agent"), "-D", "-a", socket_path], stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        deadline = time.monotonic() + 10
        while not os.path.exists(socket_path) and time.monotonic() < deadline:
            time.sleep(0.05)
        env = {"SSH_AUTH_SOCK": socket_path}
        for name in ("stranger", "user_rsa"):
            added = [program("ssh-add"), "-q", server.path(name)]
            subprocess.run(added, env=dict(os.environ, **env), check=True, stderr=subprocess.DEVNULL)
        with Stack(engine, server.connection(None), remote("echo in"), env=env) as stack:
            stack.works("  SSH Agent: true")
        with Stack(engine, server.connection(None, agent_identity=server.path("user_rsa.pub")), remote("echo in"), env=env) as stack:
            stack.works("(remote-exec): in")
        with Stack(engine, server.connection(None, agent=False, timeout="2s"), remote("echo in"), env=env) as stack:
            stack.fails("attempted methods [none]")
    finally:
        agent.kill()
        agent.wait()
    with Stack(engine, server.connection(agent=True), remote("echo in")) as stack:
        stack.fails("SSH agent requested but SSH_AUTH_SOCK not-specified")


@trial
def a_bastion(engine, server):
    """The way leads through the server to itself."""
    key = server.path("user_ecdsa")
    with Stack(engine, server.connection("user_rsa", bastion_host="127.0.0.1", bastion_private_key=key), remote("echo in")) as stack:
        stack.works("Using configured bastion host...", "(remote-exec): in")
    key = server.path("stranger")
    block = server.connection("user_rsa", bastion_host="127.0.0.1", bastion_private_key=key, timeout="2s")
    with Stack(engine, block, remote("echo in")) as stack:
        stack.fails("Error connecting to bastion: ssh: handshake failed")


@trial
def a_proxy(engine, server):
    """HTTP and SOCKS 5, with a name and a password."""
    for scheme in ("http", "socks5"):
        proxy = Proxy(scheme)
        arguments = dict(proxy_scheme=scheme, proxy_host="127.0.0.1", proxy_port=proxy.port, proxy_user_name="me")
        with Stack(engine, server.connection(proxy_user_password="word", **arguments), remote("echo in")) as stack:
            stack.works("Using configured proxy host...", "(remote-exec): in")
        check(proxy.served == [server.port], f"{scheme}: the proxy connected to {proxy.served}")
        with Stack(engine, server.connection(proxy_user_password="other", timeout="2s", **arguments), remote("echo in")) as stack:
            stack.fails("timeout - last error: proxy 127.0.0.1")


@trial
def files(engine, server):
    """Texts, files, directories with and without a slash, and links."""
    tree = {"src/one": "1\n", "src/sub/two": "2\n", "src/a b'c$d": "x\n", "src/big": "line\n" * 200000}
    whole = {name.removeprefix("src/"): text for name, text in tree.items()}
    cases = [
        (dict(content="hi", destination="THERE/a"), {"a": "hi"}),
        (dict(content="", destination="THERE/it's $a"), {"it's $a": ""}),
        (dict(source="src/one", destination="THERE/b"), {"b": "1\n"}),
        (dict(source="src", destination="THERE"), {f"src/{name}": text for name, text in whole.items()}),
        (dict(source="src/", destination="THERE"), whole),
        (dict(source="src", destination="THERE/new"), {f"new/{name}": text for name, text in whole.items()}),
    ]
    for arguments, expected in cases:
        with Stack(engine, server.connection(), put(**arguments), files=tree) as stack:
            out = stack.works()
            check(stack.found() == expected, f"{arguments}: found {sorted(stack.found())}", out)
    with Stack(engine, server.connection(), put(source="src", destination="THERE"), files=tree) as stack:
        os.symlink("one", os.path.join(stack.dir, "src", "link"))
        stack.works()
        check(stack.found()["src/link"] == "1\n", "the link was not followed")
    with Stack(engine, server.connection(), put(content="hi", destination="THERE/no/such/a")) as stack:
        stack.fails("Upload failed: scp: ", "/no/such: No such file or directory")
    with Stack(engine, server.connection(), put(source="nothing", destination="THERE/a")) as stack:
        stack.fails("stat nothing: no such file or directory")


@trial
def before_a_deletion(engine, server):
    """With `self` in the connection; a failure keeps the object."""
    block = server.connection(host=None).replace("connection {", 'connection {\n    host = self.input.host')
    body = '  input = { host = "127.0.0.1" }\n' + block + remote("echo gone > THERE/note", when="destroy")
    with Stack(engine, body) as stack:
        stack.works()
        check(stack.found() == {}, "it ran too early")
        code, out = stack.run("destroy", "-auto-approve")
        check(code == 0 and stack.found() == {"note": "gone\n"}, "the script did not run", out)
    with Stack(engine, body.replace("echo gone > THERE/note", "exit 4")) as stack:
        stack.works()
        code, out = stack.run("destroy", "-auto-approve")
        check(code == 1 and "Process exited with status 4" in out, "the failure is not told", out)
        check(stack.status() == [None], "the object is not in the state any more", out)


@trial
def secrets_are_not_shown(engine, server):
    """Nor is anything that a script with one prints."""
    block = server.connection() + '  provisioner "remote-exec" {\n    inline = ["echo ${sensitive("hush-hush")}", "exit 1"]\n  }\n'
    with Stack(engine, block) as stack:
        out = stack.fails("(output suppressed due to sensitive value in config)", "Process exited with status 1")
        check("hush-hush" not in out.split("remote-exec'...")[-1].split("Error")[0], "the secret is shown", out)


@trial
def a_server_that_comes_up_late(engine, server):
    """Is waited for."""
    server.stop()
    with Stack(engine, server.connection(timeout="60s"), remote("echo in")) as stack:
        process = stack.start("apply", "-auto-approve")
        time.sleep(3)
        server.start()
        out, _ = process.communicate(timeout=90)
        check(process.returncode == 0 and out.count("Connecting to remote host") > 1, "it was not waited for", out)


@trial
def an_interrupt(engine, server):
    """Ends the run and, since it had a terminal, the script; the object is tainted and made anew by the next run."""
    with Stack(engine, server.connection(), remote("echo $$ > THERE/pid", "sleep 300")) as stack:
        process = stack.start("apply", "-auto-approve")
        deadline = time.monotonic() + 60
        while not stack.found().get("pid", "").strip() and time.monotonic() < deadline:
            time.sleep(0.1)
        pid = int(stack.found()["pid"])
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        out, _ = process.communicate(timeout=60)
        check(process.returncode == 1 and time.monotonic() - began < 20, f"ended with {process.returncode}", out)
        check(stack.tainted(), "the object is not tainted", out)
        deadline = time.monotonic() + 10
        while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
            time.sleep(0.1)
        check(not os.path.exists(f"/proc/{pid}"), "the script still runs", out)
        stack.write("main.tf", 'resource "terraform_data" "a" {}\n')
        code, out = stack.apply()
        check(code == 0 and "1 added, 0 changed, 1 destroyed" in out, "the next run did not make it anew", out)


class Proxy:
    """A proxy that wants the name `me` and the password `word`."""

    def __init__(self, scheme):
        self.served = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        serve = self.http if scheme == "http" else self.socks
        threading.Thread(target=self.accept, args=(serve,), daemon=True).start()

    def accept(self, serve):
        while True:
            near, _ = self.listener.accept()
            threading.Thread(target=serve, args=(near, near.makefile("rb", buffering=0)), daemon=True).start()

    def http(self, near, reader):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += reader.read(1)
        if b"Proxy-Authorization: Basic bWU6d29yZA==\r\n" not in head:
            near.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            return near.close()
        port = int(head.split(b" ")[1].rsplit(b":", 1)[1])
        near.sendall(b"HTTP/1.1 200 OK\r\nVia: a proxy\r\n\r\n")
        return self.join(near, port)

    def socks(self, near, reader):
        version, count = reader.read(2)
        check(version == 5 and 2 in reader.read(count), "no SOCKS 5 with a password")
        near.sendall(b"\x05\x02")
        reader.read(1)
        name, word = [reader.read(reader.read(1)[0]) for _ in range(2)]
        right = (name, word) == (b"me", b"word")
        near.sendall(b"\x01\x00" if right else b"\x01\x01")
        if not right:
            return near.close()
        check(reader.read(4) == b"\x05\x01\x00\x01", "not an address of version 4")
        reader.read(4)
        port = int.from_bytes(reader.read(2), "big")
        near.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
        return self.join(near, port)

    def join(self, near, port):
        self.served.append(port)
        far = socket.create_connection(("127.0.0.1", port))
        for source, target in ((near, far), (far, near)):
            threading.Thread(target=self.carry, args=(source, target), daemon=True).start()

    @staticmethod
    def carry(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_engine_option(parser)
    parser.add_argument("--only", help="run only the checks whose names hold this")
    options = parser.parse_args()
    engine = find_engine(options.engine)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    failed = passed = 0
    with tempfile.TemporaryDirectory(prefix="secstack-sshd-") as folder:
        server = Server(folder)
        try:
            for one in TRIALS:
                if options.only and options.only not in one.__name__:
                    continue
                name = one.__name__.replace("_", " ")
                try:
                    one(engine, server)
                    passed += 1
                    print(f"pass {name}", flush=True)
                except (Failed, subprocess.TimeoutExpired) as error:
                    failed += 1
                    print(f"FAIL {name}: {error}", flush=True)
        finally:
            server.stop()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Finds the engine to test and runs it."""
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tempfile

from aws_api import REGION

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLES = os.path.join(ROOT, "examples")
# What a former run may have left in a folder of configuration.
LEFTOVERS = shutil.ignore_patterns(".terraform", ".terraform.lock.hcl", "terraform.tfstate*", "*.tfplan", "tfplan")


def default_engine():
    """$SECSTACK, or what `make build` makes."""
    target = os.environ.get("CARGO_TARGET_DIR") or os.path.join(ROOT, "target")
    return os.environ.get("SECSTACK") or os.path.join(target, "release", "secstack")


def add_engine_option(parser):
    """The --engine option all tools share."""
    parser.add_argument("--engine", default=default_engine(), help="the binary (default: $SECSTACK, or the one `make build` makes)")


def find_engine(name):
    """The absolute path of an engine. Stops with a sentence where there is none."""
    found = shutil.which(name)
    if not found:
        raise SystemExit(f"There is no engine at {name}: run `make build`, or name one with --engine or $SECSTACK.")
    return os.path.abspath(found)


def needs_init(engine):
    """Whether an engine loads its providers in a step of its own: Terraform does, secstack has them built in."""
    return "terraform" in os.path.basename(engine)


def clean_env(base=None):
    """An environment without settings of the user's own that change what an engine does."""
    base = os.environ if base is None else base
    unwanted = ("TF_VAR_", "TF_LOG", "TF_CLI_ARGS", "TF_WORKSPACE", "TF_DATA_DIR", "AWS_PROFILE")
    env = {key: value for key, value in base.items() if not key.startswith(unwanted)}
    env.update(CHECKPOINT_DISABLE="1", TF_IN_AUTOMATION="1", TF_INPUT="0")
    return env


def aws_env(endpoint, base=None):
    """An environment in which SDKs talk to an emulated AWS; settings for another account are left out."""
    base = os.environ if base is None else base
    env = {key: value for key, value in base.items() if not key.startswith("AWS_")}
    env.update(
        AWS_ENDPOINT_URL=endpoint, AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_REGION=REGION, AWS_DEFAULT_REGION=REGION,
        AWS_EC2_METADATA_DISABLED="true", NO_PROXY="127.0.0.1", no_proxy="127.0.0.1")
    return env


@dataclasses.dataclass
class Run:
    """How one run of an engine went."""

    code: int
    output: str
    wall_s: float
    cpu_s: float
    rss_mb: float


# Runs a command and reports on it. A process of its own, since a child's peak of memory begins with that of the process
# it was forked from: measured straight from a harness of 100 MB, everything would seem to need as much.
LAUNCHER = """
import json, os, signal, sys, time
report, limit, command = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
started = time.monotonic()
child = os.posix_spawnp(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_CLOSE, report)])
signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
signal.setitimer(signal.ITIMER_REAL, limit)
_, status, usage = os.wait4(child, 0)
wall = time.monotonic() - started
code = os.waitstatus_to_exitcode(status)
os.write(report, json.dumps([code, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]).encode())
"""


def measure(command, cwd, env, timeout=600):
    """Runs a command and measures it: processor time and memory (of the largest process) include its waited-for children."""
    reader, writer = os.pipe()
    launcher = [sys.executable, "-I", "-S", "-c", LAUNCHER, str(writer), str(timeout), *command]
    with tempfile.TemporaryFile("w+b") as out, os.fdopen(reader, "rb") as report:
        try:
            subprocess.run(
                launcher, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, pass_fds=[writer],
                check=False)
        finally:
            os.close(writer)
        measured = report.read()
        out.seek(0)
        text = out.read().decode("utf-8", "replace")
    if not measured:
        raise SystemExit(f"{command[0]} could not be started: {text}")
    code, wall, cpu, rss = json.loads(measured)
    return Run(code, text, wall, cpu, rss)


def peak_of_all(command, cwd, env):
    """The most memory in MB that a command and the processes under it had resident at one time, sampled as often as it goes."""
    child = subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0
    while child.poll() is None:
        peak = max(peak, resident_under(child.pid))
    return peak / 1024


def resident_under(root):
    """The resident kB of a process and of all under it."""
    parents, sizes = {}, {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/status", encoding="utf-8") as file:
                fields = dict(line.split(":", 1) for line in file)
        except OSError:
            continue  # gone
        parents[int(name)] = int(fields["PPid"])
        sizes[int(name)] = int(fields.get("VmRSS", "0 kB").split()[0])
    under, found = {root}, {root}
    while found:
        found = {pid for pid, parent in parents.items() if parent in found}
        under |= found
    return sum(sizes.get(pid, 0) for pid in under)


class Workspace:
    """A copy of an example in a temporary folder, and an engine to run in it."""

    def __init__(self, engine, example, env):
        self.engine, self.env = engine, clean_env(env)
        self.base = tempfile.mkdtemp(prefix="secstack-")
        # All of the examples, since they share modules.
        shutil.copytree(EXAMPLES, os.path.join(self.base, "examples"), ignore=LEFTOVERS)
        self.dir = os.path.join(self.base, "examples", example)
        self.state = os.path.join(self.dir, "terraform.tfstate")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.base, ignore_errors=True)

    def run(self, *args):
        """Runs the engine with these arguments."""
        return measure([self.engine, *args], self.dir, self.env)

    def init(self):
        """Loads providers where the engine needs that. Returns the failed run, or None."""
        if not needs_init(self.engine):
            return None
        ran = self.run("init", "-input=false", "-no-color")
        return ran if ran.code else None

    def apply(self):
        return self.run("apply", "-input=false", "-no-color", "-auto-approve")

    def destroy(self):
        return self.run("destroy", "-input=false", "-no-color", "-auto-approve")

    def plan(self):
        """Plans; the exit code says whether there are changes: 0 none, 2 some."""
        return self.run("plan", "-input=false", "-no-color", "-detailed-exitcode", "-out=check.tfplan")

    def memory_of_plan(self):
        """The most memory in MB that a plan needs, with all processes it starts."""
        return peak_of_all([self.engine, "plan", "-input=false", "-no-color"], self.dir, self.env)

    def shown_plan(self):
        """The plan of the last `plan`, as `show -json` gives it."""
        shown = subprocess.run(
            [self.engine, "show", "-json", "check.tfplan"], cwd=self.dir, env=self.env, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=120, check=False)
        if shown.returncode:
            raise SystemExit(f"`show -json` failed: {shown.stdout[-500:]}{shown.stderr[-1500:]}")
        return json.loads(shown.stdout)

    def changes(self):
        """What the last plan would change: address -> (actions, attributes that differ)."""
        found = {}
        for change in self.shown_plan().get("resource_changes") or []:
            actions = change["change"]["actions"]
            if actions not in (["no-op"], ["read"]):
                before, after = change["change"].get("before") or {}, change["change"].get("after") or {}
                names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
                found[change["address"]] = (actions, names)
        return found

    def managed(self):
        """How many instances of managed resources the state holds."""
        with open(self.state, encoding="utf-8") as file:
            resources = json.load(file).get("resources", [])
        return sum(len(resource["instances"]) for resource in resources if resource["mode"] == "managed")

"""The HTTP proxy in front of moto: counts the calls by AWS action, answers EKS itself, can add latency.

Control, on the same port and not counted:

    GET  /_harness/calls   what was counted since the last reset, as JSON
    POST /_harness/reset   starts counting from zero
    POST /_harness/clear   empties the emulated account, EKS included (as POST /moto-api/reset does), and resets
"""
import asyncio
import collections
import hashlib
import json
import re
import threading

from action_names import ActionNames, is_read
from aws_api import json_call
from eks import Eks

# Tokens that differ from try to try: without them a repeat would not look like one.
TOKENS = re.compile(rb'(?:&(?:ClientToken|CreationToken)=[^&]*)|(?:"client(?:Request)?Token" *: *"[^"]*")')
# What AWS refuses to do with a key that is disabled, and moto does.
KEY_USES = ("kms:GenerateDataKey", "kms:Encrypt", "kms:Decrypt")
HOP_HEADERS = ("connection", "keep-alive", "transfer-encoding", "content-length", "expect")


class Counts:
    """What passed through since the last reset."""

    def __init__(self):
        self.by_action = collections.Counter()
        self.by_content = collections.Counter()
        self.errors = collections.Counter()
        self.in_flight = self.most_in_flight = 0
        self.mutating = self.bytes_in = 0
        self.awaited = None

    def when(self, nth):
        """An event that is set when the nth call that changes something comes in."""
        event = threading.Event()
        self.awaited = (nth, event)
        return event

    def enter(self, action, target, body):
        """Notes that a call came in."""
        self.by_action[action] += 1
        self.by_content[action, hashlib.sha256(target.encode() + TOKENS.sub(b"", body)).digest()] += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        if not is_read(action):
            self.mutating += 1
            self.bytes_in += len(body)
            if self.awaited and self.mutating == self.awaited[0]:
                self.awaited[1].set()

    def leave(self, action, status):
        """Notes how a call ended."""
        self.in_flight -= 1
        if status >= 400:
            self.errors[f"{action} {status}"] += 1

    def report(self):
        """The counts as plain data. `repeats` counts calls beyond the first with the same content."""
        repeats = collections.Counter()
        for (action, _), times in self.by_content.items():
            if times > 1:
                repeats[action] += times - 1
        return {
            "total": self.by_action.total(),
            "mutating": self.mutating,
            "bytes_in": self.bytes_in,
            "by_action": dict(self.by_action.most_common()),
            "repeats": dict(repeats.most_common()),
            "errors": dict(self.errors.most_common()),
            "most_in_flight": self.most_in_flight,
        }


class Proxy:
    """A proxy to one moto, on a thread of its own."""

    def __init__(self, upstream_port, models_dir=None, latency_ms=0.0, eks_delay=0.0, port=0):
        """`latency_ms` is added to every call, half before it is carried out and half after."""
        self.upstream_port = upstream_port
        self.upstream = f"http://127.0.0.1:{upstream_port}"
        self.names = ActionNames(models_dir)
        self.eks = Eks(self.upstream, eks_delay)
        self.latency = latency_ms / 1000
        # A call with this in its path or its body takes no time longer.
        self.undelayed = None
        self.counts = Counts()
        self.wanted_port = port
        self.started = threading.Event()
        self.failure = None
        self.thread = threading.Thread(target=self.main, daemon=True)
        self.thread.start()
        self.started.wait(10)
        if self.failure:
            raise SystemExit(f"The proxy could not listen on port {port}: {self.failure}")

    def main(self):
        """Serves until `close`."""
        self.loop = asyncio.new_event_loop()
        try:
            self.server = self.loop.run_until_complete(
                asyncio.start_server(self.serve_client, "127.0.0.1", self.wanted_port, limit=1 << 20, backlog=512))
            self.port = self.server.sockets[0].getsockname()[1]
        except OSError as error:
            self.failure = error
        self.started.set()
        if not self.failure:
            self.loop.run_forever()

    def close(self):
        """Stops listening."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)

    async def serve_client(self, reader, writer):
        """Answers the calls of one connection, one after the other."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                first, *lines = head.decode("latin1").rstrip("\r\n").split("\r\n")
                method, target, _ = first.split(" ", 2)
                headers = [tuple(line.split(":", 1)) for line in lines if ":" in line]
                lower = {name.lower(): value.strip() for name, value in headers}
                if lower.get("expect", "").lower() == "100-continue":
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = await read_body(reader, lower)
                writer.write(await self.answer(method, target, headers, lower, body))
                await writer.drain()
                if lower.get("connection", "").lower() == "close":
                    break
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass
        finally:
            writer.close()

    async def answer(self, method, target, headers, lower, body):
        """The whole answer to one call, as bytes."""
        if target.startswith("/_harness/"):
            return await self.control(method, target)
        if target.startswith("/moto-api/"):
            if (method, target) == ("POST", "/moto-api/reset"):
                self.eks.reset()
            return (await self.forward(method, target, headers, body))[1]
        action = self.names.name(method, target, lower, body)
        counts = self.counts
        counts.enter(action, target, body)
        status = 599
        latency = 0 if self.undelayed and (self.undelayed in target or self.undelayed.encode() in body) else self.latency
        try:
            await asyncio.sleep(latency / 2)
            if action.startswith("eks:"):
                status, answer = await self.answer_eks(method, target, body)
            elif action in KEY_USES and (refusal := await self.loop.run_in_executor(None, self.refuse_key, body)):
                status, answer = 400, response(400, refusal)
            else:
                status, answer = await self.forward(method, target, headers, body)
            await asyncio.sleep(latency / 2)
            return answer
        finally:
            counts.leave(action, status)

    async def control(self, method, target):
        """The harness's own addresses."""
        if (method, target) == ("POST", "/_harness/clear"):
            self.eks.reset()
            await self.forward("POST", "/moto-api/reset", [], b"")
        if (method, target) in (("POST", "/_harness/clear"), ("POST", "/_harness/reset")):
            self.counts = Counts()
        elif (method, target) != ("GET", "/_harness/calls"):
            return response(404, b"{}")
        return response(200, json.dumps(self.counts.report()).encode())

    async def answer_eks(self, method, target, body):
        """EKS is answered here: moto's own lacks too much."""
        status, answer, kind = await self.loop.run_in_executor(None, self.eks.answer, method, target, body)
        return status, response(status, answer.encode(), {"x-amzn-ErrorType": kind} if kind else {})

    def refuse_key(self, body):
        """The answer for a key that is disabled; None for every other."""
        try:
            key = json_call(self.upstream, "kms", "TrentService.DescribeKey", {"KeyId": json.loads(body)["KeyId"]})["KeyMetadata"]
        except (KeyError, ValueError, OSError):
            return None  # moto says what is wrong with the call
        if key["KeyState"] == "Enabled":
            return None
        kind = "DisabledException" if key["KeyState"] == "Disabled" else "KMSInvalidStateException"
        return json.dumps({"__type": kind, "message": f"{key['Arn']} is {key['KeyState'].lower()}."}).encode()

    async def forward(self, method, target, headers, body):
        """Passes a call on to moto. Returns the status and the whole answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.upstream_port, limit=1 << 20)
        try:
            kept = "".join(f"{name}:{value}\r\n" for name, value in headers if name.lower() not in HOP_HEADERS)
            head = f"{method} {target} HTTP/1.1\r\n{kept}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode("latin1") + body)
            await writer.drain()
            answer_head = await reader.readuntil(b"\r\n\r\n")
            first, *lines = answer_head.decode("latin1").rstrip("\r\n").split("\r\n")
            pairs = [tuple(line.split(":", 1)) for line in lines if ":" in line]
            lower = {name.lower(): value.strip() for name, value in pairs}
            status = int(first.split()[1])
            without_body = method == "HEAD" or status in (204, 304)
            content = b"" if without_body else await read_body(reader, lower, until_end=True)
        finally:
            writer.close()
        # The length stays as it is for HEAD, where it speaks of the object.
        dropped = HOP_HEADERS if not without_body else tuple(name for name in HOP_HEADERS if name != "content-length")
        lines = [f"{name}:{value}" for name, value in pairs if name.lower() not in dropped]
        if not without_body:
            lines.append(f"Content-Length: {len(content)}")
        return status, "\r\n".join([first, *lines, "", ""]).encode("latin1") + content


async def read_body(reader, headers, until_end=False):
    """Reads the body of a message; `headers` has lower-case names."""
    if "chunked" in headers.get("transfer-encoding", "").lower():
        parts = []
        while size := int((await reader.readline()).split(b";")[0], 16):
            parts.append(await reader.readexactly(size))
            await reader.readline()
        while (await reader.readline()).strip():
            pass
        return b"".join(parts)
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    return await reader.read() if until_end else b""


def response(status, body, headers=None):
    """A JSON answer of our own."""
    lines = [f"HTTP/1.1 {status} Answer", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode("latin1") + body

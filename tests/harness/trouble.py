#!/usr/bin/env python3
"""Checks what is said about an AWS that cannot be used. Part of `make test-aws`.

    trouble.py [--engine BIN]

Endpoints that refuse the credentials, answer 500, are not there, or never answer: plan and apply must end with code 1 within
the time allowed, and with an error that names the call, the block and its line.
"""
import argparse
import http.server
import os
import re
import socket
import sys
import tempfile
import threading

sys.dont_write_bytecode = True

from engine import add_engine_option, aws_env, clean_env, find_engine, measure

CONFIGURATION = """provider "aws" {
  region      = "us-east-1"
  max_retries = 2
}

"""
# A block, the call that it needs, and the command that makes it.
BLOCKS = [
    ("data.aws_caller_identity.me", 'data "aws_caller_identity" "me" {}', "STS: GetCallerIdentity", ["plan"]),
    ("aws_vpc.v", 'resource "aws_vpc" "v" { cidr_block = "10.0.0.0/16" }', "EC2: CreateVpc", ["apply", "-auto-approve"]),
]
REFUSAL = b"<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>The token is invalid.</Message></Error></ErrorResponse>"
# What is wrong, what is said about it, and the seconds it may take: thrice the longest silence (a creation without an answer is
# looked for) and some.
TROUBLES = [
    ("refused", "InvalidClientTokenId", 10),
    ("error 500", "StatusCode: 500", 20),
    ("not there", "Connection refused", 20),
    ("silent", "did not answer in time", 100),
]


class Answer(http.server.BaseHTTPRequestHandler):
    """Answers every call with the server's status."""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = REFUSAL if self.server.status == 403 else b"oops"
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing."""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_engine_option(parser)
    engine = find_engine(parser.parse_args().engine)
    silent, ports = socket.create_server(("127.0.0.1", 0)), {}
    with socket.create_server(("127.0.0.1", 0)) as closed:
        ports["not there"] = closed.getsockname()[1]
    ports["silent"] = silent.getsockname()[1]
    for name, status in (("refused", 403), ("error 500", 500)):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        server.status, ports[name] = status, server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
    failed = 0
    for trouble, text, seconds in TROUBLES:
        for address, block, call, command in BLOCKS:
            ran = attempt(engine, ports[trouble], block, command, seconds + 30)
            told = re.sub(r"[\s│]+", " ", ran.output)
            missing = [part for part in (call, text, address, "main.tf:6") if part not in told]
            good = ran.code == 1 and ran.wall_s <= seconds and not missing
            failed += not good
            print(f"{'pass' if good else 'FAIL'} {trouble}: {command[0]} of {address}, {ran.wall_s:.1f} s", flush=True)
            if not good:
                print(f"     exit code {ran.code}, {seconds} s allowed, missing: {missing}\n{ran.output[-1500:]}")
    return 1 if failed else 0


def attempt(engine, port, block, command, limit):
    """Runs a command on one block, with AWS at a port."""
    env = aws_env(f"http://127.0.0.1:{port}", clean_env())
    with tempfile.TemporaryDirectory(prefix="trouble-") as folder:
        with open(os.path.join(folder, "main.tf"), "w", encoding="utf-8") as file:
            file.write(f"{CONFIGURATION}{block}\n")
        return measure([engine, *command, "-input=false", "-no-color"], folder, env, limit)


if __name__ == "__main__":
    sys.exit(main())

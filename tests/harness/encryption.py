#!/usr/bin/env python3
"""Checks the encryption of states with keys of the emulated key management service.

    encryption.py [--engine BIN] [--tofu BIN]

With --tofu, states are also passed between secstack and OpenTofu in both directions, with every kind of key provider.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from aws_api import REGION, json_call
from engine import add_engine_option, find_engine
from moto import Cloud, stop_on_sigterm

SECRET = "s3cr3t-value-of-a-test"
# What a key provider is made of, by what the method calls it. The service's key is a variable.
SERVICE = f"""
    key_provider "aws_kms" "service" {{
      kms_key_id                  = var.key
      key_spec                    = "AES_256"
      region                      = "{REGION}"
      skip_credentials_validation = true
      skip_requesting_account_id  = true
    }}"""
PROVIDERS = {
    "key_provider.pbkdf2.plain": """
    key_provider "pbkdf2" "plain" {
      passphrase = "correct horse battery"
    }""",
    "key_provider.pbkdf2.odd": """
    key_provider "pbkdf2" "odd" {
      passphrase    = "correct horse battery"
      iterations    = 200000
      salt_length   = 8
      key_length    = 24
      hash_function = "sha256"
    }""",
    "key_provider.aws_kms.service": SERVICE,
    "key_provider.pbkdf2.chained": SERVICE + """
    key_provider "pbkdf2" "chained" {
      chain                    = key_provider.aws_kms.service
      key_length               = 16
      encrypted_metadata_alias = "another name"
    }""",
}


def configuration(keys, aad=""):
    """A configuration whose state and plans are encrypted with the keys of a provider."""
    return f"""
variable "key" {{ type = string }}
variable "secret" {{
  type      = string
  sensitive = true
}}
terraform {{
  encryption {{{PROVIDERS[keys]}
    method "aes_gcm" "m" {{
      keys = {keys}
      {aad}
    }}
    state {{
      method   = method.aes_gcm.m
      enforced = true
    }}
    plan {{
      method   = method.aes_gcm.m
      enforced = true
    }}
  }}
}}
resource "terraform_data" "a" {{
  input = var.secret
}}
output "o" {{
  value     = terraform_data.a.output
  sensitive = true
}}
"""


class Place:
    """A directory with a configuration."""

    def __init__(self, text, env):
        self.dir = tempfile.TemporaryDirectory()
        self.env = env
        with open(self.path("main.tf"), "w", encoding="utf-8") as file:
            file.write(text)

    def path(self, name):
        """A file of the directory."""
        return os.path.join(self.dir.name, name)

    def run(self, engine, *args, **env):
        """Runs a command, and returns how it ended and all that it printed, with blanks for every line break."""
        ran = subprocess.run([engine, *args], cwd=self.dir.name, env={**self.env, **env}, capture_output=True, text=True, timeout=300)
        words = " ".join((ran.stdout + ran.stderr).replace("│", " ").split())
        return ran.returncode, words

    def read(self, name="terraform.tfstate"):
        """The text of a file."""
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def leaks(self):
        """Files that hold the secret."""
        found = []
        for folder, _, names in os.walk(self.dir.name):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    if SECRET.encode() in file.read():
                        found.append(name)
        return found


class Checks:
    """Counts what held."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, holds, seen=""):
        """Counts and prints one."""
        self.passed, self.failed = self.passed + bool(holds), self.failed + (not holds)
        print(f"{'pass' if holds else 'FAIL'} {name}" + ("" if holds else f"\n     {seen}"), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_engine_option(parser)
    parser.add_argument("--tofu", help="an OpenTofu of version 1.10")
    options = parser.parse_args()
    stop_on_sigterm()
    engine, checks = find_engine(options.engine), Checks()
    with Cloud() as cloud:
        key = kms(cloud, "CreateKey")["KeyMetadata"]["KeyId"]
        env = {**cloud.env(), "TF_VAR_key": key, "TF_VAR_secret": SECRET, "TF_CLI_CONFIG_FILE": os.devnull}
        with_service(checks, engine, cloud, key, env)
        if options.tofu:
            tofu = find_engine(options.tofu)
            for keys in PROVIDERS:
                for writer, reader in ((engine, tofu), (tofu, engine)):
                    hand_over(checks, keys, writer, reader, env)
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


def kms(cloud, action, **body):
    """Calls the key management service."""
    return json_call(cloud.endpoint, "kms", f"TrentService.{action}", body)


def with_service(checks, engine, cloud, key, env):
    """Applies with a key of the service, then with that key disabled, missing and unreachable."""
    place = Place(configuration("key_provider.aws_kms.service"), env)
    code, seen = place.run(engine, "plan", "-out=p")
    checks.check("a plan is saved", code == 0, seen)
    cloud.reset_calls()
    code, seen = place.run(engine, "apply", "p")
    calls = cloud.calls()
    checks.check("a saved plan is applied", code == 0, seen)
    # The plan's own key is opened with the keys of the directory; the state's is made once.
    counted = {name: n for name, n in calls["by_action"].items() if "kms" in name.lower() or "Key" in name or name == "Decrypt"}
    checks.check("one key is made and one is opened", sum(counted.values()) == 2, calls["by_action"])
    checks.check("no file holds the secret", not place.leaks(), place.leaks())
    before = place.read()
    checks.check("the state says where its key is", "key_provider.aws_kms.service" in json.loads(before)["meta"], before[:200])

    def refused(name, *words, **env):
        code, seen = place.run(engine, "apply", "-auto-approve", **env)
        good = code == 1 and place.read() == before and all(word in seen for word in words)
        checks.check(name, good and not os.path.exists(place.path("terraform.tfstate.journal")), seen)

    kms(cloud, "DisableKey", KeyId=key)
    refused("a disabled key", "State cannot be decrypted", "DisabledException")
    fresh = Place(configuration("key_provider.aws_kms.service"), env)
    code, seen = fresh.run(engine, "apply", "-auto-approve")
    good = code == 1 and "cannot be encrypted" in seen and not os.path.exists(fresh.path("terraform.tfstate"))
    checks.check("a disabled key before the first apply", good and "Creating..." not in seen, seen)
    kms(cloud, "EnableKey", KeyId=key)
    other = kms(cloud, "CreateKey")["KeyMetadata"]["KeyId"]
    refused("another key", "State cannot be decrypted", TF_VAR_key=other)
    refused("a key that does not exist", "State cannot be decrypted", "NotFoundException", TF_VAR_key="00000000-0000-0000-0000-000000000000")
    refused("no service", "State cannot be decrypted", AWS_ENDPOINT_URL="http://127.0.0.1:1", AWS_MAX_ATTEMPTS="1")
    code, seen = place.run(engine, "plan", "-detailed-exitcode")
    checks.check("the same key again", code == 0, seen)


def hand_over(checks, keys, writer, reader, env):
    """Applies with one program, plans and changes with the other, and reads that with the first."""
    names = f"{keys}: {os.path.basename(writer)} to {os.path.basename(reader)}"
    place = Place(configuration(keys, "aad = [1, 2, 250]"), env)
    for program in (writer, reader):
        if "tofu" in os.path.basename(program):
            place.run(program, "init")
    code, seen = place.run(writer, "apply", "-auto-approve")
    checks.check(f"{names}: applied", code == 0 and '"encryption_version":"v0"' in place.read(), seen)
    code, seen = place.run(reader, "plan", "-detailed-exitcode")
    checks.check(f"{names}: no changes", code == 0, seen)
    code, seen = place.run(reader, "apply", "-auto-approve", TF_VAR_secret="changed")
    checks.check(f"{names}: changed", code == 0, seen)
    code, seen = place.run(writer, "output", "-raw", "o", TF_VAR_secret="changed")
    checks.check(f"{names}: read again", code == 0 and "changed" in seen, seen)


if __name__ == "__main__":
    sys.exit(main())

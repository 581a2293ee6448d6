"""Writes the conformance corpus as seeds of a fuzz target: a file each, named by its content."""
import hashlib
import json
import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
CONFORMANCE = TESTS / "conformance"


def expressions():
    """The expressions of the corpus."""
    with open(CONFORMANCE / "expressions.jsonl", encoding="utf-8") as file:
        return [json.loads(line)["expr"] for line in file]


def files(*endings):
    """The text of the files in the scenarios with one of these endings."""
    return [path.read_text(encoding="utf-8") for path in sorted(CONFORMANCE.rglob("*")) if path.name.endswith(endings) and path.is_file()]


def seeds(target):
    """What the target begins with."""
    if target == "evaluate":
        return expressions()
    if target == "state":
        fixtures = sorted((TESTS.parent / "state" / "tests" / "fixtures").glob("*.tfstate"))
        return [path.read_text(encoding="utf-8") for path in fixtures]
    texts = files(".tf", ".tf.json", ".tfvars", ".hcl")
    return texts + [f"locals {{\n  x = {expression}\n}}\n" for expression in expressions()]


def main():
    folder = TESTS / "fuzz" / "corpus" / sys.argv[1]
    folder.mkdir(parents=True, exist_ok=True)
    for text in seeds(sys.argv[1]):
        content = text.encode()
        (folder / hashlib.sha1(content).hexdigest()).write_bytes(content)


if __name__ == "__main__":
    main()

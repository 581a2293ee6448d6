"""The few commands of the AWS CLI that scenarios use to change things behind the engine's back, in place of the CLI.

    ec2 create-vpc --cidr-block RANGE [--tag-specifications SPEC]
    ec2 describe-vpcs --filters Name=N,Values=V
    ec2 create-tags --resources ID --tags Key=K,Value=V ...

The first two print the ID of the VPC, whatever --query says.
"""
import os
import re
import sys

from aws_api import query, tag_params, text

PAIR = re.compile(r"Key=([^,{}\]]*),Value=([^,{}\]]*)")


def main(argv):
    """Carries out one command."""
    command, options = argv[:2], options_of(argv[2:])
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    if command == ["ec2", "create-vpc"]:
        answer = query(endpoint, "ec2", "CreateVpc", {"CidrBlock": options["--cidr-block"][0]})
        vpc = text(answer.find("vpc"), "vpcId")
        tags = tags_of(options.get("--tag-specifications", []))
        if tags:
            query(endpoint, "ec2", "CreateTags", {"ResourceId.1": vpc, **tag_params(tags)})
        print(vpc)
    elif command == ["ec2", "describe-vpcs"]:
        name, value = re.fullmatch(r"Name=([^,]*),Values=([^,]*)", options["--filters"][0]).groups()
        answer = query(endpoint, "ec2", "DescribeVpcs", {"Filter.1.Name": name, "Filter.1.Value.1": value})
        vpc = answer.find("vpcSet/item")
        print(text(vpc, "vpcId") if vpc is not None else "None")
    elif command == ["ec2", "create-tags"]:
        tags = tags_of(options["--tags"])
        query(endpoint, "ec2", "CreateTags", {"ResourceId.1": options["--resources"][0], **tag_params(tags)})
    else:
        raise SystemExit(f"The harness has no `aws {' '.join(command)}`: add it to {os.path.basename(__file__)}.")


def tags_of(words):
    """The pairs in the words of an option, a word at a time: where one ends, its last value ends."""
    return dict(pair for word in words for pair in PAIR.findall(word))


def options_of(argv):
    """--name and the values after it."""
    found, values = {}, []
    for word in argv:
        if word.startswith("--"):
            values = found[word] = []
        else:
            values.append(word)
    return found


if __name__ == "__main__":
    main(sys.argv[1:])

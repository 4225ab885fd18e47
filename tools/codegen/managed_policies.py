"""Writes the AWS-managed policies that moto carries as one C++ table, sorted by ARN."""
import importlib.util
import json
import pathlib
import sys

LITERAL_BYTES = 8000


def load():
    # The data file alone: importing moto itself would need its whole dependency tree.
    folder = pathlib.Path(importlib.util.find_spec("moto").submodule_search_locations[0])
    scope = {}
    exec((folder / "iam" / "aws_managed_policies.py").read_text(), scope)
    return json.loads(scope["aws_managed_policies_data"])


def literal(text):
    parts = [text[i:i + LITERAL_BYTES] for i in range(0, len(text), LITERAL_BYTES)]
    return " ".join('R"~~(' + part + ')~~"' for part in parts)


def main(out):
    lines = ['#include "iam/managed_policies.h"', "", "namespace mekong::iam {", "",
             "const AwsManagedPolicy aws_managed_policies[] = {"]
    policies = load()
    rows = sorted((f"arn:aws:iam::aws:policy{policy['Path']}{name}", name) for name, policy in policies.items())
    for arn, name in rows:
        policy = policies[name]
        document = json.dumps(policy["Document"], separators=(",", ":"))
        fields = [json.dumps(arn), json.dumps(name), json.dumps(policy["Path"]),
                  json.dumps(policy["DefaultVersionId"]), json.dumps(policy["CreateDate"]),
                  json.dumps(policy["UpdateDate"]), literal(document)]
        lines.append("    {" + ", ".join(fields) + "},")
    lines += ["};", f"const size_t aws_managed_policy_count = {len(rows)};", "", "}  // namespace mekong::iam", ""]
    pathlib.Path(out).write_text("\n".join(lines))


main(sys.argv[1])

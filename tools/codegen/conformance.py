#!/usr/bin/env python3
"""Tables for the AWS protocol test suites (one small model a suite), so that the real walkers are what is tested.

    conformance.py --suites DIR --out DIR      writes <direction>_<protocol>.cpp and all.h
"""
import argparse
import json
import os

import aws

PROTOCOLS = ("json", "json_1_0", "json_1_0-query-compatible", "query", "ec2", "rest-json", "rest-xml", "smithy-rpc-v2-cbor",
             "smithy-rpc-v2-cbor-query-compatible", "smithy-rpc-v2-cbor-non-query-compatible")


def suite_model(suite):
    operations = {}
    for case in suite["cases"]:
        known = operations.setdefault(case["given"]["name"], dict(case["given"], errors=[]))
        known["errors"] += [error for error in case["given"].get("errors", []) if error not in known["errors"]]
    meta = dict(suite["metadata"], endpointPrefix="conformance")
    return {"metadata": meta, "operations": operations, "shapes": suite["shapes"]}


def write_suite(suite, name, out):
    model = suite_model(suite)
    listed = [(op, {"action": "none", "resource": []}) for op in model["operations"]]
    service = aws.Service(model, listed)
    folder = os.path.join(out, "gen", name)
    os.makedirs(folder, exist_ok=True)
    files = {"types.h": aws.write_types(service, name), "service.h": aws.write_service(service, name),
             "tables.cpp": aws.Tables(service, name).write()}
    for file, text in files.items():
        with open(os.path.join(folder, file), "w") as f:
            f.write(text)
    made = [(op, aws.camel(operation["input"]["shape"]), aws.camel(operation["output"]["shape"]))
            for op, operation in service.operations]
    errors = {error["shape"] for _, operation in service.operations for error in operation["errors"]
              if service.is_detailed(error["shape"])}
    return made, sorted(errors)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--suites", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    rows = []
    for direction in ("input", "output"):
        for protocol in PROTOCOLS:
            unit = f"{direction}_{aws.snake(protocol)}"
            includes = []
            for index, suite in enumerate(json.load(open(os.path.join(args.suites, direction, protocol + ".json")))):
                name = f"{unit}_{index}"
                try:
                    made, errors = write_suite(suite, name, args.out)
                except aws.ModelError as error:
                    rows.append((direction, protocol, index, None, str(error)))
                    continue
                includes.append(f'#include "gen/{name}/tables.cpp"')
                includes.append(f"namespace mekong::gen::{name} {{ const conformance::Made made[] = {{")
                includes += [f'    {{"{op}", &api::make_value<{given}>, &api::make_value<{reply}>}},' for op, given, reply in made]
                includes.append("}; const conformance::MadeError made_errors[] = {")
                includes += [f'    {{"{error}", &api::make_value<{aws.camel(error)}>}},' for error in errors]
                includes.append('    {"", nullptr}};')
                includes.append("extern const conformance::Tables suite; const conformance::Tables suite = "
                                "{&table, made, std::size(made), made_errors}; }")
                rows.append((direction, protocol, index, name, ""))
            with open(os.path.join(args.out, unit + ".cpp"), "w") as f:
                f.write('#include "tests/conformance/suites.h"\n' + "\n".join(includes) + "\n")
    with open(os.path.join(args.out, "all.cpp"), "w") as f:
        f.write('#include "tests/conformance/suites.h"\n')
        for *_, name, _ in rows:
            if name:
                f.write(f"namespace mekong::gen::{name} {{ extern const conformance::Tables suite; }}\n")
        f.write("namespace mekong::conformance {\nstd::vector<Suite> suites() {\n  return {\n")
        for direction, protocol, index, name, why in rows:
            call = f"&gen::{name}::suite" if name else "nullptr"
            f.write(f'    {{"{direction}", "{protocol}", {index}, {call}, {aws.quote(why)}}},\n')
        f.write("  };\n}\n}\n")


if __name__ == "__main__":
    main()

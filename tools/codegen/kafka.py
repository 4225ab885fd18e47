#!/usr/bin/env python3
"""Writes C++ structs with decode and encode for Kafka's messages, from the JSON schemas in the kafka-clients jar.

    kafka.py --schemas JAR_OR_FOLDER --models models/kafka_protocol.txt --out FOLDER

For each API of the models file: <api>.h and <api>.cpp with <Api>Request and <Api>Response, all versions of the
schema; besides apis.h, the table of what is advertised. Schema language: Kafka's message generator README.
"""
import argparse
import json
import pathlib
import re
import zipfile
from graphlib import TopologicalSorter

SCALARS = {
    'bool': ('bool', 'boolean'), 'int8': ('int8_t', 'i8'), 'int16': ('int16_t', 'i16'),
    'uint16': ('uint16_t', 'u16'), 'int32': ('int32_t', 'i32'), 'uint32': ('uint32_t', 'u32'),
    'int64': ('int64_t', 'i64'), 'float64': ('double', 'f64'), 'uuid': ('codec::KafkaUuid', 'uuid'),
}
TEXTS = {'string': 'string', 'bytes': 'bytes', 'records': 'bytes'}
KEYWORDS = {'operator', 'default', 'namespace', 'class', 'public', 'private', 'delete', 'new', 'register'}
TOP = 32767


def snake(name):
    name = re.sub(r'([A-Z]+)([A-Z][a-z])', r'\1_\2', name)
    name = re.sub(r'([a-z0-9])([A-Z])', r'\1_\2', name).lower()
    return name + '_' if name in KEYWORDS else name


def versions(text):
    """'2-5', '3+', '4', 'none' as (low, high), none as None."""
    if text is None or text == 'none':
        return None
    if text.endswith('+'):
        return int(text[:-1]), TOP
    low, _, high = text.partition('-')
    return int(low), int(high or low)


def condition(span, inside):
    """C++ test that `version` is in span, given that it is known to be in `inside`; '' where always true."""
    if span is None:
        return 'false'
    tests = []
    if span[0] > inside[0]:
        tests.append(f'version >= {span[0]}')
    if span[1] < inside[1]:
        tests.append(f'version <= {span[1]}')
    return ' && '.join(tests)


class Field:
    def __init__(self, spec):
        self.name = snake(spec['name'])
        self.type = spec['type']
        self.versions = versions(spec['versions'])
        self.nullable = versions(spec.get('nullableVersions'))
        self.tagged = versions(spec.get('taggedVersions'))
        self.tag = spec.get('tag')
        self.default = spec.get('default')
        self.is_array = self.type.startswith('[]')
        self.element = self.type[2:] if self.is_array else self.type
        self.is_struct = self.element not in SCALARS and self.element not in TEXTS
        if self.nullable and self.is_struct and not self.is_array:
            raise SystemExit(f'{self.name}: nullable structs are not supported')

    def element_type(self):
        if self.element in SCALARS:
            return SCALARS[self.element][0]
        if self.element == 'records':
            return 'codec::KafkaRecords'
        return 'std::string' if self.element in TEXTS else self.element

    def cpp_type(self):
        inner = f'std::vector<{self.element_type()}>' if self.is_array else self.element_type()
        return f'std::optional<{inner}>' if self.nullable else inner

    def initial(self):
        if self.default is None or self.default == 'null':
            if self.nullable and self.default is None:
                return f' = {self.cpp_type()[14:-1]}{{}}'
            return '' if self.nullable or self.element in TEXTS or self.is_array or self.is_struct else '{}'
        if self.element == 'string':
            return f' = "{self.default}"'
        if self.element == 'uuid' or self.is_array:
            return '{}'
        if self.element == 'int64' and self.default == '-9223372036854775808':
            return ' = INT64_MIN'
        return f' = {str(self.default).lower()}'


class Struct:
    def __init__(self, name, fields, shared):
        self.name = name
        self.fields = [Field(f) for f in fields]
        self.nested = [Struct(f['type'].removeprefix('[]'), f['fields'], {}) for f in fields if f.get('fields')]
        self.shared = shared  # commonStructs, at the top only


class Message:
    def __init__(self, spec):
        self.name = spec['name']
        self.key = spec['apiKey']
        self.valid = versions(spec['validVersions'])
        self.flexible = versions(spec['flexibleVersions'])
        common = {s['name']: Struct(s['name'], s['fields'], {}) for s in spec.get('commonStructs', [])}
        uses = {name: {f.element for f in s.fields} & common.keys() for name, s in common.items()}
        self.root = Struct(self.name, spec['fields'], {})
        # Those that others are made of come first.
        self.root.nested = [common[name] for name in TopologicalSorter(uses).static_order()] + self.root.nested

    def flex(self):
        if self.flexible is None:
            return 'false'
        return condition(self.flexible, self.valid) or 'true'


class Body:
    """Indented lines of one function."""

    def __init__(self, message):
        self.message = message
        self.lines = []
        self.depth = 1

    def add(self, text):
        self.lines.append('  ' * self.depth + text)

    def open(self, text):
        self.add(text + ' {')
        self.depth += 1

    def close(self):
        self.depth -= 1
        self.add('}')

    def guarded(self, test, write):
        if test:
            self.open(f'if ({test})')
        write()
        if test:
            self.close()


def decode_element(field):
    if field.element in SCALARS:
        return f'r.{SCALARS[field.element][1]}()'
    return f'r.{TEXTS[field.element]}(flexible)'


def decode_value(body, field):
    null_ok = condition(field.nullable, body.message.valid) or 'true'
    if field.is_array:
        body.add('{')
        body.depth += 1
        body.add('int64_t elements = r.array_length(flexible);')
        target = f'{field.name}'
        if field.nullable:
            body.add(f'if (elements < 0 && !({null_ok})) r.fail();')
            body.add(f'{field.name}.reset();')
            body.add(f'if (elements >= 0) {field.name}.emplace();')
            target = f'{field.name}->'
        else:
            body.add('if (elements < 0) r.fail();')
            target = f'{field.name}.'
            body.add(f'{field.name}.clear();')
        body.open('for (int64_t i = 0; i < elements && !r.failed(); ++i)')
        body.add(f'if (!r.charge(sizeof({field.element_type()}))) break;')
        if field.is_struct:
            body.add(f'{target}emplace_back().decode(r, version);')
        else:
            body.add(f'{target}push_back({decode_element(field)});')
        body.close()
        body.close()
    elif field.is_struct:
        body.add(f'{field.name}.decode(r, version);')
    elif field.nullable and field.element in TEXTS:
        body.add(f'{field.name} = r.nullable_{TEXTS[field.element]}(flexible);')
        if null_ok != 'true':
            body.add(f'if (!{field.name} && !({null_ok})) r.fail();')
    else:
        body.add(f'{field.name} = {decode_element(field)};')


def encode_element(field, value):
    if field.element in SCALARS:
        return f'w.{SCALARS[field.element][1]}({value});'
    if field.is_struct:
        return f'{value}.encode(w, version);'
    return f'w.{TEXTS[field.element]}({value}, flexible);'


def encode_value(body, field):
    null_ok = condition(field.nullable, body.message.valid) or 'true'
    if field.is_array:
        value = f'(*{field.name})' if field.nullable else field.name
        if field.nullable:
            body.open(f'if (!{field.name})')
            body.add(f'w.array_length({null_ok} ? -1 : 0, flexible);' if null_ok != 'true'
                     else 'w.array_length(-1, flexible);')
            body.depth -= 1
            body.add('} else {')
            body.depth += 1
        body.add(f'w.array_length(static_cast<int64_t>({value}.size()), flexible);')
        body.add(f'for (const auto& element : {value}) {encode_element(field, "element")}')
        if field.nullable:
            body.close()
    elif field.nullable:
        kind = TEXTS[field.element]
        body.open(f'if (!{field.name})')
        null = f'w.null_{kind}(flexible);'
        body.add(null if null_ok == 'true' else f'if ({null_ok}) {null} else w.{kind}("", flexible);')
        body.depth -= 1
        body.add('} else {')
        body.depth += 1
        body.add(f'w.{kind}(*{field.name}, flexible);')
        body.close()
    else:
        body.add(encode_element(field, field.name))


def span_of(body, field):
    """Test for an untagged field being on the wire."""
    test = condition(field.versions, body.message.valid)
    if field.tagged:
        tagged = condition(field.tagged, body.message.valid) or 'true'
        test = f'{test} && !({tagged})' if test else f'!({tagged})'
        if field.tagged[0] <= field.versions[0]:
            return None
    return test


def decode_function(message, struct, path):
    body = Body(message)
    body.add(f'[[maybe_unused]] const bool flexible = {message.flex()};')
    for field in struct.fields:
        test = span_of(body, field)
        if test is not None:
            body.guarded(test, lambda f=field: decode_value(body, f))
    if message.flexible:
        body.open('if (flexible)')
        body.add('uint32_t tags = r.varuint();')
        body.open('for (uint32_t i = 0; i < tags && !r.failed(); ++i)')
        tagged = [f for f in struct.fields if f.tagged]
        body.add('[[maybe_unused]] uint32_t tag = r.varuint();')
        body.add('uint32_t bytes = r.varuint();')
        if tagged:
            body.add('size_t end = r.begin_field(bytes);')
        for field in tagged:
            body.open(f'if (tag == {field.tag})')
            decode_value(body, field)
            body.add('r.end_field(end);')
            body.add('continue;')
            body.close()
        body.add('r.skip(bytes);')
        body.close()
        body.close()
    head = f'void {path}::decode(codec::KafkaReader& r, [[maybe_unused]] int16_t version) {{'
    return '\n'.join([head, *body.lines, '}'])


def encode_tagged(body, field, struct):
    test = condition(field.tagged, body.message.valid)
    differs = f'!({field.name} == defaults.{field.name})'
    body.open(f'if ({test + " && " if test else ""}{differs})')
    body.add('++tags;')
    body.add('codec::KafkaWriter field;')
    body.add('{')
    body.depth += 1
    body.add('codec::KafkaWriter& w = field;')
    encode_value(body, field)
    body.close()
    body.add(f'tagged.varuint({field.tag});')
    body.add('tagged.varuint(static_cast<uint32_t>(field.size()));')
    body.add('tagged.raw(field.data());')
    body.close()


def encode_function(message, struct, path):
    body = Body(message)
    body.add(f'[[maybe_unused]] const bool flexible = {message.flex()};')
    for field in struct.fields:
        test = span_of(body, field)
        if test is not None:
            body.guarded(test, lambda f=field: encode_value(body, f))
    if message.flexible:
        tagged = sorted((f for f in struct.fields if f.tagged), key=lambda f: f.tag)
        body.open('if (flexible)')
        if tagged:
            body.add('uint32_t tags = 0;')
            body.add('codec::KafkaWriter tagged;')
            body.add(f'const {path} defaults;')
            for field in tagged:
                encode_tagged(body, field, struct)
            body.add('w.varuint(tags);')
            body.add('w.raw(tagged.data());')
        else:
            body.add('w.varuint(0);')
        body.close()
    head = f'void {path}::encode(codec::KafkaWriter& w, [[maybe_unused]] int16_t version) const {{'
    return '\n'.join([head, *body.lines, '}'])


def declare(message, struct, depth):
    pad = '  ' * depth
    lines = [f'{pad}struct {struct.name} {{']
    if depth == 0:
        flexible = message.flexible[0] if message.flexible else TOP
        lines += [f'{pad}  static constexpr int16_t api_key = {message.key};',
                  f'{pad}  static constexpr int16_t first_flexible_version = {flexible};']
    for nested in struct.nested:
        lines += declare(message, nested, depth + 1)
    for field in struct.fields:
        lines.append(f'{pad}  {field.cpp_type()} {field.name}{field.initial()};')
    lines += [f'{pad}  void decode(codec::KafkaReader& r, int16_t version);',
              f'{pad}  void encode(codec::KafkaWriter& w, int16_t version) const;',
              f'{pad}  bool operator==(const {struct.name}&) const = default;',
              f'{pad}}};']
    return lines


def define(message, struct, path):
    parts = []
    for nested in struct.nested:
        parts += define(message, nested, f'{path}::{nested.name}')
    return parts + [decode_function(message, struct, path), encode_function(message, struct, path)]


BANNER = '// Generated by tools/codegen/kafka.py.'
NAMESPACE = 'mekong::gen::kafka_protocol'


def header(messages):
    lines = [BANNER, '#pragma once', '#include <cstdint>', '#include <optional>', '#include <string>',
             '#include <vector>', '', '#include "codec/kafka_wire.h"', '', f'namespace {NAMESPACE} {{', '']
    for message in messages:
        lines += declare(message, message.root, 0) + ['']
    return '\n'.join(lines + [f'}}  // namespace {NAMESPACE}', ''])


def source(api, messages):
    parts = [BANNER, f'#include "gen/kafka_protocol/{snake(api)}.h"', '', f'namespace {NAMESPACE} {{', '']
    for message in messages:
        for function in define(message, message.root, message.name):
            parts += [function, '']
    return '\n'.join(parts + [f'}}  // namespace {NAMESPACE}', ''])


def table(rows):
    lines = [BANNER, '#pragma once', '#include <cstdint>', '#include <string_view>', '',
             f'namespace {NAMESPACE} {{', '',
             'struct ApiVersionRange {', '  std::string_view name;', '  int16_t key, min_version, max_version;',
             '  int16_t first_flexible_version;', '};', '',
             'inline constexpr ApiVersionRange kApis[] = {']
    for api, low, high, request in rows:
        flexible = request.flexible[0] if request.flexible else TOP
        lines.append(f'    {{"{api}", {request.key}, {low}, {high}, {flexible}}},')
    return '\n'.join(lines + ['};', '', f'}}  // namespace {NAMESPACE}', ''])


class Schemas:
    def __init__(self, where):
        self.folder = pathlib.Path(where)
        self.jar = None if self.folder.is_dir() else zipfile.ZipFile(where)

    def load(self, name):
        if self.jar:
            text = self.jar.read(f'common/message/{name}.json').decode()
        else:
            text = (self.folder / f'{name}.json').read_text()
        return Message(json.loads(re.sub(r'^\s*//.*$', '', text, flags=re.M)))


def read_models(path):
    for line in pathlib.Path(path).read_text().splitlines():
        words = line.split('#')[0].split()
        if words:
            yield words[0], versions(words[1])


def generate(schemas, models):
    """File name → content."""
    files, rows = {}, []
    for api, (low, high) in models:
        messages = [schemas.load(api + kind) for kind in ('Request', 'Response')]
        valid = messages[0].valid
        if low < valid[0] or high > valid[1]:
            raise SystemExit(f'{api} {low}-{high}: the schema has only {valid[0]}-{valid[1]}')
        rows.append((api, low, high, messages[0]))
        files[snake(api) + '.h'] = header(messages)
        files[snake(api) + '.cpp'] = source(api, messages)
    files['apis.h'] = table(rows)
    return files


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--schemas', required=True)
    parser.add_argument('--models', required=True)
    parser.add_argument('--out', required=True, type=pathlib.Path)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name, text in generate(Schemas(options.schemas), list(read_models(options.models))).items():
        path = options.out / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


if __name__ == '__main__':
    main()

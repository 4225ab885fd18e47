"""Hive's types: read from their words into a tree, told to DuckDB."""
import re

from sql.failure import not_implemented

PLAIN = {"string": "VARCHAR", "int": "INTEGER", "integer": "INTEGER", "float": "FLOAT", "real": "FLOAT",
         "binary": "BLOB", "timestamp": "TIMESTAMP", "date": "DATE", "boolean": "BOOLEAN", "tinyint": "TINYINT",
         "smallint": "SMALLINT", "bigint": "BIGINT", "double": "DOUBLE"}
INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")


class Type:
    """`kind`: plain, array, map, struct; `duckdb`: the whole type's name; `parts`: (name, Type) of what it holds."""

    def __init__(self, kind, duckdb, parts=()):
        self.kind, self.duckdb, self.parts = kind, duckdb, list(parts)


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def split_types(text):
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += (c in "<(") - (c in ">)")
        if c == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return parts + [text[start:]]


def hive_type(text):
    text = text.strip()
    word = text.lower()
    if word in PLAIN:
        return Type("plain", PLAIN[word])
    if re.fullmatch(r"(varchar|char)(\(\d+\))?", word):
        return Type("plain", "VARCHAR")
    if re.fullmatch(r"decimal(\(\d+(\s*,\s*\d+)?\))?", word):
        return Type("plain", "DECIMAL(10,0)" if word == "decimal" else word.upper())
    m = re.fullmatch(r"(?is)(array|map|struct)<(.*)>", text)
    inner = split_types(m.group(2)) if m else []
    if m and m.group(1).lower() == "array" and len(inner) == 1:
        element = hive_type(inner[0])
        return Type("array", element.duckdb + "[]", [("", element)])
    if m and m.group(1).lower() == "map" and len(inner) == 2:
        key, value = hive_type(inner[0]), hive_type(inner[1])
        return Type("map", "MAP(%s, %s)" % (key.duckdb, value.duckdb), [("", key), ("", value)])
    if m and m.group(1).lower() == "struct" and all(":" in part for part in inner):
        fields = [part.split(":", 1) for part in inner]
        fields = [(name.strip().strip("`").lower(), hive_type(kind)) for name, kind in fields]
        return Type("struct", "STRUCT(%s)" % ", ".join(quoted(n) + " " + t.duckdb for n, t in fields), fields)
    raise not_implemented("column type " + text)

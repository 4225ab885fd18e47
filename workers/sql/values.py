"""Values and types as Athena prints them."""
import datetime
import decimal
import re

from sql.failure import not_implemented


def text_of(value):
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return double_text(value)
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, datetime.datetime):
        text = value.strftime("%Y-%m-%d %H:%M:%S.") + "%03d" % (value.microsecond // 1000)
        return text + " UTC" if value.tzinfo else text
    if isinstance(value, datetime.time):
        return value.strftime("%H:%M:%S.") + "%03d" % (value.microsecond // 1000)
    if isinstance(value, datetime.timedelta):
        return interval_text(value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex(" ")
    if isinstance(value, tuple):  # a row without names
        return text_of({"field%d" % at: item for at, item in enumerate(value)})
    if isinstance(value, list):
        return "[" + ", ".join(nested(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join("%s=%s" % (nested(k), nested(v)) for k, v in value.items()) + "}"
    return str(value)


def nested(value):
    return "null" if value is None else text_of(value)


def interval_text(value):
    """Trino's interval day to second."""
    sign = "-" if value < datetime.timedelta(0) else ""
    value = abs(value)
    hours, rest = divmod(value.seconds, 3600)
    return "%s%d %02d:%02d:%02d.%03d" % (sign, value.days, hours, rest // 60, rest % 60, value.microseconds // 1000)


def double_text(value):
    """Java's Double.toString."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    sign, digits, exponent = decimal.Decimal(repr(value)).as_tuple()
    point = len(digits) + exponent
    digits = "".join(map(str, digits)).lstrip("0").rstrip("0") or "0"
    prefix = "-" if sign else ""
    if value == 0:
        return prefix + "0.0"
    if 1e-3 <= abs(value) < 1e7:
        whole = digits[:point].ljust(point, "0") if point > 0 else "0"
        rest = digits[point:] if point > 0 else "0" * -point + digits
        return prefix + whole + "." + (rest or "0")
    return prefix + digits[0] + "." + (digits[1:] or "0") + "E" + str(point - 1)


# DuckDB's name → Athena's, its precision, Hive's
TYPES = {"VARCHAR": ("varchar", 2147483647, "string"), "BIGINT": ("bigint", 19, "bigint"),
         "INTEGER": ("integer", 10, "int"), "SMALLINT": ("smallint", 5, "smallint"), "TINYINT": ("tinyint", 3, "tinyint"),
         "DOUBLE": ("double", 17, "double"), "FLOAT": ("float", 17, "float"), "BOOLEAN": ("boolean", 0, "boolean"),
         "DATE": ("date", 0, "date"), "TIMESTAMP": ("timestamp", 3, "timestamp"),
         "TIMESTAMP WITH TIME ZONE": ("timestamp with time zone", 3, ""), "BLOB": ("varbinary", 1073741824, "binary"),
         "HUGEINT": ("bigint", 19, "bigint"), "UBIGINT": ("bigint", 19, "bigint"), "UINTEGER": ("bigint", 19, "bigint"),
         "USMALLINT": ("integer", 10, "int"), "UTINYINT": ("smallint", 5, "smallint"), "TIME": ("time", 3, ""),
         "TIMESTAMP_S": ("timestamp", 3, "timestamp"), "TIMESTAMP_MS": ("timestamp", 3, "timestamp"),
         "TIMESTAMP_NS": ("timestamp", 3, "timestamp"), "JSON": ("json", 0, ""), "UUID": ("uuid", 0, ""),
         "INTERVAL": ("interval day to second", 0, ""), "NULL": ("unknown", 0, ""), '"NULL"': ("unknown", 0, "")}


def column_of(name, kind):
    """A result's column; "hive": the type of a table's column that can keep it, empty where none can; "trino": the type as
    a view's record names it."""
    precision = scale = 0
    m = re.fullmatch(r"DECIMAL\((\d+),\s*(\d+)\)", str(kind).upper())
    if m:
        athena, precision, scale = "decimal", int(m.group(1)), int(m.group(2))
    elif str(kind).upper() in TYPES:
        athena, precision, _ = TYPES[str(kind).upper()]
    elif kind.id in ("list", "array"):
        athena = "array"
    elif kind.id == "map":
        athena = "map"
    elif kind.id == "struct":
        athena = "row"
    else:
        raise not_implemented("result type " + str(kind))
    return {"name": name, "type": athena, "precision": precision, "scale": scale, "hive": hive_of(kind),
            "trino": trino_of(kind)}


def hive_of(kind):
    known = TYPES.get(str(kind).upper())
    if known:
        return known[2]
    if kind.id == "decimal":
        return str(kind).lower().replace(" ", "")
    if kind.id not in ("list", "map", "struct"):
        return ""
    children = [hive_of(child) for _, child in kind.children]
    if not all(children) or (kind.id == "struct" and not all(name for name, _ in kind.children)):
        return ""
    if kind.id == "list":
        return "array<%s>" % children[0]
    if kind.id == "map":
        return "map<%s>" % ",".join(children)
    return "struct<%s>" % ",".join("%s:%s" % (name, child) for (name, _), child in zip(kind.children, children))


def trino_of(kind):
    known = TYPES.get(str(kind).upper())
    if known:
        return {"float": "real"}.get(known[0], known[0])
    if kind.id not in ("list", "map", "struct"):
        return str(kind).lower().replace(" ", "")
    children = [(name, trino_of(child)) for name, child in kind.children]
    if kind.id == "struct":
        return "row(%s)" % ", ".join("%s %s" % child for child in children)
    return "%s(%s)" % ("array" if kind.id == "list" else "map", ", ".join(child for _, child in children))

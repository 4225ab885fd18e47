"""A table of the catalogue as a view of DuckDB: one scan a file format, partition values joined by file."""
import json

from sql.failure import Failure, not_implemented
from sql.objects import check_compression
from sql.types import INTEGERS, hive_type, literal, quoted

NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
NO_TEXT = "\x02\x01\x03"  # stands in no file: nothing reads as null by itself
# Hive's separators of nested values, by depth.
DEPTHS = ["\x01", "\x02", "\x03", "\x04", "\x05", "\x06", "\x07", "\x08"]
LINE_BYTES_MAX = 4 << 20
# {0} as {1}, the field number {2}
NUMBER = ("CASE WHEN {0} IS NOT NULL THEN coalesce(TRY_CAST({0} AS {1}), CAST(error('HIVE_BAD_DATA: Error parsing field value ' "
          "|| {0} || ' for field {2}') AS {1})) END")


def make_view(connection, table):
    database = schema_of(table["database"])
    name = quoted(database) + "." + quoted(table["table"])
    connection.execute("CREATE SCHEMA IF NOT EXISTS " + quoted(database))
    if "rows" in table:
        make_rows(connection, name, table)
        return
    if table.get("view_sql"):
        connection.execute("CREATE VIEW %s AS %s" % (name, table["view_sql"]))
        return
    formats = {}
    for group in table.get("groups", []):
        formats.setdefault(json.dumps(group.get("format", {}), sort_keys=True), []).append(group)
    selects = [scan(connection, table, groups) for groups in formats.values()]
    body = " UNION ALL ".join(selects) if selects else empty_select(table)
    connection.execute("CREATE VIEW %s AS %s" % (name, body))


def schema_of(database):
    """DuckDB has an information_schema of its own."""
    return "athena information_schema" if database == "information_schema" else database


def make_rows(connection, name, table):
    columns = ["CAST(nullif(unnest(?::VARCHAR[]), '') AS %s) AS %s" % (hive_type(c["type"]).duckdb, quoted(c["name"]))
               for c in table["columns"]]
    values = [[row[at] for row in table["rows"]] for at in range(len(columns))]
    connection.execute("CREATE TABLE %s AS SELECT %s" % (name, ", ".join(columns)), values)


def empty_select(table):
    parts = ["CAST(NULL AS %s) AS %s" % (hive_type(c["type"]).duckdb, quoted(c["name"].lower()))
             for c in table.get("columns", []) + table.get("keys", [])]
    return "SELECT %s WHERE false" % ", ".join(parts)


def scan(connection, table, groups):
    """The rows of all files of one format, in the declared columns and types."""
    settings = groups[0].get("format", {})
    serde = settings.get("serde", "")
    files = [name for group in groups for name in group["files"]]
    for known, reader in READERS:
        if known in serde.lower():
            source, columns = reader(connection, table.get("columns", []), settings.get("properties", {}), files)
            break
    else:
        raise not_implemented("reading files of " + serde)
    keys = table.get("keys", [])
    if not keys:
        return "SELECT %s FROM %s" % (", ".join(columns), source)
    parts = make_parts(connection, keys, groups)
    columns += ["p.%s" % quoted(key["name"].lower()) for key in keys]
    return "SELECT %s FROM %s JOIN %s p ON p.file = f.filename" % (", ".join(columns), source, parts)


def make_parts(connection, keys, groups):
    """A temporary table: file → its partition's values."""
    number = connection.execute("SELECT count(*) FROM duckdb_tables()").fetchone()[0]
    name = quoted("parts of files %d" % number)
    lists = [[], *([] for _ in keys)]
    for group in groups:
        for file in group["files"]:
            lists[0].append("object://" + file)
            for values, value in zip(lists[1:], group.get("values", [])):
                values.append(None if value == NULL_PARTITION else value)
    columns = ["unnest(?::VARCHAR[]) AS file"]
    for key in keys:
        columns.append("unnest(?::VARCHAR[]) AS " + quoted(key["name"].lower()))
    casts = ["CAST(%s AS %s) AS %s" % (quoted(k["name"].lower()), hive_type(k["type"]).duckdb, quoted(k["name"].lower()))
             for k in keys]
    connection.execute("CREATE TEMP TABLE %s AS SELECT file, %s FROM (SELECT %s)"
                       % (name, ", ".join(casts), ", ".join(columns)), lists)
    return "temp." + name


def paths(files):
    return "[" + ", ".join(literal("object://" + name) for name in files) + "]"


# --- one reader a format: (source, columns); the source is named f and has a column `filename` -----------------


def read_parquet(connection, columns, _, files):
    texts = any(hive_type(c["type"]).duckdb == "VARCHAR" for c in columns)
    bytes_too = any(hive_type(c["type"]).duckdb == "BLOB" for c in columns)
    source = "read_parquet(%s, union_by_name=true, hive_partitioning=false, filename='filename'%s) f" % (
        paths(files), ", binary_as_string=true" if texts and not bytes_too else "")
    described = connection.execute("DESCRIBE SELECT * FROM " + source).fetchall()
    present = {row[0].lower(): row[0] for row in described}
    selected = []
    for column in columns:
        name, kind = column["name"].lower(), hive_type(column["type"]).duckdb
        value = "f." + quoted(present[name]) if name in present else "NULL"
        selected.append("CAST(%s AS %s) AS %s" % (value, kind, quoted(name)))
    return source, selected


def lines_of(files, properties):
    for name in files:
        check_compression(name)
    skip = int(properties.get("skip.header.line.count", "0") or 0)
    return ("read_csv(%s, columns={'line': 'VARCHAR'}, delim=%s, quote='', escape='', header=false, auto_detect=false, "
            "nullstr=%s, strict_mode=false, max_line_size=%d, skip=%d, filename='filename')" % (
                paths(files), literal("\x01\x02\x03\x04"), literal(NO_TEXT), LINE_BYTES_MAX, skip))


def read_delimited(_, columns, properties, files):
    """LazySimpleSerDe: no quotes, a value that is no value of its type is null."""
    separators = list(DEPTHS)
    separators[0] = properties.get("field.delim") or properties.get("serialization.format") or DEPTHS[0]
    separators[0] = DEPTHS[0] if separators[0] == "1" else separators[0]
    separators[1] = properties.get("collection.delim") or properties.get("colelction.delim") or DEPTHS[1]
    separators[2] = properties.get("mapkey.delim") or DEPTHS[2]
    if properties.get("line.delim", "\n") not in ("\n", "\\n"):
        raise not_implemented("LINES TERMINATED BY other than the end of a line")
    null, escape = properties.get("serialization.null.format", "\\N"), properties.get("escape.delim", "")
    line, end = "line", ""
    if escape:
        # An escaped separator is hidden behind a character that no text has, and comes back after the split.
        line = "replace(line, %s, %s)" % (literal(escape + separators[0]), literal("\x1f\x10"))
        end = literal(separators[0])
    source = "(SELECT string_split(%s, %s) AS fields, filename FROM %s) f" % (
        line, literal(separators[0]), lines_of(files, properties))
    selected = []
    for position, column in enumerate(columns, 1):
        value = "fields[%d]" % position
        if escape:
            value = "replace(%s, %s, %s)" % (value, literal("\x1f\x10"), end)
        value = "nullif(%s, %s)" % (value, literal(null))
        if escape:
            value = "replace(%s, %s, %s)" % (value, literal(escape * 2), literal(escape))
        kind = hive_type(column["type"])
        selected.append("CAST(%s AS %s) AS %s" % (lazy(value, kind, separators, 1), kind.duckdb, quoted(column["name"].lower())))
    return source, selected


def lazy(value, kind, separators, depth):
    """The SQL of a text as `kind`."""
    if kind.kind == "plain":
        return lazy_plain(value, kind.duckdb)
    if depth + 1 >= len(separators):
        raise not_implemented("a column nested so deeply")
    item, split = "x%d" % depth, "string_split(%s, %s)" % (value, literal(separators[depth]))
    if kind.kind == "array":
        inner = lazy(item, kind.parts[0][1], separators, depth + 1)
        return "CASE WHEN %s = '' THEN [] ELSE list_transform(%s, lambda %s: %s) END" % (value, split, item, inner)
    if kind.kind == "map":
        pair = literal(separators[depth + 1])
        key = lazy("split_part(%s, %s, 1)" % (item, pair), kind.parts[0][1], separators, depth + 2)
        of = lazy("split_part(%s, %s, 2)" % (item, pair), kind.parts[1][1], separators, depth + 2)
        return ("CASE WHEN %s = '' THEN MAP {} ELSE map_from_entries(list_transform(%s, lambda %s: {'k': %s, 'v': %s})) END"
                % (value, split, item, key, of))
    fields = ["%s: %s" % (literal(name), lazy("(%s)[%d]" % (split, at), inner, separators, depth + 1))
              for at, (name, inner) in enumerate(kind.parts, 1)]
    return "CASE WHEN %s IS NOT NULL THEN {%s} END" % (value, ", ".join(fields))


def lazy_plain(value, duckdb):
    if duckdb == "VARCHAR":
        return value
    if duckdb in INTEGERS:
        return "CASE WHEN regexp_full_match(%s, '[+-]?[0-9]+') THEN TRY_CAST(%s AS %s) END" % (value, value, duckdb)
    if duckdb == "BOOLEAN":
        return "CASE lower(%s) WHEN 'true' THEN true WHEN 'false' THEN false END" % value
    if duckdb == "BLOB":
        return "from_base64(%s)" % value
    return "TRY_CAST(%s AS %s)" % (value, duckdb)


def read_quoted(_, columns, properties, files):
    """OpenCSVSerDe: dates are days and timestamps milliseconds since 1970; an empty number is an error."""
    for name in files:
        check_compression(name)
    names = ["column %d" % at for at in range(len(columns))]
    quote, escape = properties.get("quoteChar", '"'), properties.get("escapeChar", "\\")
    source = ("read_csv(%s, columns={%s}, delim=%s, quote=%s, escape=%s, header=false, auto_detect=false, nullstr=%s, "
              "strict_mode=false, null_padding=true, max_line_size=%d, skip=%d, filename='filename') f" % (
                  paths(files), ", ".join(literal(name) + ": 'VARCHAR'" for name in names),
                  literal(properties.get("separatorChar", ",")), literal(quote), literal(escape), literal(NO_TEXT),
                  LINE_BYTES_MAX, int(properties.get("skip.header.line.count", "0") or 0)))
    selected = []
    for name, column in zip(names, columns):
        value, kind = "f." + quoted(name), hive_type(column["type"])
        if kind.kind != "plain":
            raise not_implemented("a column of type %s in OpenCSVSerDe" % column["type"])
        value = "replace(%s, %s, %s)" % (value, literal(quote * 2), literal(quote))
        if kind.duckdb == "DATE":
            value = "DATE '1970-01-01' + CAST(%s AS INTEGER)" % value
        elif kind.duckdb == "TIMESTAMP":
            value = "make_timestamp(CAST(%s AS BIGINT) * 1000)" % value
        elif kind.duckdb != "VARCHAR":
            value = NUMBER.format(value, kind.duckdb, len(selected))
        selected.append("CAST(%s AS %s) AS %s" % (value, kind.duckdb, quoted(column["name"].lower())))
    return source, selected


def read_json(connection, columns, properties, files):
    """The JSON serdes: an object a line, names in any case."""
    lines = lines_of(files, properties)
    otherwise = "NULL" if properties.get("ignore.malformed.json", "").lower() == "true" else \
        "error('HIVE_CURSOR_ERROR: Row is not a valid JSON Object')"
    good = "CASE WHEN json_valid(line) AND json_type(line) = 'OBJECT' THEN CAST(line AS JSON) ELSE %s END" % otherwise
    shape = connection.execute("SELECT json_group_structure(d) FROM (SELECT %s AS d FROM %s) WHERE d IS NOT NULL"
                               % (good, lines)).fetchone()[0]
    shape = json.loads(shape) if shape else {}
    wanted, selected = {}, []
    for column in columns:
        name, kind = column["name"].lower(), hive_type(column["type"])
        actual = find_name(shape, properties.get("mapping." + name, name),
                           properties.get("dots.in.keys", "").lower() == "true")
        if actual is None:
            selected.append("CAST(NULL AS %s) AS %s" % (kind.duckdb, quoted(name)))
            continue
        wanted[actual] = json_shape(kind, shape[actual])
        selected.append("CAST(f.o.%s AS %s) AS %s" % (quoted(actual), kind.duckdb, quoted(name)))
    read = "json_transform(%s, %s)" % (good, literal(json.dumps(wanted))) if wanted else good
    return "(SELECT %s AS o, filename FROM %s) f" % (read, lines), selected


def find_name(shape, name, dots=False):
    if not isinstance(shape, dict):
        return None
    if name in shape:
        return name
    for actual in shape:
        folded = actual.lower().replace(".", "_") if dots else actual.lower()
        if folded == name.lower():
            return actual
    return None


def json_shape(kind, shape):
    """What json_transform shall make of a value: the declared type with the names that the file uses."""
    if kind.kind == "array":
        return [json_shape(kind.parts[0][1], shape[0] if isinstance(shape, list) and shape else None)]
    if kind.kind == "struct":
        return {find_name(shape, name) or name: json_shape(inner, (shape or {}).get(find_name(shape, name))
                                                           if isinstance(shape, dict) else None)
                for name, inner in kind.parts}
    return kind.duckdb


def read_regex(_, columns, properties, files):
    pattern = properties.get("input.regex")
    if not pattern:
        raise Failure("HIVE_INVALID_METADATA", "RegexSerDe needs the property input.regex")
    whole = literal(pattern)
    selected = []
    for position, column in enumerate(columns, 1):
        kind = hive_type(column["type"])
        value = "CASE WHEN matched THEN regexp_extract(line, %s, %d) END" % (literal("^(?:%s)$" % pattern), position)
        selected.append("%s AS %s" % (lazy(value, kind, DEPTHS, 1), quoted(column["name"].lower())))
    return "(SELECT line, filename, regexp_full_match(line, %s) AS matched FROM %s) f" % (
        whole, lines_of(files, properties)), selected


READERS = (("parquet", read_parquet), ("lazysimpleserde", read_delimited), ("opencsvserde", read_quoted),
           ("jsonserde", read_json), ("regexserde", read_regex))


# --- which partitions a query needs ----------------------------------------------------------------------------


def kept_partitions(connection, conditions, keys, groups):
    """Indexes of the groups whose values may satisfy one of `conditions` (SQL of DuckDB on the keys)."""
    columns = ", ".join("unnest(?::VARCHAR[]) AS " + quoted("text %d" % at) for at in range(len(keys)))
    casts = ", ".join("TRY_CAST(%s AS %s) AS %s" % (quoted("text %d" % at), hive_type(key["type"]).duckdb,
                                                    quoted(key["name"].lower())) for at, key in enumerate(keys))
    lists = [list(range(len(groups)))]
    for at in range(len(keys)):
        lists.append([None if group["values"][at] == NULL_PARTITION else group["values"][at] for group in groups])
    sql = "SELECT i FROM (SELECT i, %s FROM (SELECT unnest(?) AS i, %s)) WHERE %s ORDER BY i" % (
        casts, columns, " OR ".join("(%s)" % condition for condition in conditions))
    return [row[0] for row in connection.execute(sql, lists).fetchall()]

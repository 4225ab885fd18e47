"""The SQL worker: DuckDB and the translation of Athena's dialect, in a process of its own.

argv[1]: the descriptor of a Unix stream socket. One JSON document a line, both ways. Requests:
  {"op":"parse","sql":…,"database":…}   → {"kind":"query","sql":…,"tables":[[database,table]…]}
                                        | {"kind":"ddl",…} | {"error":{"code":…,"message":…}}
  {"op":"run","sql":…,"tables":[…],"files":[{"name":…,"sizes":[…]}…]}, after as many descriptors as there are
    sizes, which come beside empty lines → {"columns":[…]}, then {"rows":[[…]…]}…, then {"done":true,…}
                                        | {"error":…}
After its start the process may open no file and no socket (seccomp): it reads only descriptors that the
server passed. Values come back as the text that Athena prints; null is null.
"""
import ctypes
import datetime
import decimal
import errno
import json
import os
import re
import socket
import sys

import duckdb
import sqlglot
from fsspec.spec import AbstractBufferedFile, AbstractFileSystem
from sqlglot import exp

ROWS_PER_FRAME = 1000
DESCRIPTORS_MAX = 200


class Failure(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def not_implemented(what):
    return Failure("NotImplemented", what + " is not implemented")


# --- files that the server handed over ------------------------------------------------------------------


class Pieces:
    """An object's bytes: one or more descriptors, each read at its own offsets."""

    def __init__(self, pieces):
        self.pieces = pieces
        self.size = sum(size for _, size in pieces)

    def read(self, start, end):
        out, offset = [], 0
        for descriptor, size in self.pieces:
            first, last = max(start, offset), min(end, offset + size)
            while first < last:
                data = os.pread(descriptor, last - first, first - offset)
                if not data:
                    raise OSError(errno.EIO, "an object is shorter than its record says")
                out.append(data)
                first += len(data)
            offset += size
        return b"".join(out)


class ObjectFile(AbstractBufferedFile):
    def __init__(self, fs, path, pieces):
        self.pieces = pieces
        super().__init__(fs, path, mode="rb", cache_type="none", size=pieces.size)

    def _fetch_range(self, start, end):
        return self.pieces.read(start, end)


class Objects(AbstractFileSystem):
    protocol = "object"
    cachable = False

    def __init__(self):
        super().__init__()
        self.files = {}

    def _find(self, path):
        found = self.files.get(self._strip_protocol(path))
        if found is None:
            raise FileNotFoundError(path)
        return found

    def info(self, path, **_):
        found = self._find(path)
        return {"name": path, "size": found.size, "type": "file"}

    def glob(self, path, **_):
        self._find(path)
        return [self._strip_protocol(path)]

    def exists(self, path, **_):
        return self._strip_protocol(path) in self.files

    def modified(self, path):
        return datetime.datetime(1970, 1, 1)

    def _open(self, path, mode="rb", **_):
        if mode != "rb":
            raise PermissionError(path)
        return ObjectFile(self, path, self._find(path))


# --- translation ----------------------------------------------------------------------------------------


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def parse_show(sql):
    text = sql.strip().rstrip(";").strip()
    m = re.fullmatch(r"(?is)show\s+(?:databases|schemas)", text)
    if m:
        return {"kind": "ddl", "op": "show_databases"}
    m = re.fullmatch(r"(?is)show\s+tables(?:\s+(?:in|from)\s+[`\"]?(\w+)[`\"]?)?", text)
    if m:
        return {"kind": "ddl", "op": "show_tables", "database": m.group(1) or ""}
    return None


def parse(request):
    sql, database = request["sql"], request.get("database", "")
    shown = parse_show(sql)
    if shown:
        return shown
    try:
        trees = [tree for tree in sqlglot.parse(sql, read="athena") if tree is not None]
    except sqlglot.errors.SqlglotError as error:
        first = (getattr(error, "errors", None) or [{}])[0]
        message = "line {}:{}: {}".format(first.get("line", 1), first.get("col", 1),
                                          first.get("description") or str(error).splitlines()[0])
        raise Failure("SYNTAX_ERROR", message)
    if len(trees) != 1:
        raise Failure("SYNTAX_ERROR", "Only one sql statement is allowed. Got: %d" % len(trees))
    tree = trees[0]
    if isinstance(tree, (exp.Create, exp.Drop)):
        return parse_ddl(tree)
    if not isinstance(tree, exp.Query):
        raise not_implemented("statement " + sql.strip().split(None, 1)[0].upper())
    return parse_query(tree, database)


def parse_ddl(tree):
    verb = "CREATE" if isinstance(tree, exp.Create) else "DROP"
    kind = (tree.args.get("kind") or "").upper()
    targets = tree.args.get("tables") or [tree.find(exp.Table)]
    if len(targets) != 1:
        raise not_implemented(verb + " of more than one")
    target = targets[0]
    if kind in ("DATABASE", "SCHEMA"):
        allowed = {"this", "tables", "kind", "exists", "cascade", "restrict"}
        given = {name for name, value in tree.args.items() if value}
        if given - allowed:
            raise not_implemented(verb + " " + kind + " with " + ", ".join(sorted(given - allowed)))
        return {"kind": "ddl", "op": verb.lower() + "_database", "database": target.name or target.db,
                "exists": bool(tree.args.get("exists")), "cascade": bool(tree.args.get("cascade"))}
    if verb == "DROP" and kind == "TABLE":
        return {"kind": "ddl", "op": "drop_table", "database": target.db, "table": target.name,
                "exists": bool(tree.args.get("exists"))}
    raise not_implemented("statement " + verb + " " + kind)


FILE_FUNCTIONS = ("read_parquet", "parquet_scan", "read_csv", "read_csv_auto", "read_json", "read_text", "read_blob",
                  "glob")


def parse_query(tree, database):
    for call in tree.find_all(exp.Anonymous, exp.ReadCSV, exp.ReadParquet):
        name = call.name.lower() if isinstance(call, exp.Anonymous) else call.key
        if name in FILE_FUNCTIONS or not isinstance(call, exp.Anonymous):
            raise Failure("FUNCTION_NOT_FOUND", "Function '%s' not registered" % name)
    for position, item in enumerate(tree.selects):
        named = isinstance(item, (exp.Alias, exp.Column, exp.Dot)) or item.is_star
        if not named and isinstance(tree, exp.Select):
            item.replace(exp.alias_(item.copy(), "_col%d" % position, quoted=True))
    tables = []
    for scope in sqlglot.optimizer.scope.traverse_scope(tree):
        for source in scope.sources.values():
            if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
                add_table(source, database, tables)
    return {"kind": "query", "sql": tree.sql(dialect="duckdb"), "tables": tables}


def add_table(source, database, tables):
    if source.catalog and source.catalog.lower() != "awsdatacatalog":
        raise not_implemented("catalog " + source.catalog)
    name = [(source.db or database).lower(), source.name.lower()]
    if not name[0]:
        raise Failure("SYNTAX_ERROR", "line 1:1: Schema must be specified when session schema is not set")
    source.set("catalog", None)
    source.set("db", exp.to_identifier(name[0], quoted=True))
    source.set("this", exp.to_identifier(name[1], quoted=True))
    if name not in tables:
        tables.append(name)


# --- running --------------------------------------------------------------------------------------------


HIVE_TYPES = {"string": "VARCHAR", "int": "INTEGER", "integer": "INTEGER", "float": "FLOAT", "real": "FLOAT",
              "binary": "BLOB", "timestamp": "TIMESTAMP", "date": "DATE", "boolean": "BOOLEAN",
              "tinyint": "TINYINT", "smallint": "SMALLINT", "bigint": "BIGINT", "double": "DOUBLE"}


def duckdb_type(hive):
    hive = hive.strip().lower()
    if hive in HIVE_TYPES:
        return HIVE_TYPES[hive]
    if re.fullmatch(r"(varchar|char)(\(\d+\))?", hive):
        return "VARCHAR"
    if re.fullmatch(r"decimal(\(\d+(\s*,\s*\d+)?\))?", hive):
        return "DECIMAL(10,0)" if hive == "decimal" else hive.upper()
    m = re.fullmatch(r"(?s)array<(.*)>", hive)
    if m:
        return duckdb_type(m.group(1)) + "[]"
    m = re.fullmatch(r"(?s)map<(.*)>", hive)
    if m:
        return "MAP(%s)" % ", ".join(duckdb_type(part) for part in split_types(m.group(1)))
    m = re.fullmatch(r"(?s)struct<(.*)>", hive)
    if m:
        fields = [part.split(":", 1) for part in split_types(m.group(1))]
        return "STRUCT(%s)" % ", ".join(quoted(n.strip()) + " " + duckdb_type(t) for n, t in fields)
    raise not_implemented("column type " + hive)


def split_types(text):
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += (c in "<(") - (c in ">)")
        if c == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return parts + [text[start:]]


def group_select(connection, table, group):
    """SELECT of one partition's files, in the declared columns and types; absent columns are null."""
    files = "[" + ", ".join(literal("object://" + name) for name in group["files"]) + "]"
    scan = "read_parquet(%s, union_by_name=true, hive_partitioning=false)" % files
    present = {row[0].lower(): row[0] for row in connection.sql("DESCRIBE SELECT * FROM " + scan).fetchall()}
    parts = []
    for column in table.get("columns", []):
        name, kind = column["name"].lower(), duckdb_type(column["type"])
        value = quoted(present[name]) if name in present else "NULL"
        parts.append("CAST(%s AS %s) AS %s" % (value, kind, quoted(name)))
    for key, value in zip(table.get("keys", []), group.get("values", [])):
        null = value == "__HIVE_DEFAULT_PARTITION__"
        parts.append("CAST(%s AS %s) AS %s" % ("NULL" if null else literal(value), duckdb_type(key["type"]),
                                               quoted(key["name"].lower())))
    return "SELECT %s FROM %s" % (", ".join(parts), scan)


def empty_select(table):
    parts = ["CAST(NULL AS %s) AS %s" % (duckdb_type(c["type"]), quoted(c["name"].lower()))
             for c in table.get("columns", []) + table.get("keys", [])]
    return "SELECT %s WHERE false" % ", ".join(parts)


def make_view(connection, table):
    connection.execute("CREATE SCHEMA IF NOT EXISTS " + quoted(table["database"]))
    selects = [group_select(connection, table, group) for group in table.get("groups", [])]
    body = " UNION ALL ".join(selects) if selects else empty_select(table)
    connection.execute("CREATE VIEW %s.%s AS %s" % (quoted(table["database"]), quoted(table["table"]), body))


def text_of(value):
    """As Athena prints it."""
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
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex(" ")
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(nested(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join("%s=%s" % (nested(k), nested(v)) for k, v in value.items()) + "}"
    return str(value)


def nested(value):
    return "null" if value is None else text_of(value)


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


ATHENA_TYPES = {"VARCHAR": ("varchar", 2147483647), "BIGINT": ("bigint", 19), "INTEGER": ("integer", 10),
                "SMALLINT": ("smallint", 5), "TINYINT": ("tinyint", 3), "DOUBLE": ("double", 17),
                "FLOAT": ("float", 17), "BOOLEAN": ("boolean", 0), "DATE": ("date", 0),
                "TIMESTAMP": ("timestamp", 3), "TIMESTAMP WITH TIME ZONE": ("timestamp with time zone", 3),
                "BLOB": ("varbinary", 1073741824), "HUGEINT": ("bigint", 19), "TIME": ("time", 3),
                "TIMESTAMP_S": ("timestamp", 3), "TIMESTAMP_MS": ("timestamp", 3),
                "TIMESTAMP_NS": ("timestamp", 3), "UBIGINT": ("decimal", 20), "UINTEGER": ("bigint", 19)}


def column_of(name, kind):
    kind = str(kind).upper()
    scale = 0
    m = re.fullmatch(r"DECIMAL\((\d+),\s*(\d+)\)", kind)
    if m:
        athena, precision, scale = "decimal", int(m.group(1)), int(m.group(2))
    elif kind in ATHENA_TYPES:
        athena, precision = ATHENA_TYPES[kind]
    elif kind.endswith("[]"):
        athena, precision = "array", 0
    elif kind.startswith("MAP("):
        athena, precision = "map", 0
    elif kind.startswith("STRUCT("):
        athena, precision = "row", 0
    elif kind == '"NULL"' or kind == "NULL":
        athena, precision = "unknown", 0
    else:
        raise not_implemented("result type " + kind)
    return {"name": name, "type": athena, "precision": precision, "scale": scale}


class Worker:
    def __init__(self, link):
        self.link = link
        self.buffer = b""
        self.descriptors = []
        self.objects = Objects()
        self.connection = duckdb.connect(":memory:", config={
            "threads": "2", "memory_limit": os.environ.get("SQL_MEMORY", "512MB"),
            "autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
        self.connection.register_filesystem(self.objects)
        for setting in ("SET TimeZone='UTC'", "SET default_null_order='nulls_last'",
                        "SET temp_directory=''", "SET enable_progress_bar=false"):
            self.connection.execute(setting)

    def warm(self):
        """Loads lazily loaded code before the process loses the right to open files."""
        parse({"sql": "SELECT date_trunc('day', d), round(sum(a), 2) FROM t.u GROUP BY 1", "database": ""})
        self.connection.execute("SELECT current_date, now()::VARCHAR, 1.5::DECIMAL(4,2), "
                                "TIMESTAMP '2020-01-01', now(), [1], {'a': 1}").fetchall()
        "x".encode("idna")
        str(datetime.datetime.strptime("2020", "%Y"))
        self.connection.execute("SET lock_configuration=true")

    def send(self, document):
        self.link.sendall(json.dumps(document).encode() + b"\n")

    def receive(self):
        while b"\n" not in self.buffer:
            data, passed, _, _ = socket.recv_fds(self.link, 1 << 20, DESCRIPTORS_MAX)
            self.descriptors += passed
            if not data:
                return None
            self.buffer = (self.buffer + data).lstrip(b"\n")
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def run(self, request):
        taken = iter(self.descriptors)
        for file in request.get("files", []):
            self.objects.files[file["name"]] = Pieces([(next(taken), size) for size in file.get("sizes", [])])
        for table in request.get("tables", []):
            make_view(self.connection, table)
        result = self.connection.execute(request["sql"])
        kinds = [entry[1] for entry in result.description]
        self.send({"columns": [column_of(entry[0], kind) for entry, kind in zip(result.description, kinds)]})
        while rows := result.fetchmany(ROWS_PER_FRAME):
            self.send({"rows": [[text_of(value) for value in row] for row in rows]})
        self.send({"done": True})

    def answer(self, request):
        try:
            if request["op"] == "parse":
                self.send(parse(request))
            elif request["op"] == "run":
                self.run(request)
        except Failure as failure:
            self.send({"error": {"code": failure.code, "message": str(failure)}})
        except duckdb.Error as error:
            self.send({"error": error_of(error)})
        except Exception as error:  # one odd statement must not cost its reason
            self.send({"error": {"code": "GENERIC_INTERNAL_ERROR", "message": repr(error)}})


def error_of(error):
    text = re.sub(r"\s*LINE \d+:.*", "", str(error), flags=re.S).strip()
    unknown = re.search(r"(?:Function|Macro) with name \"?(\w+)\"? (?:does not exist|is not)", text)
    if unknown:
        return {"code": "FUNCTION_NOT_FOUND", "message": "line 1:1: Function '%s' not registered" % unknown.group(1)}
    return {"code": error_code(error), "message": text}


def error_code(error):
    if isinstance(error, duckdb.OutOfMemoryException):
        return "EXCEEDED_LOCAL_MEMORY_LIMIT"
    if isinstance(error, (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)):
        return "SYNTAX_ERROR"
    if isinstance(error, (duckdb.ConversionException, duckdb.InvalidInputException)):
        return "INVALID_CAST_ARGUMENT"
    return "GENERIC_INTERNAL_ERROR"


def close_the_door():
    """From here on: no file is opened, no socket made, no program started."""
    library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    allow, refuse = 0x7FFF0000, 0x00050000 | errno.EPERM
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(allow)))
    library.seccomp_attr_set(context, 4, ctypes.c_uint32(1))  # SCMP_FLTATR_CTL_TSYNC: threads that run too
    for name in (b"open", b"openat", b"openat2", b"creat", b"socket", b"connect", b"bind", b"execve", b"execveat",
                 b"fork", b"vfork", b"ptrace", b"unlink", b"unlinkat", b"rename", b"renameat", b"renameat2",
                 b"mkdir", b"mkdirat", b"link", b"linkat", b"symlink", b"symlinkat", b"chmod", b"fchmodat",
                 b"truncate", b"mount", b"io_uring_setup", b"process_vm_readv", b"open_by_handle_at"):
        number = library.seccomp_syscall_resolve_name(name)
        if library.seccomp_rule_add(context, ctypes.c_uint32(refuse), number, 0) != 0:
            sys.exit("seccomp: no rule for " + name.decode())
    if library.seccomp_load(context) != 0:
        sys.exit("seccomp: the filter was not taken")


def main():
    worker = Worker(socket.socket(fileno=int(sys.argv[1])))
    worker.warm()
    close_the_door()
    worker.send({"ready": True})
    while request := worker.receive():
        worker.answer(request)


if __name__ == "__main__":
    import sqlglot.optimizer.scope
    main()

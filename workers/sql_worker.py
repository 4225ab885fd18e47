"""The SQL worker: DuckDB and the translation of Athena's dialect, in a process of its own.

argv[1]: the descriptor of a Unix stream socket. One JSON document a line, both ways. Requests:
  {"op":"parse","sql":…,"database":…,"parameters":[…]} → the statement (sql/statements.py)
  {"op":"prune","tables":[…]} → {"kept":[[…]…]}: for each table the indexes of the groups that the queries parsed
    so far can need
  {"op":"run","sql":…,"tables":[…],"files":[{"name":…,"sizes":[…]}…],"scanned_bytes_max":…,"output":{…}}, after as
    many descriptors as there are sizes, which come beside empty lines → {"columns":[…]}, then {"rows":[[…]…]}…, or
    with an output {"file":{"values":[…],"ending":…}} and {"bytes":N} with N bytes behind the line …, then
    {"done":true,"rows":N,"scanned_bytes":N}
  each may answer {"error":{"code":…,"message":…}} instead, at any point.
After its start the process may open no file and no socket (sql/walls.py): it reads only descriptors that the
server passed. Values come back as the text that Athena prints; null is null.
"""
import datetime
import json
import os
import re
import socket
import sys

import duckdb

from sql import dialect, functions, output, statements, tables
from sql.failure import Failure
from sql.objects import Meter, Objects, Pieces
from sql.values import column_of, text_of
from sql.walls import close_the_door

ROWS_PER_FRAME = 1000
DESCRIPTORS_MAX = 200


class Worker:
    def __init__(self, link):
        self.link = link
        self.buffer = b""
        self.descriptors = []
        self.trees = []
        self.meter = Meter()
        self.objects = Objects(self.send_bytes)
        self.connection = duckdb.connect(":memory:", config={
            "threads": "2", "memory_limit": os.environ.get("SQL_MEMORY", "512MB"),
            "autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
        self.connection.register_filesystem(self.objects)
        for setting in ("SET TimeZone='UTC'", "SET default_null_order='nulls_last'", "SET temp_directory=''",
                        "SET enable_progress_bar=false", "SET parquet_metadata_cache=true",
                        "SET integer_division=true"):
            self.connection.execute(setting)
        functions.make_macros(self.connection)

    def warm(self):
        """Loads lazily loaded code before the process loses the right to open files."""
        statements.parse({"sql": "SELECT date_trunc('day', d), round(sum(a), 2) FROM t.u WHERE k = 1 GROUP BY 1"}, self.trees)
        dialect.conditions(self.trees, {"database": "t", "table": "u"}, ["k"])
        self.trees.clear()
        self.connection.execute("SELECT current_date, now()::VARCHAR, 1.5::DECIMAL(4,2), "
                                "TIMESTAMP '2020-01-01', now(), [1], {'a': 1}").fetchall()
        "x".encode("idna")
        str(datetime.datetime.strptime("2020", "%Y"))
        self.connection.execute("SET lock_configuration=true")

    def send(self, document):
        self.link.sendall(json.dumps(document).encode() + b"\n")

    def send_bytes(self, data):
        if data:
            self.link.sendall(b'{"bytes":%d}\n' % len(data) + data)

    def receive(self):
        while b"\n" not in self.buffer:
            data, passed, _, _ = socket.recv_fds(self.link, 1 << 20, DESCRIPTORS_MAX)
            self.descriptors += passed
            if not data:
                return None
            self.buffer = (self.buffer + data).lstrip(b"\n")
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def prune(self, request):
        kept = []
        for table in request.get("tables", []):
            groups, keys = table.get("groups", []), table.get("keys", [])
            wanted = dialect.conditions(self.trees, table, [key["name"].lower() for key in keys])
            everything = list(range(len(groups)))
            try:
                kept.append(tables.kept_partitions(self.connection, wanted, keys, groups) if wanted else everything)
            except duckdb.Error:  # the query itself will say what is wrong
                kept.append(everything)
        return {"kept": kept}

    def run(self, request):
        self.meter.most = request.get("scanned_bytes_max", 0)
        taken = iter(self.descriptors)
        for file in request.get("files", []):
            pieces = [(next(taken), size) for size in file.get("sizes", [])]
            self.objects.files[file["name"]] = Pieces(pieces, self.meter)
        for table in request.get("tables", []):
            self.settle_types(table.get("view_sql", ""))
            tables.make_view(self.connection, table)
        self.settle_types(request["sql"])
        if "output" in request:
            rows = output.write(self, request["sql"], request["output"])
        else:
            rows = self.select(request["sql"])
        self.send({"done": True, "rows": rows, "scanned_bytes": self.meter.bytes})

    def settle_types(self, sql):
        if not re.search(r"\btrino_(rows|cardinality)\(", sql, re.I):
            return
        try:
            self.connection.execute("EXPLAIN " + sql)
        except duckdb.BinderException:
            if not functions.guess_maps(self.connection, sql):
                raise

    def select(self, sql):
        result = self.connection.execute(sql)
        self.send({"columns": [column_of(name, kind) for name, kind, *_ in result.description]})
        count = 0
        while rows := result.fetchmany(ROWS_PER_FRAME):
            count += len(rows)
            self.send({"rows": [[text_of(value) for value in row] for row in rows]})
        return count

    def answer(self, request):
        try:
            if request["op"] == "parse":
                self.send(statements.parse(request, self.trees))
            elif request["op"] == "prune":
                self.send(self.prune(request))
            elif request["op"] == "run":
                self.run(request)
        except Failure as failure:
            self.send({"error": {"code": failure.code, "message": str(failure)}})
        except Exception as error:  # one odd statement must not cost its reason
            self.send({"error": self.error_of(error)})

    def error_of(self, error):
        if self.meter.exceeded:
            return {"code": "BytesScannedLimitExceeded", "message": "Bytes scanned limit was exceeded"}
        if not isinstance(error, duckdb.Error):
            return {"code": "GENERIC_INTERNAL_ERROR", "message": repr(error)}
        text = re.sub(r"\s*LINE \d+:.*", "", str(error), flags=re.S).strip()
        named = re.search(r"\b(HIVE_[A-Z_]+|DIVISION_BY_ZERO): (.*)", text)
        if named:
            return {"code": named.group(1), "message": named.group(2)}
        unknown = re.search(r"(?:Function|Macro) with name \"?(\w+)\"? (?:does not exist|is not)", text)
        if unknown:
            return {"code": "FUNCTION_NOT_FOUND", "message": "line 1:1: Function '%s' not registered" % unknown.group(1)}
        return {"code": error_code(error, text), "message": text}


def error_code(error, text):
    if isinstance(error, duckdb.OutOfMemoryException):
        return "EXCEEDED_LOCAL_MEMORY_LIMIT"
    if isinstance(error, (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)):
        return "SYNTAX_ERROR"
    if "object://" in text:
        return "HIVE_BAD_DATA"
    if isinstance(error, (duckdb.ConversionException, duckdb.InvalidInputException)):
        return "INVALID_CAST_ARGUMENT"
    return "GENERIC_INTERNAL_ERROR"


def main():
    worker = Worker(socket.socket(fileno=int(sys.argv[1])))
    worker.warm()
    given = re.match(r"/proc/self/fd/(\d+)/", __file__)
    if given:  # the folder of this program: not needed any more
        os.close(int(given.group(1)))
    close_the_door()
    worker.send({"ready": True})
    while request := worker.receive():
        worker.answer(request)


if __name__ == "__main__":
    main()

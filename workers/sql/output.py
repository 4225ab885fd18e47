"""What CREATE TABLE AS, INSERT INTO and UNLOAD write: files that go to the server while DuckDB makes them."""
from sql.failure import Failure, not_implemented
from sql.tables import NULL_PARTITION
from sql.types import hive_type, literal, quoted
from sql.values import column_of, text_of

PARTITIONS_MAX = 100  # of one statement, as Athena has it
CODECS = {"": "gzip", "GZIP": "gzip", "SNAPPY": "snappy", "ZSTD": "zstd", "LZ4": "lz4", "NONE": "uncompressed",
          "UNCOMPRESSED": "uncompressed"}


def copy_options(output):
    """DuckDB's options and the end of a file's name."""
    kind, codec = output.get("format", "PARQUET").upper(), output.get("compression", "").upper()
    if codec not in CODECS:
        raise not_implemented("compression " + codec)
    if kind == "PARQUET":
        return "FORMAT parquet, CODEC '%s'" % CODECS[codec], ""
    ending = {"gzip": ".gz", "zstd": ".zst", "uncompressed": ""}.get(CODECS[codec])
    if ending is None:
        raise not_implemented("compression %s of text" % codec)
    how = {"": "none", ".gz": "gzip", ".zst": "zstd"}[ending]
    if kind == "JSON":
        return "FORMAT json, COMPRESSION %s" % how, ending
    if kind == "TEXTFILE":
        return "FORMAT csv, HEADER false, DELIM %s, QUOTE '', ESCAPE '', NULLSTR '\\N', COMPRESSION %s" % (
            literal(output.get("delimiter") or "\x01"), how), ending
    raise not_implemented("writing of " + kind)


def cast_to(connection, sql, columns):
    """`sql` with its columns cast to those of a table, in their order. "source": the column of the query that fills it,
    counted from 1; without: null."""
    count = len(connection.execute("DESCRIBE " + sql).fetchall())
    filled = [column for column in columns if column.get("source")]
    if count != len(filled):
        raise Failure("SYNTAX_ERROR", "line 1:1: Insert query has mismatched column types: Table: %d columns, Query: %d columns"
                      % (len(filled), count))
    names = ", ".join(quoted("c%d" % at) for at in range(1, count + 1))
    parts = []
    for column in columns:
        value = quoted("c%d" % column["source"]) if column.get("source") else "NULL"
        parts.append("CAST(%s AS %s) AS %s" % (value, hive_type(column["type"]).duckdb, quoted(column["name"])))
    return "SELECT %s FROM (%s) q(%s)" % (", ".join(parts), sql, names)


def check_names(description):
    names = [entry[0].lower() for entry in description]
    for name in names:
        if names.count(name) > 1:
            raise Failure("DUPLICATE_COLUMN_NAME", "line 1:1: Column name '%s' specified more than once" % name)
        if name.startswith("_col") and name[4:].isdigit():
            raise Failure("MISSING_COLUMN_NAME", "line 1:1: Column name not specified at position %d" % (int(name[4:]) + 1))


def write(worker, sql, output):
    """Sends {"columns"}, then for each file {"file"} and its bytes. Answers with the number of rows."""
    connection, keys = worker.connection, output.get("keys", [])
    options, ending = copy_options(output)
    if output.get("columns"):
        sql = cast_to(connection, sql, output["columns"])
    probe = connection.execute("SELECT * FROM (%s) q LIMIT 0" % sql)
    check_names(probe.description)
    columns = [column_of(name.lower(), kind) for name, kind, *_ in probe.description]
    names = [column["name"] for column in columns]
    if keys and names[-len(keys):] != keys:
        raise Failure("HIVE_COLUMN_ORDER_MISMATCH", "Partition keys must be the last columns in the table and in the same order "
                      "as the table properties: [%s]" % ", ".join(keys))
    if len(keys) == len(names):
        raise Failure("INVALID_TABLE_PROPERTY", "Table contains only partition columns")
    for column in columns:
        if not column["hive"]:
            raise Failure("NOT_SUPPORTED", "Unsupported Hive type: " + column["type"])
        if output.get("format") == "TEXTFILE" and column["type"] in ("array", "map", "row"):
            raise not_implemented("a nested column in a file of text")
    worker.send({"columns": columns})
    if not keys:
        return copy(worker, "SELECT * FROM (%s) q" % sql, options, [], ending)
    return copy_partitions(worker, sql, names, keys, options, ending)


def copy_partitions(worker, sql, names, keys, options, ending):
    connection = worker.connection
    connection.execute("CREATE TEMP TABLE written AS " + sql)
    listed = ", ".join(quoted(key) for key in keys)
    found = connection.execute("SELECT DISTINCT %s FROM temp.written ORDER BY ALL LIMIT %d"
                               % (listed, PARTITIONS_MAX + 1)).fetchall()
    if len(found) > PARTITIONS_MAX:
        raise Failure("HIVE_TOO_MANY_OPEN_PARTITIONS",
                      "Exceeded limit of %d open writers for partitions/buckets." % PARTITIONS_MAX)
    rows = 0
    for values in found:
        same = " AND ".join("%s IS NOT DISTINCT FROM $%d" % (quoted(key), at) for at, key in enumerate(keys, 1))
        connection.execute("CREATE OR REPLACE TEMP TABLE one AS SELECT %s FROM temp.written WHERE %s"
                           % (", ".join(quoted(n) for n in names[:-len(keys)]), same), list(values))
        texts = [NULL_PARTITION if value is None else text_of(value) for value in values]
        rows += copy(worker, "SELECT * FROM temp.one", options, texts, ending)
    return rows


def copy(worker, sql, options, values, ending):
    worker.send({"file": {"values": values, "ending": ending}})
    worker.objects.writable = "out"
    done = worker.connection.execute("COPY (%s) TO 'object://out' (%s)" % (sql, options)).fetchone()
    worker.objects.writable = None
    return done[0]

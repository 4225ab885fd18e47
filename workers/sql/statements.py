"""What a text asks for, in Athena's dialect. Queries go to sqlglot, all else is read by words."""
from sql import dialect
from sql.failure import Failure, not_implemented
from sql.types import hive_type
from sql.words import Words

HIVE = "org.apache.hadoop.hive."
FORMATS = {
    "PARQUET": (HIVE + "ql.io.parquet.serde.ParquetHiveSerDe", HIVE + "ql.io.parquet.MapredParquetInputFormat",
                HIVE + "ql.io.parquet.MapredParquetOutputFormat"),
    "ORC": (HIVE + "ql.io.orc.OrcSerde", HIVE + "ql.io.orc.OrcInputFormat", HIVE + "ql.io.orc.OrcOutputFormat"),
    "AVRO": (HIVE + "serde2.avro.AvroSerDe", HIVE + "ql.io.avro.AvroContainerInputFormat",
             HIVE + "ql.io.avro.AvroContainerOutputFormat"),
    "TEXTFILE": (HIVE + "serde2.lazy.LazySimpleSerDe", "org.apache.hadoop.mapred.TextInputFormat",
                 HIVE + "ql.io.HiveIgnoreKeyTextOutputFormat"),
    "JSON": ("org.openx.data.jsonserde.JsonSerDe", "org.apache.hadoop.mapred.TextInputFormat",
             HIVE + "ql.io.HiveIgnoreKeyTextOutputFormat")}
DELIMITERS = ((("FIELDS", "TERMINATED", "BY"), "field.delim"), (("ESCAPED", "BY"), "escape.delim"),
              (("COLLECTION", "ITEMS", "TERMINATED", "BY"), "collection.delim"),
              (("MAP", "KEYS", "TERMINATED", "BY"), "mapkey.delim"), (("LINES", "TERMINATED", "BY"), "line.delim"),
              (("NULL", "DEFINED", "AS"), "serialization.null.format"))


def parse(request, trees):
    """The statement of request["sql"]; the trees of its queries are added to `trees`. Parameters: texts of constants that
    stand for its question marks; None: these may stay."""
    sql, database = request["sql"], request.get("database", "")
    words = Words(sql)
    for opening, reader in READERS:
        if words.take(*opening):
            found = reader(words, database, trees, request.get("parameters", []))
            if request.get("parameters") and found["operation"] not in ("create_table_as", "insert", "unload", "execute"):
                raise Failure("SYNTAX_ERROR", "line 1:1: Incorrect number of parameters: expected 0 but found %d"
                              % len(request["parameters"]))
            return found
    first = words.peek().upper()
    if first not in ("SELECT", "WITH", "VALUES", "(", "TABLE"):
        if not first:
            raise Failure("SYNTAX_ERROR", "line 1:1: Query is empty")
        if first in ("EXPLAIN", "DELETE", "UPDATE", "MERGE", "OPTIMIZE", "VACUUM", "ALTER", "CREATE", "DROP", "SHOW", "MSCK",
                     "GRANT", "REVOKE", "CALL", "SET", "USE", "TRUNCATE", "ANALYZE", "REFRESH", "LOAD", "EXPORT", "IMPORT"):
            raise not_implemented("statement " + " ".join(sql.split()[:2]).upper())
        words.wrong("expecting a statement")
    return {"operation": "select", **query(sql, database, trees, request.get("parameters", []))}


def query(sql, database, trees, parameters):
    """sql: the query in DuckDB's words; tables: what it reads."""
    tree = dialect.parse_query(sql, parameters)
    tables = dialect.resolve(tree, database)
    trees.append(tree)
    return {"sql": dialect.translate(tree), "tables": tables}


# --- what is there ---------------------------------------------------------------------------------------------


def pattern(words):
    words.take("LIKE")
    found = words.string() if words.peek()[:1] in ("'", '"') else ""
    words.end()
    return found


def show_databases(words, *_):
    return {"operation": "show_databases", "pattern": pattern(words)}


def show_tables(words, *_):
    database = words.name() if words.take("IN") or words.take("FROM") else ""
    return {"operation": "show_tables", "target": {"database": database}, "pattern": pattern(words)}


def show_views(words, *_):
    return {**show_tables(words), "operation": "show_views"}


def show_columns(words, *_):
    if not words.take("IN"):
        words.need("FROM")
    target = words.table()
    if words.take("IN") or words.take("FROM"):
        target["database"] = words.name()
    words.end()
    return {"operation": "show_columns", "target": target}


def on_table(operation):
    def read(words, *_):
        target = words.table()
        words.end()
        return {"operation": operation, "target": target}
    return read


def show_properties(words, *_):
    target = words.table()
    name = ""
    if words.take("("):
        name = words.string()
        words.need(")")
    words.end()
    return {"operation": "show_properties", "target": target, "name": name}


def describe(words, *_):
    for style in ("EXTENDED", "FORMATTED"):
        if words.take(style):
            raise not_implemented("statement DESCRIBE " + style)
    target = words.table()
    if words.peek() not in ("", ";"):
        raise not_implemented("DESCRIBE of a partition or a column")
    words.end()
    return {"operation": "describe", "target": target}


# --- databases, tables, views ----------------------------------------------------------------------------------


def create_database(words, *_):
    found = {"operation": "create_database", "if_exists": words.take("IF", "NOT", "EXISTS")}
    found["target"] = {"database": words.name()}
    if words.take("COMMENT"):
        found["comment"] = words.string()
    if words.take("LOCATION"):
        found["location"] = words.string()
    if words.take("WITH", "DBPROPERTIES"):
        found["properties"] = words.pairs()
    words.end()
    return found


def drop_database(words, *_):
    found = {"operation": "drop_database", "if_exists": words.take("IF", "EXISTS")}
    found["target"] = {"database": words.name()}
    found["cascade"] = words.take("CASCADE")
    words.take("RESTRICT")
    words.end()
    return found


def drop(operation):
    def read(words, *_):
        found = {"operation": operation, "if_exists": words.take("IF", "EXISTS"), "target": words.table()}
        words.end()
        return found
    return read


def create_external_table(words, *_):
    found = {"operation": "create_table", "if_exists": words.take("IF", "NOT", "EXISTS"), "target": words.table()}
    found["columns"] = words.columns()
    serde, properties, stored = None, {}, "TEXTFILE"
    while words.peek() not in ("", ";"):
        if words.take("COMMENT"):
            found["comment"] = words.string()
        elif words.take("PARTITIONED", "BY"):
            found["keys"] = words.columns()
        elif words.take("ROW", "FORMAT", "SERDE"):
            serde = words.string()
            properties = words.pairs() if words.take("WITH", "SERDEPROPERTIES") else {}
        elif words.take("ROW", "FORMAT", "DELIMITED"):
            properties = delimiters(words)
        elif words.take("WITH", "SERDEPROPERTIES"):
            properties.update(words.pairs())
        elif words.take("STORED", "AS"):
            stored = stored_as(words)
        elif words.take("LOCATION"):
            found["location"] = words.string()
        elif words.take("TBLPROPERTIES"):
            found["properties"] = words.pairs()
        elif words.take("CLUSTERED"):
            raise not_implemented("CREATE TABLE with CLUSTERED BY")
        else:
            words.wrong("expecting a clause of CREATE TABLE")
    words.end()
    if not found.get("location"):
        raise Failure("SYNTAX_ERROR", "line 1:1: CREATE EXTERNAL TABLE needs a LOCATION")
    known = FORMATS[stored] if isinstance(stored, str) else (FORMATS["TEXTFILE"][0], *stored)
    found["format"] = {"serde": serde or known[0], "input_format": known[1], "output_format": known[2],
                       "properties": properties}
    check_columns(found)
    return found


def check_columns(found):
    names = [column["name"] for column in found["columns"] + found.get("keys", [])]
    for name in names:
        if names.count(name) > 1:
            raise Failure("SYNTAX_ERROR", "line 1:1: Column name '%s' specified more than once" % name)
    for column in found["columns"] + found.get("keys", []):
        hive_type(column["type"])


def delimiters(words):
    properties = {}
    while True:
        for opening, name in DELIMITERS:
            if words.take(*opening):
                properties[name] = words.string()
                break
        else:
            break
    if "field.delim" in properties:
        properties["serialization.format"] = properties["field.delim"]
    return properties


def stored_as(words):
    if words.take("INPUTFORMAT"):
        taken = words.string()
        words.need("OUTPUTFORMAT")
        return (taken, words.string())
    name = words.name().upper()
    if name not in FORMATS:
        raise not_implemented("STORED AS " + name)
    return name


def create_table(words, database, trees, parameters):
    """CREATE TABLE without EXTERNAL: only as a query's result."""
    found = {"operation": "create_table_as", "if_exists": words.take("IF", "NOT", "EXISTS"), "target": words.table()}
    if words.peek() == "(":
        raise not_implemented("CREATE TABLE of Iceberg (without EXTERNAL and without AS)")
    if words.take("COMMENT"):
        found["comment"] = words.string()
    settings(words, found, {"format", "external_location", "partitioned_by", "write_compression", "parquet_compression",
                            "field_delimiter"}, "CREATE TABLE AS")
    words.need("AS")
    text = words.rest()
    for ending in ("WITH DATA", "WITH NO DATA"):
        if " ".join(text.upper().split()).endswith(ending):
            raise not_implemented("CREATE TABLE AS … " + ending)
    return {**found, **query(text, database, trees, parameters)}


def settings(words, found, known, what):
    given = words.settings() if words.take("WITH") else {}
    for name in given:
        if name not in known:
            raise not_implemented("%s with %s" % (what, name))
    found["partitioned_by"] = given.pop("partitioned_by", [])
    found["location"] = given.pop("external_location", "")
    found["properties"] = given


def unload(words, database, trees, parameters):
    text = words.parenthesised()
    words.need("TO")
    found = {"operation": "unload"}
    location = words.string()
    settings(words, found, {"format", "compression", "partitioned_by", "field_delimiter"}, "UNLOAD")
    words.end()
    found["location"] = location
    return {**found, **query(text, database, trees, parameters)}


def insert(words, database, trees, parameters):
    found = {"operation": "insert", "target": words.table()}
    start = words.at
    if words.peek() == "(":
        try:
            found["columns"] = words.columns(types=False)
        except Failure:  # a query in parentheses
            words.at = start
        if found.get("columns") and found["columns"][0]["name"] in ("select", "with", "values"):
            words.at = start
            del found["columns"]
    return {**found, **query(words.rest(), database, trees, parameters)}


def create_view(replace):
    def read(words, database, trees, _):
        found = {"operation": "create_view", "replace": replace, "target": words.table()}
        words.need("AS")
        found["text"] = words.rest().strip()
        return {**found, **query(words.rest(), database, trees, [])}
    return read


# --- changes of a table ----------------------------------------------------------------------------------------


def alter_table(words, *_):
    target = words.table()
    found = {"target": target}
    if words.take("ADD", "COLUMNS"):
        found.update(operation="add_columns", columns=words.columns())
        check_columns(found)
    elif words.take("REPLACE", "COLUMNS"):
        found.update(operation="replace_columns", columns=words.columns())
        check_columns(found)
    elif words.take("ADD"):
        found.update(operation="add_partitions", if_exists=words.take("IF", "NOT", "EXISTS"), partitions=partitions(words))
    elif words.take("DROP"):
        found.update(operation="drop_partitions", if_exists=words.take("IF", "EXISTS"), partitions=partitions(words))
    elif words.take("SET", "LOCATION"):
        found.update(operation="set_location", location=words.string())
    elif words.take("SET", "TBLPROPERTIES"):
        found.update(operation="set_properties", properties=words.pairs())
    elif words.peek().upper() == "PARTITION":
        found.update(operation="set_location", partitions=[{"values": partition_values(words)}])
        words.need("SET", "LOCATION")
        found["location"] = words.string()
    else:
        raise not_implemented("ALTER TABLE … " + words.peek().upper())
    words.end()
    return found


def partitions(words):
    found = []
    while words.peek().upper() == "PARTITION":
        one = {"values": partition_values(words)}
        if words.take("LOCATION"):
            one["location"] = words.string()
        found.append(one)
        words.take(",")
    if not found:
        words.wrong("expecting PARTITION")
    return found


def partition_values(words):
    words.need("PARTITION")
    words.need("(")
    values = {}
    while True:
        name = words.name()
        if not words.take("="):
            raise not_implemented("PARTITION with another comparison than =")
        values[name] = words.constant()
        if not words.take(","):
            break
    words.need(")")
    return values


# --- prepared statements ---------------------------------------------------------------------------------------


def prepare(words, database, *_):
    name = words.next()
    words.need("FROM")
    text = words.rest().strip()
    found = parse({"sql": words.rest(), "database": database, "parameters": None}, [])
    if found["operation"] not in ("select", "insert", "create_table_as", "unload"):
        raise Failure("NOT_SUPPORTED", "line 1:1: Invalid statement type for prepared statement: " + found["operation"])
    return {"operation": "prepare", "name": name, "text": text}


def execute(words, *_):
    found = {"operation": "execute", "name": words.next(), "parameters": []}
    if words.take("USING"):
        found["parameters"] = dialect.split_expressions(words.rest())
    else:
        words.end()
    return found


def deallocate(words, *_):
    found = {"operation": "deallocate", "name": words.next()}
    words.end()
    return found


READERS = (
    (("SHOW", "DATABASES"), show_databases), (("SHOW", "SCHEMAS"), show_databases), (("SHOW", "TABLES"), show_tables),
    (("SHOW", "VIEWS"), show_views), (("SHOW", "PARTITIONS"), on_table("show_partitions")),
    (("SHOW", "CREATE", "TABLE"), on_table("show_create_table")), (("SHOW", "CREATE", "VIEW"), on_table("show_create_view")),
    (("SHOW", "COLUMNS"), show_columns), (("SHOW", "TBLPROPERTIES"), show_properties),
    (("DESCRIBE",), describe), (("DESC",), describe), (("MSCK", "REPAIR", "TABLE"), on_table("repair")),
    (("CREATE", "DATABASE"), create_database), (("CREATE", "SCHEMA"), create_database),
    (("DROP", "DATABASE"), drop_database), (("DROP", "SCHEMA"), drop_database),
    (("DROP", "TABLE"), drop("drop_table")), (("DROP", "VIEW"), drop("drop_view")),
    (("CREATE", "EXTERNAL", "TABLE"), create_external_table), (("CREATE", "TABLE"), create_table),
    (("CREATE", "VIEW"), create_view(False)), (("CREATE", "OR", "REPLACE", "VIEW"), create_view(True)),
    (("ALTER", "TABLE"), alter_table), (("INSERT", "INTO"), insert), (("UNLOAD",), unload),
    (("PREPARE",), prepare), (("EXECUTE",), execute), (("DEALLOCATE", "PREPARE"), deallocate))

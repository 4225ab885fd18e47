"""Athena's queries: parsed and told to DuckDB by sqlglot, with what it does not know yet."""
import sqlglot
import sqlglot.optimizer.annotate_types
import sqlglot.optimizer.normalize
import sqlglot.optimizer.qualify
import sqlglot.optimizer.scope
import sqlglot.optimizer.simplify
import sqlglot.schema  # as the others of these: loaded by sqlglot when it needs them, too late after the start
import sqlglot.transforms
from sqlglot import exp
from sqlglot.tokens import TokenType

from sql import functions
from sql.failure import Failure, not_implemented
from sql.tables import schema_of

FILE_FUNCTIONS = ("read_parquet", "parquet_scan", "read_csv", "read_csv_auto", "read_json", "read_text", "read_blob",
                  "read_json_auto", "read_ndjson", "read_json_objects", "sniff_csv", "glob", "parquet_metadata",
                  "parquet_schema", "parquet_file_metadata", "parquet_kv_metadata", "parquet_bloom_probe", "query",
                  "query_table", "duckdb_settings", "duckdb_secrets", "getenv", "which_secret", "sql_auto_complete")
DIALECT = functions.AthenaQueries


def syntax_error(error):
    first = (getattr(error, "errors", None) or [{}])[0]
    return Failure("SYNTAX_ERROR", "line {}:{}: {}".format(
        first.get("line") or 1, first.get("col") or 1, first.get("description") or str(error).splitlines()[0]))


def parse_query(sql, parameters):
    """The tree of one query. `parameters` stand for its question marks, in order; None: they may stay."""
    try:
        if parameters is not None:
            sql = fill(sql, parameters)
        trees = [tree for tree in sqlglot.parse(sql, read=DIALECT) if tree is not None]
    except sqlglot.errors.SqlglotError as error:
        raise syntax_error(error)
    if len(trees) != 1:
        raise Failure("SYNTAX_ERROR", "Only one sql statement is allowed. Got: %d" % len(trees))
    tree = trees[0]
    if isinstance(tree, exp.Values):
        tree = from_values(tree)
    if not isinstance(tree, exp.Query):
        raise not_implemented("statement " + sql.strip().split(None, 1)[0].upper())
    if tree.find(exp.Into):
        raise Failure("SYNTAX_ERROR", "line 1:1: mismatched input 'INTO'")
    return tree


def from_values(values):
    """VALUES alone: its columns are _col0, _col1 …"""
    first = values.expressions[0]
    count = len(first.expressions) if isinstance(first, exp.Tuple) else 1
    names = [exp.to_identifier("_col%d" % at, quoted=True) for at in range(count)]
    values.set("alias", exp.TableAlias(this=exp.to_identifier("rows", quoted=True), columns=names))
    return exp.select("*").from_(values)


def fill(sql, parameters):
    marks = [token for token in sqlglot.tokenize(sql, read=DIALECT) if token.token_type == TokenType.PLACEHOLDER]
    if len(marks) != len(parameters):
        raise Failure("SYNTAX_ERROR", "line 1:1: Incorrect number of parameters: expected %d but found %d"
                      % (len(marks), len(parameters)))
    for mark, text in reversed(list(zip(marks, parameters))):
        sql = sql[:mark.start] + parameter(text) + sql[mark.end + 1:]
    return sql


def parameter(text):
    try:
        trees = sqlglot.parse("SELECT " + text, read=DIALECT)
    except sqlglot.errors.SqlglotError as error:
        raise syntax_error(error)
    values = trees[0].selects if len(trees) == 1 and isinstance(trees[0], exp.Select) else []
    # A constant: nothing that could add to the statement around it.
    if len(values) != 1 or set(trees[0].args) - {"expressions", "kind"} and any(
            trees[0].args.get(name) for name in trees[0].args if name not in ("expressions", "kind")) \
            or values[0].find(exp.Column, exp.Query, exp.Star, exp.Alias):
        raise Failure("SYNTAX_ERROR", "line 1:1: '%s' is no constant" % text)
    value = values[0]
    return text.strip() if isinstance(value, (exp.Literal, exp.Boolean, exp.Null)) else "(%s)" % text.strip()


def split_expressions(text):
    """The texts of "a, b, …"."""
    try:
        tree = sqlglot.parse_one("SELECT " + text.strip(), read=DIALECT)
    except sqlglot.errors.SqlglotError as error:
        raise syntax_error(error)
    return [item.sql(dialect="trino") for item in tree.selects]


def resolve(tree, database):
    """Gives each table its database; answers with all of them, each once."""
    for call in tree.find_all(exp.Func):
        name = call.name.lower() if isinstance(call, exp.Anonymous) else call.sql_name().lower()
        if name in FILE_FUNCTIONS or isinstance(call, (exp.ReadCSV, exp.ReadParquet)):
            raise Failure("FUNCTION_NOT_FOUND", "line 1:1: Function '%s' not registered" % name)
    tables = []
    for scope in sqlglot.optimizer.scope.traverse_scope(tree):
        for source in scope.sources.values():
            if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
                add_table(source, database, tables)
    return tables


def add_table(source, database, tables):
    if source.catalog and source.catalog.lower() != "awsdatacatalog":
        raise not_implemented("catalog " + source.catalog)
    name = {"database": (source.db or database).lower(), "table": source.name.lower()}
    if not name["database"]:
        raise Failure("SYNTAX_ERROR", "line 1:1: Schema must be specified when session schema is not set")
    if not source.alias:
        source.set("alias", exp.TableAlias(this=exp.to_identifier(name["table"], quoted=True)))
    source.set("catalog", None)
    source.set("db", exp.to_identifier(schema_of(name["database"]), quoted=True))
    source.set("this", exp.to_identifier(name["table"], quoted=True))
    if name not in tables:
        tables.append(name)


def translate(tree):
    tree = tree.copy()
    if isinstance(tree, exp.Select):
        for position, item in enumerate(tree.selects):
            if not isinstance(item, (exp.Alias, exp.Column, exp.Dot)) and not item.is_star:
                item.replace(exp.alias_(item.copy(), "_col%d" % position, quoted=True))
    return functions.to_duckdb(tree)


# --- which partitions a query can need ---------------------------------------------------------------------------


def conditions(trees, table, keys):
    """DuckDB's SQL of what each use of `table` asks of its partition keys; None: some use asks nothing."""
    found = []
    for tree in trees:
        for scope in sqlglot.optimizer.scope.traverse_scope(tree):
            for alias, source in scope.sources.items():
                if not isinstance(source, exp.Table) or [source.db, source.name] != [table["database"], table["table"]]:
                    continue
                one = condition_of(scope, alias, keys)
                if one is None:
                    return None
                found.append(one)
    return found or None


def condition_of(scope, alias, keys):
    select = scope.expression
    where = select.args.get("where") if isinstance(select, exp.Select) else None
    if where is None or alias in nullable(select):
        return None
    parts = [part for part in where.this.flatten() if is_about(part, alias, keys)] \
        if isinstance(where.this, exp.And) else [where.this] if is_about(where.this, alias, keys) else []
    if not parts:
        return None
    return " AND ".join("(%s)" % functions.to_duckdb(bare(part)) for part in parts)


def nullable(select):
    """Aliases whose rows an outer join may replace by nulls, so that WHERE says nothing about their rows."""
    joins = select.args.get("joins") or []
    if any(join.side in ("RIGHT", "FULL") for join in joins):
        return {table.alias_or_name for table in select.find_all(exp.Table)}
    return {join.alias_or_name for join in joins if join.side == "LEFT"}


def is_about(part, alias, keys):
    if part.find(exp.Query, exp.AggFunc, exp.Window, exp.Rand, exp.Uuid, exp.Placeholder):
        return False
    columns = list(part.find_all(exp.Column))
    return bool(columns) and all(c.name.lower() in keys and c.table.lower() in ("", alias.lower()) for c in columns)


def bare(part):
    part = part.copy()
    for column in part.find_all(exp.Column):
        column.set("table", None)
        column.set("db", None)
    return part

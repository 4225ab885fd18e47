"""Trino's functions in DuckDB's words, where sqlglot has none or other ones: the dialect that queries are read by, and macros
(`trino_…`, made when a worker starts) that do what Trino does."""
import re

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.dialects.trino import Trino

from sql.failure import not_implemented

UNITS = {"millisecond": "to_milliseconds", "second": "to_seconds", "minute": "to_minutes", "hour": "to_hours", "day": "to_days",
         "week": "to_weeks", "month": "to_months", "quarter": "to_quarters", "year": "to_years"}
FIELDS = {"DOW": "ISODOW", "DAY_OF_WEEK": "ISODOW", "DAY_OF_MONTH": "DAY", "DAY_OF_YEAR": "DOY", "WEEK_OF_YEAR": "WEEK",
          "YEAR_OF_WEEK": "ISOYEAR", "YOW": "ISOYEAR"}
# Joda's letters, longest first
JODA = (("yyyy", "%Y"), ("yy", "%y"), ("MMMM", "%B"), ("MMM", "%b"), ("MM", "%m"), ("dd", "%d"), ("EEEE", "%A"), ("EEE", "%a"),
        ("HH", "%H"), ("hh", "%I"), ("mm", "%M"), ("ss", "%S"), ("SSSSSS", "%f"), ("SSS", "%g"), ("DDD", "%j"), ("a", "%p"),
        ("ZZ", "%z"), ("Z", "%z"))
URL = "^[a-zA-Z][a-zA-Z0-9+.-]*:"

# name → definition; one that begins with ( has several for different types
MACROS = {
    "map_agg(a, b)": "map_from_entries(trino_first_keys(list_filter(list({'k': a, 'v': b}), lambda e: e.k IS NOT NULL)))",
    "width_bucket(x, low, high, n)": "CASE WHEN x < low THEN 0 WHEN x >= high THEN n + 1 "
                                     "ELSE CAST(floor((x - low) * n::DOUBLE / (high - low)) AS BIGINT) + 1 END",
    "nan()": "'NaN'::DOUBLE", "infinity()": "'Infinity'::DOUBLE",
    "to_base(x, base)": "lower(to_base(x, base))",
    "split_part(s, d, i)": "string_split(s, d)[i]",
    "codepoint(s)": "unicode(s)", "hamming_distance(a, b)": "hamming(a, b)",
    "regexp_position(s, p)": "CASE WHEN regexp_matches(s, p) THEN instr(s, regexp_extract(s, p)) ELSE -1 END",
    "sha1(b)": "unhex(sha1(b))",
    "url_extract_protocol(u)": "nullif(regexp_extract(u, '^([a-zA-Z][a-zA-Z0-9+.-]*):', 1), '')",
    "url_extract_host(u)": "nullif(regexp_extract(u, '%s//(?:[^/?#@]*@)?([^/?#:]*)', 1), '')" % URL,
    "url_extract_port(u)": "TRY_CAST(nullif(regexp_extract(u, '%s//[^/?#]*:(\\d+)', 1), '') AS BIGINT)" % URL,
    "url_extract_path(u)": "regexp_extract(u, '%s(?://[^/?#]*)?([^?#]*)', 1)" % URL,
    "url_extract_query(u)": "regexp_extract(u, '^[^?#]*\\?([^#]*)', 1)",
    "url_extract_fragment(u)": "regexp_extract(u, '#(.*)$', 1)",
    "url_extract_parameter(u, p)": "url_decode(replace(regexp_extract_all(u, '[?&]' || regexp_escape(p) || '=([^&#]*)', 1)[1], "
                                   "'+', ' '))",
    "url_encode(s)": "replace(url_encode(s), '%20', '+')", "url_decode(s)": "url_decode(replace(s, '+', ' '))",
    "date_diff(unit, a, b)": "datesub(unit, a, b)",
    "json_array_contains(j, v)": "list_contains(from_json(j, '[\"VARCHAR\"]'), CAST(v AS VARCHAR))",
    "json_array_get(j, i)": "json_extract(j, '$[' || i || ']')",
    "json_size(j, p)": "CASE json_type(j, p) WHEN 'OBJECT' THEN len(json_keys(j, p)) WHEN 'ARRAY' THEN json_array_length(j, p) "
                       "ELSE 0 END",
    "is_json_scalar(j)": "json_type(j) NOT IN ('OBJECT', 'ARRAY')",
    "scalar(j)": "CASE WHEN json_type(j) NOT IN ('OBJECT', 'ARRAY') THEN j ->> '$' END",
    "array_position(l, x)": "coalesce(list_position(l, x), CASE WHEN l IS NOT NULL AND x IS NOT NULL THEN 0 END)",
    "array_distinct(l)": "list_filter(l, lambda x, i: list_position(l, x) = i)",
    "array_union(a, b)": "trino_array_distinct(list_concat(a, b))",
    "array_intersect(a, b)": "trino_array_distinct(list_filter(a, lambda x: list_contains(b, x)))",
    "array_except(a, b)": "trino_array_distinct(list_filter(a, lambda x: NOT list_contains(b, x)))",
    "array_max(l)": "CASE WHEN trino_whole(l) THEN list_max(l) END",
    "array_min(l)": "CASE WHEN trino_whole(l) THEN list_min(l) END",
    "array_remove(l, x)": "list_filter(l, lambda e: e IS NULL OR e <> x)",
    "contains(l, x)": "CASE WHEN list_contains(l, x) THEN true WHEN trino_whole(l) THEN false END",
    "whole(l)": "len(l) = len(list_filter(l, lambda e: e IS NOT NULL))",
    "bitwise_left_shift(a, n)": "CAST(a AS BIGINT) << n", "bitwise_right_shift(a, n)": "CAST(a AS BIGINT) >> n",
    "arrays_overlap(a, b)": "list_has_any(a, b)",
    "slice(l, s, n)": "CASE WHEN s > 0 THEN l[s:s + n - 1] ELSE l[len(l) + s + 1:len(l) + s + n] END",
    "repeat(x, n)": "list_transform(generate_series(1, n), lambda i: x)",
    "first_keys(l)": "list_filter(l, lambda e, i: list_position(list_transform(l, lambda o: o.k), e.k) = i)",
    "bit_count(x, n)": "bit_count(CAST(x AS BIGINT))",
    "current_timezone()": "'UTC'",
    # Of lists; guess_maps() makes them those of maps.
    "rows(x)": "x", "cardinality(x)": "len(x)",
    "typeof(x)": "lower(typeof(x))",
    "divide(a, b)": "CASE WHEN b = 0 AND typeof(b) NOT IN ('DOUBLE', 'FLOAT') AND typeof(a) NOT IN ('DOUBLE', 'FLOAT') "
                    "THEN error('DIVISION_BY_ZERO: / by zero') ELSE a / b END",
    "split": "(s, d) AS string_split(s, d), (s, d, n) AS CASE WHEN len(string_split(s, d)) <= n THEN string_split(s, d) "
             "ELSE list_append(string_split(s, d)[1:n - 1], array_to_string(string_split(s, d)[n:], d)) END",
    "split_to_map": "(s, e, d) AS map_from_entries(list_transform(string_split(s, e), "
                    "lambda p: {'k': split_part(p, d, 1), 'v': split_part(p, d, 2)}))",
    "regexp_extract": "(s, p) AS regexp_extract_all(s, p)[1], (s, p, g) AS regexp_extract_all(s, p, g)[1]",
    "regexp_replace": "(s, p) AS regexp_replace(s, p, '', 'g'), "
                      "(s, p, r) AS regexp_replace(s, p, regexp_replace(r, '\\$(\\d)', '\\\\\\1', 'g'), 'g')",
    "date_trunc": "(u VARCHAR, d DATE) AS CAST(date_trunc(u, d) AS DATE), (u VARCHAR, d TIMESTAMP) AS date_trunc(u, d), "
                  "(u VARCHAR, d TIMESTAMPTZ) AS date_trunc(u, d)",
    "later": "(d DATE, i INTERVAL) AS CAST(d + i AS DATE), (d TIMESTAMP, i INTERVAL) AS d + i, "
             "(d TIMESTAMPTZ, i INTERVAL) AS d + i, (d INTERVAL, i INTERVAL) AS d + i",
    "to_iso8601": "(d DATE) AS CAST(d AS VARCHAR), (d TIMESTAMP) AS strftime(d, '%Y-%m-%dT%H:%M:%S.%g'), "
                  "(d TIMESTAMPTZ) AS strftime(d, '%Y-%m-%dT%H:%M:%S.%gZ')",
    "reverse": "(s VARCHAR) AS reverse(s), (s) AS list_reverse(s)",
    "sequence": "(a DATE, b DATE) AS CAST(generate_series(a, b, to_days(1)) AS DATE[]), "
                "(a DATE, b DATE, i INTERVAL) AS CAST(generate_series(a, b, i) AS DATE[]), "
                "(a TIMESTAMP, b TIMESTAMP, i INTERVAL) AS generate_series(a, b, i), "
                "(a TIMESTAMPTZ, b TIMESTAMPTZ, i INTERVAL) AS generate_series(a, b, i), "
                "(a BIGINT, b BIGINT) AS CASE WHEN b < a THEN generate_series(a, b, -1) ELSE generate_series(a, b) END, "
                "(a BIGINT, b BIGINT, i BIGINT) AS generate_series(a, b, i)",
    "text": "(x TIMESTAMP) AS strftime(x, '%Y-%m-%d %H:%M:%S.%g'), "
            "(x TIMESTAMPTZ) AS strftime(x, '%Y-%m-%d %H:%M:%S.%g UTC'), (x DATE) AS CAST(x AS VARCHAR), "
            "(x VARCHAR) AS x, (x) AS CAST(x AS VARCHAR)"}


def make_macros(connection):
    helpers = ("first_keys(l)", "array_distinct(l)", "whole(l)")  # others are made of them
    for name in (*helpers, *(name for name in MACROS if name not in helpers)):
        body = MACROS[name]
        connection.execute("CREATE MACRO trino_%s %s" % (name, body if "(" not in name else "AS " + body))
    make_casts(connection)


def guess_maps(connection, sql):
    """Macros are chosen by types that are known to DuckDB only. Where `sql` cannot be bound with those for lists: each choice
    of those for maps, until no more is left."""
    for rows, count in (("map_entries(x)", "len(x)"), ("x", "len(map_keys(x))"), ("map_entries(x)", "len(map_keys(x))")):
        connection.execute("CREATE OR REPLACE MACRO trino_rows(x) AS " + rows)
        connection.execute("CREATE OR REPLACE MACRO trino_cardinality(x) AS " + count)
        try:
            connection.execute("EXPLAIN " + sql)
            return True
        except duckdb.BinderException:
            pass
    return False


def make_casts(connection):
    """A double becomes the nearest integer, halves upwards."""
    for name in ("TINYINT", "SMALLINT", "INT", "BIGINT"):
        connection.execute("CREATE MACRO trino_cast_{0}(x) AS CASE WHEN typeof(x) IN ('DOUBLE', 'FLOAT') "
                           "THEN CAST(floor(TRY_CAST(x AS DOUBLE) + 0.5) AS {0}) ELSE CAST(x AS {0}) END".format(name))


def call(name, *arguments):
    return exp.Anonymous(this=name, expressions=list(arguments))


def macro(name):
    return lambda arguments: call("trino_" + name, *arguments)


def refused(what):
    def read(_):
        raise not_implemented(what)
    return read


def builtin(name):
    return lambda arguments: call(name, *arguments)


def date_add(arguments):
    unit = arguments[0].name.lower().rstrip("s") if arguments and arguments[0].is_string else ""
    if unit not in UNITS or len(arguments) != 3:
        raise not_implemented("date_add of a unit that is no constant")
    count = exp.cast(arguments[1], "INT")
    return call("trino_later", arguments[2], call(UNITS[unit], count))


def joda(pattern):
    if not pattern.is_string:
        raise not_implemented("a pattern that is no constant")
    out, at, text = "", 0, pattern.name
    while at < len(text):
        if text[at] == "'":
            end = text.find("'", at + 1)
            out, at = out + (text[at + 1:end].replace("%", "%%") or "'"), end + 1
            continue
        for letters, word in JODA:
            if text.startswith(letters, at):
                out, at = out + word, at + len(letters)
                break
        else:
            if text[at].isalpha():
                raise not_implemented("the letter %s in a pattern of dates" % text[at])
            out, at = out + text[at].replace("%", "%%"), at + 1
    return exp.Literal.string(out)


def format_datetime(arguments):
    return call("strftime", arguments[0], joda(arguments[1]))


def parse_datetime(arguments):
    return exp.cast(call("strptime", arguments[0], joda(arguments[1])), "TIMESTAMPTZ")


def matching(comparison):
    """any_match and its kin: how many elements pass."""
    def build(arguments):
        passed = call("len", call("list_filter", *arguments))
        return exp.paren(comparison(passed, arguments[0]))
    return build


def inlined(function, *values):
    """A lambda's body with its parameters replaced."""
    if not isinstance(function, exp.Lambda) or len(function.expressions) != len(values):
        raise not_implemented("a function that is no lambda of %d parameters" % len(values))
    by_name = {part.name.lower(): value for part, value in zip(function.expressions, values)}

    def put(node):
        free = isinstance(node, exp.Column) and not node.table or \
            isinstance(node, exp.Identifier) and not isinstance(node.parent, (exp.Column, exp.Dot, exp.PropertyEQ))
        return by_name[node.name.lower()].copy() if free and node.name.lower() in by_name else node
    return function.this.transform(put)


def field_of(name, field):
    return exp.Dot(this=exp.to_identifier(name), expression=exp.to_identifier(field))


def with_entries(build):
    """A function of a map and of (k, v) -> …, on the map's entries."""
    def read(arguments):
        body = inlined(arguments[1], field_of("entry", "key"), field_of("entry", "value"))
        return build(call("map_entries", arguments[0]), body, exp.to_identifier("entry"))
    return read


def zip_with(arguments):
    parts = (call("struct_extract", exp.to_identifier("pair"), exp.Literal.number(at)) for at in (1, 2))
    body = inlined(arguments[2], *parts)
    of_pair = exp.Lambda(this=body, expressions=[exp.to_identifier("pair")])
    return call("list_transform", call("list_zip", *arguments[:2]), of_pair)


def reduce(arguments):
    if len(arguments) != 4:
        raise not_implemented("reduce without a start and an end")
    return exp.paren(inlined(arguments[3], call("list_reduce", arguments[0], arguments[2], arguments[1])))


def entries_of(field, other):
    def build(entries, body, entry):
        kept = field_of(entry.name, other)
        pair = exp.Struct(expressions=[exp.PropertyEQ(this=exp.to_identifier(name), expression=value)
                                       for name, value in (("k", body if field == "key" else kept),
                                                           ("v", body if field == "value" else kept))])
        return call("map_from_entries", call("list_transform", entries, exp.Lambda(this=pair, expressions=[entry])))
    return build


def filtered_entries(entries, body, entry):
    return call("map_from_entries", call("list_filter", entries, exp.Lambda(this=body, expressions=[entry])))


def random(arguments):
    if not arguments:
        return call("random")
    low, high = (exp.Literal.number(0), arguments[0]) if len(arguments) == 1 else arguments
    return exp.cast(exp.Add(this=low, expression=call("floor", exp.Mul(
        this=call("random"), expression=exp.paren(exp.Sub(this=high, expression=low.copy()))))), "BIGINT")


NAMED = {name.split("(")[0].upper(): macro(name.split("(")[0]) for name in MACROS
         if name.split("(")[0] not in ("divide", "later", "text", "scalar", "first_keys", "date_trunc", "rows", "whole")}
FUNCTIONS = {
    **NAMED, "DATE_TRUNC": macro("date_trunc"), "DATE_ADD": date_add, "FORMAT_DATETIME": format_datetime,
    "PARSE_DATETIME": parse_datetime, "EVERY": builtin("bool_and"), "FORMAT": builtin("printf"),
    "WITH_TIMEZONE": lambda arguments: exp.AtTimeZone(this=arguments[0], zone=arguments[1]),
    "AT_TIMEZONE": lambda arguments: exp.AtTimeZone(this=arguments[0], zone=arguments[1]),
    "ANY_MATCH": matching(lambda passed, _: passed > 0), "NONE_MATCH": matching(lambda passed, _: exp.EQ(
        this=passed, expression=exp.Literal.number(0))),
    "ALL_MATCH": matching(lambda passed, whole: exp.EQ(this=passed, expression=call("len", whole.copy()))),
    "MAP_FILTER": with_entries(filtered_entries), "TRANSFORM_VALUES": with_entries(entries_of("value", "key")),
    "TRANSFORM_KEYS": with_entries(entries_of("key", "value")), "ROW": builtin("row"),
    "JSON_EXISTS": refused("a path of SQL/JSON"),
    "RANDOM": random, "RAND": random, "ZIP": builtin("list_zip"), "ZIP_WITH": zip_with, "REDUCE": reduce}


class AthenaQueries(Trino):
    class Parser(Trino.Parser):
        FUNCTIONS = {**Trino.Parser.FUNCTIONS, **FUNCTIONS}


def replaced(node):
    if isinstance(node, exp.Div):
        # An integer by zero is an error there and null here, which is what TRY makes of it.
        if isinstance(node.expression, exp.Literal) and float(node.expression.name) != 0 or node.find_ancestor(exp.Try):
            return node
        return call("trino_divide", node.this, node.expression)
    if isinstance(node, (exp.Add, exp.Sub)) and isinstance(node.expression, exp.Interval):
        moved = node.expression if isinstance(node, exp.Add) else exp.Neg(this=exp.paren(node.expression))
        return call("trino_later", node.this, moved)
    if isinstance(node, exp.Add) and isinstance(node.this, exp.Interval):
        return call("trino_later", node.expression, node.this)
    if isinstance(node, exp.Extract) and node.this.name.upper() in FIELDS:
        node.set("this", exp.var(FIELDS[node.this.name.upper()]))
    if isinstance(node, exp.JSONExtractScalar):
        return call("trino_scalar", exp.JSONExtract(this=node.this, expression=node.expression))
    if isinstance(node, exp.Unnest):
        return unnested(node)
    if isinstance(node, exp.Normalize):
        return call("nfc_normalize", node.this)
    if isinstance(node, exp.JSONValue) or isinstance(node, exp.JSONExtract) and node.args.get("json_query"):
        raise not_implemented("a path of SQL/JSON")
    if type(node) is exp.Cast:
        return cast(node)
    return node


def unnested(node):
    """UNNEST of several lists, or of a map or of rows into several columns, as a lateral query."""
    alias, lists, number = node.args.get("alias"), node.expressions, node.args.get("offset")
    columns = list(alias.columns) if alias else []
    if len(lists) == 1 and len(columns) < 2:
        return node
    if len(lists) == 1:
        parts = [call("unnest", call("trino_rows", lists[0]), exp.PropertyEQ(
            this=exp.to_identifier("max_depth"), expression=exp.Literal.number(2)))]
    else:
        parts = [call("unnest", one) for one in lists]
    if number:
        lengths = [call("len", call("trino_rows", one) if len(lists) == 1 else one.copy()) for one in lists]
        longest = call("greatest", *lengths) if len(lengths) > 1 else lengths[0]
        parts.append(call("unnest", call("generate_series", exp.Literal.number(1), longest)))
        columns.append(number if isinstance(number, exp.Identifier) else exp.to_identifier("ordinality"))
    inner = exp.Subquery(this=exp.Select(expressions=parts))
    return exp.Lateral(this=inner, alias=exp.TableAlias(this=alias.this if alias else None, columns=columns))


def cast(node):
    kind = node.to.this
    if kind.name in ("TINYINT", "SMALLINT", "INT", "BIGINT") and not (
            isinstance(node.this, exp.Literal) and (node.this.is_string or node.this.is_int)):
        return call("trino_cast_" + kind.name, node.this)
    if kind != exp.DataType.Type.VARCHAR:
        return node
    if isinstance(node.this, (exp.JSONExtract, exp.ParseJSON)):
        text = call("json_extract_string", node.this, exp.Literal.string("$"))
    else:
        text = call("trino_text", node.this)
    return call("left", text, node.to.expressions[0].this) if node.to.expressions else text


def translated(tree):
    tree = tree.copy()
    for node in reversed(list(tree.dfs())):  # what is inside comes first: a node is replaced with what was made of its parts
        new = replaced(node)
        if node is tree:
            tree = new
        elif new is not node:
            node.replace(new)
    return tree


def to_duckdb(tree):
    try:
        return translated(tree).sql(dialect="duckdb", comments=False, unsupported_level=sqlglot.ErrorLevel.RAISE)
    except sqlglot.errors.UnsupportedError as error:
        raise not_implemented(re.sub(r"(,? (is|are))? not supported in DuckDB.?$", "", str(error).splitlines()[0]))

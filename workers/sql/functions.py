"""Trino's functions that sqlglot does not tell DuckDB in its own words."""


def translated(tree):
    return tree

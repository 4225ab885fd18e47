"""Spark's own Hive client against the metastore's face: a broad SQL script, run twice over (the second session must
find what the first left), with its answers checked. Needs SPARK_HOME and METASTORE_SERVER (the test server's path);
skipped by name without them."""

import os
import subprocess
import textwrap

import pytest

SPARK_HOME = os.environ.get("SPARK_HOME", "")
SERVER = os.environ.get("METASTORE_SERVER", "")
pytestmark = pytest.mark.skipif(
    not (SPARK_HOME and SERVER), reason="SPARK_HOME or METASTORE_SERVER is not set"
)

FIRST = """
CREATE DATABASE sales COMMENT 'orders';
CREATE TABLE sales.plain (id BIGINT, name STRING COMMENT 'who') USING parquet;
INSERT INTO sales.plain VALUES (1, 'a'), (2, 'b');
SELECT concat('plain=', count(*)) FROM sales.plain;
CREATE TABLE sales.parted (id BIGINT, year INT, city STRING) USING parquet PARTITIONED BY (year, city);
INSERT INTO sales.parted VALUES (1, 2024, 'x y'), (2, 2025, 'a/b'), (3, 2025, 'c'), (4, 2025, NULL);
SELECT concat('parted=', count(*)) FROM sales.parted WHERE year = 2025 AND city LIKE 'a%';
SELECT concat('in=', count(*)) FROM sales.parted WHERE city IN ('c', 'x y') AND year >= 2024;
SELECT concat('null=', count(*)) FROM sales.parted WHERE city IS NULL;
SHOW PARTITIONS sales.parted;
CREATE TABLE sales.hive_format (id INT) PARTITIONED BY (day DATE) STORED AS PARQUET;
SET hive.exec.dynamic.partition.mode=nonstrict;
INSERT INTO sales.hive_format PARTITION (day) SELECT 1, DATE'2026-01-02';
INSERT INTO sales.hive_format PARTITION (day = '2026-01-03') VALUES (2);
SELECT concat('dates=', count(*)) FROM sales.hive_format WHERE day = DATE'2026-01-03';
ALTER TABLE sales.hive_format ADD PARTITION (day = '2026-02-01');
ALTER TABLE sales.hive_format DROP PARTITION (day = '2026-01-02');
ANALYZE TABLE sales.plain COMPUTE STATISTICS FOR ALL COLUMNS;
ALTER TABLE sales.parted PARTITION (year = 2024, city = 'x y') RENAME TO PARTITION (year = 2024, city = 'z');
ALTER TABLE sales.plain ADD COLUMNS (extra DOUBLE);
ALTER TABLE sales.plain SET TBLPROPERTIES ('kept' = 'yes');
ALTER TABLE sales.plain RENAME TO sales.renamed;
SELECT concat('renamed=', count(*), max(name)) FROM sales.renamed;
CREATE VIEW sales.seen AS SELECT id FROM sales.renamed WHERE id > 1;
SELECT concat('view=', max(id)) FROM sales.seen;
CREATE FUNCTION sales.up AS 'org.apache.hadoop.hive.ql.udf.generic.GenericUDFUpper';
CREATE TABLE sales.repaired (id BIGINT, p INT) USING parquet PARTITIONED BY (p)
  LOCATION '{warehouse}/outside';
INSERT INTO sales.repaired VALUES (1, 7);
MSCK REPAIR TABLE sales.repaired;
CREATE TABLE sales.dropped (id INT) USING parquet;
DROP TABLE sales.dropped;
CREATE TABLE sales.dropped USING parquet AS SELECT 5 AS id;
SELECT concat('ctas=', max(id)) FROM sales.dropped;
CREATE TABLE orders (id INT) USING json;
INSERT INTO orders VALUES (9);
"""

SECOND = """
SHOW TABLES IN sales;
SELECT concat('again=', count(*)) FROM sales.parted WHERE year = 2024 AND city = 'z';
SELECT concat('default=', max(id)) FROM orders;
SHOW TBLPROPERTIES sales.renamed ('kept');
SELECT concat('repaired=', count(*)) FROM sales.repaired;
SHOW USER FUNCTIONS IN sales;
DROP FUNCTION sales.up;
DROP TABLE sales.repaired;
DROP VIEW sales.seen;
DROP DATABASE sales CASCADE;
SHOW DATABASES;
DROP TABLE orders;
"""


class Server:
    def __init__(self, warehouse, *options):
        self.process = subprocess.Popen(
            [SERVER, str(warehouse), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = self.process.stdout.readline().split()[1]

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.process.stdin.close()
        self.process.wait(10)


def spark_sql(script, port, folder, warehouse, check=True):
    file = folder / "script.sql"
    file.write_text(textwrap.dedent(script).replace("{warehouse}", f"file:{warehouse}"))
    confs = {
        "spark.sql.catalogImplementation": "hive",
        "spark.hadoop.hive.metastore.uris": f"thrift://127.0.0.1:{port}",
        "spark.sql.warehouse.dir": f"file:{warehouse}",
        "spark.sql.shuffle.partitions": "1",
        "spark.ui.enabled": "false",
        "spark.driver.bindAddress": "127.0.0.1",
    }
    command = [f"{SPARK_HOME}/bin/spark-sql", "--master", "local[1]", "--driver-memory", "600m"]
    for key, value in confs.items():
        command += ["--conf", f"{key}={value}"]
    done = subprocess.run(
        command + ["-f", str(file)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "SPARK_HOME": SPARK_HOME, "SPARK_LOCAL_IP": "127.0.0.1"},
        timeout=280,
    )
    if check:
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return done


def test_broad_sql_script(tmp_path):
    warehouse = tmp_path / "warehouse"
    with Server(warehouse) as server:
        out = spark_sql(FIRST, server.port, tmp_path, warehouse).stdout.split("\n")
        for line in (
            "plain=2",
            "parted=1",
            "in=2",
            "null=1",
            "year=2025/city=a%2Fb",
            "year=2025/city=__HIVE_DEFAULT_PARTITION__",
            "dates=1",
            "renamed=2b",
            "view=2",
            "ctas=5",
        ):
            assert line in out, line
        again = spark_sql(SECOND, server.port, tmp_path, warehouse).stdout.split("\n")
        for line in ("again=1", "default=9", "kept\tyes", "repaired=1", "default"):
            assert line in again, line
        assert any("sales.up" in line for line in again)
        assert "sales" not in again
        assert (warehouse / "outside" / "p=7").exists(), "an external table's data stays"
        assert not (warehouse / "sales.db" / "renamed").exists(), "a managed table's data goes"


def test_refused_table_says_access_denied(tmp_path):
    with Server(tmp_path / "warehouse") as server:
        done = spark_sql(
            "CREATE TABLE secret (id INT) USING parquet;", server.port, tmp_path, tmp_path, check=False
        )
        assert done.returncode != 0
        assert "AccessDenied" in done.stdout + done.stderr
        assert "glue:" in done.stdout + done.stderr


def test_unknown_caller_is_refused(tmp_path):
    with Server(tmp_path / "warehouse", "--refuse") as server:
        done = spark_sql("SHOW DATABASES;", server.port, tmp_path, tmp_path, check=False)
        assert done.returncode != 0
        assert "not authenticated" in done.stdout + done.stderr

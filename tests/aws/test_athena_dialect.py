"""Athena's dialect: Trino's functions and operators, each with the value that Trino prints. One query asks for all of them."""
import pytest
from athena_client import Athena

# expression ==> its value as text; what follows FROM belongs to it
CASES = r"""
approx_distinct(x) FROM (VALUES 1,2,2) t(x) ==> 2
approx_percentile(x, 0.5) FROM (VALUES 1,2,3) t(x) ==> 2
arbitrary(x) FROM (VALUES 1) t(x) ==> 1
any_value(x) FROM (VALUES 1) t(x) ==> 1
array_agg(x ORDER BY x DESC) FROM (VALUES 1,2) t(x) ==> [2, 1]
count_if(x > 1) FROM (VALUES 1,2,3) t(x) ==> 2
bool_and(x > 0) FROM (VALUES 1,2,3) t(x) ==> true
bool_or(x > 2) FROM (VALUES 1,2,3) t(x) ==> true
every(x > 0) FROM (VALUES 1,2,3) t(x) ==> true
max_by(x, y) FROM (VALUES ('a',1),('b',2)) t(x,y) ==> b
min_by(x, y) FROM (VALUES ('a',1),('b',2)) t(x,y) ==> a
map_agg(x, y) FROM (VALUES ('a',1),('b',2)) t(x,y) ==> {a=1, b=2}
histogram(x) FROM (VALUES 'a','b','a') t(x) ==> {a=2, b=1}
listagg(x, ',') WITHIN GROUP (ORDER BY x) FROM (VALUES 'b','a') t(x) ==> a,b
geometric_mean(x) FROM (VALUES 2,8) t(x) ==> 4.0
stddev(x) FROM (VALUES 1,3) t(x) ==> 1.4142135623730951
stddev_pop(x) FROM (VALUES 1,3) t(x) ==> 1.0
variance(x) FROM (VALUES 1,3) t(x) ==> 2.0
corr(x,y) FROM (VALUES (1,2),(2,4)) t(x,y) ==> 1.0
avg(x) FROM (VALUES 1,2) t(x) ==> 1.5
sum(x) FROM (VALUES 1.5,2.5) t(x) ==> 4.0
bitwise_and(12, 10) ==> 8
bitwise_or(12, 10) ==> 14
bitwise_xor(12, 10) ==> 6
bitwise_not(5) ==> -6
abs(-5) ==> 5
ceil(1.2) ==> 2
ceiling(1.2) ==> 2
floor(1.8) ==> 1
round(2.5) ==> 3
truncate(1.9) ==> 1
mod(7, 3) ==> 1
7 / 2 ==> 3
7.0 / 2 ==> 3.5
7 % 4 ==> 3
power(2, 10) ==> 1024.0
pow(2, 3) ==> 8.0
sqrt(16) ==> 4.0
exp(0) ==> 1.0
ln(1) ==> 0.0
log2(8) ==> 3.0
log10(100) ==> 2.0
log(2, 8) ==> 3.0
sign(-3) ==> -1
pi() ==> 3.141592653589793
degrees(pi()) ==> 180.0
radians(180) ==> 3.141592653589793
greatest(1, 3, 2) ==> 3
least(1, 3, 2) ==> 1
width_bucket(5, 0, 10, 5) ==> 3
is_nan(nan()) ==> true
infinity() ==> Infinity
to_base(255, 16) ==> ff
rand() < 1 ==> true
random(10) < 10 ==> true
length('abc') ==> 3
lower('ABC') ==> abc
upper('abc') ==> ABC
trim('  a ') ==> a
ltrim('  a') ==> a
rtrim('a  ') ==> a
concat('a', 'b', 'c') ==> abc
concat_ws('-', 'a', NULL, 'b') ==> a-b
'a' || 'b' ==> ab
substr('hello', 2, 3) ==> ell
substring('hello', 2) ==> ello
substring('hello' FROM 2 FOR 2) ==> el
substr('hello', -3) ==> llo
strpos('hello', 'l') ==> 3
position('l' IN 'hello') ==> 3
replace('hello', 'l', 'x') ==> hexxo
replace('hello', 'l') ==> heo
reverse('abc') ==> cba
lpad('7', 3, '0') ==> 007
rpad('7', 3, '0') ==> 700
split('a,b,c', ',') ==> [a, b, c]
split('a,b,c', ',', 2) ==> [a, b,c]
split_part('a,b,c', ',', 2) ==> b
split_part('a,b', ',', 5) ==> null
split_to_map('a=1,b=2', ',', '=') ==> {a=1, b=2}
starts_with('hello', 'he') ==> true
chr(65) ==> A
codepoint('A') ==> 65
translate('abcd', 'ab', 'xy') ==> xycd
levenshtein_distance('kitten', 'sitting') ==> 3
hamming_distance('abc', 'abd') ==> 1
normalize('é') ==> é
regexp_like('abc123', '\d+') ==> true
regexp_extract('abc123', '\d+') ==> 123
regexp_extract('abc123', '([a-z]+)(\d+)', 2) ==> 123
regexp_extract('abc', '\d+') ==> null
regexp_extract_all('1a2b', '\d') ==> [1, 2]
regexp_replace('a1b2', '\d', 'x') ==> axbx
regexp_replace('a1b2', '\d') ==> ab
regexp_replace('ab', '(a)(b)', '$2$1') ==> ba
regexp_split('a1b2c', '\d') ==> [a, b, c]
regexp_count('a1b2', '\d') ==> 2
regexp_position('ab1', '\d') ==> 3
'abc' LIKE 'a%' ==> true
'a_c' LIKE 'a\_c' ESCAPE '\' ==> true
to_utf8('ab') ==> 61 62
from_utf8(to_utf8('ab')) ==> ab
to_hex(to_utf8('ab')) ==> 6162
from_hex('6162') ==> 61 62
to_base64(to_utf8('ab')) ==> YWI=
from_base64('YWI=') ==> 61 62
md5(to_utf8('a')) ==> 0c c1 75 b9 c0 f1 b6 a8 31 c3 99 e2 69 77 26 61
to_hex(md5(to_utf8('a'))) ==> 0CC175B9C0F1B6A831C399E269772661
lower(to_hex(sha256(to_utf8('a')))) ==> ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb
to_hex(sha1(to_utf8('a'))) ==> 86F7E437FAA5A7FCE15D1DDCB9EAEAEA377667B8
url_extract_host('https://a.b/c?d=e') ==> a.b
url_extract_path('https://a.b/c?d=e') ==> /c
url_extract_query('https://a.b/c?d=e') ==> d=e
url_extract_protocol('https://a.b/c?d=e') ==> https
url_extract_parameter('https://a.b/c?d=e', 'd') ==> e
url_extract_port('https://a.b:80/c') ==> 80
url_extract_fragment('https://a.b/c#f') ==> f
url_encode('a b&c') ==> a+b%26c
url_decode('a+b%26c') ==> a b&c
current_date = date(now()) ==> true
current_timestamp <= now() ==> true
date('2024-02-29') ==> 2024-02-29
date '2024-02-29' + interval '1' day ==> 2024-03-01
date '2024-01-31' + interval '1' month ==> 2024-02-29
timestamp '2024-01-01 10:00:00' - interval '1' hour ==> 2024-01-01 09:00:00.000
date_add('day', 1, date '2024-01-01') ==> 2024-01-02
date_add('month', -1, timestamp '2024-03-31 00:00:00') ==> 2024-02-29 00:00:00.000
date_add('hour', 5, timestamp '2024-03-31 00:00:00') ==> 2024-03-31 05:00:00.000
date_diff('day', date '2024-01-01', date '2024-02-01') ==> 31
date_diff('hour', timestamp '2024-01-01 10:59:00', timestamp '2024-01-01 12:00:00') ==> 1
date_trunc('month', date '2024-02-29') ==> 2024-02-01
date_trunc('hour', timestamp '2024-02-29 10:30:00') ==> 2024-02-29 10:00:00.000
date_trunc('week', date '2024-02-29') ==> 2024-02-26
date_format(timestamp '2024-02-03 04:05:06', '%Y-%m-%d %H:%i:%s') ==> 2024-02-03 04:05:06
date_format(timestamp '2024-02-03 14:05:06', '%e %b %M %W %j %h:%i %p %y') ==> 3 Feb February Saturday 034 02:05 PM 24
date_parse('2024-02-03 04:05:06', '%Y-%m-%d %H:%i:%s') ==> 2024-02-03 04:05:06.000
date_parse('03/Feb/2024:04', '%d/%b/%Y:%H') ==> 2024-02-03 04:00:00.000
format_datetime(timestamp '2024-02-03 04:05:06', 'yyyy-MM-dd HH:mm') ==> 2024-02-03 04:05
parse_datetime('2024-02-03 04:05', 'yyyy-MM-dd HH:mm') ==> 2024-02-03 04:05:00.000 UTC
from_unixtime(0) ==> 1970-01-01 00:00:00.000 UTC
to_unixtime(timestamp '1970-01-02 00:00:00') ==> 86400.0
from_unixtime(1.5) ==> 1970-01-01 00:00:01.500 UTC
from_iso8601_timestamp('2024-02-03T04:05:06Z') ==> 2024-02-03 04:05:06.000 UTC
from_iso8601_date('2024-02-03') ==> 2024-02-03
to_iso8601(date '2024-02-03') ==> 2024-02-03
year(date '2024-02-03') ==> 2024
month(date '2024-02-03') ==> 2
day(date '2024-02-03') ==> 3
hour(timestamp '2024-02-03 04:05:06') ==> 4
minute(timestamp '2024-02-03 04:05:06') ==> 5
second(timestamp '2024-02-03 04:05:06') ==> 6
quarter(date '2024-02-03') ==> 1
week(date '2024-02-03') ==> 5
week_of_year(date '2024-02-03') ==> 5
day_of_week(date '2024-02-04') ==> 7
dow(date '2024-02-04') ==> 7
day_of_month(date '2024-02-03') ==> 3
day_of_year(date '2024-02-03') ==> 34
doy(date '2024-02-03') ==> 34
year_of_week(date '2024-12-31') ==> 2025
extract(year FROM date '2024-02-03') ==> 2024
extract(dow FROM date '2024-02-04') ==> 7
last_day_of_month(date '2024-02-03') ==> 2024-02-29
timestamp '2024-02-03 04:05:06' AT TIME ZONE 'UTC' ==> 2024-02-03 04:05:06.000 UTC
CAST('2024-02-03' AS date) ==> 2024-02-03
CAST('2024-02-03 01:02:03.456' AS timestamp) ==> 2024-02-03 01:02:03.456
CAST(1 AS varchar) ==> 1
CAST(1.5 AS integer) ==> 2
CAST('12' AS bigint) ==> 12
CAST(true AS varchar) ==> true
CAST(0.1 AS double) ==> 0.1
CAST(12.345 AS decimal(5,2)) ==> 12.35
TRY_CAST('x' AS integer) ==> null
TRY(CAST('x' AS integer)) ==> null
TRY(1/0) ==> null
typeof(1) ==> integer
coalesce(NULL, 1) ==> 1
nullif(1, 1) ==> null
if(1 > 0, 'y', 'n') ==> y
if(1 > 2, 'y') ==> null
CASE WHEN 1 > 0 THEN 'a' ELSE 'b' END ==> a
ARRAY[1,2,3] ==> [1, 2, 3]
ARRAY[1,2,3][2] ==> 2
element_at(ARRAY[1,2,3], -1) ==> 3
element_at(ARRAY[1], 5) ==> null
cardinality(ARRAY[1,2]) ==> 2
contains(ARRAY[1,2], 2) ==> true
array_distinct(ARRAY[1,1]) ==> [1]
array_sort(ARRAY[3,1,2]) ==> [1, 2, 3]
array_max(ARRAY[1,3]) ==> 3
array_min(ARRAY[1,3]) ==> 1
array_join(ARRAY[1,2], ',') ==> 1,2
array_position(ARRAY[5,6], 6) ==> 2
array_position(ARRAY[5,6], 7) ==> 0
array_remove(ARRAY[1,2,1], 1) ==> [2]
array_union(ARRAY[1], ARRAY[2]) ==> [1, 2]
array_intersect(ARRAY[1,2], ARRAY[2,3]) ==> [2]
array_except(ARRAY[1,2], ARRAY[2]) ==> [1]
arrays_overlap(ARRAY[1], ARRAY[1,2]) ==> true
slice(ARRAY[1,2,3,4], 2, 2) ==> [2, 3]
sequence(1, 3) ==> [1, 2, 3]
sequence(date '2024-01-01', date '2024-01-03', interval '1' day) ==> [2024-01-01, 2024-01-02, 2024-01-03]
flatten(ARRAY[ARRAY[1], ARRAY[2]]) ==> [1, 2]
repeat('a', 2) ==> [a, a]
reverse(ARRAY[1,2]) ==> [2, 1]
concat(ARRAY[1], ARRAY[2]) ==> [1, 2]
ARRAY[1] || ARRAY[2] ==> [1, 2]
transform(ARRAY[1,2], x -> x * 2) ==> [2, 4]
filter(ARRAY[1,2,3], x -> x > 1) ==> [2, 3]
reduce(ARRAY[1,2,3], 0, (s, x) -> s + x, s -> s) ==> 6
any_match(ARRAY[1,2], x -> x > 1) ==> true
all_match(ARRAY[1,2], x -> x > 1) ==> false
none_match(ARRAY[1,2], x -> x > 5) ==> true
zip(ARRAY[1,2], ARRAY['a','b']) ==> [{field0=1, field1=a}, {field0=2, field1=b}]
zip_with(ARRAY[1,2], ARRAY[3,4], (x, y) -> x + y) ==> [4, 6]
MAP(ARRAY['a','b'], ARRAY[1,2]) ==> {a=1, b=2}
MAP(ARRAY['a','b'], ARRAY[1,2])['a'] ==> 1
element_at(MAP(ARRAY['a'], ARRAY[1]), 'z') ==> null
map_keys(MAP(ARRAY['a'], ARRAY[1])) ==> [a]
map_values(MAP(ARRAY['a'], ARRAY[1])) ==> [1]
map_concat(MAP(ARRAY['a'], ARRAY[1]), MAP(ARRAY['b'], ARRAY[2])) ==> {a=1, b=2}
map_filter(MAP(ARRAY['a','b'], ARRAY[1,2]), (k, v) -> v > 1) ==> {b=2}
transform_values(MAP(ARRAY['a'], ARRAY[1]), (k, v) -> v + 1) ==> {a=2}
transform_keys(MAP(ARRAY['a'], ARRAY[1]), (k, v) -> k || 'x') ==> {ax=1}
map_from_entries(ARRAY[ROW('a', 1)]) ==> {a=1}
ROW(1, 'a') ==> {field0=1, field1=a}
CAST(ROW(1, 'a') AS ROW(x integer, y varchar)).y ==> a
ROW(1, 2)[1] ==> 1
json_extract('{"a":{"b":1}}', '$.a') ==> {"b":1}
json_extract_scalar('{"a":{"b":1}}', '$.a.b') ==> 1
json_extract_scalar('{"a":[1,2]}', '$.a[1]') ==> 2
json_extract_scalar('{"a":{"b":1}}', '$.a') ==> null
json_parse('{"a": 1}') ==> {"a":1}
json_format(json_parse('{"a": 1}')) ==> {"a":1}
json_array_length('[1,2]') ==> 2
json_array_contains('[1,2]', 2) ==> true
json_array_get('["a","b"]', 0) ==> "a"
json_size('{"x":{"a":1,"b":2}}', '$.x') ==> 2
CAST(json_parse('[1,2]') AS array(integer)) ==> [1, 2]
CAST(json_extract('{"a":[1,2]}', '$.a') AS array<integer>) ==> [1, 2]
CAST(MAP(ARRAY['a'], ARRAY[1]) AS json) ==> {"a":1}
CAST(json_parse('{"a":1}') AS map(varchar, integer)) ==> {a=1}
is_json_scalar('1') ==> true
x FROM UNNEST(ARRAY[7]) t(x) ==> 7
x || CAST(n AS varchar) FROM UNNEST(ARRAY['a']) WITH ORDINALITY t(x, n) ==> a1
a + b FROM (VALUES (1, ARRAY[2])) t(a, l) CROSS JOIN UNNEST(l) u(b) ==> 3
x FROM (VALUES (1, ARRAY[ROW(2, 3)])) t(a, l) CROSS JOIN UNNEST(l) u(x, y) ==> 2
row_number() OVER (ORDER BY x) FROM (VALUES 5) t(x) ==> 1
lag(x) OVER (ORDER BY x) FROM (VALUES 5) t(x) ==> null
first_value(x) OVER (ORDER BY x) FROM (VALUES 5) t(x) ==> 5
ntile(2) OVER (ORDER BY x) FROM (VALUES 5) t(x) ==> 1
sum(x) FILTER (WHERE x > 1) FROM (VALUES 1,2) t(x) ==> 2
grouping(x) FROM (VALUES 1) t(x) GROUP BY GROUPING SETS ((x)) ==> 0
count(*) FROM (VALUES 1,2) t(x) GROUP BY ROLLUP (x) ORDER BY 1 DESC LIMIT 1 ==> 2
x FROM (VALUES 1,2,3) t(x) ORDER BY x OFFSET 1 LIMIT 1 ==> 2
x FROM (VALUES 1,2,3) t(x) ORDER BY x FETCH FIRST 1 ROWS ONLY ==> 1
count(DISTINCT x) FROM (VALUES 1,1) t(x) ==> 1
x FROM (VALUES 1,2) t(x) EXCEPT SELECT 1 ==> 2
x IS DISTINCT FROM NULL FROM (VALUES 1) t(x) ==> true
1 BETWEEN 0 AND 2 ==> true
5 IN (SELECT 5) ==> true
EXISTS (SELECT 1) ==> true
1 = ANY (VALUES 1, 2) ==> true
3 > ALL (VALUES 1, 2) ==> true
format('%s-%03d', 'a', 7) ==> a-007
uuid() IS NOT NULL ==> true
current_user IS NOT NULL ==> true
version() IS NOT NULL ==> true
current_timezone() ==> UTC
date_format(date '2024-02-03', '%Y%m%d') ==> 20240203
CAST(date_format(date '2024-02-03', '%Y%m%d') AS integer) ==> 20240203
array_agg(DISTINCT x) FROM (VALUES 1,1) t(x) ==> [1]
cast('1' as int) + 1 ==> 2
1.0 ==> 1.0
1.10 + 2 ==> 3.10
10 / 4.0 ==> 2.5
1e2 ==> 100.0
X'6162' ==> 61 62
true AND NULL ==> null
'O''Brien' ==> O'Brien
U&'\00e9' ==> é
time '10:11:12' ==> 10:11:12.000
interval '2' day ==> 2 00:00:00.000
timestamp '2024-01-01 00:00:00 UTC' ==> 2024-01-01 00:00:00.000 UTC
CAST(timestamp '2024-01-01 00:00:00' AS varchar) ==> 2024-01-01 00:00:00.000
CAST(timestamp '2024-01-01 00:00:00' AS date) ==> 2024-01-01
element_at(split('a/b', '/'), 2) ==> b
cardinality(split('a/b', '/')) ==> 2
split('a/b', '/')[1] ==> a
bit_count(7, 64) ==> 3
sum(sum(x)) OVER () FROM (VALUES 1,2) t(x) ==> 3
max(x, 2) FROM (VALUES 1,2,3) t(x) ==> [3, 2]
min(x, 2) FROM (VALUES 1,2,3) t(x) ==> [1, 2]
skewness(x) IS NULL FROM (VALUES 1) t(x) ==> true
concat('a', NULL) ==> null
concat_ws(',', 'a', NULL) ==> a
greatest(1, NULL) ==> null
least(1, NULL) ==> null
array_sort(ARRAY[3,NULL,1]) ==> [1, 3, null]
array_max(ARRAY[1,NULL]) ==> null
array_join(ARRAY['a',NULL,'b'], ',') ==> a,b
array_join(ARRAY['a',NULL,'b'], ',', '-') ==> a,-,b
array_distinct(ARRAY[2,NULL,1,2,NULL]) ==> [2, null, 1]
array_union(ARRAY[2,1], ARRAY[1,3]) ==> [2, 1, 3]
array_remove(ARRAY[1,NULL,2], 1) ==> [null, 2]
contains(ARRAY[1,NULL], 2) ==> null
count_if(x > 5) FROM (VALUES 1) t(x) ==> 0
substr('abc', 5) ==> 
split('', ',') ==> []
mod(-7, 3) ==> -1
CAST('abc' AS varchar(2)) ==> ab
CAST(-1.5 AS bigint) ==> -2
CAST(2.5e0 AS integer) ==> 3
CAST(NULL AS integer) ==> null
CAST('2024-1-5' AS date) ==> 2024-01-05
CAST(DATE '2024-01-01' AS timestamp) ==> 2024-01-01 00:00:00.000
CAST(1704067200 AS varchar) ==> 1704067200
CAST('true' AS boolean) ==> true
CAST(1 AS boolean) ==> true
CAST(true AS integer) ==> 1
x FROM (VALUES 1, NULL) t(x) ORDER BY x DESC LIMIT 1 ==> 1
x FROM (VALUES 1, NULL) t(x) ORDER BY x LIMIT 1 ==> 1
array_agg(x) FROM (VALUES 1, NULL) t(x) ==> [1, null]
sum(x) FROM (VALUES 1) t(x) WHERE x > 5 ==> null
max(x) FROM (VALUES 'a', 'b') t(x) ==> b
avg(x) FROM (VALUES 1.0, 2.0) t(x) ==> 1.5
date_format(now(), '%Y') >= '2024' ==> true
date_diff('second', timestamp '2024-01-01 00:00:00', timestamp '2024-01-01 00:01:00.999') ==> 60
date_diff('day', timestamp '2024-01-01 23:00:00', timestamp '2024-01-02 01:00:00') ==> 0
date_diff('week', date '2024-01-01', date '2024-01-14') ==> 1
date_diff('year', date '2020-06-01', date '2024-05-31') ==> 3
to_unixtime(now()) > 0 ==> true
from_unixtime(1704067200) ==> 2024-01-01 00:00:00.000 UTC
from_unixtime(1704067200, 'UTC') ==> 2024-01-01 00:00:00.000 UTC
date(timestamp '2024-01-01 10:00:00') ==> 2024-01-01
date('2024-01-01') < current_date ==> true
current_date - interval '1' day = date_add('day', -1, current_date) ==> true
timestamp '2024-01-01 10:00:00' > date '2024-01-01' ==> true
extract(hour FROM timestamp '2024-01-01 10:00:00') ==> 10
day(timestamp '2024-01-01 10:00:00' - timestamp '2023-12-31 10:00:00') ==> 1
timestamp '2024-01-01 10:00:00' - timestamp '2024-01-01 09:00:00' ==> 0 01:00:00.000
localtimestamp IS NOT NULL ==> true
current_time IS NOT NULL ==> true
split_part('a', ',', 1) ==> a
regexp_extract('key=val', 'key=(\w+)', 1) ==> val
regexp_like('Hello', '(?i)hello') ==> true
regexp_replace('abc', '(b)', '[$1]') ==> a[b]c
regexp_replace('a.b', '\.', '-') ==> a-b
json_extract_scalar('{"a":"x"}', '$.a') ==> x
json_extract_scalar('{"a":null}', '$.a') ==> null
json_extract_scalar('{"a":true}', '$.a') ==> true
json_extract_scalar('{"a.b":1}', '$["a.b"]') ==> 1
json_extract_scalar('{"a":1}', '$.b') ==> null
json_extract('{"a":"x"}', '$.a') ==> "x"
CAST(json_extract('{"a":5}', '$.a') AS integer) ==> 5
CAST(json_extract('{"a":"x"}', '$.a') AS varchar) ==> x
CAST(json_parse('{"a":{"b":1}}') AS map(varchar, map(varchar, integer))) ==> {a={b=1}}
json_format(CAST(ARRAY[1,2] AS json)) ==> [1,2]
json_object('a': 1) ==> {"a":1}
element_at(ARRAY[1,2], 1) ==> 1
element_at(MAP(ARRAY[1], ARRAY['x']), 1) ==> x
MAP(ARRAY['a'], ARRAY[1])['a'] + 1 ==> 2
map_agg(k, v)['a'] FROM (VALUES ('a', 5)) t(k, v) ==> 5
slice(ARRAY[1,2,3], -2, 2) ==> [2, 3]
sequence(5, 1, -2) ==> [5, 3, 1]
transform(ARRAY['a'], x -> upper(x)) ==> [A]
transform(filter(ARRAY[1,2,3], x -> x > 1), y -> y * 10) ==> [20, 30]
reduce(ARRAY[1,2], 10, (s, x) -> s + x, s -> s * 2) ==> 26
cardinality(filter(ARRAY[1,2], x -> x > 1)) ==> 1
array_agg(x) FILTER (WHERE x > 1) FROM (VALUES 1, 2) t(x) ==> [2]
count(*) FILTER (WHERE x > 1) FROM (VALUES 1, 2) t(x) ==> 1
lead(x, 1, 0) OVER (ORDER BY x) FROM (VALUES 5) t(x) ==> 0
nth_value(x, 1) OVER (ORDER BY x) FROM (VALUES 5) t(x) ==> 5
rank() OVER (ORDER BY x) FROM (VALUES 5) t(x) ==> 1
percent_rank() OVER (ORDER BY x) FROM (VALUES 5) t(x) ==> 0.0
lag(x) IGNORE NULLS OVER (ORDER BY x) FROM (VALUES 5) t(x) ==> null
max_by(x, y, 2) FROM (VALUES ('a',1),('b',2)) t(x,y) ==> [b, a]
array_agg(x ORDER BY y DESC)[1] FROM (VALUES ('a',1),('b',2)) t(x,y) ==> b
count(*) FROM (VALUES 1) a(x) LEFT JOIN (VALUES 2) b(x) ON a.x = b.x ==> 1
count(*) FROM (VALUES 1) a(x) FULL OUTER JOIN (VALUES 2) b(x) ON a.x = b.x ==> 2
count(*) FROM (VALUES 1) a(x), LATERAL (SELECT a.x + 1) b(y) ==> 1
x FROM (SELECT 1 AS x UNION SELECT 1) ==> 1
count(*) FROM (VALUES 1,2) t(x) HAVING count(*) > 1 ==> 2
x FROM (VALUES 1) t(x) WHERE x NOT IN (2, 3) ==> 1
'a' < 'b' ==> true
1 <> 2 ==> true
1 != 2 ==> true
NOT true ==> false
NULL IS NULL ==> true
upper(NULL) ==> null
'%' LIKE '\%' ESCAPE '\' ==> true
bitwise_left_shift(1, 3) ==> 8
bitwise_right_shift(8, 1) ==> 4
to_hex(from_base64('YWI=')) ==> 6162
from_utf8(from_hex('6162')) ==> ab
format('%.2f', 1.5e0) ==> 1.50
format('%,d', 1234567) ==> 1,234,567
year(current_timestamp) >= 2024 ==> true
date_trunc('quarter', date '2024-05-05') ==> 2024-04-01
date_trunc('year', timestamp '2024-05-05 01:00:00') ==> 2024-01-01 00:00:00.000
date_add('week', 1, date '2024-01-01') ==> 2024-01-08
date_add('quarter', 1, date '2024-01-01') ==> 2024-04-01
date_add('second', 1, timestamp '2024-01-01 00:00:00') ==> 2024-01-01 00:00:01.000
timestamp '2024-01-01 00:00:00' + interval '1' year ==> 2025-01-01 00:00:00.000
date '2024-01-01' - interval '1' month ==> 2023-12-01
with_timezone(timestamp '2024-01-01 00:00:00', 'UTC') ==> 2024-01-01 00:00:00.000 UTC
timezone_hour(timestamp '2024-01-01 00:00:00 UTC') ==> 0
day_of_week(timestamp '2024-02-04 00:00:00') ==> 7
week(date '2024-01-01') ==> 1
CAST(date '2024-01-01' + interval '1' day AS varchar) ==> 2024-01-02
CAST(CAST(2.5e0 AS integer) AS varchar) ==> 3
8 / (7 / 4) ==> 8
TRY(10 / (5 - 5)) ==> null
transform(ARRAY[1, 2], x -> x / 2) ==> [0, 1]
CAST(9007199254740993 AS varchar) ==> 9007199254740993
CAST(CAST(9007199254740993 AS varchar) AS bigint) ==> 9007199254740993
CAST(CAST(1.50 AS decimal(5,2)) AS varchar) ==> 1.50
"""
# These must fail rather than answer something else than Trino does.
REFUSED = r"""
checksum(x) FROM (VALUES 1) t(x)
word_stem('running')
to_hex(sha512(to_utf8('a')))
crc32(to_utf8('a'))
xxhash64(to_utf8('a'))
1/0
combinations(ARRAY[1,2,3], 2)
approx_set(1)
reduce_agg(x, 0, (a, b) -> a + b, (a, b) -> a + b) FROM (VALUES 1,2) t(x)
numeric_histogram(2, x) FROM (VALUES 1) t(x)
json_value('{"a":1}', 'lax $.a')
json_query('{"a":1}', 'lax $.a')
json_exists('{"a":1}', 'lax $.a')
8 / (1 / 0)
1 / x FROM (VALUES 0) t(x)
hmac_sha256(to_utf8('a'), to_utf8('b'))
soundex('Robert')
strpos('hello', 'l', 2)
from_base('ff', 16)
ngrams(ARRAY['a','b','c'], 2)
zip(ARRAY[1,2], ARRAY[3,4], ARRAY[5,6], ARRAY[7]) || 1
"""


def pairs():
    return [line.rsplit(' ==> ', 1) for line in CASES.strip().splitlines()]


@pytest.fixture(scope='module')
def athena(mekong):
    return Athena(mekong).make_place()


def printed(athena, expressions):
    return athena.rows('SELECT ' + ', '.join(f'(SELECT {e}) AS c{at}' for at, e in enumerate(expressions)))[0]


def test_values_are_printed_as_trino_does(athena):
    cases = pairs()
    wrong = []
    for begin in range(0, len(cases), 50):
        part = cases[begin:begin + 50]
        values = printed(athena, [expression for expression, _ in part])
        wrong += [(e, wanted, got) for (e, wanted), got in zip(part, values) if ('null' if got is None else got) != wanted]
    assert not wrong


@pytest.mark.parametrize('expression', REFUSED.strip().splitlines())
def test_what_has_no_translation_is_refused(athena, expression):
    reason = athena.failed('SELECT ' + expression)
    assert not reason.startswith(('GENERIC', 'WorkerLost')), reason


def test_maps_are_known_by_their_types(athena):
    """What DuckDB calls otherwise for maps than for lists."""
    assert athena.rows("SELECT k, v, n FROM (VALUES MAP(ARRAY['a', 'b'], ARRAY[1, 2])) t(m) "
                       'CROSS JOIN UNNEST(m) WITH ORDINALITY u(k, v, n) ORDER BY n') == [('a', '1', '1'), ('b', '2', '2')]
    assert athena.rows("SELECT cardinality(m) FROM (VALUES MAP(ARRAY['a'], ARRAY[1])) t(m)") == [('1',)]
    assert athena.rows('SELECT x, y FROM UNNEST(ARRAY[1, 2], ARRAY[3]) t(x, y) ORDER BY x') == [('1', '3'), ('2', None)]
    assert 'nosuch' in athena.failed('SELECT nosuch FROM (VALUES 1) t(x) WHERE cardinality(ARRAY[1]) = 1')

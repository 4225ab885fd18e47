"""Minute windows of today's sales: what the table must hold, computed from what the producer saw acknowledged."""
import collections
import datetime

TOLERANCE = 0.011  # two sums of doubles in another order, each rounded to cents


def utc_today():
    return datetime.datetime.now(datetime.timezone.utc).date().isoformat()


def expected(records, day):
    """{minute: sum of total_amount} of the records of `day` (YYYY-MM-DD)."""
    sums = collections.defaultdict(float)
    for record in records:
        if record['date'].startswith(day):
            sums[record['date'][:16]] += record['total_amount']
    return dict(sums)


def same(rows, wanted):
    """Whether the query's rows (minute, sum), newest first, are just the wanted windows."""
    got = {minute[:16]: float(amount) for minute, amount in rows}
    return (list(got) == sorted(wanted, reverse=True) and
            all(abs(got[minute] - wanted[minute]) <= TOLERANCE for minute in wanted))


def query_today(query, records, produce_more, today=utc_today):
    """The rows of the query and whether they are what they must be. CURRENT_DATE is the server's at the
    moment of the query: where midnight passed since the last record, or passes during the query, new records
    are produced and it is asked again.

    query() -> rows; records() -> the acknowledged records; produce_more() makes live ones and returns when the
    table holds all."""
    while True:
        day = today()
        wanted = expected(records(), day)
        if not wanted:
            produce_more()
            continue
        rows = query()
        if today() == day:
            return rows, same(rows, wanted)

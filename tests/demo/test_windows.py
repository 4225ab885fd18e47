"""What the demo checks the query's answer against, midnight included."""
import windows


def sale(date, amount):
    return {'date': date, 'total_amount': amount}


RECORDS = [sale('2026-01-01 23:59:58', 1.5), sale('2026-01-02 00:00:01', 2.0), sale('2026-01-02 00:00:59', 0.25),
           sale('2026-01-02 00:01:00', 4.0)]


def test_windows_of_one_day():
    assert windows.expected(RECORDS, '2026-01-02') == {'2026-01-02 00:00': 2.25, '2026-01-02 00:01': 4.0}


def test_rows_must_be_all_windows_newest_first():
    wanted = windows.expected(RECORDS, '2026-01-02')
    right = [('2026-01-02 00:01:00.000', '4.0'), ('2026-01-02 00:00:00.000', '2.25')]
    assert windows.same(right, wanted)
    assert not windows.same(right[::-1], wanted)
    assert not windows.same(right[:1], wanted)
    assert not windows.same([right[0], ('2026-01-02 00:00:00.000', '2.35')], wanted)


def test_a_query_after_midnight_gets_records_of_the_new_day():
    """Records of the old day only; the producer runs again, and midnight passes once more during the first query."""
    days = iter(['2026-01-02', '2026-01-02', '2026-01-03', '2026-01-03', '2026-01-03', '2026-01-03'])
    records = [RECORDS[0]]
    asked = []

    def produce_more():
        records.append(sale('2026-01-02 00:00:00' if len(records) == 1 else '2026-01-03 00:00:00', 7.0))

    def query():
        asked.append(len(records))
        return [(f'{records[-1]["date"][:16]}:00.000', '7.0')]
    rows, right = windows.query_today(query, lambda: records, produce_more, lambda: next(days))
    assert right and rows == [('2026-01-03 00:00:00.000', '7.0')] and asked == [2, 3]

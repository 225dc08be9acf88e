"""Many rows go out in few statements with few texts."""

import pytest
from sqlalchemy import make_url

from actors.store.schema import controls, orders
from actors.store.statements import MAX_ROWS, STEP, insert, update

SQLITE = make_url("sqlite://").get_dialect()()
POSTGRESQL = make_url("postgresql+psycopg://").get_dialect()()


def test_sqlite_takes_up_to_a_number_of_rows_in_at_most_two_statements_of_few_texts() -> None:
    bulk = insert(SQLITE, controls, ["name", "value"])
    texts = set()
    for count in range(1, MAX_ROWS + 1):
        rows = [(f"name {number}", str(number)) for number in range(count)]
        batches = list(bulk.batches(rows))
        texts |= {text for text, _ in batches}
        assert len(batches) <= 2
        assert [value for _, flat in batches for value in flat] == [value for row in rows for value in row]
        assert all(text.count("?") == len(flat) for text, flat in batches)

    assert len(texts) == MAX_ROWS // STEP + STEP - 1


@pytest.mark.parametrize(("count", "statements"), [(0, 0), (512, 1), (513, 2), (1024, 2), (1025, 3), (1569, 5)])
def test_sqlite_takes_more_rows_512_at_a_time(count: int, statements: int) -> None:
    bulk = insert(SQLITE, controls, ["name", "value"])

    assert len(list(bulk.batches([("name", "value")] * count))) == statements


def test_sqlite_updates_one_row_by_a_plain_statement_with_the_same_parameters() -> None:
    bulk = update(SQLITE, orders, ("order_id", "status", "filled_qty"), key="order_id")

    assert list(bulk.batches([("oa-1", "filled", 5)])) == [
        ("UPDATE orders SET status = ?2, filled_qty = ?3 WHERE orders.order_id = ?1", ("oa-1", "filled", 5))
    ]
    ((text, _),) = bulk.batches([("oa-1", "filled", 5), ("oa-2", "filled", 5)])
    assert "VALUES (?, ?, ?), (?, ?, ?)" in text


def test_the_widest_statement_stays_within_what_sqlite_takes() -> None:
    assert MAX_ROWS * len(orders.c) < 32_766


@pytest.mark.parametrize("count", [1, 300, 5000])
def test_postgresql_takes_any_number_of_rows_as_one_parameter(count: int) -> None:
    bulk = insert(POSTGRESQL, controls, ["name", "value"])
    ((text, parameters),) = bulk.batches([("a", "b")] * count)

    assert text.count("%s") == len(parameters) == 1
    assert parameters[0].count('["a","b"]') == count

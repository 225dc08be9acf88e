"""Reads recorded prices from a CSV file, strictly."""

import csv
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from actors.broker.paper.prices import ReplayedPrices
from actors.errors import SettingsError, SignalError
from actors.model import fields

COLUMNS: Final = ("time", "symbol", "price")


def read_prices(path: Path, *, speed: float = 1.0) -> ReplayedPrices:
    """Read a CSV file with the columns time, symbol, price, in order of time.

    Raises:
        SettingsError: The file cannot be used; names file and line.
    """
    ticks: list[tuple[datetime, str, Decimal]] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            header = next(rows, None)
            if header is None or sorted(header) != sorted(COLUMNS):
                raise SettingsError(f"{path}:1: expected the columns {','.join(COLUMNS)}, got {header}")
            for row in rows:
                try:
                    ticks.append(_tick(header, row, ticks[-1][0] if ticks else None))
                except SignalError as error:
                    raise SettingsError(f"{path}:{rows.line_num}: {error}") from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"{path}: not a CSV file in UTF-8: {error}") from error
    if not ticks:
        raise SettingsError(f"{path}: holds no price, only the header")
    return ReplayedPrices(ticks, speed=speed)


def _tick(header: list[str], row: list[str], previous: datetime | None) -> tuple[datetime, str, Decimal]:
    if len(row) != len(header):
        raise SignalError("", f"expected {len(header)} values, got {len(row)}")
    values = dict(zip(header, row, strict=True))
    at = fields.parse_time("time", values["time"])
    if previous is not None and at < previous:
        raise SignalError("time", f"{values['time']} is before the line above; sort the file by time")
    fields.check_symbol("symbol", values["symbol"])
    price = fields.parse_price("price", values["price"])
    fields.check_price("price", price)
    return at, values["symbol"], price

"""Messages no order may come of, by kind, made from one good message."""

import json
from collections.abc import Iterator

from actors.model.terms import ORDER_TYPES

GOOD: dict[str, object] = {
    "strategy_id": "momentum",
    "symbol": "US.AAPL",
    "action": "buy",
    "quantity": 100,
    "order_type": "limit",
    "limit_price": "101.25",
    "timestamp": "2026-11-23T14:30:00Z",
    "signal_id": "sig-00000001",
}


def said(**changes: object) -> bytes:
    return json.dumps(GOOD | changes).encode()


def raw(key: str, value: str | bytes) -> bytes:
    """Return the good message with raw JSON text as the value of one key."""
    text = value.encode() if isinstance(value, str) else value
    marked = json.dumps(GOOD | {key: "@"}).encode()
    assert marked.count(b'"@"') == 1
    return marked.replace(b'"@"', text)


def without(*keys: str) -> bytes:
    return json.dumps({key: value for key, value in GOOD.items() if key not in keys}).encode()


def without_limit(**changes: object) -> bytes:
    """Return the good message with changes and no limit price."""
    kept = {key: value for key, value in GOOD.items() if key != "limit_price"}
    return json.dumps(kept | changes).encode()


def poison() -> Iterator[tuple[str, bytes]]:
    """Yield (kind, message)."""
    for kind, messages in _KINDS.items():
        for message in messages:
            yield kind, message


_TEXT = said().decode()
_IDS = (
    "",
    " ",
    "a b",
    "-a",
    ".a",
    "_a",
    ":a",
    "a" * 65,
    "a\n",
    "\na",
    "a\x00",
    "a\x1b[31m",
    "é",
    "a/b",
    "a\u200b",
    "\uff41",
)
_SYMBOLS = ("", " ", "US AAPL", "-AAPL", "/A", "A" * 33, "AAPL\n", "AAPL;", "AAPL'", "<b>", "苹果", "\u202eLPAA")
_WRONG_TYPES = ("null", "true", "1", "1.5", "[]", "{}", '["x"]')

_KINDS: dict[str, list[bytes]] = {
    "no object": [
        b"",
        b" ",
        b"null",
        b"true",
        b"1",
        b'"text"',
        b"[]",
        b"[1]",
        b"[" + said() + b"]",
        b"{",
        b"}",
        b"{}",
        b"nul",
        b"{} {}",
        said() + said(),
        said() + b"x",
        said() + b"\x00",
        b"\x00" + said(),
        said()[:-1],
        said()[1:],
        said().replace(b"}", b",}"),
        said().replace(b":", b"=", 1),
        said().replace(b'"', b"'"),
        b"/* */" + said(),
        said().replace(b"{", b"{,", 1),
        said().replace(b", ", b" "),
        b"signal=" + said(),
    ],
    "not UTF-8": [
        _TEXT.encode("utf-16"),
        _TEXT.encode("utf-16-le"),
        _TEXT.encode("utf-16-be"),
        _TEXT.encode("utf-32"),
        _TEXT.encode("utf-8-sig"),
        raw("reason", b'"\xff"'),
        raw("reason", b'"caf\xe9"'),
        raw("reason", b'"\xc0\xaf"'),
        raw("reason", b'"\xed\xa0\x80"'),
        raw("reason", b'"\xf4\x90\x80\x80"'),
        raw("reason", b'"\xe2\x82"'),
        raw("symbol", b'"\x80"'),
        said() + b"\xff",
    ],
    "surrogates and control characters": [
        raw("reason", r'"\ud800"'),
        raw("reason", r'"\udc00"'),
        raw("reason", r'"\ud800\u0041"'),
        raw("reason", r'"\udc00\ud800"'),
        raw("symbol", r'"\ud83d"'),
        raw("reason", '"a\x00b"'),
        raw("reason", '"a\nb"'),
        raw("reason", '"a\tb"'),
        said(reason="a\x00b"),
        said(reason="a\nb"),
        said(reason="\x1b[31mred"),
        said(reason="\x7f"),
        said(reason="\x85"),
        said(reason="a\u2028b"),
        said(reason="\u202e"),
        said(reason="\ufeff"),
        said(reason="\ue000"),
    ],
    "keys given twice": [
        said()[:-1] + b', "quantity": 1}',
        said()[:-1] + b', "quantity": 100}',
        said()[:-1] + b', "signal_id": "x"}',
        said()[:-1] + b', "stop_price": null, "stop_price": null}',
        said()[:-1] + b', "account_id": "A", "account_id": null}',
        said()[:-1] + rb', "quantit\u0079": 1}',
        said()[:-1] + rb', "\u0061ction": "sell"}',
        b'{"symbol": "A", ' + said()[1:],
        said(reason='\\"')[:-1] + b', "reason": "x"}',
    ],
    "missing keys": [
        without("strategy_id"),
        without("symbol"),
        without("action"),
        without("quantity"),
        without("signal_id", "timestamp"),
    ],
    "unknown keys": [
        said(extra=1),
        said(Symbol="A"),
        said(side="buy"),
        said(price="1"),
        said(**{"": 1}),
        said(**{"quantity ": 1}),
        said(**{"\x1b[31m": 1}),
        said(é=1),
        said(order_id="x"),
        said(__proto__={}),
        said(**{"x" * 5_000: 1}),
        raw("nested", "[" * 1_000 + "]" * 1_000),
    ],
    "depth": [
        b"[" * 16_000,
        b'{"a":' * 3_000,
        b"[" * 8_000 + b"]" * 8_000,
        raw("reason", "[" * 7_000 + "]" * 7_000),
        raw("quantity", '{"a":' * 2_000 + "1" + "}" * 2_000),
    ],
    "size": [said(reason="x" * 16_384), said() + b" " * 16_384, b"x" * 1_000_000],
    "quantity": [
        *(
            raw("quantity", text)
            for text in (
                "0",
                "-0",
                "-1",
                "1.0",
                "1.5",
                "1e2",
                "1E2",
                "NaN",
                "Infinity",
                "-Infinity",
                "1e999",
                "01",
                "+1",
                "0x10",
                "1_000",
                "1000000001",
                "9223372036854775808",
                "9" * 21,
                "9" * 5_000,
                "true",
                "false",
                "null",
                '"100"',
                '""',
                '"1_000"',
                '"\uff11\uff10\uff10"',
                "[100]",
                "{}",
                ".5",
                "5.",
                "1e-1",
                "--1",
            )
        ),
    ],
    "prices": [
        *(
            raw("limit_price", text)
            for text in (
                "101.25",
                "101",
                "true",
                "[]",
                '""',
                '"0"',
                '"0.0"',
                '"-1"',
                '"+1"',
                '" 1"',
                '"1 "',
                '"1\\n"',
                '"1e3"',
                '"1E3"',
                '"NaN"',
                '"Infinity"',
                '"sNaN"',
                '"1_000"',
                '"1,000"',
                '"1."',
                '".5"',
                '"1.2.3"',
                '"\uff11.5"',
                '"٣"',
                '"1000000000"',
                '"0.1234567891"',
                '"1e99999999"',
                '"0x10"',
                '"1.0000000000"',
                '"$1"',
                "null",
            )
        ),
        said(stop_price="-1"),
        said(stop_price=1),
        said(reference_price="0"),
        said(reference_price=1.5),
    ],
    "kinds and their prices": [
        *(without_limit(order_type=kind) for kind in ORDER_TYPES if kind != "market"),
        *(said(order_type=kind) for kind in ORDER_TYPES if kind != "limit"),
        *(said(order_type=kind, trail_amount="1") for kind in ("limit", "stop_limit", "limit_if_touched")),
        *(without_limit(order_type=kind, stop_price="9", trail_percent="1") for kind in ("stop", "market_if_touched")),
        *(without_limit(order_type="market", **{price: "9"}) for price in ("stop_price", "trail_amount")),
        *(without_limit(order_type="trailing_stop", stop_price=price, trail_amount="1") for price in ("9", "100")),
        without_limit(order_type="trailing_stop", trail_amount="1", trail_percent="1"),
        *(
            without_limit(order_type="trailing_stop", **{trail: text})
            for trail in ("trail_amount", "trail_percent")
            for text in ("0", "-1", "NaN", "1e1", "", " 1", "1%", 1, 0.5, True, [])
        ),
        *(without_limit(order_type="trailing_stop", trail_percent=text) for text in ("100", "100.0", "250")),
        *(without_limit(order_type="stop", stop_price=text) for text in ("0", "1E3", "-9", "", 9, None, ["9"])),
    ],
    "brackets": [
        said(take_profit="101.25"),
        said(take_profit="101.2"),
        said(stop_loss="101.25"),
        said(stop_loss="102"),
        said(take_profit="100", stop_loss="102"),
        said(action="sell", take_profit="101.25"),
        said(action="sell", take_profit="102"),
        said(action="sell", stop_loss="101"),
        said(action="sell", take_profit="102", stop_loss="100"),
        without_limit(order_type="market", take_profit="9", stop_loss="9"),
        without_limit(order_type="market", take_profit="9", stop_loss="9.0"),
        without_limit(order_type="stop", stop_price="5", take_profit="8", stop_loss="9"),
        *(said(**{leg: text}) for leg in ("take_profit", "stop_loss") for text in ("0", "-1", "NaN", "1e3", "", 1, {})),
    ],
    "groups": [
        *(said(oco_group=text) for text in _IDS),
        *(raw("oco_group", text) for text in ("true", "1", "1.5", "[]", "{}", '["x"]')),
    ],
    "good till a date without one": [
        said(time_in_force="gtd"),
        said(time_in_force="gtd", expires_at=None),
        said(time_in_force="gtd", expires_at=""),
    ],
    "identifiers": [
        *(said(signal_id=text) for text in _IDS),
        *(said(strategy_id=text) for text in _IDS),
        *(said(account_id=text) for text in _IDS),
        *(said(symbol=text) for text in _SYMBOLS),
        said(strategy_id="EXTERNAL"),
    ],
    "choices": [
        *(said(action=text) for text in ("", "BUY", "Buy", "short", "buy ", "b", "sell_short", "buy\x00")),
        *(
            said(order_type=text)
            for text in ("", "LIMIT", "Stop", "stop-limit", "market ", "iceberg", "trailing_stop_limit")
        ),
        *(said(time_in_force=text) for text in ("", "DAY", "GTC", "opg", "day ", "gtc\x00")),
    ],
    "wrong JSON types": [
        raw(key, text)
        for key in (
            "strategy_id",
            "symbol",
            "action",
            "order_type",
            "reason",
            "timestamp",
            "signal_id",
            "time_in_force",
        )
        for text in _WRONG_TYPES
    ],
    "times": [
        *(
            said(timestamp=text)
            for text in (
                "",
                "now",
                "2026-11-23",
                "14:30:00",
                "2026-13-01T00:00:00Z",
                "2026-02-30T00:00:00Z",
                "2026-11-23T24:30:00Z",
                "2026-11-23T14:60:00Z",
                "2026-11-23T14:30:60Z",
                "2026-11-23T14:30:00+99:00",
                "2026-11-23T14:30:00 UTC",
                "20261123T143000Z",
                "1732372200",
                "2026-W48-1",
                "0001-01-01T00:00:00+01:00",
                "9999-12-31T23:59:59-01:00",
                "9999-12-31T12:00:00Z",
                "2200-01-01T00:00:00Z",
                "1999-12-31T23:59:59Z",
                "0001-01-01T00:00:00Z",
                "\uff12\uff10\uff12\uff16-11-23T14:30:00Z",
                " 2026-11-23T14:30:00Z",
                "2026-11-23T14:30:00Z\n",
                "2026/11/23 14:30:00",
                "0000-01-01T00:00:00Z",
                "2026-11-23T14:30:00.Z",
                "2026-11-23T14:30:00.1234567890Z",
            )
        ),
        said(expires_at="soon"),
        said(expires_at="2026-01-05T18:00:00+01:60"),  # an hour has sixty minutes; Python takes a hundred
        said(expires_at="2026-01-05T18:00:00+01:99"),
        said(expires_at=1732372200),
        said(expires_at=""),
        said(expires_at="9999-12-31T23:59:59Z"),
        raw("timestamp", "1732372200.5"),
    ],
    "text": [said(reason="x" * 257), said(reason="\u00ad" * 3), said(reason="\u200e")],
}

"""Commands nobody may obey, by kind, made from one good command of each type."""

import json
from collections.abc import Iterator

CANCEL: dict[str, object] = {"type": "cancel", "order_id": "oa-1", "command_id": "c-1"}
CANCEL_ALL: dict[str, object] = {"type": "cancel_all", "strategy_id": "alpha", "symbol": "US.AAPL"}
REPLACE: dict[str, object] = {"type": "replace", "signal_id": "s-1", "quantity": 5, "limit_price": "10.5"}
HALT: dict[str, object] = {"type": "halt", "reason": "news", "keep_orders": True}
GOOD = (CANCEL, CANCEL_ALL, REPLACE, HALT)


def said(good: dict[str, object], *left_out: str, **changes: object) -> bytes:
    return json.dumps({key: value for key, value in (good | changes).items() if key not in left_out}).encode()


def raw(good: dict[str, object], key: str, text: str | bytes) -> bytes:
    """Return a good command with raw JSON text as the value of one key."""
    marked = json.dumps(good | {key: "@"}).encode()
    return marked.replace(b'"@"', text.encode() if isinstance(text, str) else text)


def poison() -> Iterator[tuple[str, bytes]]:
    """Yield (kind, message)."""
    for kind, messages in _KINDS.items():
        for message in messages:
            yield kind, message


_WRONG_TYPES = ("true", "1", "1.5", "[]", "{}")
_IDS = ("", " ", "a b", "-a", "a" * 65, "a\n", "a\x00", "é", "a/b", "\uff41")

_KINDS: dict[str, list[bytes]] = {
    "types": [
        *(raw(CANCEL, "type", text) for text in ("null", *_WRONG_TYPES)),
        *(said(CANCEL, type=name) for name in ("", "Cancel", "cancel ", "cancel-all", "resume", "signal", "buy")),
        b'{"type": "signal", "strategy_id": "s", "symbol": "A", "action": "buy", "quantity": 1, "signal_id": "x"}',
    ],
    "naming orders": [
        said(CANCEL, "order_id"),
        said(REPLACE, "signal_id"),
        said(CANCEL, signal_id="s-1"),
        said(REPLACE, order_id="oa-1"),
        said(CANCEL, order_id=None),
        *(said(CANCEL, order_id=text) for text in _IDS),
        *(said(REPLACE, signal_id=text) for text in _IDS),
        *(raw(CANCEL, "order_id", text) for text in _WRONG_TYPES),
    ],
    "new terms": [
        said(REPLACE, "quantity", "limit_price"),
        said(REPLACE, "quantity", limit_price=None),
        *(
            raw(REPLACE, "quantity", text)
            for text in (
                "0",
                "-1",
                "1.0",
                "1e2",
                "1000000001",
                "9" * 30,
                "9" * 5_000,
                "true",
                '"5"',
                "[5]",
                "01",
                "NaN",
            )
        ),
        *(
            raw(REPLACE, price, text)
            for price in ("limit_price", "stop_price")
            for text in ("10.5", "10", "true", '""', '"0"', '"-1"', '"1e3"', '"NaN"', '"1_0"', '" 1"', '"1."', "{}")
        ),
        *(raw(REPLACE, price, "9" * 5_000) for price in ("limit_price", "stop_price")),
        *(raw(REPLACE, "limit_price", text) for text in ('"Infinity"', '"1e99999999"', '"\uff11"', '"1000000000"')),
    ],
    "whose orders": [
        *(said(CANCEL_ALL, strategy_id=text) for text in _IDS),
        *(said(CANCEL_ALL, symbol=text) for text in ("", "A B", "-A", "A" * 33, "A\n", "苹果")),
        said(CANCEL_ALL, strategy_id="EXTERNAL"),
        raw(CANCEL_ALL, "symbol", "1"),
    ],
    "halts": [
        *(raw(HALT, "keep_orders", text) for text in ("null", "1", '"true"', "[]")),
        said(HALT, reason="a\nb"),
        said(HALT, reason="x" * 257),
        said(HALT, reason="\x1b[31mred"),
        *(raw(HALT, "reason", text) for text in ("null", "1", r'"\ud800"')),
    ],
    "what all may carry": [
        *(said(good, command_id=text) for good in GOOD for text in ("", "a b", "a" * 65)),
        *(said(good, account_id=text) for good in GOOD for text in ("", "a\n")),
        *(raw(good, "command_id", "7") for good in GOOD),
    ],
    "keys": [
        *(said(good, extra=1) for good in GOOD),
        said(CANCEL, quantity=1),
        said(CANCEL_ALL, order_id="oa-1"),
        said(REPLACE, strategy_id="alpha"),
        said(HALT, symbol="US.AAPL"),
        said(HALT, Type="halt"),
        said(CANCEL)[:-1] + b', "type": "halt"}',
        said(CANCEL)[:-1] + b', "order_id": "oa-2"}',
        said(CANCEL)[:-1] + rb', "\u006frder_id": "oa-2"}',
        said(CANCEL)[:-1] + rb', "typ\u0065": "cancel"}',
        said(REPLACE)[:-1] + b', "quantity": 5}',
        said(HALT)[:-1] + b', "keep_orders": true, "keep_orders": true}',
    ],
    "no object": [
        b"[" + said(CANCEL) + b"]",
        said(CANCEL)[:-1],
        said(CANCEL) + said(CANCEL),
        said(CANCEL) + b"\x00",
        b"\xef\xbb\xbf" + said(CANCEL),
        said(CANCEL).decode().encode("utf-16"),
        raw(HALT, "reason", b'"\xff"'),
        said(CANCEL) + b" " * 16_384,
        raw(CANCEL, "reason", "[" * 7_000 + "]" * 7_000),
    ],
}

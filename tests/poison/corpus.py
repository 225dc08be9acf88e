"""Entries no order may come of: malformed signals, malformed commands, and attacks on whoever reads them.

What a limit of the system refuses (an odd lot, a price off its tick) is a well-formed signal and is not here.
"""

import json
from collections.abc import Iterator
from typing import Final

from tests.model import command_poison, poison

SIGNAL: Final = poison.said().decode()
NAMED_BY_ITS_QUEUE: Final = poison.without("signal_id", "timestamp")
"""Malformed where the queue gives no id, and a good signal where it does."""

HALT: Final = command_poison.said(command_poison.HALT).decode()


def corpus() -> list[tuple[str, bytes]]:
    """Return (kind, entry), each entry once."""
    found: dict[bytes, str] = {}
    for kind, entry in (*_named("signal", poison.poison()), *_named("command", command_poison.poison()), *_hostile()):
        found.setdefault(entry, kind)
    del found[NAMED_BY_ITS_QUEUE]
    return [(kind, entry) for entry, kind in found.items()]


def _named(prefix: str, pairs: Iterator[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    return ((f"{prefix}: {kind}", entry) for kind, entry in pairs)


def _hostile() -> Iterator[tuple[str, bytes]]:
    for depth in (100_000, 1_000_000):
        yield "hostile: depth", b"[" * depth
        yield "hostile: depth", b"[" * depth + b"]" * depth
        yield "hostile: depth", b'{"a":' * depth + b"1" + b"}" * depth
    yield "hostile: depth", poison.raw("reason", "[" * 15_000)
    yield "hostile: depth", poison.raw("reason", '{"":' * 3_500 + "0" + "}" * 3_500)
    yield "hostile: size", b" " * 10_000_000 + poison.said()
    yield "hostile: size", poison.said(reason="x" * 10_000_000)
    yield "hostile: size", b'{"quantity": ' + b"9" * 10_000_000 + b"}"
    yield "hostile: size", b"\x00" * 10_000_000
    for text in (str(2**63), str(-(2**63) - 1), str(2**64), "1" + "0" * 4_299, "1" + "0" * 4_300, "9" * 16_000):
        yield "hostile: whole numbers", poison.raw("quantity", text)
        yield "hostile: whole numbers", command_poison.raw(command_poison.REPLACE, "quantity", text)
    for text in ("1e99999999", "1e-999999999", "1E+1000000", "0e99999999", "-0.0", "1e308", "1e309", "sNaN", "-NaN"):
        yield "hostile: exponents", poison.raw("quantity", text)
        yield "hostile: exponents", poison.raw("limit_price", f'"{text}"')
        yield "hostile: exponents", poison.raw("limit_price", text)
        yield "hostile: exponents", poison.said(order_type="stop_limit", stop_price=text)
    for text in ("\u0661", "\uff11", "1\u00a0", "\u2212 1", "1\u066b5", "\u00b2", "\u2460", "1\u200b", "1 2", "\u0967"):
        yield "hostile: digits that are none", poison.said(limit_price=text)
        yield "hostile: digits that are none", poison.said(signal_id=f"id-{text}")
        yield "hostile: digits that are none", poison.said(timestamp=f"2026-11-23T14:30:0{text}Z")
    for text in ("\x1b]0;title\x07", "\x1b[2J", "\r\nHTTP/1.1", "\x08\x08", "\u2066x\u2069", "\udfff", "a\u0000"):
        for key in ("reason", "symbol", "strategy_id", "signal_id", "account_id", "oco_group"):
            yield "hostile: terminals", json.dumps(poison.GOOD | {key: text}).encode()
    for text in ("'; DROP TABLE orders; --", "%s%n", "${jndi:x}", "../../etc/passwd", "<script>", "{{7*7}}", "`id`"):
        for key in ("symbol", "strategy_id", "signal_id", "order_type", "time_in_force", "timestamp"):
            yield "hostile: injections", poison.said(**{key: text})
    for escape in (r"\u", r"\u12", r"\u00zz", r"\x41", r"\a", "\\", r"\ud800\ud800", r"\u0000", r"\ud83d\u0041"):
        yield "hostile: escapes", poison.raw("symbol", f'"A{escape}"')
        yield "hostile: escapes", poison.raw("reason", f'"{escape}"')
        yield (
            "hostile: escapes",
            poison.raw("reason", f'"{escape}"').replace(b'"reason"', b'"' + escape.encode() + b'"'),
        )
    for text in (
        "MARKET",
        "*1\r\n$4\r\nQUIT\r\n",
        "PING\r\n",
        "\x80\x04\x95.",
        "!!python/object:os.system",
        "- a\n- b",
    ):
        yield "hostile: other protocols", text.encode("latin-1")
    yield "hostile: two in one", f"{SIGNAL}\n{SIGNAL}".encode()
    yield "hostile: two in one", f"{SIGNAL}{HALT}".encode()
    yield "hostile: two in one", f"[{SIGNAL},{HALT}]".encode()
    yield "hostile: two in one", (SIGNAL[:-1] + ', "type": "halt"}').encode()
    yield "hostile: two in one", ('{"type": "halt", ' + SIGNAL[1:]).encode()
    yield "hostile: two in one", json.dumps({"signal": poison.GOOD}).encode()
    yield "hostile: two in one", json.dumps(SIGNAL).encode()
    yield "hostile: two in one", json.dumps(json.dumps(SIGNAL)).encode()

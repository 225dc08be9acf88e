"""Seeded damage to queue entries: a mutant is a message, good or bad already, that was hurt one to four times."""

import json
import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Final, TypeAlias

from tests.model.command_poison import GOOD as COMMANDS
from tests.poison.corpus import corpus

Damage: TypeAlias = Callable[[Random, bytes, bytes], bytes]
"""Hurts an entry; the other entry is there to take parts from."""

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|[a-z]+|\s+|.', re.DOTALL)
_NUMBER = re.compile(rb"[0-9]+(?:\.[0-9]+)?")
_MOST_BYTES: Final = 40_000

SIGNALS: Final[tuple[dict[str, object], ...]] = (
    {"order_type": "market"},
    {"order_type": "limit", "limit_price": "101.25", "time_in_force": "gtc", "reason": 'why "not" é'},
    {"order_type": "stop", "stop_price": "99.5", "timestamp": "2026-01-05T14:30:00Z"},
    {"order_type": "stop_limit", "stop_price": "99.5", "limit_price": "99", "reference_price": "100.000000001"},
    {"order_type": "trailing_stop", "trail_percent": "2.5", "account_id": "ACC"},
    {"order_type": "market_if_touched", "stop_price": "90", "expires_at": "2026-01-05T18:00:00+01:00"},
    {"order_type": "limit_if_touched", "stop_price": "90", "limit_price": "91", "time_in_force": "gtd"}
    | {"expires_at": "2026-01-06T00:00:00.5Z"},
    {"order_type": "limit", "limit_price": "100", "take_profit": "110", "stop_loss": "95.5"},
    {"order_type": "market", "time_in_force": "ioc", "oco_group": "pair-1", "limit_price": None},
)


class Mutator:
    """Makes mutants, each from a message with an id of its own."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self._poison = [entry for _, entry in corpus() if len(entry) <= _MOST_BYTES]
        self._numbers = 0

    def mutant(self) -> bytes:
        """Return the next one."""
        chance = self.chance
        entry = self._base()
        for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
            entry = chance.choice(DAMAGE)(chance, entry, self._base())
        return entry[:_MOST_BYTES]

    def _base(self) -> bytes:
        self._numbers += 1
        kind = self.chance.random()
        if kind < 0.2:
            return self.chance.choice(self._poison)
        if kind < 0.35:
            return json.dumps(self.chance.choice(COMMANDS) | {"command_id": f"c-{self._numbers:07}"}).encode()
        spoken: dict[str, object] = {
            "strategy_id": "momentum",
            "symbol": self.chance.choice(("US.AAPL", "HK.00700", "BRK/B")),
            "action": self.chance.choice(("buy", "sell")),
            "quantity": self.chance.randint(1, 10_000),
            **self.chance.choice(SIGNALS),
            "signal_id": f"m-{self._numbers:07}",
        }
        if self.chance.random() < 0.05:  # of one that came not long ago
            spoken["signal_id"] = f"m-{max(self._numbers - self.chance.randint(1, 20), 1):07}"
        if self.chance.random() < 0.05:
            del spoken["signal_id"]
        if self.chance.random() < 0.2:
            return json.dumps(spoken, separators=(",", ":"), ensure_ascii=False).encode()
        return json.dumps(spoken).encode()


# ------------------------------------------------------------ bytes


def _flip_bits(chance: Random, entry: bytes, other: bytes) -> bytes:
    hurt = bytearray(entry)
    for _ in range(chance.choice((1, 1, 1, 2, 8))):
        if hurt:
            hurt[chance.randrange(len(hurt))] ^= 1 << chance.randrange(8)
    return bytes(hurt)


def _truncate(chance: Random, entry: bytes, other: bytes) -> bytes:
    place = chance.randint(0, len(entry))
    return entry[:place] if chance.random() < 0.7 else entry[place:]


def _change_span(chance: Random, entry: bytes, other: bytes) -> bytes:
    start, size = chance.randint(0, len(entry)), chance.choice((1, 1, 2, 5, 20))
    span = entry[start : start + size]
    put = chance.choice((b"", span * 2, span[::-1], chance.randbytes(size), span * 50))
    return entry[:start] + put + entry[start + size :]


def _splice(chance: Random, entry: bytes, other: bytes) -> bytes:
    if chance.random() < 0.5:
        return entry[: chance.randint(0, len(entry))] + other[chance.randint(0, len(other)) :]
    return b"".join(_with_tokens(chance, entry, lambda tokens, at: tokens[:at] + _tokens(other)[at:]))


# ------------------------------------------------------------ tokens


def _tokens(entry: bytes) -> list[bytes]:
    return _TOKEN.findall(entry)


def _with_tokens(chance: Random, entry: bytes, change: Callable[[list[bytes], int], list[bytes]]) -> Sequence[bytes]:
    tokens = _tokens(entry)
    return change(tokens, chance.randrange(len(tokens))) if tokens else tokens


def _change_token(chance: Random, entry: bytes, other: bytes) -> bytes:
    def change(tokens: list[bytes], at: int) -> list[bytes]:
        token = tokens[at]
        put = chance.choice(([], [token, token], [token, chance.choice(TOKENS)], [chance.choice(TOKENS)]))
        return tokens[:at] + put + tokens[at + 1 :]

    return b"".join(_with_tokens(chance, entry, change))


def _swap_tokens(chance: Random, entry: bytes, other: bytes) -> bytes:
    def change(tokens: list[bytes], at: int) -> list[bytes]:
        place = chance.randrange(len(tokens))
        tokens[at], tokens[place] = tokens[place], tokens[at]
        return tokens

    return b"".join(_with_tokens(chance, entry, change))


def _repeat_member(chance: Random, entry: bytes, other: bytes) -> bytes:
    members = re.findall(rb'"[^"]*"\s*:\s*(?:"[^"]*"|[^,}]*)', chance.choice((entry, other)))
    if not members or not entry.endswith(b"}"):
        return entry + entry
    member = chance.choice(members)
    return entry[:-1] + b", " + member + b"}" if chance.random() < 0.5 else b"{" + member + b", " + entry[1:]


def _change_type(chance: Random, entry: bytes, other: bytes) -> bytes:
    def change(tokens: list[bytes], at: int) -> list[bytes]:
        token = tokens[at]
        if token.startswith(b'"') and len(token) > 1:
            tokens[at] = chance.choice((token[1:-1], b"[" + token + b"]", b"null", b"{" + token + b":1}", b"true"))
        else:
            tokens[at] = chance.choice((b'"' + token + b'"', b"[" + token + b"]", token + b".0", token + b"e0"))
        return tokens

    return b"".join(_with_tokens(chance, entry, change))


def _nest(chance: Random, entry: bytes, other: bytes) -> bytes:
    depth = chance.choice((1, 2, 10, 500, 5_000))
    left, right = chance.choice(((b"[", b"]"), (b'{"a":', b"}"), (b'{"strategy_id":', b"}")))
    close = depth if chance.random() < 0.7 else chance.randint(0, depth)

    def change(tokens: list[bytes], at: int) -> list[bytes]:
        tokens[at] = left * depth + tokens[at] + right * close
        return tokens

    return b"".join(_with_tokens(chance, entry, change))


# ------------------------------------------------------------ numbers and letters


def _change_number(chance: Random, entry: bytes, other: bytes) -> bytes:
    found = list(_NUMBER.finditer(entry))
    if not found:
        return entry + chance.choice(NUMBERS)
    place = chance.choice(found)
    digits = place.group()
    put = chance.choice(
        (
            chance.choice(NUMBERS),
            b"0" + digits,
            b"-" + digits,
            digits + b"0",
            digits * 3,
            b"%d" % chance.getrandbits(70),
        )
    )
    return entry[: place.start()] + put + entry[place.end() :]


def _trick_letter(chance: Random, entry: bytes, other: bytes) -> bytes:
    place = chance.randint(0, len(entry))
    return entry[:place] + chance.choice((*LETTERS, *BAD_UTF8)) + entry[place + chance.randint(0, 1) :]


def _escape_letter(chance: Random, entry: bytes, other: bytes) -> bytes:
    """Write a letter as JSON may: inside a text it means the same."""
    place = chance.randrange(len(entry)) if entry else 0
    return entry[:place] + b"".join(b"\\u%04x" % byte for byte in entry[place : place + 1]) + entry[place + 1 :]


def _change_case(chance: Random, entry: bytes, other: bytes) -> bytes:
    def change(tokens: list[bytes], at: int) -> list[bytes]:
        tokens[at] = tokens[at].swapcase()
        return tokens

    return b"".join(_with_tokens(chance, entry, change))


def _recode(chance: Random, entry: bytes, other: bytes) -> bytes:
    text = entry.decode("latin-1")
    return text.encode(chance.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "utf-8", "utf-7")))


DAMAGE: Final[tuple[Damage, ...]] = (
    _flip_bits,
    _flip_bits,
    _truncate,
    _change_span,
    _change_span,
    _splice,
    _change_token,
    _change_token,
    _change_token,
    _swap_tokens,
    _repeat_member,
    _change_type,
    _nest,
    _change_number,
    _change_number,
    _change_number,
    _trick_letter,
    _trick_letter,
    _escape_letter,
    _change_case,
    _recode,
)
TOKENS: Final = (
    *(b"{", b"}", b"[", b"]", b",", b":", b'"', b"null", b"true", b"false", b"NaN", b"Infinity", b"-Infinity"),
    *(b'"type"', b'"halt"', b'"quantity"', b'"signal_id"', b'"buy"', b'"sell"', b'"limit"', b'"market"', b'"gtc"'),
    *(b'"limit_price"', b'"stop_price"', b'"trail_amount"', b'"reason"', b'""', b'"0"', b'"1"', b"0", b"1", b"-1"),
    *(b"/**/", b"//", b"#", b"\x00", b"\r\n", b"\t", b"\\", b'"EXTERNAL"', b'"account_id"', b'"ACC"', b'"__class__"'),
)
NUMBERS: Final = (
    *(b"0", b"-0", b"1", b"-1", b"1.0", b"1e2", b"1E400", b"1e99999999", b"0.1", b".5", b"5.", b"01", b"+1", b"1_000"),
    *(b"0x10", b"1000000000", b"1000000001", b"9223372036854775807", b"9223372036854775808", b"NaN", b"Infinity"),
    *(b"9" * 30, b"9" * 5_000, b"0.0000000001", b"999999999.999999999", b"00", b"24", b"59", b"60", b"99", b"2200"),
)
LETTERS: Final = tuple(
    letter.encode("utf-8", "surrogatepass")
    for letter in (
        *("\u200b", "\u202e", "\ufeff", "\u00ad", "\u2028", "\x85", "\uff11", "\u0661", "\u0430", "\uff42", "é", "é"),
        *(
            "\ud800",
            "\udfff",
            "\U0001f600",
            "\U0010ffff",
            "\x00",
            "\x1b",
            "\x7f",
            "\\",
            '"',
            "\\u0000",
            "\\ud83d",
            "\\",
        ),
    )
)
BAD_UTF8: Final = (b"\xff", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\xe2\x82")

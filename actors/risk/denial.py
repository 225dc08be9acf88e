"""What a denied order is told."""

from decimal import Decimal

import msgspec


class Denial(msgspec.Struct, frozen=True):
    """Why an order is not sent.

    Attributes:
        code: The rule, by the name of its setting.
        text: One line for people: the code, what was found, what is allowed.
    """

    code: str
    text: str


def scope_name(strategy_id: str | None) -> str:
    """Return whom a limit is for; None is the account."""
    return "the account" if strategy_id is None else strategy_id


def plain(amount: Decimal | int) -> str:
    """Return a number as people read it: thousands apart, no exponent, no zeros that say nothing."""
    text = f"{amount:,f}" if isinstance(amount, Decimal) else f"{amount:,}"
    return text.rstrip("0").rstrip(".") if "." in text else text

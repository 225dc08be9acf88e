"""Arithmetic of money."""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

EXACT: Final = Context(prec=96, rounding=ROUND_HALF_EVEN)
"""Wide enough that sums which orders, fills and prices are added to and taken from stay exact, as in positions."""

ZERO: Final = Decimal(0)

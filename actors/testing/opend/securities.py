"""Requests about securities: what they are, and what they cost."""

from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from actors.broker.paper.prices import PriceSource
from actors.runtime.clock import Clock
from actors.testing.opend import messages, quotes
from actors.testing.opend.instruments import QUOTE_MARKETS, Instrument, instrument
from actors.testing.opend.orders import Refused
from actors.testing.opend.pictures import local_time


class _Priced(NamedTuple):
    traded: Instrument
    security: quotes.Security
    price: Decimal
    at: datetime

    @property
    def local_time(self) -> str:
        return local_time(self.traded.market, self.at)


class Securities:
    """Answers questions about securities.

    Args:
        prices: What they cost.
        clock: The time.
    """

    def __init__(self, prices: PriceSource, clock: Clock) -> None:
        self._prices = prices
        self._clock = clock

    def static_info(self, request: quotes.GetStaticInfo) -> quotes.StaticInfo:
        """Tell what securities are."""
        return quotes.StaticInfo(
            static_info_list=tuple(
                quotes.SecurityStaticInfo(
                    basic=quotes.SecurityStaticBasic(
                        security=security,
                        id=place,
                        lot_size=_traded(security).lot_size,
                        sec_type=_STOCK,
                        name=security.code,
                        list_time=_LISTED,
                    )
                )
                for place, security in enumerate(request.security_list, start=1)
            )
        )

    def snapshot(self, request: quotes.GetSecurities) -> quotes.SnapshotList:
        """Tell what securities cost, and in what steps they trade."""
        return quotes.SnapshotList(
            snapshot_list=tuple(
                quotes.Snapshot(basic=self._snapshot(self._priced(security))) for security in request.security_list
            )
        )

    def subscribe(self, request: quotes.Subscribe) -> messages.Empty:
        """Take a subscription; quotes are answered with or without one, and not pushed."""
        for security in request.security_list:
            _traded(security)
        return messages.Empty()

    def basic_quotes(self, request: quotes.GetSecurities) -> quotes.BasicQotList:
        """Tell what securities cost."""
        return quotes.BasicQotList(
            basic_qot_list=tuple(self._quote(self._priced(security)) for security in request.security_list)
        )

    def _priced(self, security: quotes.Security) -> _Priced:
        traded, now = _traded(security), self._clock.now()
        price = self._prices.price(traded.symbol, now)
        if price is None:
            raise Refused(f"there is no price of {traded.symbol} yet")
        return _Priced(traded, security, traded.nearest(price), now)

    def _snapshot(self, priced: _Priced) -> quotes.SnapshotBasicData:
        price = float(priced.price)
        return quotes.SnapshotBasicData(
            security=priced.security,
            type=_STOCK,
            is_suspend=False,
            list_time=_LISTED,
            lot_size=priced.traded.lot_size,
            price_spread=float(priced.traded.spread(priced.price)),
            update_time=priced.local_time,
            high_price=price,
            open_price=price,
            low_price=price,
            last_close_price=price,
            cur_price=price,
            volume=0,
            turnover=0.0,
            turnover_rate=0.0,
            update_timestamp=priced.at.timestamp(),
            ask_price=price,
            bid_price=price,
            name=priced.traded.code,
        )

    def _quote(self, priced: _Priced) -> quotes.BasicQot:
        price = float(priced.price)
        return quotes.BasicQot(
            security=priced.security,
            is_suspended=False,
            list_time=_LISTED,
            price_spread=float(priced.traded.spread(priced.price)),
            update_time=priced.local_time,
            high_price=price,
            open_price=price,
            low_price=price,
            cur_price=price,
            last_close_price=price,
            volume=0,
            turnover=0.0,
            turnover_rate=0.0,
            amplitude=0.0,
            update_timestamp=priced.at.timestamp(),
            name=priced.traded.code,
        )


def _traded(security: quotes.Security) -> Instrument:
    return instrument(QUOTE_MARKETS.get(security.market, "?"), security.code)


_STOCK: Final = 3
_LISTED: Final = "2000-01-03"

"""The broker section alone, for scripts that want a broker and no trading system."""

import os
from collections.abc import Mapping

import msgspec

from actors.settings.document import Branch, read_document
from actors.settings.loader import build
from actors.settings.rules import Section
from actors.settings.sections import BrokerSettings, Settings


class BrokerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The broker settings most scripts look at, flat."""

    broker_type: str = "paper"
    paper_fill_delay: float = 0.1
    futu_host: str = "127.0.0.1"
    futu_port: int = 11_111
    futu_trade_env: str = "SIMULATE"

    @classmethod
    def from_yaml(cls, path: str | os.PathLike[str], environ: Mapping[str, str] | None = None) -> "BrokerConfig":
        """Read the ``broker`` section of a file; it needs no other.

        Raises:
            FileNotFoundError: There is no such file.
            SettingsError: It cannot be used (a ValueError), such as an unknown broker type.
        """
        broker = read_broker_settings(path, environ)
        return cls(
            broker_type=broker.type,
            paper_fill_delay=broker.paper.fill_delay,
            futu_host=broker.futu.host,
            futu_port=broker.futu.port,
            futu_trade_env=broker.futu.trade_env,
        )


class _BrokerFile(Section, frozen=True, kw_only=True):
    broker: BrokerSettings = BrokerSettings()


def read_broker_settings(path: str | os.PathLike[str], environ: Mapping[str, str] | None = None) -> BrokerSettings:
    """Read the ``broker`` section of a file that may hold other sections of :class:`Settings` too.

    Raises:
        FileNotFoundError: There is no such file.
        SettingsError: It cannot be used.
    """
    tree = read_document(path, environ)
    others = set(Settings.__struct_fields__) - {"broker"}
    entries = {key: below for key, below in tree.entries.items() if key not in others}
    return build(_BrokerFile, Branch(tree.where, entries, tree.keys), "").broker

"""Futu OpenD through the official SDK, which nothing but ``sdk.py`` in here imports, and not before it is used."""

from actors.broker.futu.broker import FutuBroker

__all__ = ["FutuBroker"]

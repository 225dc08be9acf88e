"""YAML of a file with secrets in it: tables of text, read strictly; no complaint ever repeats a value."""

import re
from collections.abc import Iterator
from typing import Final, TypeAlias

import yaml
from typing_extensions import override

from actors.errors import SettingsError
from actors.settings.secrets import HIDDEN, shown

Value: TypeAlias = "str | tuple[str, ...] | Table | None"
"""Text as it was written, whatever YAML would make of it; several texts; keys; or nothing."""


class Table:
    """Some keys and their values; each complaint names the file, the line and the path of the key."""

    def __init__(self, where: str, path: str) -> None:
        self._where = where
        self._path = path
        self._values: dict[str, Value] = {}
        self._lines: dict[str, str] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def add(self, key: str, value: Value, where: str) -> None:
        """Put a key into it."""
        if key in self._values:
            raise self.fault(key, f"given twice, again at {where}")
        self._values[key] = value
        self._lines[key] = where

    def fault(self, key: str, reason: str) -> SettingsError:
        """Return a complaint about a key."""
        return SettingsError(f"{self._lines.get(key, self._where)}: {self._path}{_named(key)}: {reason}")

    def allow(self, known: tuple[str, ...]) -> None:
        """Refuse keys that are none of these."""
        for key in self._values:
            if key not in known:
                raise self.fault(key, f"unknown key; known here: {', '.join(known)}")

    def is_empty(self, key: str) -> bool:
        """Return whether a key is there and has no value."""
        return key in self._values and self._values[key] is None

    def text(self, key: str) -> str | None:
        """Return the text of a key; None where there is none."""
        value = self._values.get(key)
        if value is None or isinstance(value, str):
            return value
        raise self.fault(key, "expected one text")

    def texts(self, key: str) -> tuple[str, ...] | None:
        """Return the texts of a key, one or a list of them; None where there is none."""
        value = self._values.get(key)
        if value is None or isinstance(value, tuple):
            return value
        if isinstance(value, str):
            return (value,)
        raise self.fault(key, "expected a list such as [a, b]")

    def table(self, key: str) -> "Table | None":
        """Return the keys below a key; None where there is nothing."""
        value = self._values.get(key)
        if value is None or isinstance(value, Table):
            return value
        raise self.fault(key, "expected keys such as secret")


def parse_table(data: bytes, name: str) -> Table:
    """Read a document.

    Args:
        data: YAML, UTF-8.
        name: The file's name, for complaints.

    Raises:
        SettingsError: It is no such document.
    """
    try:
        node = _Loader(data.decode("utf-8-sig")).get_single_node()
    except UnicodeDecodeError as error:
        raise SettingsError(f"{name}: not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise SettingsError(f"{name}: nested too deep") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise SettingsError(f"{name}{'' if mark is None else f':{mark.line + 1}'}: not YAML") from None
    except yaml.YAMLError:
        raise SettingsError(f"{name}: not YAML") from None
    if node is None:
        return Table(f"{name}:1", "")
    value = _value(node, name, "")
    if not isinstance(value, Table):
        raise SettingsError(f"{name}:1: expected keys")
    return value


def _value(node: yaml.Node, name: str, path: str) -> Value:
    where = _where(node, name)
    if isinstance(node, yaml.ScalarNode):
        return None if node.tag == _NULL else str(node.value)
    if isinstance(node, yaml.SequenceNode):
        if not all(isinstance(item, yaml.ScalarNode) for item in node.value):
            raise SettingsError(f"{where}: {path.rstrip('.')}: expected a list of texts")
        return tuple(str(item.value) for item in node.value)
    table = Table(where, path)
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise SettingsError(f"{_where(key, name)}: a key must be a word")
        table.add(key.value, _value(value, name, f"{path}{_named(key.value)}."), _where(key, name))
    return table


def _named(key: str) -> str:
    """Return a key as it may be shown; one that looks like a secret is none and may be one."""
    return HIDDEN if _SECRET.fullmatch(key) is not None else shown(key)


def _where(node: yaml.Node, name: str) -> str:
    return f"{name}:{node.start_mark.line + 1}"


class _Loader(yaml.SafeLoader):
    """Composes nodes and refuses aliases, which let a small file grow without bound."""

    @override
    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.get_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases are not used here", mark)
        return super().compose_node(parent, index)


_SECRET: Final = re.compile(r"[0-9a-fA-F]{32,}", re.ASCII)
_NULL: Final = "tag:yaml.org,2002:null"

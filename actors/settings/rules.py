"""What a setting may hold: the rules its annotation carries, and the one check that keeps them."""

import os
import re
from decimal import Decimal
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl, urlsplit

import msgspec

from actors.errors import SettingsError
from actors.model.fields import PRICE_SCALE
from actors.settings.secrets import shown


class Number(msgspec.Struct, frozen=True):
    """A number within bounds, both of them allowed unless ``above`` excludes the lower one."""

    what: str
    low: int | float | Decimal
    high: int | float | Decimal
    above: bool = False

    def fault(self, value: object) -> str | None:
        """Return what is expected when ``value`` is out of range, else None; NaN is always out of range."""
        within = isinstance(value, int | float | Decimal) and self.low <= value <= self.high
        if within and not (self.above and value == self.low):
            fine = isinstance(value, Decimal) and round(value, PRICE_SCALE) != value
            return f"{self.what} with at most {PRICE_SCALE} decimals" if fine else None
        lower = f"above {self.low}" if self.above else f"from {self.low}"
        return f"{self.what} {lower} to {self.high}"


class Text(msgspec.Struct, frozen=True):
    """Text of a pattern."""

    what: str
    pattern: str

    def fault(self, value: object) -> str | None:
        """Return what is expected when ``value`` does not match, else None."""
        return None if isinstance(value, str) and re.fullmatch(self.pattern, value, re.ASCII) else self.what


class Url(msgspec.Struct, frozen=True):
    """The address of a server. May hold a password, so it is never shown."""

    what: str
    schemes: tuple[str, ...]

    def fault(self, value: object) -> str | None:
        """Return what is expected when ``value`` is no such address, else None."""
        return None if isinstance(value, str) and self._fits(value) else self.what

    def _fits(self, value: str) -> bool:
        if not value.isprintable() or " " in value:
            return False
        try:
            parts = urlsplit(value)
            usable = parts.scheme in self.schemes and parts.port != 0
            parse_qsl(parts.query, strict_parsing=bool(parts.query))
        except ValueError:
            return False
        return usable and bool(parts.path.strip("/") if parts.scheme == "unix" else parts.hostname)


class Secret(Text, frozen=True):
    """Text that is never shown, and that only a file nobody else can read may hold."""


Rule: TypeAlias = Number | Text | Url


class Field(msgspec.Struct, frozen=True):
    """One setting: the type of its value, what it may hold, and whether it may be None.

    Attributes:
        many: Whether it is a list of such values.
        key_rule: What the names may be, where it is sections by name; else None.
    """

    name: str
    kind: type
    rule: Rule | None
    choices: tuple[str, ...]
    optional: bool
    many: bool = False
    key_rule: Rule | None = None

    @property
    def what(self) -> str:
        """Say in a few words what is expected."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        return self.rule.what if isinstance(self.rule, Number | Text) else _WORDS.get(self.kind, "a section of keys")

    @property
    def section(self) -> "type[Section] | None":
        """Return the class of a nested section, None for a plain value and for sections by name."""
        return self.kind if self.key_rule is None and issubclass(self.kind, Section) else None

    @property
    def entries(self) -> "type[Section] | None":
        """Return the class of the sections by name, None where it is none."""
        return self.kind if self.key_rule is not None and issubclass(self.kind, Section) else None

    def accept(self, value: object) -> object:
        """Return the value in its own type.

        Raises:
            FieldError: It is of another type or out of range.
        """
        if value is None and self.optional:
            return None
        if self.key_rule is not None:
            return self._accept_entries(value)
        return self._accept_items(value) if self.many else self.accept_item(value)

    def accept_name(self, name: object) -> None:
        """Check the name of one of the sections.

        Raises:
            FieldError: It is no such name.
        """
        fault = None if self.key_rule is None else self.key_rule.fault(name)
        if fault is not None:
            raise FieldError(self.name, f"the name {shown(name)} does not fit; expected {fault}")

    def accept_item(self, value: object) -> object:
        """Return one value, or one of the list, in its own type.

        Raises:
            FieldError: It is of another type or out of range.
        """
        if self.kind is float and type(value) is int and abs(value) < _EXACT:
            value = float(value)
        elif self.kind is Decimal and type(value) is int:
            value = Decimal(value)
        elif self.kind is str and isinstance(value, os.PathLike):
            value = os.fspath(value)
        exact = isinstance(value, self.kind) and (self.kind is not int or type(value) is int)
        if not exact or (isinstance(value, Decimal) and not value.is_finite()):
            raise FieldError(self.name, f"expected {self.what}, got {self._shown(value)}")
        if self.choices and value not in self.choices:
            raise FieldError(self.name, f"unknown {self.name} {self._shown(value)}; expected {self.what}")
        fault = None if self.rule is None else self.rule.fault(value)
        if fault is not None:
            raise FieldError(self.name, f"expected {fault}, got {self._shown(value)}")
        return value

    def _accept_items(self, value: object) -> object:
        if not isinstance(value, tuple | list):
            raise FieldError(self.name, f"expected a list, each item {self.what}; got {self._shown(value)}")
        return tuple(self.accept_item(item) for item in value)

    def _accept_entries(self, value: object) -> object:
        if not isinstance(value, dict):
            raise FieldError(self.name, f"expected sections by name, got {self._shown(value)}")
        for name, section in value.items():
            self.accept_name(name)
            if not isinstance(section, self.kind):
                raise FieldError(self.name, f"expected {self.kind.__name__} under {name}, got {self._shown(section)}")
        return value

    def _shown(self, value: object) -> str:
        return "something else" if isinstance(self.rule, Url | Secret) else shown(value)


class FieldError(SettingsError):
    """A setting that cannot be used.

    Attributes:
        field: Its name within its section.
        reason: What is wrong, in one line.
    """

    def __init__(self, field: str, reason: str, section: str = "") -> None:
        super().__init__(f"{section}.{field}: {reason}" if section else f"{field}: {reason}")
        self.field = field
        self.reason = reason


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """Base class of all settings: every field is checked, however the section was made."""

    def __post_init__(self) -> None:
        """Check each field, then what they say together."""
        try:
            for name, field in fields_of(type(self)).items():
                given = getattr(self, name)
                value = field.accept(given)
                if value is not given:
                    msgspec.structs.force_setattr(self, name, value)
            self.check()
        except FieldError as error:
            raise FieldError(error.field, error.reason, type(self).__name__) from None

    def check(self) -> None:
        """Raise FieldError if the fields do not fit together."""


@cache
def fields_of(section: type[Section]) -> dict[str, Field]:
    """Return the fields of a section by name, read from their annotations."""
    return {name: _field(name, hint) for name, hint in get_type_hints(section, include_extras=True).items()}


def _field(name: str, hint: object) -> Field:
    optional = False
    if get_origin(hint) in (Union, UnionType):
        inner = [part for part in get_args(hint) if part is not NoneType]
        optional, hint = True, inner[0]
    many = get_origin(hint) is tuple
    key_rule = None
    if many:
        hint = get_args(hint)[0]
    elif get_origin(hint) is dict:
        key, hint = get_args(hint)
        key_rule = get_args(key)[1]
    rule = None
    if get_origin(hint) is Annotated:
        hint, rule = get_args(hint)[:2]
    choices = get_args(hint) if get_origin(hint) is Literal else ()
    kind = str if choices else hint
    if not isinstance(kind, type):
        raise TypeError(f"setting {name}: {hint!r} is no type that can be checked")
    return Field(name=name, kind=kind, rule=rule, choices=choices, optional=optional, many=many, key_rule=key_rule)


_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    Decimal: "a number",
    str: "text",
}
_EXACT = 2**53

"""From the tree of a file to typed sections; every complaint is one line that names the place and the key."""

import difflib
import os
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn, TypeVar

from actors.errors import SettingsError
from actors.settings.document import Branch, Items, Leaf, Tree, read_document
from actors.settings.rules import Field, FieldError, Secret, Section, Url, fields_of
from actors.settings.secrets import holds_secret, shown

S = TypeVar("S", bound=Section)

_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,19})", re.ASCII)
_AMOUNT = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{1,20})?", re.ASCII)
_SEXAGESIMAL = re.compile(r"[+-]?[0-9]+(?::[0-5]?[0-9])+(?:\.[0-9]*)?", re.ASCII)


def read_section(section: type[S], path: str | os.PathLike[str], environ: Mapping[str, str] | None = None) -> S:
    """Read a whole file as one section.

    Raises:
        FileNotFoundError: There is no such file.
        SettingsError: It cannot be used.
    """
    return build(section, read_document(path, environ), "")


def build(section: type[S], tree: Branch, prefix: str) -> S:
    """Make a section of its branch; ``prefix`` is the branch's own dotted path and a dot, or nothing."""
    fields = fields_of(section)
    values: dict[str, Any] = {}
    for key, below in tree.entries.items():
        if key not in fields:
            _refuse(tree.keys[key], prefix + shown(key), f"unknown key{_hint(key, fields)}")
        field, path = fields[key], prefix + key
        if field.section is not None:
            values[key] = build(field.section, _section(below, path), f"{path}.")
        elif field.entries is not None:
            values[key] = _named(field, field.entries, _section(below, path), path)
        elif field.many:
            values[key] = _list(field, below, path)
        else:
            values[key] = _value(field, below, path)
    for name in section.__struct_fields__[: len(section.__struct_fields__) - len(section.__struct_defaults__)]:
        if name not in values:
            _refuse(tree.where, prefix + name, f"missing; expected {fields[name].what}")
    try:
        return section(**values)
    except FieldError as error:
        _refuse(tree.keys.get(error.field, tree.where), prefix + error.field, error.reason)


def _section(tree: Tree, path: str) -> Branch:
    if isinstance(tree, Branch):
        return tree
    if tree.kind != "null":
        _refuse(tree.where, path, f"expected a section of keys, got {tree.described}")
    return Branch(tree.where, {}, {})


def _named(field: Field, section: type[Section], tree: Branch, path: str) -> dict[str, Section]:
    found = {}
    for name, below in tree.entries.items():
        try:
            field.accept_name(name)
        except FieldError as error:
            _refuse(tree.keys[name], path, error.reason)
        found[name] = build(section, _section(below, f"{path}.{name}"), f"{path}.{name}.")
    return found


def _list(field: Field, tree: Tree, path: str) -> tuple[object, ...]:
    if not isinstance(tree, Items):
        got = "a section of keys" if isinstance(tree, Branch) else tree.described
        _refuse(tree.where, path, f"expected a list such as [A, B], each item {field.what}; got {got}")
    return tuple(_value(field, item, path) for item in tree.items)


def _value(field: Field, tree: Tree, path: str) -> object:
    if not isinstance(tree, Leaf):
        got = "a section of keys" if isinstance(tree, Branch) else tree.described
        _refuse(tree.where, path, f"expected {field.what}, got {got}")
    try:
        value = field.accept(_typed(field, tree)) if not field.many else field.accept_item(_typed(field, tree))
    except FieldError as error:
        _refuse(tree.where, path, error.reason)
    fault = _exposed(field, value)
    if fault is not None and not tree.private:
        _refuse(tree.where, path, f"{fault}, and others can read this file: chmod 600 it, or use the environment")
    return value


def _exposed(field: Field, value: object) -> str | None:
    """Say what nobody else may read in a value, None if there is nothing."""
    if isinstance(field.rule, Secret) and value is not None:
        return "is a secret"
    holds = isinstance(field.rule, Url) and isinstance(value, str) and holds_secret(value)
    return "holds a password" if holds else None


def _typed(field: Field, leaf: Leaf) -> object:
    """Return the leaf's text as the field's type; what is no such text is refused here, bounds by the field."""
    if leaf.kind == "null" and (field.optional or not leaf.from_environment):
        return None
    if field.kind is str:
        return _as_text(field, leaf)
    if field.kind is bool:
        if leaf.kind == "bool" and leaf.plain:
            return leaf.text.lower() in {"true", "yes", "on"}
    elif (leaf.plain or field.kind is Decimal) and leaf.kind != "bool":
        pattern = {int: _WHOLE, Decimal: _AMOUNT}.get(field.kind, _NUMBER)
        if pattern.fullmatch(leaf.text) is not None:
            return field.kind(leaf.text)
    raise FieldError(field.name, f"expected {field.what}, got {_got(leaf)}")


def _as_text(field: Field, leaf: Leaf) -> str:
    if leaf.kind == "str" or leaf.from_environment:
        return leaf.text
    if isinstance(field.rule, Url | Secret):
        raise FieldError(field.name, f"expected {field.what}")
    advice = "" if leaf.kind == "null" else f"; put {shown(leaf.text)} in quotes"
    raise FieldError(field.name, f"expected {field.what}, got {leaf.described}{advice}")


def _got(leaf: Leaf) -> str:
    if leaf.plain and not leaf.from_environment and leaf.kind in {"int", "float"} and _SEXAGESIMAL.fullmatch(leaf.text):
        return f"{leaf.text} (YAML makes a number of it: quote a time of day)"
    if leaf.kind == "str" and not leaf.from_environment:
        return f"the text {shown(leaf.text)}"
    return shown(leaf.text)


def _hint(key: str, fields: Mapping[str, Field]) -> str:
    close = difflib.get_close_matches(key.lower(), fields, n=1)
    return f"; did you mean {close[0]}?" if close else f"; known here: {', '.join(fields)}"


def _refuse(where: str, path: str, reason: str) -> NoReturn:
    raise SettingsError(f"{where}: {path}: {reason}")

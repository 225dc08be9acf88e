"""Protocol buffers for messages that are declared as plain frozen structs.

A field is ``name: Annotated[int, 3]``: 3 is its number on the wire. What it is there follows from its type: ``int`` and
``bool`` are varints, ``float`` is a double, ``str`` and messages carry their length, a tuple is a repeated field. A
field with a default may be missing; ``None`` and ``()`` are not sent.
"""

import struct
from collections.abc import Iterator, Mapping
from functools import cache
from types import UnionType
from typing import Annotated, Any, Final, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

M = TypeVar("M", bound="Message")


class Malformed(ValueError):
    """Bytes that are no such message; the text says where."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message of the protocol; each field is annotated with its number."""


class _Field(NamedTuple):
    name: str
    number: int
    kind: type
    repeated: bool


def encode(message: Message) -> bytes:
    """Return a message's bytes."""
    out = bytearray()
    for field in _fields(type(message)):
        value = getattr(message, field.name)
        for item in value if field.repeated else () if value is None else (value,):
            _put(out, field, item)
    return bytes(out)


def decode(kind: type[M], data: bytes) -> M:
    """Read a message; fields that its struct does not have are passed over.

    Raises:
        Malformed: The bytes are no such message.
    """
    known = _by_number(kind)
    found: dict[str, Any] = {field.name: () for field in known.values() if field.repeated}
    for number, wire, raw in _read(data):
        field = known.get(number)
        if field is None:
            continue
        for value in _values(field, wire, raw):
            found[field.name] = (*found[field.name], value) if field.repeated else value
    try:
        return kind(**found)
    except TypeError as error:
        raise Malformed(f"{kind.__name__}: {error}") from None


def embedded(data: bytes, number: int) -> bytes:
    """Return what an envelope carries in one field.

    Raises:
        Malformed: It carries nothing there.
    """
    found = [raw for at, wire, raw in _read(data) if at == number and wire == _BYTES]
    if not found or not isinstance(found[-1], bytes):
        raise Malformed(f"field {number} is missing")
    return found[-1]


def envelope(fields: Mapping[int, int | str | bytes]) -> bytes:
    """Return a message of a few fields that are known by number alone."""
    out = bytearray()
    for number, value in fields.items():
        if isinstance(value, int):
            out += _varint(number << 3 | _VARINT) + _varint(value)
        else:
            data = value.encode() if isinstance(value, str) else value
            out += _varint(number << 3 | _BYTES) + _varint(len(data)) + data
    return bytes(out)


@cache
def _fields(kind: type[Message]) -> tuple[_Field, ...]:
    return tuple(_field(name, hint) for name, hint in get_type_hints(kind, include_extras=True).items())


@cache
def _by_number(kind: type[Message]) -> dict[int, _Field]:
    return {field.number: field for field in _fields(kind)}


def _field(name: str, hint: object) -> _Field:
    if get_origin(hint) is not Annotated:
        raise TypeError(f"{name}: expected Annotated[type, number]")
    kind, number = get_args(hint)
    repeated = get_origin(kind) is tuple
    if repeated:
        kind = get_args(kind)[0]
    elif get_origin(kind) in (UnionType, Union):
        kind = next(part for part in get_args(kind) if part is not type(None))
    return _Field(name, number, kind, repeated)


def _put(out: bytearray, field: _Field, value: object) -> None:
    if isinstance(value, Message):
        data = encode(value)
    elif isinstance(value, str):
        data = value.encode()
    elif field.kind is float:
        out += _varint(field.number << 3 | _FIXED64) + _DOUBLE.pack(value)
        return
    elif isinstance(value, int):
        out += _varint(field.number << 3 | _VARINT) + _varint(value)
        return
    else:
        raise TypeError(f"{field.name}: cannot be sent: {value!r}")
    out += _varint(field.number << 3 | _BYTES) + _varint(len(data)) + data


def _values(field: _Field, wire: int, raw: int | bytes) -> Iterator[object]:
    if isinstance(raw, int):
        if not issubclass(field.kind, int):
            raise Malformed(f"{field.name}: a number where {field.kind.__name__} was expected")
        yield bool(raw) if field.kind is bool else raw
    elif field.kind is float:
        if wire != _FIXED64:
            raise Malformed(f"{field.name}: a double was expected")
        yield _DOUBLE.unpack(raw)[0]
    elif field.kind is str:
        try:
            yield raw.decode()
        except UnicodeDecodeError as error:
            raise Malformed(f"{field.name}: {error}") from None
    elif issubclass(field.kind, Message):
        yield decode(field.kind, raw)
    elif field.repeated and wire == _BYTES:  # packed numbers
        place = 0
        while place < len(raw):
            value, place = _read_varint(raw, place)
            yield value
    else:
        raise Malformed(f"{field.name}: {field.kind.__name__} was expected")


def _read(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    place = 0
    while place < len(data):
        key, place = _read_varint(data, place)
        wire = key & 7
        if wire == _VARINT:
            value, place = _read_varint(data, place)
            yield key >> 3, wire, value
            continue
        if wire == _BYTES:
            size, place = _read_varint(data, place)
        elif wire in _SIZES:
            size = _SIZES[wire]
        else:
            raise Malformed(f"wire type {wire} at byte {place}")
        if not 0 <= size <= len(data) - place:
            raise Malformed(f"{size} bytes at byte {place}, there are {len(data) - place}")
        yield key >> 3, wire, data[place : place + size]
        place += size


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(data) and shift < _VARINT_BITS:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:  # noqa: PLR2004 - the bit that says more follows
            value &= _ALL
            return (value - _ALL - 1 if value > _ALL >> 1 else value), place
    raise Malformed(f"a number that does not end at byte {place}")


def _varint(value: int) -> bytes:
    rest = value & _ALL
    out = bytearray()
    while rest > 0x7F:  # noqa: PLR2004 - seven bits a byte
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


_VARINT: Final = 0
_FIXED64: Final = 1
_BYTES: Final = 2
_SIZES: Final = {_FIXED64: 8, 5: 4}
_DOUBLE: Final = struct.Struct("<d")
_ALL: Final = (1 << 64) - 1
_VARINT_BITS: Final = 70

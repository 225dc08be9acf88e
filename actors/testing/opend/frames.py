"""Frames: 44 bytes of header, then the body."""

import hashlib
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

PROTOBUF: Final = 0
JSON: Final = 1


class Frame(NamedTuple):
    """One frame.

    Attributes:
        proto: What kind of message the body is.
        serial: The number of the request; its reply carries the same.
        body: The message.
        form: How the body is written, ``PROTOBUF`` or ``JSON``.
    """

    proto: int
    serial: int
    body: bytes
    form: int = PROTOBUF


class Garbled(ValueError):
    """Bytes that are no frame: the connection that carries them cannot go on."""


def pack(frame: Frame) -> bytes:
    """Return a frame's bytes."""
    digest = hashlib.sha1(frame.body, usedforsecurity=False).digest()
    head = _HEAD.pack(b"FT", frame.proto, frame.form, _VERSION, frame.serial, len(frame.body), digest, bytes(8))
    return head + frame.body


def take(buffer: bytearray) -> Iterator[Frame]:
    """Take every complete frame off the front of a buffer.

    Raises:
        Garbled: What is there is no frame, or the body is not the one its header speaks of.
    """
    while len(buffer) >= _HEAD.size:
        magic, proto, form, _, serial, size, digest, _ = _HEAD.unpack_from(buffer)
        if magic != b"FT":
            raise Garbled(f"a frame begins with 'FT', got {magic!r}")
        if size > _LARGEST:
            raise Garbled(f"a body of {size} bytes, at most {_LARGEST} are taken")
        if len(buffer) < _HEAD.size + size:
            return
        body = bytes(buffer[_HEAD.size : _HEAD.size + size])
        del buffer[: _HEAD.size + size]
        if hashlib.sha1(body, usedforsecurity=False).digest() != digest:
            raise Garbled(
                f"the body of request {proto} does not match its checksum; encrypted connections are not simulated: "
                "leave is_encrypt off and set no RSA file"
            )
        yield Frame(proto, serial, body, form)


_HEAD: Final = struct.Struct("<2sIBBII20s8s")
_VERSION: Final = 0
_LARGEST: Final = 8 << 20

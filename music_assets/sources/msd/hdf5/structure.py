"""Where the bytes of a dataset are in an HDF5 file of the oldest format, found without the HDF5 library.

The library reads a file's structure in some sixty small steps and builds objects of each. The MSD's
files are all of the format HDF5 has written since 1998 (superblock 0, symbol tables, version-1
headers and B-trees), and have nearly all of it in their first 64 KB: here that is read at once and
followed by its addresses. Format: https://docs.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
(version 3.0, sections II.A, III.A.1, III.B, III.D and IV.A.1.a).

Only this one format is known here, every signature, version and length is checked, and whatever
differs raises `UnsupportedLayout`. What the bytes mean is known to `fast_reader`.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

HEAD = 1 << 16  # bytes read at once; of real files all that matters is in the first 48 KB, but for mbtags
_SUPERBLOCK = bytes.fromhex("894844460d0a1a0a 00000000 00080800 04001000 00000000")
_ADDRESSES = struct.Struct("<QQQQ 8xQIIQQ")  # base, free, end, driver; root: header, cached, -, tree, heap
_UNDEFINED = 0xFFFF_FFFF_FFFF_FFFF
_CACHED_TREE = 1
_TREE = struct.Struct("<4sBBH")  # signature, type, level, entries
_GROUP_NODE, _CHUNK_NODE = 0, 1
_CHILD = struct.Struct("<QQ")  # of a group's tree: key, address
_HEAP = struct.Struct("<4sB3xQQQ")  # signature, version, size, free, address
_SYMBOLS = struct.Struct("<4sBxH")  # signature, version, entries
_SYMBOL = struct.Struct("<QQI20x")  # offset of the name in the heap, header, kind of cache
_SOFT_LINK = 2
_HEADER = struct.Struct("<BxHII")  # version, messages, references, size of the first block
_MESSAGE = struct.Struct("<HHB3x")  # type, size, flags
_DATASPACE, _DATATYPE, _LAYOUT, _FILTERS, _CONTINUED, _SYMBOL_TABLE = 0x1, 0x3, 0x8, 0xB, 0x10, 0x11
_SHARED = 0x2
# By a dataset's dimensions: bytes, filters left out, row, zeros, address.
_CHUNKS = {1: struct.Struct("<IIQQQ"), 2: struct.Struct("<IIQ16sQ")}
_LAST_KEYS = {1: struct.Struct("<8xQQ"), 2: struct.Struct("<8xQQQ")}  # row, column, byte
_LONG = struct.Struct("<Q")
_LONGS = struct.Struct("<QQ")


class UnsupportedLayout(Exception):
    """The file is of another format than this, or damaged."""


class Stored(NamedTuple):
    """A chunked dataset of one or two dimensions, as its header describes it."""

    description: bytes  # its type, chunk, filters and width: equal bytes mean equally stored
    length: int  # rows
    tree: int  # address of the chunks' B-tree
    rank: int  # dimensions
    chunk: tuple[int, ...]  # its size in each dimension, and in bytes of a value


class StoredFile:
    """The structure of one file, from its bytes.

    `descriptor` is open for reading, `head` the file's first bytes, `size` its length. Every
    method raises `UnsupportedLayout` (or `struct.error`) where the bytes are not what they should be.
    """

    def __init__(self, descriptor: int, head: bytes, size: int) -> None:
        self._descriptor = descriptor
        self._head = head
        if head[: len(_SUPERBLOCK)] != _SUPERBLOCK:
            raise UnsupportedLayout
        base, _, self._end, driver, _, cached, _, tree, heap = _ADDRESSES.unpack_from(head, len(_SUPERBLOCK))
        if base or driver != _UNDEFINED or cached != _CACHED_TREE or self._end > size:
            raise UnsupportedLayout
        self._root = dict(self._members(tree, heap))

    @classmethod
    def opened(cls, descriptor: int, size: int, head: int = HEAD) -> StoredFile:
        """The structure of a file of that size that is open for reading; of it `head` bytes at once."""
        return cls(descriptor, os.pread(descriptor, head, 0), size)

    def group(self, name: bytes) -> dict[bytes, int]:
        """The addresses of a top-level group's members."""
        if name not in self._root:
            raise UnsupportedLayout
        for kind, body in self._messages(self._root[name]):
            if kind == _SYMBOL_TABLE:
                return dict(self._members(*_LONGS.unpack_from(body)))
        raise UnsupportedLayout

    def dataset(self, address: int) -> Stored:
        """The dataset whose header is there; it must be chunked and of one or two dimensions."""
        found: dict[int, bytes] = {}
        for kind, body in self._messages(address):
            if kind in (_DATASPACE, _DATATYPE, _LAYOUT, _FILTERS):
                found[kind] = body
                if len(found) == 4:
                    break
        else:
            raise UnsupportedLayout
        space, layout = found[_DATASPACE], found[_LAYOUT]
        version, rank = space[:2]
        if version != 1 or rank not in _CHUNKS or layout[:3] != bytes((3, 2, rank + 1)):  # version, chunked
            raise UnsupportedLayout
        return Stored(
            found[_DATATYPE] + found[_FILTERS] + layout[11:] + space[16 : 8 + 8 * rank],
            _LONG.unpack_from(space, 8)[0],
            _LONG.unpack_from(layout, 3)[0],
            rank,
            struct.unpack_from(f"<{rank + 1}I", layout, 11),
        )

    def chunks(self, stored: Stored, rows: Sequence[int]) -> list[bytes]:
        """The chunks of a dataset that begin at these rows, which must be all there are.

        HDF5 looks chunks up between the keys of their tree: below a damaged key it finds none, and
        takes zeros for their values. So the key behind the last chunk is checked, too.
        """
        tree, chunk = stored.tree, _CHUNKS[stored.rank]
        signature, kind, level, entries = _TREE.unpack(self._at(tree, _TREE.size))
        if signature != b"TREE" or kind != _CHUNK_NODE or level or entries != len(rows):
            raise UnsupportedLayout
        chunks = []
        nodes, end = self._at(tree + 24, entries * chunk.size), _LAST_KEYS[stored.rank]
        last = end.unpack(self._at(tree + 24 + len(nodes), end.size))
        if last[0] not in (rows[-1], rows[-1] + stored.chunk[0]) or last[1:] != stored.chunk[1:]:
            raise UnsupportedLayout
        for row, (size, skipped, begins, rest, address) in zip(rows, chunk.iter_unpack(nodes), strict=True):
            if skipped or begins != row or rest not in (0, bytes(16)):
                raise UnsupportedLayout
            chunks.append(self._at(address, size))
        return chunks

    def _at(self, offset: int, size: int) -> bytes:
        if offset + size <= len(self._head):
            return self._head[offset : offset + size]
        if offset + size > self._end:
            raise UnsupportedLayout
        found = os.pread(self._descriptor, size, offset)
        if len(found) != size:
            raise UnsupportedLayout
        return found

    def _members(self, tree: int, heap: int) -> Iterator[tuple[bytes, int]]:
        """The names in a group and the addresses of their headers."""
        signature, version, size, _, address = _HEAP.unpack(self._at(heap, _HEAP.size))
        if signature != b"HEAP" or version:
            raise UnsupportedLayout
        names = self._at(address, size)
        signature, kind, level, entries = _TREE.unpack(self._at(tree, _TREE.size))
        if signature != b"TREE" or kind != _GROUP_NODE or level:
            raise UnsupportedLayout
        for _, child in _CHILD.iter_unpack(self._at(tree + 24, entries * _CHILD.size)):
            signature, version, count = _SYMBOLS.unpack(self._at(child, _SYMBOLS.size))
            if signature != b"SNOD" or version != 1:
                raise UnsupportedLayout
            symbols = self._at(child + _SYMBOLS.size, count * _SYMBOL.size)
            for offset, header, cached in _SYMBOL.iter_unpack(symbols):
                if cached == _SOFT_LINK:
                    raise UnsupportedLayout
                yield names[offset : names.index(b"\0", offset)], header

    def _messages(self, address: int) -> Iterator[tuple[int, bytes]]:
        """The messages of an object's header: what each is about, and its bytes."""
        version, left, _, size = _HEADER.unpack(self._at(address, _HEADER.size))
        if version != 1:
            raise UnsupportedLayout
        blocks = [(address + 16, size)]  # 12 bytes, and 4 to fill up
        for begins, length in blocks:
            block = self._at(begins, length)
            offset = 0
            while left and offset + _MESSAGE.size <= length:
                kind, size, flags = _MESSAGE.unpack_from(block, offset)
                if flags & _SHARED:
                    raise UnsupportedLayout
                body = block[offset + _MESSAGE.size : offset + _MESSAGE.size + size]
                if kind == _CONTINUED:
                    blocks.append(_LONGS.unpack_from(body))
                else:
                    yield kind, body
                offset += _MESSAGE.size + size
                left -= 1

"""Mutations of bytes, of numbers in headers, and of values in JSON and YAML; each a function of its generator alone."""

from __future__ import annotations

import copy
import json
import struct
import zlib
from collections.abc import Callable
from random import Random
from typing import Any

NUMBERS = (0, 1, 2, 3, 7, 8, 16, 127, 128, 255, 256, 32767, 32768, 65535, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
TEXTS = ("", "x", "é", "日本", "name", "0", "-1", "1e999", "nan", "true", "2001-99-99", "../x", "/", "a" * 3000, "\x00")
FLOATS = (-1.0, 0.0, 1e-300, 0.5, 1e10, 1e300, float("inf"), float("-inf"), float("nan"))
WIDTHS = "BHIQ"  # of an integer in a header, as struct names them
Bytes = Callable[[bytes, Random], bytes]


def damaged(data: bytes, random: Random) -> bytes:
    """Bytes changed, put in, taken out, repeated, cut off, or overwritten by a number; one to eight times."""
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        data = random.choice(ACTIONS)(data, random)
    return data


def _place(data: bytes, random: Random) -> int:
    """Where to do damage: headers, which lie at the start or the end, more often than pixels."""
    size = max(1, len(data))
    near = min(size, 400)
    return random.choice((random.randrange(size), random.randrange(near), size - 1 - random.randrange(near)))


def _flip(data: bytes, random: Random) -> bytes:
    place = _place(data, random)
    return data[:place] + bytes([data[place] ^ 1 << random.randrange(8)]) + data[place + 1 :] if data else data


def _put(data: bytes, random: Random) -> bytes:
    place = _place(data, random)
    return data[:place] + random.randbytes(random.choice((1, 2, 4, 16))) + data[place:]


def _take(data: bytes, random: Random) -> bytes:
    place = _place(data, random)
    return data[:place] + data[place + random.choice((1, 2, 4, 16, 200)) :]


def _repeat(data: bytes, random: Random) -> bytes:
    place, length = _place(data, random), random.choice((4, 12, 20, 100))
    return data[:place] + data[place : place + length] * random.choice((2, 3)) + data[place + length :]


def _cut(data: bytes, random: Random) -> bytes:
    return data[: _place(data, random)]


def _number(data: bytes, random: Random) -> bytes:
    form = random.choice("<>") + random.choice(WIDTHS)
    size = struct.calcsize(form)
    value = random.choice((*NUMBERS, random.getrandbits(64), 2**64 - 1, 2**63)) % 2 ** (8 * size)
    place = _place(data, random) // random.choice((1, 2, 4)) * random.choice((1, 2, 4))
    return data[:place] + struct.pack(form, value) + data[place + size :]


def _move(data: bytes, random: Random) -> bytes:
    first, second, length = _place(data, random), _place(data, random), random.choice((2, 4, 12, 40))
    return data[:second] + data[first : first + length] + data[second + length :]


ACTIONS: tuple[Bytes, ...] = (_flip, _flip, _put, _take, _repeat, _cut, _number, _number, _number, _move)


def tiff_tags(data: bytes, random: Random) -> bytes:
    """A tag of a TIFF with another number, type, count or value; classic files of either byte order."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 8 or struct.unpack(order + "H", data[2:4])[0] != 42:
        return damaged(data, random)
    places = _directories(data, order)
    if not places:
        return damaged(data, random)
    start = random.choice(places)
    field, size = random.choice(((0, "H"), (2, "H"), (4, "I"), (8, "I"), (8, "I"), (8, "H")))
    bits = 8 * struct.calcsize(size)
    value = random.choice((*NUMBERS, random.getrandbits(32), random.randrange(254, 340), len(data))) % 2**bits
    return data[: start + field] + struct.pack(order + size, value) + data[start + field + bits // 8 :]


def _directories(data: bytes, order: str) -> list[int]:
    """Offsets of all tags."""
    places: list[int] = []
    offset, seen = struct.unpack(order + "I", data[4:8])[0], set()
    while offset and offset + 2 <= len(data) and offset not in seen and len(places) < 500:
        seen.add(offset)
        count = struct.unpack(order + "H", data[offset : offset + 2])[0]
        places += [offset + 2 + 12 * n for n in range(count) if offset + 14 + 12 * n <= len(data)]
        end = offset + 2 + 12 * count
        offset = struct.unpack(order + "I", data[end : end + 4])[0] if end + 4 <= len(data) else 0
    return places


def png_chunks(data: bytes, random: Random) -> bytes:
    """A chunk of a PNG changed, repeated, moved or taken out; its checksum is made right."""
    chunks, place = [], 8
    while place + 12 <= len(data):
        length = struct.unpack(">I", data[place : place + 4])[0]
        chunks.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + length]))
        place += 12 + length
    if not chunks:
        return damaged(data, random)
    index = 0 if random.random() < 0.3 else random.randrange(len(chunks))
    name, body = chunks[index]
    action = random.randrange(6)
    if action < 3:
        chunks[index] = name, damaged(body, random) if body else random.randbytes(5)
    elif action == 3:
        chunks.insert(random.randrange(len(chunks) + 1), chunks[index])
    elif action == 4:
        del chunks[index]
    else:
        kinds = (b"tEXt", b"iTXt", b"zTXt", b"PLTE", b"tRNS", b"gAMA", b"acTL", b"fcTL", b"eXIf", b"iCCP", b"pHYs")
        chunks[index] = random.choice(kinds), body
    packed = (struct.pack(">I", len(b)) + n + b + struct.pack(">I", zlib.crc32(n + b)) for n, b in chunks)
    return data[:8] + b"".join(packed)


def strange(random: Random) -> Any:
    """A value that few options expect."""
    deep: Any = random.choice((1, "x"))
    for _ in range(random.choice((2, 70))):
        deep = [deep] if random.random() < 0.5 else {"name": deep}
    return random.choice((
        None, True, False, -1, 0, 10**6, 10**9, 2**31, 2**63, 10**30, [], {}, [[]], [1, 2], ["a"], {"name": "x"},
        {"a": 1}, deep, random.choice(TEXTS), random.choice(FLOATS), random.choice(NUMBERS), -random.choice(NUMBERS),
    ))  # fmt: skip


def values(value: Any, random: Random) -> Any:
    """A copy of a JSON value with one to four of its parts replaced, taken out, renamed, doubled or exchanged."""
    value = copy.deepcopy(value)
    for _ in range(random.choice((1, 1, 2, 4))):
        places = list(_containers(value))
        if not places:
            return strange(random)
        where = random.choice(places)
        key = random.choice(list(where)) if isinstance(where, dict) else random.randrange(len(where))
        action = random.randrange(8)
        if action < 4:
            where[key] = strange(random)
        elif action == 4:
            del where[key]
        elif action == 5 and isinstance(where, dict):
            where[random.choice((*TEXTS, str(key) + "x", "format", str(key)[:-1]))] = where.pop(key)
        elif action == 6 and isinstance(where, list):
            where.extend([where[key]] * random.choice((1, 3, 300)))
        else:
            other = random.choice(places)
            where[key] = copy.deepcopy(other) if len(json.dumps(other)) < 20_000 else None
    return value


def _containers(value: Any) -> list[Any]:
    """All lists and mappings in a value that hold something."""
    found, level = [], [value]
    while level:
        level = [part for part in level if isinstance(part, dict | list) and part]
        found += level
        level = [inner for part in level for inner in (part.values() if isinstance(part, dict) else part)]
    return found


def json_text(data: bytes, random: Random) -> bytes:
    """JSON with other values, or damaged."""
    if random.random() < 0.25:
        return damaged(data, random)
    return json.dumps(values(json.loads(data), random)).encode()


def yaml_text(data: bytes, random: Random) -> bytes:
    """YAML with other values, or damaged, or with parts of other documents in it."""
    import yaml

    choice = random.random()
    if choice < 0.25:
        return damaged(data, random)
    if choice < 0.4:
        lines = data.split(b"\n")
        lines.insert(random.randrange(len(lines) + 1), random.choice(PHRASES))
        return b"\n".join(lines)
    changed = values(yaml.safe_load(data), random)
    return yaml.safe_dump(changed, default_flow_style=random.choice((True, False, None))).encode()


PHRASES = (
    b"a: &a [*a]", b"<<: {seeds: 3}", b"seeds: 2000000000", b"? x", b"- 1", b"vary: {sampler.eta: [0, 0, .nan]}",
    b"x: !!python/name:os.system", b"training: {steps: 2001-01-01}", b"---", b"...", b"\t", b"%YAML 1.1", b"base: &b",
    b"systems: {a: *b}", b"size: 1:30:15", b"levels: 0x10", b"rows: [{steps: 1e9}]", b"seeds: {a: [1]}", b"|", b">",
)  # fmt: skip


def safetensors(data: bytes, random: Random) -> bytes:
    """The header's JSON changed, with its length made right; or damage anywhere."""
    length = struct.unpack("<Q", data[:8])[0]
    if random.random() < 0.4:
        return damaged(data, random)
    header = json.loads(data[8 : 8 + length])
    if random.random() < 0.3 and "__metadata__" in header:
        note = values(json.loads(header["__metadata__"].get("note", "{}")), random)
        header["__metadata__"]["note"] = json.dumps(note)
        changed = header
    else:
        changed = values(header, random)
    text = json.dumps(changed).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


def npy_header(data: bytes, random: Random) -> bytes:
    """The text of the header of a ``.npy`` file changed, with its length made right; or damage anywhere."""
    if random.random() < 0.4 or data[:6] != b"\x93NUMPY":
        return damaged(data, random)
    length = struct.unpack("<H", data[8:10])[0]
    text = data[10 : 10 + length].decode("latin1")
    old, new = random.choice((
        ("'<f4'", random.choice(("'|O'", "'<f2'", "'<c8'", "'<M8[s]'", "'|V8'", "'<U9'", "[('a','<f4')]", "'x'"))),
        ("shape': (", random.choice(("shape': (-1, ", "shape': (0, ", "shape': ", "shape': ((", "shape': (10**9, "))),
        ("(", f"({random.choice((*NUMBERS, 10**18, 10**30))}, "), ("False", random.choice(("True", "0", "None", "''"))),
        ("'descr'", "'descR'"), ("}", ""), ("{", "[" * random.choice((1, 300))), (",", ",,"), ("f4", "f" + "4" * 500),
    ))  # fmt: skip
    changed = text.replace(old, new, 1).encode("latin1")
    return data[:8] + struct.pack("<H", len(changed) % 2**16) + changed + data[10 + length :]


def mrc_words(data: bytes, random: Random) -> bytes:
    """One of the 32-bit words of the header of an MRC file; or damage anywhere."""
    if random.random() < 0.3:
        return damaged(data, random)
    word = random.choice((0, 1, 2, 3, 23, random.randrange(256)))
    value = random.choice((*NUMBERS, -1, -5, 6, 12, 101, len(data), random.getrandbits(31)))
    changed = struct.pack(random.choice("<>") + "q", value)[-4:] if value < 0 else struct.pack("<I", value % 2**32)
    return data[: 4 * word] + changed + data[4 * word + 4 :]

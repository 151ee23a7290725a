#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Writes record.txt, by the table at the top of record.c and nothing else.

Needs the package `cryptography`; nobody needs to run it again, as record.txt
is kept beside it: python3 record.py > record.txt
"""
import hashlib
from cryptography.hazmat.primitives.asymmetric import ed25519

OPEN, TEXT, CONTINUE, NAME = 0, 1, 2, 3


def T(tag, *parts):
    return hashlib.sha512(tag + b"\0" + b"".join(parts)).digest()[:32]


def le(value, size):
    return value.to_bytes(size, "little")


def column(value):
    return (value.hex() if isinstance(value, bytes) else str(value)) or "-"


def log(seed, mode, room, epoch, name, records):
    key = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    pk = key.public_key().public_bytes_raw()
    room_id = T(b"chat/room/1", le(mode, 1), le(len(room), 1), room)
    log_id = T(b"chat/log/1", room_id, pk, le(epoch, 4))
    print("log", *map(column, (seed, mode, room, epoch, name)))
    print("ids", *map(column, (pk, room_id, log_id)))
    opening = room_id + pk + le(epoch, 4) + le(len(name), 1) + name
    chain = log_id
    records = [(records[0][0], OPEN, opening)] + records
    for seq, (time_ms, kind, payload) in enumerate(records, 1):
        body = T(b"chat/body/1", payload)
        chain = T(b"chat/rec/1", log_id, le(seq, 8), le(time_ms, 8),
                  le(kind, 1), le(len(payload), 4), chain, body)
        signature = key.sign(b"chat/sig/1\0" + log_id + le(seq, 8) + chain)
        print("record", *map(column, (time_ms, kind, payload)))
        print("result", *map(column, (chain, signature)))
    return log_id


print("""# Two logs of one key and one of another, made by record.py.  Columns, in
# hexadecimal digits but for the numbers; "-" is empty:
#	log seed mode room epoch name
#	ids public_key room_id log_id
#	record time_ms type payload
#	result id signature""")
alice = hashlib.sha256(b"alice").digest()
before = log(alice, 0, b"", 0, b"alice", [
    (1700000000000, TEXT, b"hello"),
    (1700000000000, TEXT, b""),
    (1700000000001, TEXT, "\u00e9\U0001f600\n\0".encode()),
    (1700000000002, NAME, b"alice-2"),
    (1700000000003, 255, bytes(range(256))),
    (253402300799999, TEXT, bytes(99)),
    (1 << 63, TEXT, bytes(100)),
    ((1 << 64) - 1, TEXT, b"the end of time"),
])
log(alice, 0, b"", 0xfedcba98, b"alice", [
    (1700000000009, CONTINUE, before + le(5, 8)),
    (1700000000009, TEXT, b"hello again"),
])
log(bytes(range(32)), 1, b"a-room-of-thirty-two-bytes-in-it", 1, b"b", [
    (0, TEXT, b"hello"),
])

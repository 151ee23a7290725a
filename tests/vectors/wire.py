#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Writes wire.txt, by the table at the top of wire.c and nothing else.

Needs the package `cryptography`; nobody needs to run it again, as wire.txt
is kept beside it: python3 wire.py > wire.txt
"""
import hashlib
import hmac
from cryptography.hazmat.primitives.asymmetric import ed25519, x25519
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

ROOM_ID = b"\x77" * 32
TEXTS = b"one", b"two", b"three"


class Side:
    def __init__(self, role, number, name):
        self.role, self.name, self.count = role, name, 0
        self.instance = 1001 + number
        self.key = ed25519.Ed25519PrivateKey.from_private_bytes(
            bytes([1 + number]) * 32)
        random = bytes(i + 64 * number for i in range(48))
        self.e = x25519.X25519PrivateKey.from_private_bytes(random[:32])
        self.e_public = self.e.public_key().public_bytes_raw()
        self.greeting = b"chat1" + b"\0" + random[32:]

    def seal(self, plain):
        nonce = bytes(4) + self.count.to_bytes(8, "little")
        self.count += 1
        return ChaCha20Poly1305(self.send).encrypt(nonce, plain, b"")

    def auth(self, h):
        pk = self.key.public_key().public_bytes_raw()
        signature = self.key.sign(b"chat/auth/1\0" + self.role + h + pk)
        return self.seal(pk + signature + self.instance.to_bytes(8, "little")
                         + b"\1\0" + bytes([len(self.name)]) + self.name)


def lv(value):
    return len(value).to_bytes(2, "big") + value


def show(name, value):
    print(name, value.hex())


def hkdf(chaining_key, secret):
    key = hmac.digest(chaining_key, secret, "sha512")
    one = hmac.digest(key, b"\1", "sha512")
    return one, hmac.digest(key, one + b"\2", "sha512")


def sha512(value):
    return hashlib.sha512(value).digest()


def main():
    d, a = Side(b"D", 0, b"alice"), Side(b"A", 1, b"bob")
    show("D1", b"\0" + lv(d.greeting))
    show("A1", lv(a.greeting))

    name = b"Noise_NN_25519_ChaChaPoly_SHA512"
    h = ck = name + bytes(64 - len(name))
    h = sha512(h + b"chat/1" + lv(d.greeting) + lv(a.greeting) + lv(b"")
               + ROOM_ID)
    h = sha512(sha512(h + d.e_public))  # e, and an empty payload
    show("D2", lv(d.e_public))
    h = sha512(h + a.e_public)
    ck, key = hkdf(ck, a.e.exchange(d.e.public_key()))
    tag = ChaCha20Poly1305(key[:32]).encrypt(bytes(12), b"", h)
    h = sha512(h + tag)
    show("A2", lv(a.e_public + tag))
    show("hash", h)
    d.send, a.send = (key[:32] for key in hkdf(ck, b""))
    show("A-auth", lv(a.auth(h)))
    show("D-auth", lv(d.auth(h)))
    for text in TEXTS:
        for side in d, a:
            plain = bytes([1 + len(text), 6]) + text
            show(side.role.decode() + "-" + text.decode(),
                 lv(side.seal(plain)))


print("# A handshake and three messages each way, made by wire.py: what the "
      "dialler\n# (D) and the acceptor (A) send, frame by frame.")
main()

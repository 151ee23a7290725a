#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Callers that no honest program is like, for the scenarios.

    caller.py poke PORT STAGE FILE
        Gets as far as STAGE with the program on PORT, sends FILE, and waits
        until it is closed: status 0; 3 when there was an answer to it.

    caller.py spoil LISTEN PORT ORDER
        Stands between whoever dials LISTEN and the program on PORT.  When there
        is a file ORDER, it is read and removed: "flip" flips a bit of what the
        dialler sends next, anything else is hexadecimal and sent as from him.

    caller.py crowd PORT COUNT STAGE
        COUNT callers, one after the other, as fast as they are taken; each
        gets as far as STAGE and stays; who is closed is not replaced.  Says
        "all" when all have called, then holds on.

    caller.py flood PORT STAGE
        New callers without end, each as far as STAGE, as fast as they are
        taken; of those that are not closed 500 stay.  Says "more" at every
        hundredth.

    caller.py slow PORT STAGE
        Gets as far as STAGE, then sends one byte of what would be right every
        two seconds, until it is closed: prints after how many whole seconds,
        counted from before it called.

    caller.py mute PORT STAGE
        The same, but sends nothing.

    caller.py deaf PORT
        Sends zeros as fast as they are taken, and reads nothing, again and
        again, without end.

    caller.py listen MDNS OTHER
        Records all that crosses lo, from before it says "listening": what is
        multicast DNS in the file MDNS, all else in OTHER.

Stages: 0 connected; 1 greeted, and has the answer; 2 has sent its half of the
key exchange, and has the other half and the other's encrypted auth.  To go
further takes a key, and whoever has one is no stranger any more.
"""
import os
import resource
import select
import socket
import sys
import time

GREETING = b"\0\0\x16chat1\0" + bytes(range(16))
EXCHANGE = b"\0\x20\x09" + bytes(31)  # the base point: a good public key


def receive(s, size):
    data = b""
    while len(data) < size:
        piece = s.recv(size - len(data))
        if not piece:
            raise ConnectionError("closed before its stage")
        data += piece
    return data


def frame(s):
    return receive(s, int.from_bytes(receive(s, 2), "big"))


def reach(port, stage):
    s = socket.create_connection(("127.0.0.1", port))
    if stage >= 1:
        s.sendall(GREETING)
        frame(s)
    if stage >= 2:
        s.sendall(EXCHANGE)
        frame(s)
        frame(s)
    return s


def rest(s):
    """All that comes until it is closed."""
    data = b""
    try:
        while piece := s.recv(65536):
            data += piece
    except ConnectionError:
        pass
    return data


def poke(port, stage, file):
    s = reach(int(port), int(stage))
    with open(file, "rb") as f:
        data = f.read()
    try:
        s.sendall(data)
    except ConnectionError:
        pass
    sys.exit(3 if rest(s) else 0)


def spoil(listen, port, order):
    server = socket.create_server(("127.0.0.1", int(listen)))
    there = {}  # the other end of each
    flip = False
    while True:
        for s in select.select([server, *there], [], [], 0.05)[0]:
            if s is server:
                dialler = server.accept()[0]
                program = socket.create_connection(("127.0.0.1", int(port)))
                there[dialler], there[program] = program, dialler
                last = dialler
            elif s in there:
                try:
                    data = s.recv(65536)
                    if data and flip and s is last:
                        data = data[:-1] + bytes([data[-1] ^ 1])
                        flip = False
                    there[s].sendall(data)
                except ConnectionError:
                    data = b""
                if not data:
                    other = there.pop(s)
                    del there[other]
                    s.close()
                    other.close()
        if os.path.exists(order):
            with open(order) as f:
                what = f.read().strip()
            os.unlink(order)
            flip = what == "flip"
            if not flip:
                there[last].sendall(bytes.fromhex(what))


def crowd(port, count, stage):
    crowd = []
    for _ in range(int(count)):
        try:
            crowd.append(reach(int(port), int(stage)))
        except OSError:
            pass  # closed while it was still talking
    print("all", flush=True)
    time.sleep(600)


def flood(port, stage):
    held, total = [], 0
    while True:
        try:
            held.append(reach(int(port), int(stage)))
        except OSError:
            pass
        total += 1
        if total % 100 == 0:
            print("more", flush=True)
        if len(held) > 500:
            held.pop(0).close()


def clock_ms():
    """As the program counts: whole milliseconds."""
    return time.monotonic_ns() // 1000000


def borne(port, stage, data):
    """For how long, when a byte of it comes every two seconds."""
    began_ms = clock_ms()
    s = reach(port, stage)
    for byte in data:
        try:
            s.sendall(bytes([byte]))
        except ConnectionError:
            break
        if select.select([s], [], [], 2)[0]:
            break
    rest(s)
    print((clock_ms() - began_ms) // 1000, flush=True)


def slow(port, stage):
    stage = int(stage)
    right = [GREETING, EXCHANGE, b"\0\x80" + bytes(128)][stage]
    borne(int(port), stage, right)


def mute(port, stage):
    borne(int(port), int(stage), b"")


def deaf(port):
    while True:
        try:
            s = reach(int(port), 1)
            while True:
                s.sendall(EXCHANGE + bytes(65536))
        except OSError:
            time.sleep(0.01)


def is_mdns(data):
    """Of a frame: UDP, by IPv4 or IPv6, from or to port 5353."""
    protocol, ports = {4: (23, 34), 6: (20, 54)}.get(data[14] >> 4, (0, 0))
    return data[protocol] == 17 and b"\x14\xe9" in (
        data[ports:ports + 2], data[ports + 2:ports + 4])


def listen(mdns, other):
    every = 3  # ETH_P_ALL
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(every))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
    s.bind(("lo", every))
    print("listening", flush=True)
    with open(mdns, "wb", 0) as mdns, open(other, "wb", 0) as other:
        while True:
            data, (_, _, kind, *_) = s.recvfrom(65536)
            if kind != socket.PACKET_OUTGOING:  # on lo all is seen twice
                (mdns if is_mdns(data) else other).write(data)


resource.setrlimit(resource.RLIMIT_NOFILE,
                   (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
{f.__name__: f for f in (poke, spoil, crowd, flood, slow, mute, deaf,
                            listen)}[
    sys.argv[1]](*sys.argv[2:])

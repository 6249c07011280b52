"""A raw client of MQTT 3.1, 3.1.1 and 5: every byte is its caller's."""

import socket
import struct
import sys

PORT = int(sys.argv[1])
TIMEOUTS = (socket.timeout, TimeoutError)


def length(n):
    out = b""
    while True:
        n, byte = n >> 7, n & 127
        out += bytes([byte | 128 if n else byte])
        if not n:
            return out


def text(value):
    value = value if isinstance(value, bytes) else value.encode()
    return struct.pack(">H", len(value)) + value


def packet(first, body):
    return bytes([first]) + length(len(body)) + body


def properties(version, value):
    return length(len(value)) + value if version == 5 else b""


def connect(name, version=4, clean=1, keep=60, props=b"", will=None, proto=b"MQTT", flags=None):
    bits, payload = (2 if clean else 0), text(name)
    if will:
        topic, message, qos, retain, *will_props = will
        bits |= 4 | qos << 3 | (32 if retain else 0)
        payload += properties(version, b"".join(will_props)) + text(topic) + text(message)
    bits = bits if flags is None else flags
    head = text(proto) + bytes([version, bits]) + struct.pack(">H", keep)
    return packet(0x10, head + properties(version, props) + payload)


def subscribe(number, topic, options, version=4, props=b""):
    body = struct.pack(">H", number) + properties(version, props) + text(topic)
    return packet(0x82, body + bytes([options]))


def publish(topic, payload, qos=0, number=1, retain=0, dup=0, version=4, props=b""):
    payload = payload if isinstance(payload, bytes) else payload.encode()
    body = text(topic) + (struct.pack(">H", number) if qos else b"")
    body += properties(version, props) + payload
    return packet(0x30 | dup << 3 | qos << 1 | retain, body)


class Client:
    """A raw connection; with a name it says CONNECT and expects to be let in."""

    def __init__(self, name=None, version=4, **more):
        self.socket = socket.create_connection(("127.0.0.1", PORT), 3)
        if name is not None:
            self.send(connect(name, version, **more))
            first, self.connack = self.next()
            assert first == 0x20 and self.connack[1] == 0, (hex(first), self.connack)

    def send(self, data):
        self.socket.sendall(data)
        return self

    def read(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def next(self, patience=3):
        self.socket.settimeout(patience)
        first, factor, count = self.read(1)[0], 1, 0
        while True:
            byte = self.read(1)[0]
            count, factor = count + (byte & 127) * factor, factor * 128
            if not byte & 128:
                return first, self.read(count)

    def asks(self, topic, options=0, version=4, props=b""):
        self.send(subscribe(1, topic, options, version, props))
        first, body = self.next()
        assert first == 0x90 and body[-1] < 0x80, (hex(first), body)
        return self

    def hears_nothing(self, patience=0.6):
        try:
            found = self.next(patience)
        except TIMEOUTS:
            return
        raise AssertionError(found)

    def is_closed(self, patience=3):
        self.socket.settimeout(patience)
        try:
            while self.socket.recv(1000):
                pass
            return True
        except TIMEOUTS:
            return False
        except OSError:
            return True

    def all(self, patience=0.6):
        found = []
        try:
            while True:
                found.append(self.next(patience))
        except TIMEOUTS:
            return found

    def cut(self):
        self.socket.close()


def parts(body, qos):
    """Topic, packet id, and what follows, of a PUBLISH."""
    end = 2 + struct.unpack(">H", body[:2])[0]
    return body[2:end], body[end:end + 2] if qos else b"", body[end + (2 if qos else 0):]

"""Servers on the loopback that answer as a test says, down to the byte, and keep what they were asked."""
import contextlib
import dataclasses
import select
import socket
import socketserver
import ssl
import struct
import threading
from typing import Callable, Iterator


@dataclasses.dataclass
class Asked:
    """One request, and the way to answer it."""
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: socket.socket

    def send(self, data: bytes) -> bool:
        """False when the client has gone."""
        try:
            self.connection.sendall(data)
        except OSError:
            return False
        return True

    def answer(self, status: int, body: bytes = b'', **headers: str) -> None:
        """A whole answer; `Content_Length='7'` lies about its length."""
        told = {'Content-Length': str(len(body)), 'Connection': 'close',
                **{name.replace('_', '-'): value for name, value in headers.items()}}
        lines = ''.join(f'{name}: {value}\r\n' for name, value in told.items())
        self.send(f'HTTP/1.1 {status} Status\r\n{lines}\r\n'.encode() + body)

    def file(self, content: bytes, etag: str, most: int | None = None) -> None:
        """A file, ranges and conditions included; breaks off after `most` bytes of the body."""
        if self.headers.get('if-none-match') == etag:
            return self.answer(304, ETag=etag)
        begin, status, extra = 0, 200, ''
        asked = self.headers.get('range', '')
        if asked and self.headers.get('if-range') == etag:
            begin = int(asked.removeprefix('bytes=').split('-')[0])
            if begin >= len(content):
                return self.answer(416, **{'Content_Range': f'bytes */{len(content)}'})
            status, extra = 206, f'Content-Range: bytes {begin}-{len(content) - 1}/{len(content)}\r\n'
        body = content[begin:]
        self.send(f'HTTP/1.1 {status} Status\r\nETag: {etag}\r\nContent-Length: {len(body)}\r\n{extra}\r\n'.encode()
                  + (body if most is None else body[:most]))
        return None

    def reset(self) -> None:
        """The connection ends with a reset instead of an end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.connection.close()

    def wait_closed(self, seconds: float | None = None) -> bool:
        """Until the client closes."""
        try:
            ready, _, _ = select.select([self.connection], [], [], seconds)
            return bool(ready) and not self.connection.recv(1)
        except OSError:
            return True


class Server:
    """Answers each request by `script`, which may be replaced meanwhile. One request per connection."""

    def __init__(self, script: Callable[[Asked], None], tls: ssl.SSLContext | None = None, port: int = 0):
        self.script = script
        self.asked: list[Asked] = []
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError, ValueError):
                    asked = read_request(self.request)
                    outer.asked.append(asked)
                    outer.script(asked)

        class Listener(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

            def get_request(self):
                connection, peer = super().get_request()
                return (tls.wrap_socket(connection, server_side=True) if tls else connection), peer

            def handle_error(self, request, client_address) -> None:
                pass  # a client that does not trust us, say

        self.listener = Listener(('127.0.0.1', port), Handler)
        self.port = self.listener.server_address[1]
        self.scheme = 'https' if tls else 'http'
        threading.Thread(target=self.listener.serve_forever, args=(0.02,), daemon=True).start()

    def url(self, path: str = '/', host: str = '127.0.0.1') -> str:
        return f'{self.scheme}://{host}:{self.port}{path}'

    def close(self) -> None:
        self.listener.shutdown()
        self.listener.server_close()


def read_request(connection: socket.socket) -> Asked:
    data = b''
    while b'\r\n\r\n' not in data:
        got = connection.recv(65536)
        if not got:
            raise ValueError('no request')
        data += got
    head, body = data.split(b'\r\n\r\n', 1)
    first, *lines = head.decode('latin-1').split('\r\n')
    headers = {name.lower(): value.strip() for name, value in (line.split(':', 1) for line in lines)}
    while len(body) < int(headers.get('content-length', 0)):
        body += connection.recv(65536)
    method, path, _ = first.split(' ')
    return Asked(method, path, headers, body, connection)


@contextlib.contextmanager
def serving(script: Callable[[Asked], None], tls: ssl.SSLContext | None = None, port: int = 0) -> Iterator[Server]:
    server = Server(script, tls, port)
    try:
        yield server
    finally:
        server.close()

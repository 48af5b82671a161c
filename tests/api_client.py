"""A small HTTP client for the API's tests: requests as they are sent, answers as they came."""
import http.client
import json
import pathlib
import socket
import ssl
import urllib.parse
from typing import Any

from weir_project import Project


class Answer:
    def __init__(self, status: int, headers: http.client.HTTPMessage, body: bytes):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """A problem's code."""
        assert self.headers['content-type'] == 'application/problem+json', self
        return self.json()['code']

    def __repr__(self) -> str:
        return f'{self.status} {dict(self.headers)}\n{self.body[:2000].decode(errors="replace")}'


class Api:
    """The API of a running project, asked with one key."""

    def __init__(self, project: Project, key: str | None = None, ca: pathlib.Path | None = None):
        self.project = project
        environment = project.options[1] if project.options[:1] == ['--env'] else 'default'
        self.url = (project.root / '.weir' / environment / 'api').read_text().strip()
        self.key = key
        self.ca = ca

    def with_key(self, key: str | None) -> 'Api':
        return Api(self.project, key, self.ca)

    @property
    def address(self) -> tuple[str, int]:
        parts = urllib.parse.urlsplit(self.url)
        return parts.hostname or '', parts.port or 0

    def connect(self) -> http.client.HTTPConnection:
        host, port = self.address
        if not self.url.startswith('https:'):
            return http.client.HTTPConnection(host, port, timeout=60)
        context = ssl.create_default_context(cafile=str(self.ca))
        return http.client.HTTPSConnection(host, port, timeout=60, context=context)

    def ask(self, method: str, path: str, body: str | bytes | None = None, connection=None, **headers: str) -> Answer:
        sent = {name.replace('_', '-'): value for name, value in headers.items()}
        if self.key is not None:
            sent.setdefault('x-api-key', self.key)
        own = connection or self.connect()
        try:
            own.request(method, path, body.encode() if isinstance(body, str) else body, sent)
            answer = own.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            if connection is None:
                own.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask('GET', path, **headers)

    def post(self, path: str, body: str | bytes = b'', **headers: str) -> Answer:
        return self.ask('POST', path, body, **headers)

    def rows(self, table: str, rows: Any, query: str = '', **headers: str) -> Answer:
        return self.post(f'/api/tables/{table}/rows{query}', json.dumps(rows),
                         **{'content_type': 'application/json', **headers})

    def raw(self, *pieces: bytes) -> bytes:
        """Sends bytes as they are, and gives all that comes back until the other side closes."""
        with socket.create_connection(self.address, timeout=30) as sock:
            for piece in pieces:
                sock.sendall(piece)
            sock.shutdown(socket.SHUT_WR)
            got = b''
            while part := sock.recv(65536):
                got += part
            return got


def make_key(project: Project, name: str, *arguments: str) -> str:
    result = project.verb('key', 'create', name, *arguments, '--format', 'json')
    assert result.code == 0, result
    return result.json()['key']

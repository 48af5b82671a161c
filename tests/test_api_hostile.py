"""Clients that mean harm, or know no better: requests that two servers may read in two ways, connections that only cost."""
import concurrent.futures
import contextlib
import json
import pathlib
import re
import resource
import select
import signal
import socket
import urllib.request
from typing import Iterator

import pytest

import prometheus_text
from api_client import Api, make_key
from weir_project import Owner, Project, wait_until

WEIR_YAML = '''
project: p
databases: {db: duckdb://db.duckdb}
tables:
  log: {in: db, columns: {n: bigint | required, x: varchar}}
admin: 127.0.0.1:0
api:
  rows: {log: {max_bytes: 1MB}}
'''
DEADLINE = 60.0


@pytest.fixture(scope='module')
def api(tmp_path_factory) -> Iterator[Api]:
    root = tmp_path_factory.mktemp('hostile')
    with running(root, WEIR_YAML) as (api, _):
        yield api


@contextlib.contextmanager
def running(root: pathlib.Path, text: str) -> Iterator[tuple[Api, Owner]]:
    (root / 'weir.yaml').write_text(text)
    project = Project(root)
    with project.up('--port', '0') as owner:
        yield Api(project, make_key(project, 'all')), owner


def read_to_end(sock: socket.socket) -> bytes:
    """Until the other side closes, which it has to do by itself."""
    got = b''
    with contextlib.suppress(ConnectionResetError):
        while part := sock.recv(65536):
            got += part
    return got


def send_raw(api: Api, data: bytes) -> bytes:
    with socket.create_connection(api.address, timeout=DEADLINE) as sock:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            sock.sendall(data)
        return read_to_end(sock)


def statuses(answers: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb'HTTP/1\.1 (\d{3}) ', answers)]


def rows_request(api: Api, body: bytes, *lines: str, length: bool = True) -> bytes:
    head = ['POST /api/tables/log/rows HTTP/1.1', 'Host: x', f'X-Api-Key: {api.key}', 'Content-Type: application/json', *lines]
    if length:
        head.append(f'Content-Length: {len(body)}')
    return '\r\n'.join(head).encode() + b'\r\n\r\n' + body


# What an attacker hides behind, or in, a request: it must never be answered, nor its row be there.
def hidden(api: Api) -> bytes:
    return rows_request(api, b'{"n": 666}', 'X-Request-Id: hidden')


def chunked(*chunks: bytes) -> bytes:
    return b''.join(b'%x\r\n%s\r\n' % (len(chunk), chunk) for chunk in chunks) + b'0\r\n\r\n'


AMBIGUOUS = {
    'length and chunks': ('Content-Length: 4\r\nTransfer-Encoding: chunked', b'0\r\n\r\n'),
    'chunks and length': ('Transfer-Encoding: chunked\r\nContent-Length: 5', b'0\r\n\r\n'),
    'length of all, and chunks': ('Content-Length: 400\r\nTransfer-Encoding: chunked', b'0\r\n\r\n'),
    'two lengths': ('Content-Length: 0\r\nContent-Length: 44', b''),
    'two lengths that agree': ('Content-Length: 0\r\nContent-Length: 0', b''),
    'a list of lengths': ('Content-Length: 0, 44', b''),
    'a length with a sign': ('Content-Length: +0', b''),
    'a length below zero': ('Content-Length: -1', b''),
    'a length in hexadecimal': ('Content-Length: 0x0', b''),
    'a length in quotes': ('Content-Length: "0"', b''),
    'a length with a fraction': ('Content-Length: 0.0', b''),
    'a length with an exponent': ('Content-Length: 1e1', b''),
    'a length with a blank inside': ('Content-Length: 1 0', b''),
    'a length without digits': ('Content-Length:', b''),
    'a length beyond 64 bits': ('Content-Length: 18446744073709551616', b''),
    'a blank before the colon': ('Content-Length : 44', b''),
    'a tab before the colon': ('Transfer-Encoding\t: chunked', b'0\r\n\r\n'),
    'a blank before a name': ('X: y\r\n Content-Length: 44', b''),
    'a folded encoding': ('Transfer-Encoding:\r\n chunked', b'0\r\n\r\n'),
    'a folded length': ('Content-Length: 4\r\n\t4', b''),
    'two encodings': ('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', b'0\r\n\r\n'),
    'an encoding twice': ('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', b'0\r\n\r\n'),
    'chunked, then another': ('Transfer-Encoding: chunked, identity', b'0\r\n\r\n'),
    'another, then chunked': ('Transfer-Encoding: gzip, chunked', b'0\r\n\r\n'),
    'no known encoding': ('Transfer-Encoding: xchunked', b'0\r\n\r\n'),
    'chunked with a letter behind': ('Transfer-Encoding: chunkedx', b'0\r\n\r\n'),
    'chunked with a semicolon': ('Transfer-Encoding: chunked;', b'0\r\n\r\n'),
    'chunked in quotes': ('Transfer-Encoding: "chunked"', b'0\r\n\r\n'),
    'chunked with a vertical tab': ('Transfer-Encoding: \x0bchunked', b'0\r\n\r\n'),
    'an empty encoding': ('Transfer-Encoding:', b'0\r\n\r\n'),
    'identity': ('Transfer-Encoding: identity', b''),
    'a line feed alone': ('X: y\nContent-Length: 44', b''),
    'a carriage return alone': ('X: y\rContent-Length: 44', b''),
    'a zero byte': ('X: y\x00', b''),
    'a zero byte in a name': ('Content-Length\x00: 44', b''),
    'a name that is none': ('X[]: y', b''),
    'no name': (': y', b''),
    'no colon': ('X', b''),
    'two hosts': ('Host: y', b''),
    'a host that is none': ('X: y', b''),  # see below
    'chunk size with a sign': ('Transfer-Encoding: chunked', b'+1\r\nx\r\n0\r\n\r\n'),
    'chunk size in hexadecimal with a prefix': ('Transfer-Encoding: chunked', b'0x1\r\nx\r\n0\r\n\r\n'),
    'chunk size beyond 64 bits': ('Transfer-Encoding: chunked', b'10000000000000000\r\nx\r\n0\r\n\r\n'),
    'chunk size that wraps to nothing': ('Transfer-Encoding: chunked', b'FFFFFFFFFFFFFFFFF0\r\n\r\n'),
    'no chunk size': ('Transfer-Encoding: chunked', b'\r\n\r\n'),
    'a blank before a chunk size': ('Transfer-Encoding: chunked', b' 1\r\nx\r\n0\r\n\r\n'),
    'chunk data longer than said': ('Transfer-Encoding: chunked', b'1\r\nxy\r\n0\r\n\r\n'),
    'chunk data with a line feed alone': ('Transfer-Encoding: chunked', b'1\r\nx\n0\r\n\r\n'),
    'a chunk size with a line feed alone': ('Transfer-Encoding: chunked', b'1\nx\r\n0\r\n\r\n'),
    'a chunk extension without end': ('Transfer-Encoding: chunked', b'1;' + b'e' * 5000 + b'\r\nx\r\n0\r\n\r\n'),
    'a chunk extension with a line feed': ('Transfer-Encoding: chunked', b'1;a\nb\r\nx\r\n0\r\n\r\n'),
    'trailers that are framing': ('Transfer-Encoding: chunked', b'0\r\nContent-Length: 44\r\n\r\n'),
    'trailers without a name': ('Transfer-Encoding: chunked', b'0\r\n: x\r\n\r\n'),
    'trailers without end': ('Transfer-Encoding: chunked', b'0\r\n' + b''.join(b'a%d: b\r\n' % n for n in range(9999)) + b'\r\n'),
}


@pytest.mark.parametrize('name', AMBIGUOUS)
def test_what_two_servers_may_read_in_two_ways(api: Api, name: str) -> None:
    lines, body = AMBIGUOUS[name]
    request = (f'POST /api/tables/log/rows HTTP/1.1\r\nHost: {"a/b@c" if name == "a host that is none" else "x"}\r\n'
               f'X-Api-Key: {api.key}\r\nContent-Type: application/json\r\n{lines}\r\n\r\n').encode() + body
    answers = send_raw(api, request + hidden(api))
    assert len(statuses(answers)) == 1 and statuses(answers)[0] in (400, 413, 501), answers
    assert b'connection: close' in answers and b'hidden' not in answers, answers
    assert api.project.value('SELECT count(*) FROM log WHERE n = 666') == '0'


@pytest.mark.parametrize('line,status', [
    ('GET http://x/docs HTTP/1.1', 400), ('GET //x/docs HTTP/1.1', 404), ('CONNECT x:80 HTTP/1.1', 400), ('OPTIONS * HTTP/1.1', 400),
    ('GET docs HTTP/1.1', 400), ('GET /docs#x HTTP/1.1', 400), ('GET /docs\\..\\x HTTP/1.1', 400), ('GET  /docs HTTP/1.1', 400),
    ('GET /docs  HTTP/1.1', 400), ('GET\t/docs\tHTTP/1.1', 400), (' GET /docs HTTP/1.1', 400), ('GET /docs', 400), ('GET /docs HTTP/1.1 x', 400),
    ('GET /docs HTTP/2.0', 400), ('GET /docs HTTP/0.9', 400), ('GET /docs http/1.1', 400), ('GET /docs HTTP/1.10', 400),
    ('G@T /docs HTTP/1.1', 400), ('GET /d\x80cs HTTP/1.1', 400), ('GET /d\x7fcs HTTP/1.1', 400), ('PRI * HTTP/2.0', 400),
    ('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400),
])
def test_first_lines(api: Api, line: str, status: int) -> None:
    closing = line.encode('latin-1') + b'\r\nHost: x\r\nConnection: close\r\n\r\n'
    answers = send_raw(api, closing + hidden(api))
    assert statuses(answers) == [status] and b'hidden' not in answers, answers


def test_http_1_0_has_no_chunks(api: Api) -> None:
    answers = send_raw(api, b'POST /api/tables/log/rows HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n'
                            b'Connection: keep-alive\r\n\r\n0\r\n\r\n' + hidden(api))
    assert statuses(answers) == [400] and b'hidden' not in answers, answers
    assert statuses(send_raw(api, b'GET /docs HTTP/1.0\r\n\r\n')) == [200], 'and needs no host, and closes'
    assert statuses(send_raw(api, b'GET /docs HTTP/1.1\r\n\r\n')) == [400], 'HTTP/1.1 does'


def test_a_request_in_a_body_is_a_body(api: Api) -> None:
    """What is framed without doubt is read as it is framed, whoever refuses it."""
    inside = b'GET /docs HTTP/1.1\r\nHost: x\r\nX-Request-Id: hidden\r\n\r\n'
    for body, line in ((inside, f'Content-Length: {len(inside)}'), (chunked(inside[:7], inside[7:]), 'Transfer-Encoding: chunked')):
        answers = send_raw(api, rows_request(api, body, line, 'Connection: close', length=False))
        assert statuses(answers) == [400] and b'x-request-id: hidden' not in answers, answers
        # Refused before its body: the body is nobody's request.
        for head in ('POST /nowhere', 'GET /docs', 'POST /api/tables/log/rows'):
            answers = send_raw(api, f'{head} HTTP/1.1\r\nHost: x\r\n{line}\r\n\r\n'.encode() + body)
            assert len(statuses(answers)) == 1 and b'x-request-id: hidden' not in answers, (head, answers)


def test_good_framing_is_taken(api: Api) -> None:
    body = b'{"n": 1, "x": "framed"}'
    for lines, sent in ((f'Content-Length: {len(body)}', body), ('Transfer-Encoding: chunked', chunked(body)),
                        ('transfer-encoding: CHUNKED', chunked(body[:1], body[1:])),
                        ('Transfer-Encoding: chunked', b'%X;ext="a b"\r\n%s\r\n000\r\nX-Trailer: y\r\n\r\n' % (len(body), body))):
        answers = send_raw(api, rows_request(api, sent, lines, 'Connection: close', length=False))
        assert statuses(answers) == [200], answers
    assert api.project.value("SELECT count(*) FROM log WHERE x = 'framed'") == '4'


def test_pipelined_requests_are_answered_in_order(api: Api) -> None:
    sent = b''.join(rows_request(api, b'{"n": %d, "x": "pipelined"}' % n, f'X-Request-Id: id-{n}') for n in range(20))
    sent += b'HEAD /docs HTTP/1.1\r\nHost: x\r\nX-Request-Id: id-20\r\n\r\n'
    sent += b'GET /nowhere HTTP/1.1\r\nHost: x\r\nX-Request-Id: id-21\r\nConnection: close\r\n\r\n'
    answers = send_raw(api, sent)
    assert statuses(answers) == [200] * 21 + [404], answers
    assert re.findall(rb'x-request-id: (\S+)', answers) == [b'id-%d' % n for n in range(22)]
    assert b'<html' not in answers, 'HEAD has no body'
    assert api.project.value("SELECT count(*) FROM log WHERE x = 'pipelined'") == '20'


def test_head_says_what_get_would(api: Api) -> None:
    for path in ('/docs', '/openapi.json', '/healthz'):
        get, head = api.get(path), api.ask('HEAD', path)
        assert head.body == b'' and head.status == get.status == 200
        assert head.headers['content-length'] == get.headers['content-length'] == str(len(get.body))
        assert head.headers['content-type'] == get.headers['content-type']


def test_a_connection_is_kept(api: Api) -> None:
    connection = api.connect()
    connection.connect()
    port = connection.sock.getsockname()[1]
    for number in range(5):
        answer = api.ask('POST', '/api/tables/log/rows', json.dumps({'n': number}), connection, content_type='application/json')
        assert answer.status == 200 and answer.headers['connection'] == 'keep-alive'
        assert api.ask('GET', '/nowhere', connection=connection).status == 404, 'what is refused without a body keeps it, too'
        assert connection.sock.getsockname()[1] == port
    connection.close()


def test_100_continue(api: Api) -> None:
    body = b'{"n": 5, "x": "continued"}'
    with socket.create_connection(api.address, timeout=DEADLINE) as sock:
        sock.sendall(rows_request(api, b'', f'Content-Length: {len(body)}', 'Expect: 100-continue', 'Connection: close', length=False))
        assert sock.recv(25, socket.MSG_WAITALL) == b'HTTP/1.1 100 Continue\r\n\r\n'
        sock.sendall(body)
        assert statuses(read_to_end(sock)) == [200]
    refused = rows_request(api.with_key('weir_wrong'), b'', 'Content-Length: 9', 'Expect: 100-continue', length=False)
    assert statuses(send_raw(api, refused)) == [401], 'who is refused is not asked for the body'
    too_long = rows_request(api, b'', 'Content-Length: 1000001', 'Expect: 100-continue', length=False)
    assert statuses(send_raw(api, too_long)) == [413]
    assert statuses(send_raw(api, rows_request(api, body, 'Expect: tea'))) == [417]
    assert statuses(send_raw(api, rows_request(api, body, 'Expect: 100-continue', 'Connection: close'))) == [200], 'who did not wait'


def test_heads_and_bodies_have_limits(api: Api) -> None:
    begin = b'GET /docs HTTP/1.1\r\nHost: x\r\n'
    assert statuses(send_raw(api, begin + b'x: ' + b'y' * 16_384 + b'\r\n\r\n')) == [431]
    assert statuses(send_raw(api, begin + b'x: ' + b'y' * 16_384)) == [431], 'also when it does not end'
    assert statuses(send_raw(api, begin + b''.join(b'a%d: b\r\n' % n for n in range(5_000)) + b'\r\n')) == [431]
    assert statuses(send_raw(api, b'GET /' + b'x' * 20_000 + b' HTTP/1.1\r\nHost: x\r\n\r\n')) == [431]
    assert statuses(send_raw(api, begin + b'Connection: close\r\nx: ' + b'y' * 15_000 + b'\r\n\r\n')) == [200]
    assert statuses(send_raw(api, rows_request(api, b'x' * 1_000_001))) == [413]
    megabytes = [b'x' * 100_000] * 11
    assert statuses(send_raw(api, rows_request(api, chunked(*megabytes), 'Transfer-Encoding: chunked', length=False))) == [413]
    # Chunks of a byte each cost the sender six times as much as us, and that has an end as well.
    drops = rows_request(api, b'1\r\nx\r\n' * 1_100_000, 'Transfer-Encoding: chunked', length=False)
    assert statuses(send_raw(api, drops))[0] in (400, 413)


def test_a_slow_head_and_a_slow_body_are_cut_off(api: Api) -> None:
    """The limits are 10 s for a head and 20 s for a body: here it only counts that both come."""
    with socket.create_connection(api.address, timeout=DEADLINE) as head, socket.create_connection(api.address, timeout=DEADLINE) as body:
        head.sendall(b'GET /docs HTTP/1.1\r\nHost: x\r\n')
        body.sendall(rows_request(api, b'{"n": 1', 'Content-Length: 100', length=False))
        assert statuses(read_to_end(head)) == [408]
        assert statuses(read_to_end(body)) == [408]


def still_open(sock: socket.socket) -> bool:
    """Nothing was answered, and nothing was closed."""
    poll = select.poll()  # descriptors beyond 1,024 are nothing for select()
    poll.register(sock, select.POLLIN)
    return not poll.poll(0)


def test_slow_clients_hold_nobody_up(api: Api) -> None:
    """Hundreds that send in drops; judged by what others get while these are open, not by time."""
    slow = []
    try:
        for number in range(600):
            sock = socket.create_connection(api.address, timeout=DEADLINE)
            slow.append(sock)
            if number % 3 == 0:
                sock.sendall(b'POST /api/tables/log/rows HTTP/1.1\r\nHost:')
            elif number % 3 == 1:
                sock.sendall(rows_request(api, b'{"n": 1', 'Content-Length: 100', length=False))
            else:
                sock.sendall(rows_request(api, b'5\r\n{"n":', 'Transfer-Encoding: chunked', length=False))
        answered = 0
        for number in range(100):
            assert api.rows('log', {'n': number, 'x': 'beside slow ones'}).status == 200
            assert api.get('/docs').status == 200
            answered += 1
            for sock in slow[number * 6:number * 6 + 6]:
                with contextlib.suppress(OSError):
                    sock.sendall(b' ')
            if number == 50:
                assert sum(still_open(sock) for sock in slow) > 0, 'the slow ones are still there'
        assert answered == 100
    finally:
        for sock in slow:
            sock.close()


def test_who_waits_longest_makes_room(tmp_path: pathlib.Path) -> None:
    with running(tmp_path, WEIR_YAML.replace('api:\n', 'api:\n  connections: 10\n')) as (api, _):
        waiting = []
        for number in range(10):
            sock = socket.create_connection(api.address, timeout=DEADLINE)
            sock.sendall(b'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n' if number else b'GET /heal')
            if number:
                assert sock.recv(65536).startswith(b'HTTP/1.1 200')
            waiting.append(sock)
        assert api.rows('log', {'n': 1}).status == 200, 'the eleventh'
        assert read_to_end(waiting[0]) == b'', 'the one that was not done with its head went'
        assert still_open(waiting[9])
        for sock in waiting:
            sock.close()


def ended_well(api: Api, number: int) -> int | None:
    """The status of a request for one row; none when the connection was refused or ended without an answer."""
    try:
        return api.rows('log', {'n': number, 'x': 'at the end'}).status
    except OSError:
        return None


def test_stopping_answers_what_was_asked(tmp_path: pathlib.Path) -> None:
    """SIGTERM under load: each answer holds, no answer is half, and what was not taken is not there."""
    with running(tmp_path, WEIR_YAML) as (api, owner):
        answers: dict[int, int | None] = {}

        def client(begin: int) -> None:
            for number in range(begin, begin + 100_000):
                answers[number] = ended_well(api, number)
                if answers[number] != 200:
                    return

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            clients = [pool.submit(client, number * 1_000_000) for number in range(16)]
            wait_until(lambda: list(answers.values()).count(200) > 200, 'the clients are at it')
            owner.process.send_signal(signal.SIGTERM)
            for each in clients:
                each.result(timeout=DEADLINE)
        assert owner.process.wait(timeout=DEADLINE) == 0
        assert set(answers.values()) <= {200, 503, None}
        assert ended_well(api, 1) is None, 'nobody listens'
        good = {number for number, status in answers.items() if status == 200}
        there = {int(row['n']) for row in api.project.query("SELECT n FROM log WHERE x = 'at the end'")}
        assert good <= there and not {number for number, status in answers.items() if status == 503} & there


def test_an_unfinished_request_does_not_hold_up_stopping(tmp_path: pathlib.Path) -> None:
    with running(tmp_path, WEIR_YAML) as (api, owner):
        with socket.create_connection(api.address, timeout=DEADLINE) as body, socket.create_connection(api.address, timeout=DEADLINE) as idle:
            body.sendall(rows_request(api, b'{"n": 1', 'Content-Length: 100', length=False))
            idle.sendall(b'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
            assert idle.recv(65536).startswith(b'HTTP/1.1 200')
            assert owner.stop() == 0
            assert read_to_end(idle) == b''
            assert statuses(read_to_end(body)) in ([], [408], [503])


def resident_bytes(admin: str) -> float:
    with urllib.request.urlopen(admin + '/metrics', timeout=DEADLINE) as answer:
        families = prometheus_text.parse(answer.read().decode())
    return families['process_resident_memory_bytes'].value()


def test_ten_thousand_idle_connections(tmp_path: pathlib.Path) -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    connections = 10_000
    if most[1] < connections + 500:
        pytest.skip(f'10,000 idle connections: `ulimit -Hn` is {most[1]}, and {connections + 500} are needed')
    resource.setrlimit(resource.RLIMIT_NOFILE, (most[1], most[1]))
    idle: list[socket.socket] = []
    try:
        with running(tmp_path, WEIR_YAML) as (api, _):
            admin = (tmp_path / '.weir' / 'default' / 'admin').read_text().strip()
            assert api.rows('log', {'n': 1}).status == 200
            before = resident_bytes(admin)
            for _ in range(connections):
                sock = socket.create_connection(api.address, timeout=DEADLINE)
                sock.sendall(b'GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n')
                idle.append(sock)
                if len(idle) % 500 == 0:  # each has been served once, and is idle from now on
                    for one in idle[-500:]:
                        assert one.recv(65536).startswith(b'HTTP/1.1 404')
            assert api.rows('log', {'n': 2}).status == 200, 'others are served beside them'
            grown = resident_bytes(admin) - before
            print(f'{connections} idle connections take {grown / 1e6:.0f} MB')
            open_ones = sum(still_open(sock) for sock in idle)
            assert open_ones > connections * 0.9, 'most were not idle for long enough to be closed'
            assert grown <= 200e6, f'{grown / 1e6:.0f} MB'
    finally:
        for sock in idle:
            sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, most)

"""The download step against servers that break off, lie, stall, redirect and change their minds."""
import datetime
import gzip
import hashlib
import os
import pathlib
import signal
import ssl
import subprocess
import threading
import time
import urllib.request

import pytest

from http_server import Asked, serving
from weir_project import Project, wait_until

CONTENT = b'id\n' + b''.join(b'%d\n' % number for number in range(200_000))
OTHER = CONTENT.replace(b'7', b'8')


def make(root: pathlib.Path, url: str, settings: str = '', network: str = '{}', extra: str = '') -> Project:
    root.mkdir(parents=True, exist_ok=True)
    (root / 'weir.yaml').write_text(f'''
project: downloads
databases: {{db: "duckdb://db.duckdb"}}
buckets: {{landing: "file://landing"}}
tables: {{t: {{in: db, columns: {{id: bigint}}}}}}
network: {network}
pipelines:
  fetch:
    retry: {{times: 4, backoff: 10ms, longest: 50ms}}
    steps:
      - download: {{url: "{url}", to: landing/in/x.csv{settings}}}
{extra}''')
    return Project(root)


def fetched(project: Project, key: str = 'in/x.csv') -> bytes | None:
    path = project.root / 'landing' / key
    return path.read_bytes() if path.exists() else None


def alone(project: Project) -> bool:
    """Nothing but the object lies in the bucket, hidden names included."""
    names = [name for _, _, files in os.walk(project.root / 'landing') for name in files]
    return names == ['x.csv']


def version(content: bytes) -> str:
    assert len(content) <= 4 << 20
    return 'sha256:' + hashlib.sha256(content).hexdigest()


def test_what_has_not_changed_is_no_new_version(tmp_path) -> None:
    content = [CONTENT, '"1"']
    with serving(lambda asked: asked.file(content[0], content[1])) as server:
        project = make(tmp_path / 'p', server.url('/x.csv?token=geheim'))
        first, = project.run('fetch')
        assert (first['status'], first['object'], first['version']) == ('succeeded', 'landing/in/x.csv', version(CONTENT))
        assert set(first['rows'].values()) == {0}
        assert fetched(project) == CONTENT and alone(project)
        before = (project.root / 'landing/in/x.csv').stat()

        second, = project.run('fetch')
        assert (second['status'], second['version']) == ('skipped', version(CONTENT))
        assert server.asked[-1].headers['if-none-match'] == '"1"'

        content[1] = '"2"'  # another tag on the same bytes
        third, = project.run('fetch')
        assert third['status'] == 'skipped'
        assert (project.root / 'landing/in/x.csv').stat() == before, 'it was not touched'
        assert [project.run('fetch')[0]['status'], server.asked[-1].headers['if-none-match']] == ['skipped', '"2"']

        content[:] = [OTHER, '"3"']
        fourth, = project.run('fetch')
        assert (fourth['status'], fourth['version']) == ('succeeded', version(OTHER))
        assert fetched(project) == OTHER

        (project.root / 'landing/in/x.csv').unlink()
        assert project.run('fetch')[0]['status'] == 'succeeded', 'what is gone is fetched again'
        assert 'if-none-match' not in server.asked[-1].headers
        assert project.run('fetch', '--force')[0]['status'] == 'succeeded'
        state = b''.join(path.read_bytes() for path in (project.root / '.weir').rglob('*') if path.is_file())
        assert b'geheim' not in state


def test_an_answer_that_breaks_off_is_gone_on_with(tmp_path) -> None:
    cuts = [300_000, 300_000, None]
    with serving(lambda asked: asked.file(CONTENT, '"1"', cuts.pop(0))) as server:
        project = make(tmp_path / 'p', server.url('/x.csv'))
        receipt, = project.run('fetch')
        assert receipt['status'] == 'succeeded' and fetched(project) == CONTENT and alone(project)
        assert [asked.headers.get('range') for asked in server.asked] == [None, 'bytes=300000-', 'bytes=600000-']
        run, = project.runs()
        assert run['state'] == 'succeeded'


def test_a_part_of_something_else_is_not_gone_on_with(tmp_path) -> None:
    def script(asked: Asked) -> None:
        if len(server.asked) == 1:
            asked.file(CONTENT, '"1"', 300_000)
        elif len(server.asked) == 2:  # ignores If-Range: a part of the new version
            asked.answer(206, OTHER[300_000:], ETag='"2"', Content_Range=f'bytes 300000-{len(OTHER) - 1}/{len(OTHER)}')
        else:
            asked.file(OTHER, '"2"')
    with serving(script) as server:
        project = make(tmp_path / 'p', server.url('/x.csv'))
        assert project.run('fetch')[0]['status'] == 'succeeded'
        assert fetched(project) == OTHER
        assert 'range' not in server.asked[2].headers


@pytest.mark.parametrize('second', ['changed', 'refused', 'unprovable'])
def test_the_rest_is_only_asked_for_with_proof(tmp_path, second: str) -> None:
    def script(asked: Asked) -> None:
        if len(server.asked) == 1:
            asked.file(CONTENT, 'W/"1"' if second == 'unprovable' else '"1"', 300_000)
        elif second == 'refused' and 'range' in asked.headers:
            asked.answer(416)
        else:
            asked.file(OTHER, '"2"')
    with serving(script) as server:
        project = make(tmp_path / 'p', server.url('/x.csv'))
        assert project.run('fetch')[0]['status'] == 'succeeded'
        assert fetched(project) == OTHER
        assert ('range' in server.asked[1].headers) == (second != 'unprovable')


def test_lies_about_the_length(tmp_path) -> None:
    with serving(lambda asked: asked.answer(200, CONTENT, Content_Length=str(len(CONTENT) + 10))) as server:
        project = make(tmp_path / 'more', server.url('/x.csv'))
        receipt, = project.run('fetch', code=1)
        assert receipt['error']['code'] == 'unavailable' and 'breaks off' in receipt['error']['message']
        assert len(server.asked) == 5, 'one try and four retries'
        assert fetched(project) is None
    with serving(lambda asked: asked.answer(200, CONTENT, Content_Length=str(len(CONTENT) - 10))) as server:
        digest = hashlib.sha256(CONTENT).hexdigest()
        project = make(tmp_path / 'less', server.url('/x.csv'), f', sha256: "{digest}"')
        receipt, = project.run('fetch', code=1)
        assert receipt['error']['code'] == 'invalid_input' and 'SHA-256' in receipt['error']['message']
        assert fetched(project) is None


def test_resets_and_stalls_pass(tmp_path) -> None:
    def script(asked: Asked) -> None:
        if len(server.asked) == 1:
            asked.send(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc')
            asked.reset()
        elif len(server.asked) == 2:
            asked.wait_closed()
        elif len(server.asked) == 3:
            asked.send(b'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n')
            while asked.send(b'x') and not asked.wait_closed(0.01):
                pass
        else:
            asked.answer(200, CONTENT)
    with serving(script) as server:
        project = make(tmp_path / 'p', server.url('/x.csv'), ', stall: 1s')
        assert project.run('fetch')[0]['status'] == 'succeeded'
        assert fetched(project) == CONTENT and len(server.asked) >= 4, 'each was tried again'


@pytest.mark.parametrize('status,code,tries', [(404, 'not_found', 1), (403, 'invalid_input', 1), (503, 'unavailable', 5),
                                               (429, 'unavailable', 5), (204, 'invalid_input', 1),
                                               (304, 'invalid_input', 1)])
def test_refusals(tmp_path, status: int, code: str, tries: int) -> None:
    with serving(lambda asked: asked.answer(status, Retry_After='0')) as server:
        project = make(tmp_path / 'p', server.url('/x.csv?token=geheim'))
        receipt, = project.run('fetch', code=1)
        assert receipt['error']['code'] == code
        assert receipt['error']['message'] == f'{server.url("/x.csv?token=…")} answers {status}'
        assert len(server.asked) == tries


def test_who_asks_for_time_gets_it(tmp_path) -> None:
    asked_at: list[float] = []

    def script(asked: Asked) -> None:
        asked_at.append(time.monotonic())
        if len(asked_at) == 1:
            asked.answer(503, Retry_After='1')
        else:
            asked.answer(200, CONTENT)
    with serving(script) as server:
        project = make(tmp_path / 'p', server.url('/x.csv'))
        assert project.run('fetch')[0]['status'] == 'succeeded'
        assert asked_at[1] - asked_at[0] >= 1, 'its own backoff is 10 ms'


def test_redirects_stay_inside_the_fence(tmp_path) -> None:
    target = ['/x.csv']

    def script(asked: Asked) -> None:
        if asked.path == '/there':
            asked.answer(200, CONTENT)
        else:
            asked.answer(302, Location=target[0])
    with serving(script) as server:
        project = make(tmp_path / 'p', server.url('/x.csv'))
        receipt, = project.run('fetch', code=1)
        assert 'redirects in a circle' in receipt['error']['message']
        target[0] = 'http://169.254.169.254/latest/meta-data/iam'
        receipt, = project.run('fetch', code=1)
        assert '169.254.169.254 is behind the fence' in receipt['error']['message']
        target[0] = server.url('/there', 'localhost')
        assert project.run('fetch')[0]['status'] == 'succeeded'
        fenced = make(tmp_path / 'fenced', server.url('/x.csv'), network='{allow: [127.0.0.1/32], deny: [localhost]}')
        receipt, = fenced.run('fetch', code=1)
        assert 'localhost is behind the fence' in receipt['error']['message']
        assert fetched(fenced) is None


def test_sizes_are_bounded(tmp_path) -> None:
    with serving(lambda asked: asked.answer(200, CONTENT)) as server:
        project = make(tmp_path / 'told', server.url('/x.csv'), ', max_size: 1kB')
        receipt, = project.run('fetch', code=1)
        assert 'larger than its max_size of 1000 bytes' in receipt['error']['message']

    def endless(asked: Asked) -> None:
        asked.send(b'HTTP/1.1 200 OK\r\n\r\n')
        while asked.send(b'x' * 4096):
            pass
    with serving(endless) as server:
        project = make(tmp_path / 'untold', server.url('/x.csv'), ', max_size: 1MB')
        receipt, = project.run('fetch', code=1)
        assert 'max_size' in receipt['error']['message']
    bomb = gzip.compress(b'0' * 50_000_000)
    with serving(lambda asked: asked.answer(200, bomb, Content_Encoding='gzip')) as server:
        project = make(tmp_path / 'bomb', server.url('/x.csv'), ', max_size: 1MB')
        receipt, = project.run('fetch', code=1)
        assert 'unpacked' in receipt['error']['message']
        assert fetched(project) is None

    def huge(asked: Asked) -> None:
        asked.send(b'HTTP/1.1 200 OK\r\n' + b'X: ' + b'x' * 90_000 + b'\r\n\r\n')
    with serving(huge) as server:
        project = make(tmp_path / 'headers', server.url('/x.csv'))
        receipt, = project.run('fetch', code=1)
        assert fetched(project) is None


def test_what_the_server_packs_is_unpacked(tmp_path) -> None:
    packed = gzip.compress(CONTENT)

    def chunked(asked: Asked) -> None:
        assert asked.headers['accept-encoding'] == 'identity'
        asked.send(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n')
        for begin in range(0, len(packed), 5000):
            part = packed[begin:begin + 5000]
            asked.send(b'%x\r\n%s\r\n' % (len(part), part))
        asked.send(b'0\r\n\r\n')
    with serving(chunked) as server:
        project = make(tmp_path / 'p', server.url('/x.csv'))
        assert project.run('fetch')[0]['version'] == version(CONTENT)
        assert fetched(project) == CONTENT
    with serving(lambda asked: asked.answer(200, packed, Content_Encoding='br')) as server:
        project = make(tmp_path / 'br', server.url('/x.csv'))
        receipt, = project.run('fetch', code=1)
        assert "content-encoding 'br'" in receipt['error']['message']


def test_secrets_and_days_in_the_request(tmp_path) -> None:
    with serving(lambda asked: asked.answer(200, CONTENT)) as server:
        project = make(tmp_path / 'p', server.url('/${run.day}.csv?key=${secret:query}'),
                       ', headers: {Authorization: "Bearer ${secret:token}"}')
        text = (project.root / 'weir.yaml').read_text().replace('in/x.csv', '"landing/${run.day}/x.csv"')
        text = text.replace('landing/"landing/', '"landing/')
        (project.root / 'weir.yaml').write_text(text)
        project.environment = {'WEIR_SECRET_TOKEN': 'geheimnis-eins', 'WEIR_SECRET_QUERY': 'geheimnis-zwei'}
        receipt, = project.run('fetch')
        yesterday = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)).date()
        assert receipt['object'] == f'landing/{yesterday}/x.csv'
        assert server.asked[0].path == f'/{yesterday}.csv?key=geheimnis-zwei'
        assert server.asked[0].headers['authorization'] == 'Bearer geheimnis-eins'
        state = b''.join(path.read_bytes() for path in (project.root / '.weir').rglob('*') if path.is_file())
        assert b'geheimnis' not in state
        plan = project.verb('plan', 'fetch')
        assert 'would download' in plan.out and 'geheimnis' not in plan.out and len(server.asked) == 1
        project.environment.pop('WEIR_SECRET_TOKEN')
        receipt, = project.run('fetch', code=1)
        assert "'token'" in receipt['error']['message']


def test_servers_are_verified(tmp_path) -> None:
    key, certificate = tmp_path / 'key.pem', tmp_path / 'certificate.pem'
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost',
                    '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', certificate],
                   check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serving(lambda asked: asked.answer(200, CONTENT), context) as server:
        unknown = make(tmp_path / 'unknown', server.url('/x.csv', 'localhost'))
        receipt, = unknown.run('fetch', code=1)
        assert receipt['error']['code'] == 'invalid_input' and 'cannot trust' in receipt['error']['message']
        wrong_name = make(tmp_path / 'name', server.url('/x.csv', '127.0.0.1'), network=f'{{ca_file: "{certificate}"}}')
        assert 'cannot trust' in wrong_name.run('fetch', code=1)[0]['error']['message']
        assert not server.asked, 'nothing was sent'
        known = make(tmp_path / 'known', server.url('/x.csv', 'localhost'), network=f'{{ca_file: "{certificate}"}}')
        assert known.run('fetch')[0]['status'] == 'succeeded'


def arrivals(project: Project) -> list[dict]:
    return [run for run in project.runs('--pipeline', 'load', '--limit', '100')]


LOAD = '''
  load:
    when: [{object: "landing/**"}]
    steps:
      - read: {format: csv}
      - load: {table: t, mode: append}
'''


def test_killed_while_it_downloads(tmp_path) -> None:
    begun = threading.Event()

    def script(asked: Asked) -> None:
        if len(server.asked) == 1:
            asked.file(CONTENT, '"1"', 400_000)
            begun.set()
            asked.wait_closed()
        else:
            asked.file(CONTENT, '"1"')
    with serving(script) as server:
        project = make(tmp_path / 'p', server.url('/x.csv'), extra=LOAD)
        with project.up() as owner:
            asking = subprocess.Popen([str(project.weir), 'run', 'fetch', '--project', str(project.root)],
                                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            assert begun.wait(60)
            part = project.root / '.weir/default/downloads'
            wait_until(lambda: sum(path.stat().st_size for path in part.glob('*.part')) == 400_000, 'the part is there')
            assert fetched(project) is None
            os.kill(owner.pid, signal.SIGKILL)
            asking.kill()
            asking.wait()
        with project.up():
            wait_until(lambda: project.value('SELECT count(*) FROM t') == '200000', 'the rows are there')
            assert fetched(project) == CONTENT and alone(project)
            assert server.asked[1].headers['range'] == 'bytes=400000-'
            wait_until(lambda: [run['state'] for run in arrivals(project)] == ['succeeded'], 'one arrival')


@pytest.mark.parametrize('point', ['object-written', 'object-put', 'download-put', 'run-executed', 'run-finished'])
def test_killed_between_put_and_verdict(tmp_path, point: str) -> None:
    with serving(lambda asked: asked.file(CONTENT, '"1"')) as server:
        project = make(tmp_path / 'p', server.url('/x.csv'), extra=LOAD)
        project.environment = {'WEIR_FAULTS': f'crash@{point}:1'}
        died = project.verb('run', 'fetch')
        assert died.code == -signal.SIGKILL, died
        before = fetched(project)
        assert before == (None if point == 'object-written' else CONTENT)
        stat = (project.root / 'landing/in/x.csv').stat() if before else None
        project.environment = {}
        with project.up():
            wait_until(lambda: project.value('SELECT count(*) FROM t') == '200000', 'the rows are there')
            run, = project.runs('--pipeline', 'fetch')
            assert run['state'] == 'succeeded', 'it did put it: that is no "unchanged"'
            assert fetched(project) == CONTENT and alone(project)
            if stat:
                assert (project.root / 'landing/in/x.csv').stat().st_ino == stat.st_ino, 'it is put once'
            wait_until(lambda: [run['state'] for run in arrivals(project)] == ['succeeded'], 'one arrival')


def test_what_was_put_is_counted_once(tmp_path) -> None:
    with serving(lambda asked: asked.file(CONTENT, '"1"')) as server:
        project = make(tmp_path / 'p', server.url('/x.csv'))
        with project.up('--admin-port', '0'):
            project.run('fetch')
            assert project.run('fetch')[0]['status'] == 'skipped'
            monitoring = (project.root / '.weir/default/admin').read_text().strip()

            def shown() -> bool:
                with urllib.request.urlopen(monitoring + '/metrics', timeout=30) as answer:
                    return f'weir_downloaded_bytes_total{{pipeline="fetch"}} {len(CONTENT)}\n' in answer.read().decode()
            wait_until(shown, 'the bytes of one download')

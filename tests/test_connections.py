"""Connections to servers: bounded, used again, survived when they break, given up when nobody answers, private."""
import pathlib
import shutil
import socket
import subprocess
from typing import Iterator

import pytest

from database_servers import MariaDB, Postgres
from weir_project import Project, wait_until
from wire_proxy import WireProxy

Server = Postgres | MariaDB


@pytest.fixture(scope='module', params=[Postgres, MariaDB], ids=lambda kind: kind.engine)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with request.param() as started:
        yield started


@pytest.fixture
def proxy(server: Server, tmp_path: pathlib.Path) -> Iterator[WireProxy]:
    (tmp_path / 'wire').mkdir()
    with WireProxy(server.engine, tmp_path / 'wire' / server.socket.name, server.socket) as wire:
        yield wire


@pytest.fixture
def database(server: Server, tmp_path: pathlib.Path) -> Iterator[str]:
    name = f'test_{abs(hash(tmp_path)) % 10**9}'
    server.create(name)
    yield name
    server.drop(name)


def project_of(root: pathlib.Path, url: str, pipelines: int) -> Project:
    tables = ''.join(f'  t{number}: {{in: db, columns: {{id: integer | key}}}}\n' for number in range(pipelines))
    steps = ''.join(f'''  p{number}:
    when: [{{object: landing/{number}/*.json}}]
    retry: {{times: 100, backoff: 50ms, longest: 500ms}}
    steps: [{{read: {{format: json}}}}, {{load: {{table: t{number}, mode: merge}}}}]
''' for number in range(pipelines))
    (root / 'landing').mkdir()
    (root / 'weir.yaml').write_text(f'project: many\nmemory: 512MB\ndatabases: {{db: "{url}"}}\n'
                                    f'buckets: {{landing: {{url: "file://landing", settle: 100ms}}}}\n'
                                    f'tables:\n{tables}pipelines:\n{steps}')
    return Project(root)


def wait_for(project: Project, runs: int) -> None:
    wait_until(lambda: len(project.runs('--state', 'succeeded', '--limit', '1000')) >= runs, f'{runs} loads')


def test_they_are_bounded_and_used_again(server: Server, proxy: WireProxy, database: str, tmp_path: pathlib.Path) -> None:
    project = project_of(tmp_path, server.url(database, tmp_path / 'wire'), 14)
    with project.up():
        for number in range(14):
            project.write(f'landing/{number}/a.json', '{"id": 1}\n')
        wait_for(project, 14)
        assert proxy.count() == 10, 'as many are kept as may be'
        made = proxy.made
        for version in range(2, 6):
            project.write(f'landing/13/{version}.json', f'{{"id": {version}}}\n')
            wait_for(project, 13 + version)
        assert proxy.made - made <= 1, 'one pipeline alone makes no new ones'
    # One more for a moment: the first look at the database.
    assert proxy.most_links <= 11, proxy.most_links


def test_a_server_that_restarts_while_nobody_works(server: Server, proxy: WireProxy, database: str,
                                                   tmp_path: pathlib.Path) -> None:
    project = project_of(tmp_path, server.url(database, tmp_path / 'wire'), 2)
    with project.up() as owner:
        for number in (0, 1):
            project.write(f'landing/{number}/a.json', '{"id": 1}\n')
        wait_for(project, 2)
        server.stop()
        server.start()
        for number in (0, 1):
            project.write(f'landing/{number}/b.json', '{"id": 2}\n')
        wait_for(project, 4)
        assert owner.stop() == 0
    assert not project.runs('--state', 'failed') and not project.runs('--state', 'parked')
    assert server.query('SELECT count(*) FROM t0', database) == [['2']]


def test_a_server_that_falls_silent_is_given_up(server: Server, proxy: WireProxy, database: str,
                                                tmp_path: pathlib.Path) -> None:
    url = server.url(database, tmp_path / 'wire') + '&answer_timeout=1&connect_timeout=1'
    project = project_of(tmp_path, url, 1)
    with project.up() as owner:
        project.write('landing/0/a.json', '{"id": 1}\n')
        wait_for(project, 1)
        proxy.fall_silent()
        project.write('landing/0/b.json', '{"id": 2}\n')
        wait_until(lambda: 'is down' in owner.log.read_text(), 'the silence is noticed')
        proxy.cut_all()
        proxy.speak()
        wait_for(project, 2)
        assert owner.stop() == 0
    assert server.query('SELECT id FROM t0 ORDER BY id', database) == [['1'], ['2']]


class Authority:
    """Signs certificates of servers."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        folder.mkdir()
        self.openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', f'/CN={folder.name}',
                     '-keyout', 'ca.key', '-out', 'ca.pem')

    @property
    def file(self) -> pathlib.Path:
        return self.folder / 'ca.pem'

    def openssl(self, *words: str) -> None:
        subprocess.run(['openssl', *words], cwd=self.folder, check=True, capture_output=True)

    def sign(self, name: str, folder: pathlib.Path) -> None:
        """Puts server.key and server.pem there, of a server called `name`."""
        (self.folder / 'names').write_text(f'subjectAltName=DNS:{name}\n')
        self.openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', f'/CN={name}', '-keyout', 'server.key', '-out',
                     'server.csr')
        self.openssl('x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days',
                     '2', '-extfile', 'names', '-out', 'server.pem')
        for file in ('server.key', 'server.pem'):
            (folder / file).write_bytes((self.folder / file).read_bytes())
            (folder / file).chmod(0o600)


def listen_with_tls(server: Server, authority: Authority) -> int:
    """Lets it listen on a port, known as localhost. Gives the port."""
    authority.sign('localhost', server.root)
    for file in ('server.key', 'server.pem'):
        if server.user:
            shutil.chown(server.root / file, server.user)
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    key, certificate = server.root / 'server.key', server.root / 'server.pem'
    if isinstance(server, Postgres):
        server.arguments = [*server.arguments, '-c', 'listen_addresses=localhost', '-c', f'port={port}', '-c', 'ssl=on', '-c',
                             f'ssl_key_file={key}', '-c', f'ssl_cert_file={certificate}']
    else:
        server.arguments = [*server.arguments, '--skip-networking=0', '--bind-address=127.0.0.1', f'--port={port}', f'--ssl-key={key}',
                             f'--ssl-cert={certificate}']
    server.stop()
    server.start()
    return port


@pytest.mark.parametrize('kind', [Postgres, MariaDB], ids=lambda kind: kind.engine)
def test_the_server_proves_who_it_is(kind: type[Server], tmp_path: pathlib.Path) -> None:
    authority, other = Authority(tmp_path / 'authority'), Authority(tmp_path / 'other')
    with kind() as server:
        port = listen_with_tls(server, authority)
        user = 'owner' if server.engine == 'postgres' else f'weir:{server.password}'

        def found(host: str, mode: str, trusted: Authority) -> list[dict]:
            (tmp_path / 'weir.yaml').write_text(
                f'project: private\ndatabases: {{db: "{server.engine}://{user}@{host}:{port}/{server.database}?sslmode={mode}'
                f'&sslrootcert={trusted.file}"}}\nbuckets: {{landing: file://landing}}\n'
                'tables: {t: {in: db, columns: {id: integer | key}}}\npipelines: {load: {when: [{object: landing/*}], '
                'steps: [{read: {format: json}}, {load: {table: t, mode: merge}}]}}\n')
            return [each for each in Project(tmp_path).verb('doctor', '--format', 'json').json()
                    if each['check'] == 'database db']

        [well] = found('localhost', 'verify-full', authority)
        assert well['verdict'] == 'ok' and 'TLSv1' in well['found'], well
        project = Project(tmp_path)
        project.write('landing/a.json', '{"id": 1}\n')
        assert [receipt['status'] for receipt in project.run('load')] == ['succeeded']
        for host, mode, trusted in [('127.0.0.1', 'verify-full', authority), ('localhost', 'verify-full', other),
                                    ('localhost', 'verify-ca', other)]:
            [trouble] = found(host, mode, trusted)
            assert trouble['verdict'] == 'problem' and 'certificate' in trouble['found'].lower(), (host, mode, trouble)
            if server.engine == 'mysql':
                assert server.password not in str(trouble)
        by_authority_alone = found('127.0.0.1', 'verify-ca', authority)
        assert by_authority_alone and not [each for each in by_authority_alone if each['verdict'] == 'problem'], by_authority_alone

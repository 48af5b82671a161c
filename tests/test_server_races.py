"""Another program writes between what a load decides and what it writes: the rows are judged anew, not laid at the
server's door. The other session holds a row that is not committed: the load cannot see it, and waits for it."""
import json
import pathlib
import subprocess
import threading
from typing import Iterator

import pytest

from database_servers import MariaDB, Postgres
from weir_project import Project, wait_until

Server = Postgres | MariaDB
PROJECT = '''
project: races
memory: 512MB
databases: {{db: "{url}"}}
buckets: {{landing: file://landing}}
tables:
  people: {{in: db, columns: {{id: bigint | key, email: varchar(50) | unique, name: varchar(50)}}}}
pipelines:
  load:
    when: [{{object: "landing/*.json"}}]
    steps: [read: {{format: json}}, load: {{table: people, mode: {mode}}}]
'''


@pytest.fixture(scope='module', params=[Postgres, MariaDB], ids=lambda kind: kind.engine)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with request.param() as started:
        yield started


class OtherSession:
    """The server's own client, with a transaction that stays open until commit()."""

    def __init__(self, server: Server, database: str):
        words = (['psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-h', str(server.root), '-U', 'owner', '-d', database]
                 if isinstance(server, Postgres) else
                 ['mariadb', '--no-defaults', f'--socket={server.socket}', '-u', 'root', '-N', '--unbuffered', database])
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, sql: str) -> None:
        """Returns when the statement is done."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(sql + ';\nSELECT 4711;\n')
        self.process.stdin.flush()
        while self.process.stdout.readline().strip() != '4711':
            assert self.process.poll() is None, 'the other session is gone'

    def __enter__(self) -> 'OtherSession':
        return self

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()


def somebody_waits(server: Server, database: str) -> bool:
    if isinstance(server, Postgres):
        return server.query(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND wait_event_type = 'Lock'"
                            ) != [['0']]
    # Not innodb_lock_waits: who looks at it ten times a second sees what was there at first.
    return server.query("SELECT variable_value FROM information_schema.global_status "
                        "WHERE variable_name = 'INNODB_ROW_LOCK_CURRENT_WAITS'") != [['0']]


@pytest.mark.parametrize('mode, written, told', [
    ('append', "(7, 'new@x', 'theirs')", ('id', 'key')),
    ('append', "(70, '7@x', 'theirs')", ('email', 'unique')),
    ('merge', "(70, '7@x', 'theirs')", ('email', 'unique')),
    ('merge', "(7, 'new@x', 'theirs')", None),
    ('ignore', "(7, 'new@x', 'theirs')", None),
], ids=lambda value: str(value))
def test_what_others_write_meanwhile_is_judged_by_the_rules(mode: str, written: str, told: tuple[str, str] | None, server: Server,
                                                            tmp_path: pathlib.Path) -> None:
    database = f'races_{abs(hash(tmp_path)) % 10**9}'
    server.create(database)
    (tmp_path / 'landing').mkdir()
    (tmp_path / 'weir.yaml').write_text(PROJECT.format(url=server.url(database), mode=mode))
    mine = Project(tmp_path)
    mine.write('landing/0.json', '{"id": 1, "email": "1@x", "name": "mine"}\n')
    mine.run('load', '--object', 'landing/0.json')
    mine.write('landing/1.json', ''.join(json.dumps({'id': number, 'email': f'{number}@x', 'name': 'mine'}) + '\n'
                                         for number in range(2, 10)))
    receipts: list[dict] = []
    with OtherSession(server, database) as other:
        other.run('BEGIN')
        other.run(f'INSERT INTO people VALUES {written}')
        run = threading.Thread(target=lambda: receipts.extend(mine.run('load', '--object', 'landing/1.json', code=None)))
        run.start()
        try:
            wait_until(lambda: somebody_waits(server, database) or not run.is_alive(), 'the load waits for the other row')
        finally:
            other.run('COMMIT')
            run.join()
    (receipt,) = receipts
    counts = receipt['rows']
    rejects = [(reject['element'], reject['field'], reject['rule'], reject['message']) for reject in receipt['rejects']]
    if told is None:
        assert not rejects and receipt['status'] == 'succeeded', receipt
        assert (counts['inserted'], counts['updated'], counts['deduplicated']) == (
            (7, 1, 0) if mode == 'merge' else (7, 0, 1)), receipt
    else:
        ((element, field, rule, message),) = rejects
        assert (element, field, rule) == (6, *told) and message.startswith('the table already has'), receipt
        assert counts['inserted'] == 7, receipt
    expected = 'mine' if mode == 'merge' and told is None else 'theirs'
    assert server.query("SELECT name FROM people WHERE id = 7 OR email = '7@x'", database) == [[expected]]

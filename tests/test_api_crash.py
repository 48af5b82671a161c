"""kill -9 under load: every row that was answered 200 is there once, and none is there twice though clients ask again.

`WEIR_CRASH_ROUNDS=100` has as many rounds for each engine; `WEIR_CRASH_SEED=7` begins with that seed.
"""
import json
import os
import pathlib
import random
import threading
import time
from typing import Iterator

import pytest

from api_client import Api, make_key
from database_servers import MariaDB, Postgres
from weir_project import OwnerDied, Project

WEIR_YAML = '''
project: crash
databases: {{db: "{url}"}}
tables:
  sent:
    in: db
    columns: {{id: bigint | required, sender: integer, note: varchar(20)}}
api: {{}}
'''
SENDERS = 6
SECONDS = 60.0
ROUNDS = int(os.environ.get('WEIR_CRASH_ROUNDS', '3'))
FIRST_SEED = int(os.environ.get('WEIR_CRASH_SEED', '0'))


class Sender(threading.Thread):
    """Sends batches, each under a key of its own, and asks again until it is told what became of one."""

    def __init__(self, number: int, places: 'Places', batches: int, seed: int):
        super().__init__()
        self.number = number
        self.places = places
        self.batches = batches
        self.dice = random.Random(seed * 1000 + number)
        self.answered: list[int] = []
        self.problem: str | None = None

    def run(self) -> None:
        try:
            for batch in range(self.batches):
                rows = [{'id': self.number * 1_000_000 + batch * 1000 + row, 'sender': self.number, 'note': 'n'}
                        for row in range(self.dice.randint(1, 50))]
                self.answered += self.send(rows, f'{self.number}-{batch}')
        except Exception as problem:  # the main thread tells
            self.problem = repr(problem)

    def send(self, rows: list[dict], key: str) -> list[int]:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            try:
                answer = self.places.api().rows('sent', rows, Idempotency_Key=key)
            except (OSError, ValueError):
                self.places.wait_for_change()
                continue
            if answer.status == 200:
                assert answer.json()['rows']['inserted'] == len(rows), answer
                return [row['id'] for row in rows]
            assert answer.status == 503, answer
            self.places.wait_for_change()
        raise AssertionError(f'{key}: no answer')


class Places:
    """Where the API is: anew after each crash."""

    def __init__(self, project: Project, key: str):
        self.project = project
        self.key = key
        self.changed = threading.Condition()
        self.current: Api | None = None

    def api(self) -> Api:
        with self.changed:
            if not self.changed.wait_for(lambda: self.current is not None, SECONDS):
                raise AssertionError('weir does not come up again')
            return self.current

    def set(self, current: Api | None) -> None:
        with self.changed:
            self.current = current
            self.changed.notify_all()

    def wait_for_change(self) -> None:
        with self.changed:
            self.changed.wait(0.05)


@pytest.fixture(scope='module')
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture(scope='module')
def mariadb() -> Iterator[MariaDB]:
    with MariaDB() as server:
        yield server


@pytest.mark.parametrize('engine', ['duckdb', 'postgres', 'mariadb'])
@pytest.mark.parametrize('seed', range(FIRST_SEED, FIRST_SEED + ROUNDS))
def test_killed_under_load(engine: str, seed: int, request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> None:
    dice = random.Random(seed)
    url = 'duckdb://db.duckdb'
    if engine != 'duckdb':
        server = request.getfixturevalue(engine)
        database = f'crash_{seed}'
        server.create(database)
        if engine == 'mariadb':
            server.query("GRANT ALL ON *.* TO weir@'%'")
        url = server.url(database)
    (tmp_path / 'weir.yaml').write_text(WEIR_YAML.format(url=url))
    project = Project(tmp_path)
    places = Places(project, make_key(project, 'sender'))
    senders = [Sender(number, places, 30, seed) for number in range(SENDERS)]
    points = ['before-stage', 'before-commit', 'after-commit']
    started = False
    for life in range(6):
        last = life == 5
        project.environment = {} if last else {'WEIR_FAULTS': f'crash@{dice.choice(points)}:{dice.randint(1, 12)}'}
        try:
            owner = project.start('--port', '0')
        except OwnerDied:
            continue
        places.set(Api(project, places.key))
        if not started:
            for sender in senders:
                sender.start()
            started = True
        if last:
            break
        try:
            owner.process.wait(5)
        except Exception:
            pass  # the senders were done before it reached the point
        places.set(None)
        owner.kill()
    try:
        for sender in senders:
            sender.join(2 * SECONDS)
            assert not sender.is_alive() and sender.problem is None, (seed, sender.problem)
    finally:
        owner.kill()
    answered = sorted(id for sender in senders for id in sender.answered)
    there = sorted(int(row['id']) for row in project.query('SELECT id FROM sent'))
    assert there == answered, f'seed {seed}: {len(there)} rows are there, {len(answered)} were answered for'
    assert len(answered) > 100
    assert json.loads(project.verb('query', 'SELECT count(*) AS n FROM weir_requests', '--format', 'json').out) == [
        {'n': 30 * SENDERS}]

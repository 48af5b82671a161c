"""A server that stalls, lies about lengths, breaks off, resets and fails, under schedules and kill -9: what lands is
always a whole version it had, each loaded once, and whoever is to be told is told."""
import collections
import hashlib
import json
import pathlib
import random
import threading
import time

from rounds import Round, Setting
from weir_project import Owner, wait_until

from http_server import Asked, Server

WEIR_YAML = '''
project: simulation
memory: 512MB
databases: {{db: duckdb://db.duckdb}}
buckets:
  landing: {{url: "file://landing", settle: 100ms}}
tables:
  lines:
    in: db
    columns:
      version: integer | required
      line: integer | required
pipelines:
  fetch:
    when: [{{cron: "* * * * * *"}}]
    retry: {{times: 2, backoff: 50ms, longest: 200ms}}
    steps:
      - download: {{url: "{url}/file", to: landing/in/file.json, stall: 300ms, timeout: 20s}}
      - notify: {{url: "{url}/told", on: [success, failure]}}
  fetch-pinned:
    when: [{{cron: "*/2 * * * * *"}}]
    retry: {{times: 1, backoff: 50ms, longest: 200ms}}
    steps:
      - download: {{url: "{url}/pinned", to: landing/pinned/pinned.json, stall: 300ms, sha256: {sha256}}}
  load:
    when: [{{object: "landing/*/*.json"}}]
    steps:
      - read: {{format: json}}
      - load: {{table: lines, mode: append}}
'''
PINNED = -1  # its version in the rows


def content(version: int, lines: int) -> bytes:
    return ''.join(f'{{"version": {version}, "line": {line}}}\n' for line in range(lines)).encode()


class Publisher:
    """A file with versions, and a mood for each request: what it does with it follows from the seed."""

    def __init__(self, seed: random.Random):
        self.seed = seed
        self.mutex = threading.Lock()
        self.honest = False
        self.versions: list[int] = []  # how many lines each has
        self.pinned_lines = 4000
        self.moods: collections.Counter = collections.Counter()
        self.told: collections.Counter = collections.Counter()  # by id
        self.told_of: dict[str, str] = {}  # id -> run
        self.publish()
        self.server = Server(self.serve)

    def publish(self) -> None:
        with self.mutex:
            self.versions.append(self.seed.choice([1, 50, 3000, 20_000]))

    def current(self) -> int:
        return len(self.versions) - 1

    def mood(self) -> str:
        with self.mutex:
            mood = 'honest' if self.honest else self.seed.choice(
                ['honest', 'honest', 'breaks off', 'stalls', 'says more than it sends', 'resets', 'fails', 'is busy',
                 'says nothing', 'says garbage'])
            self.moods[mood] += 1
            return mood

    def serve(self, asked: Asked) -> None:
        if asked.path == '/told':
            self.take_notice(asked)
        elif asked.path == '/pinned':
            self.send_file(asked, content(PINNED, self.pinned_lines), '"pinned"', may_lie=True)
        else:
            version = self.current()
            self.send_file(asked, content(version, self.versions[version]), f'"{version}"')

    def take_notice(self, asked: Asked) -> None:
        if self.mood() in ('fails', 'is busy', 'resets'):
            return asked.answer(500)
        message = json.loads(asked.body)
        with self.mutex:
            self.told[asked.headers['webhook-id']] += 1
            self.told_of[asked.headers['webhook-id']] = message['run']
        return asked.answer(204)

    def send_file(self, asked: Asked, body: bytes, etag: str, may_lie: bool = False) -> None:
        mood = self.mood()
        part = self.seed.randrange(len(body) + 1)
        if mood == 'honest':
            asked.file(body, etag)
        elif mood == 'breaks off':
            asked.file(body, etag, part)
        elif mood == 'stalls':
            asked.file(body, etag, part)
            asked.wait_closed(30)
        elif mood == 'says more than it sends' or not may_lie and mood == 'says garbage':
            asked.answer(200, body, ETag=etag, Content_Length=str(len(body) + 1 + part))
        elif mood == 'says garbage':  # fewer bytes than there are: only a digest sees through it
            asked.answer(200, body[:part], ETag=etag)
        elif mood == 'resets':
            asked.file(body, etag, part)
            asked.reset()
        elif mood == 'says nothing':
            asked.wait_closed(0.2)
        else:
            asked.answer(500 if mood == 'fails' else 503, b'later', Retry_After='0')


class DownloadRound(Round):
    canary = 'ledger-off'
    canary_shows = 'times'
    POINTS = {'object-written', 'object-put', 'download-put', 'notice-sent'}

    def __init__(self, setting: Setting, scenario: str, number: int, root: pathlib.Path, faults: str = ''):
        self.publisher = Publisher(random.Random(f'{setting.seed}/{scenario}/{number}/publisher'))
        pinned = hashlib.sha256(content(PINNED, self.publisher.pinned_lines)).hexdigest()
        text = WEIR_YAML.format(url=self.publisher.server.url('').rstrip('/'), sha256=pinned)
        super().__init__(setting, scenario, number, root, text, faults)

    @classmethod
    def aims(cls) -> set[str]:
        return cls.POINTS | {'breaks off', 'stalls', 'says more than it sends', 'resets', 'fails', 'is busy',
                             'says nothing', 'says garbage'}

    def summary(self) -> str:
        return f'{len(self.publisher.versions)} versions, {sum(self.publisher.moods.values())} requests'

    def play(self, number: int) -> None:
        points = sorted(self.POINTS)
        try:
            for point in (points[number % len(points)], None, points[(number + 1) % len(points)], None):
                self.live_and_die(point)
            self.finish()
        finally:
            self.reached.update(mood for mood in self.publisher.moods)
            self.publisher.server.close()

    def live_and_die(self, point: str | None) -> None:
        owner = self.start_or_die(f'crash@{point}:{self.seed.choice([1, 1, 2, 3])}' if point else None)
        for _ in range(self.seed.randint(1, 3)):
            self.publisher.publish()
            time.sleep(self.seed.uniform(0.3, 2))  # how far a version gets is the experiment
        died = owner is None or (self.die_at(owner, 3) if point else False)
        if owner:
            owner.kill()
        self.notes.append(point + ('' if died else ' not reached') if point else 'killed')
        if point and died:
            self.reached.add(point)

    def finish(self) -> None:
        self.publisher.honest = True
        owner: Owner = self.start()
        try:
            wait_until(lambda: self.loaded() >= {self.publisher.current(), PINNED}, 'the last versions loaded', 120)
            assert owner.stop() == 0
        finally:
            owner.kill()
        # The schedules never rest: what they queued last is done by a pipeline asked for by name.
        owner = self.start()
        try:
            wait_until(self.all_told, 'everybody told', 120)
            assert owner.stop() == 0
        finally:
            owner.kill()
        # What a killed download left beside its own files goes at the next one.
        for pipeline in ('fetch', 'fetch-pinned'):
            # On a busy machine a server may seem to stall, although it is honest now.
            wait_until(lambda: self.project.verb('run', pipeline).code == 0, f'{pipeline} by an honest server')

    def loaded(self) -> set[int]:
        return {int(row['version']) for row in self.project.query('SELECT DISTINCT version FROM lines')}

    def all_told(self) -> bool:
        """Of every fetch that ended before now and was not skipped."""
        ended = [run for run in self.project.runs('--pipeline', 'fetch', '--limit', '100000')
                 if run['state'] in ('succeeded', 'parked')]
        told = set(self.publisher.told_of.values())
        return all(run['id'] in told for run in ended)

    def check(self) -> list[str]:
        problems = []
        lines = dict(enumerate(self.publisher.versions)) | {PINNED: self.publisher.pinned_lines}
        rows = self.project.query('SELECT version, count(*) AS n, count(DISTINCT line) AS lines FROM lines GROUP BY ALL')
        for row in rows:
            version, wanted = int(row['version']), lines.get(int(row['version']))
            if int(row['lines']) != wanted:
                problems.append(f'version {version}: {row["lines"]} lines of {wanted}')
            elif int(row['n']) != wanted:
                problems.append(f'version {version}: its lines are there {int(row["n"]) / wanted:.2f} times')
        missing = {self.publisher.current(), PINNED} - {int(row['version']) for row in rows}
        problems += [f'version {version} is missing' for version in missing]
        for key, version in (('in/file.json', self.publisher.current()), ('pinned/pinned.json', PINNED)):
            if (self.project.root / 'landing' / key).read_bytes() != content(version, lines[version]):
                problems.append(f'{key} is not what the server has')
        rejected = self.project.value('SELECT count(*) FROM weir_rejects')
        if rejected != '0':
            problems.append(f'{rejected} rejects: something was loaded that is no whole version')
        for run in self.project.runs('--limit', '100000'):
            if run['state'] == 'running' or run['pipeline'] == 'load' and run['state'] in ('failed', 'parked'):
                problems.append(f'run {run["id"]} of {run["pipeline"]} is {run["state"]}: {run["error"]}')
        ids = collections.Counter(self.publisher.told_of.values())
        problems += [f'{count} messages about run {run}' for run, count in ids.items() if count > 1]
        return problems + self.left_behind()

    def left_behind(self) -> list[str]:
        """Of each download its place to go on from stays, without bytes once the object is in."""
        own = {path.relative_to(self.project.root): path for path in self.downloads().glob('*')}
        kept = {str(name) for name, path in own.items()
                if path.suffix == '.json' or path.suffix == '.part' and path.stat().st_size == 0}
        problems = [f'{len(own)} files of 2 downloads'] if len(own) > 4 else []
        return problems + [text for text in super().left_behind() if text.removesuffix(' was left behind') not in kept]

    def downloads(self) -> pathlib.Path:
        return self.project.root / '.weir/default/downloads'

"""Tables on a database server: weir is killed, the server is killed, connections are cut at the worst moments."""
import atexit
import functools
import itertools
import os
import pathlib
import signal
import sys
import time

from arrivals import WEIR_YAML, ArrivalRound
from database_servers import MariaDB, Postgres
from kill_rounds import ELSEWHERE, ONCE, fault_points
from rounds import Setting
from weir_project import Owner, wait_until
from wire_proxy import MOMENTS, WireProxy

RETRY = '    retry: {times: 1000, backoff: 20ms, longest: 500ms}\n    steps:'
SERIAL = itertools.count()
KINDS = {'postgres': Postgres, 'mysql': MariaDB}


@functools.cache
def server_of(protocol: str) -> Postgres | MariaDB:
    """One server for all rounds of a call."""
    server = KINDS[protocol]()
    atexit.register(server.__exit__)
    return server


class ServerRound(ArrivalRound):
    """A database of the round's own on a server of `protocol`, with a proxy before it."""

    canary = 'ledger-off'
    canary_shows = 'times'
    protocol = ''
    finished: dict[str, str] = {}  # by protocol: the last round's database, dropped when the next begins

    def __init__(self, setting: Setting, scenario: str, number: int, root: pathlib.Path, faults: str = ''):
        self.server = server_of(self.protocol)
        if self.protocol in self.finished:
            self.server.drop(self.finished.pop(self.protocol))
        self.database = f'round_{number}_{os.getpid()}_{next(SERIAL)}'
        self.server.create(self.database)
        self.finished[self.protocol] = self.database
        wire = root.parent / 'wire'
        wire.mkdir()
        self.proxy = WireProxy(self.protocol, wire / self.server.socket.name, self.server.socket)
        url = self.server.url(self.database, wire)
        self.weir_yaml = (WEIR_YAML.replace('duckdb://db.duckdb', f'"{url}"').replace('    steps:', RETRY))
        super().__init__(setting, scenario, number, root, faults)

    @staticmethod
    def fault_points() -> set[str]:
        return {point for point in fault_points() if not point.startswith(ELSEWHERE)} - ONCE

    def query(self, kind: str, sql: str) -> list[dict[str, str]]:
        self.revive_server()
        return self.server.rows(sql, self.database)

    def revive_server(self) -> None:
        """A server that died of itself (MariaDB 10.11 does, now and then, when connections are cut) is one more
        harm to get over."""
        assert self.server.process
        if self.server.process.poll() is None:
            return
        self.notes.append('the server died of itself')
        print(self.server.last_words(), file=sys.stderr)
        self.server.start()


class ServerHarmRound(ServerRound):
    """Lives that end in turn: weir at a fault point, the server, a connection, weir at a random time."""

    HARMS = ['server quits', 'server is killed', 'a session is killed', 'all connections are cut', *MOMENTS]

    @classmethod
    def aims(cls) -> set[str]:
        return cls.fault_points() | set(cls.HARMS)

    def play(self, number: int) -> None:
        points = sorted(self.fault_points())
        try:
            self.die_at_point(points[number % len(points)])
            self.harm(self.HARMS[number % len(self.HARMS)])
            self.harm(self.seed.choice(self.HARMS))
            self.die_at_random()
            self.finish()
        finally:
            self.proxy.__exit__()

    def drop(self) -> None:
        self.writer.drop(self.seed.randint(20, 60))
        if self.seed.random() < 0.3:
            self.writer.drop_long(self.seed.randint(3000, 20000))

    def die_at_point(self, point: str) -> None:
        passage = self.seed.choice([1, 1, 2, 3, 5])
        owner = self.start_or_die(f'crash@{point}:{passage}')
        self.drop()
        if owner is None or self.die_at(owner, 3):
            self.reached.add(point)
            self.notes.append(f'{point}:{passage}')
        else:
            self.notes.append(f'{point}:{passage} not reached')
        self.settle_and_rewrite(self.seed.randint(0, 3))

    def die_at_random(self) -> None:
        delay = self.seed.uniform(0.0, 0.4)
        owner = self.start()
        self.drop()
        time.sleep(delay)  # the moment of the kill is the experiment, nothing waits for it
        owner.kill()
        self.notes.append(f'{delay:.3f}s')
        self.settle_and_rewrite(self.seed.randint(0, 3))

    def harm(self, what: str) -> None:
        """weir lives through it, or dies beside it."""
        owner = self.start()
        try:
            if what in MOMENTS:
                self.cut(what)
            else:
                self.drop()
                time.sleep(self.seed.uniform(0.0, 0.4))  # the moment is the experiment
                self.strike(what)
            self.notes.append(what)
            if self.seed.random() < 0.3:
                owner.kill()
                self.notes.append('weir too')
            else:
                self.live_on(owner)
        finally:
            owner.kill()
        self.settle_and_rewrite(self.seed.randint(0, 3))

    def cut(self, moment: str) -> None:
        self.proxy.arm(moment, skip=self.seed.choice([0, 0, 1, 2, 5]))
        self.drop()
        if self.proxy.struck.wait(3):
            self.reached.add(moment)
        self.proxy.disarm()

    def strike(self, what: str) -> None:
        if what == 'server quits':
            self.server.stop(signal.SIGQUIT)
        elif what == 'server is killed':
            self.server.stop(signal.SIGKILL)
        elif what == 'a session is killed':
            self.kill_a_session()
            return
        else:
            self.proxy.cut_all()
            self.reached.add(what)
            return
        self.reached.add(what)
        time.sleep(self.seed.uniform(0.0, 0.5))  # how long it is away
        self.server.start()

    def kill_a_session(self) -> None:
        """As by the kernel when memory runs out: the server ends every session, and recovers."""
        sessions = self.server.sessions(self.database)
        if not sessions:
            return
        os.kill(self.seed.choice(sessions), signal.SIGKILL)
        self.reached.add('a session is killed')
        wait_until(self.server.answers, 'a server that has recovered')

    def live_on(self, owner: Owner) -> None:
        """It gets over it by itself, without a restart."""
        wait_until(lambda: self.at_rest() or not owner.alive(), 'an owner that got over it, at rest', 120)
        assert owner.stop() == 0, 'weir up ended badly'


class PostgresRound(ServerHarmRound):
    protocol = 'postgres'


class MysqlRound(ServerHarmRound):
    protocol = 'mysql'
    # Its sessions are threads of one process: none dies alone, and no signal but SIGKILL lets it leave work undone.
    HARMS = ['server is killed', 'all connections are cut', *MOMENTS]

"""Schedules under kill -9 and a wall clock that is set forwards and back, every fire accounted for."""
import collections
import datetime
import pathlib
import sqlite3
import time
from typing import NamedTuple

from rounds import Round, Setting
from weir_project import Owner, wait_until

EVERY = 5  # seconds between two fires of each schedule
ON_TIME = 60  # a fire noticed later than this was missed (docs/guide/schedules.md)
POLICIES = ['all', 'last', 'skip']
WEIR_YAML = '''
project: simulation
memory: 512MB
databases: {db: duckdb://db.duckdb}
tables:
''' + ''.join(f'''  beats_{policy}:
    in: db
    columns:
      at: timestamptz | required
''' for policy in POLICIES) + 'pipelines:\n' + ''.join(f'''  beat-{policy}:
    when: [{{cron: "*/{EVERY} * * * * *", timezone: Asia/Kolkata, missed: {policy}}}]
    steps:
      - sql: SELECT ${{run.scheduled_for}} AS at
        in: db
      - load: {{table: beats_{policy}, mode: append}}
''' for policy in POLICIES)


class Gap(NamedTuple):
    """Wall-clock time that passed unseen: the clock was set forwards, or nobody was up."""
    begin: float  # the last fire before it that was seen
    end: float  # when it had been noticed


class CronRound(Round):
    """Lives in which the clock jumps, while weir is up and while it is down, and ends by kill -9."""

    canary = 'marks-off'
    canary_shows = 'missing'
    POINTS = {'cron-due', 'cron-fired'}

    def __init__(self, setting: Setting, scenario: str, number: int, root: pathlib.Path, faults: str = ''):
        super().__init__(setting, scenario, number, root, WEIR_YAML, faults)
        self.gaps: list[Gap] = []
        self.gap_begin: float | None = None  # of one that nobody was seen to have noticed yet
        self.seen = 0.0  # the latest fire that was seen: no mark lies before it
        self.began = 0.0
        self.owner: Owner | None = None

    @classmethod
    def aims(cls) -> set[str]:
        return cls.POINTS | {'forwards', 'forwards while down', 'back', 'back while down', 'back for more than a day'}

    def summary(self) -> str:
        return f'{sum(len(self.fires(policy)) for policy in POLICIES)} fires, {len(self.gaps)} gaps'

    def clock(self) -> float:
        return time.time() + self.files.clock_offset

    def move_clock(self, seconds: float) -> None:
        self.files.set_clock(self.files.clock_offset + seconds)

    def play(self, number: int) -> None:
        try:
            self.live(number)
        finally:
            if self.owner:
                self.owner.kill()

    def live(self, number: int) -> None:
        points = sorted(self.POINTS)
        self.begin_life()
        self.jump_forwards()
        self.jump_back()
        self.die()
        self.die_at_point(points[number % len(points)])
        self.begin_life()
        self.catch_up()
        self.die()
        self.jump_while_down()
        self.begin_life()
        self.catch_up()
        self.end_life()
        if number % 3 == 0:
            self.go_back_for_days()

    # ---- what is done

    def begin_life(self) -> None:
        """What the clock shows now and nobody has seen was a gap."""
        self.expect_gap()
        self.owner = self.start()
        self.began = self.began or self.clock()

    def end_life(self) -> None:
        self.wait_until_all_done()
        code = self.owner.stop()
        assert code == 0, f'weir up ended with {code}'

    def expect_gap(self) -> None:
        if self.seen and self.gap_begin is None and self.clock() > self.seen:
            self.gap_begin = self.seen

    def let_it_beat(self) -> None:
        """Until something fired that was due after now."""
        due = self.clock()
        wait_until(lambda: self.last_fire() >= due, 'a fire on time', 120)
        if self.gap_begin is not None:
            self.gaps.append(Gap(self.gap_begin, self.clock()))
            self.gap_begin = None
        self.seen = max(self.seen, self.last_fire())

    def wait_until_all_done(self, patience: float = 120) -> None:
        """However long it takes: an owner that gets nothing done for two minutes has failed."""
        fewest, deadline = float('inf'), 0.0
        while left := self.left():
            if left < fewest:
                fewest, deadline = left, time.monotonic() + patience
            assert time.monotonic() < deadline, f'none of {left} runs was done within {patience:.0f} s'
            time.sleep(0.05)

    def catch_up(self) -> None:
        """Brings the clock to where it has been already, so that schedules go on, and waits for one fire."""
        self.move_clock(max(0.0, self.seen - self.clock()))
        self.let_it_beat()

    def jump_forwards(self) -> None:
        self.let_it_beat()
        by = self.seed.choice([90, 200, 400, 1000])
        self.gap_begin = self.seen
        self.move_clock(by)
        self.notes.append(f'+{by} s')
        self.reached.add('forwards')
        self.let_it_beat()
        self.wait_until_all_done()

    def jump_back(self) -> None:
        by = self.seed.choice([30, 300, 3600, 20 * 3600])
        self.seen = max(self.seen, self.last_fire())
        fires = len(self.fires('all'))
        self.move_clock(-by)
        self.notes.append(f'-{by} s')
        self.reached.add('back')
        if by > 30 and self.seed.random() < 0.5:
            time.sleep(EVERY + 1)  # that nothing fires has no event to wait for
            again = len(self.fires('all')) - fires
            assert again <= 1, f'{again} fires after the clock was set back'
        self.catch_up()

    def jump_while_down(self) -> None:
        forwards = self.seed.random() < 0.6
        by = self.seed.choice([30, 120, 1000, 3000] if forwards else [-30, -600, -7200])
        self.reached.add('forwards while down' if forwards else 'back while down')
        self.move_clock(by)
        self.notes.append(f'{by:+} s while down')

    def go_back_for_days(self) -> None:
        """Marks a day ahead of the clock came of a clock that was wrong: schedules go on from now."""
        self.move_clock(-30 * 3600)
        self.notes.append('-30 h')
        self.owner = self.start()
        wait_until(lambda: any(at < self.began - 3600 for at in self.fires('all')), 'a fire by the right clock', 120)
        self.reached.add('back for more than a day')
        self.end_life()

    def die_at_point(self, point: str) -> None:
        self.expect_gap()
        owner = self.start_or_die(f'crash@{point}:{self.seed.choice([1, 2, 3])}')
        died = owner is None or self.die_at(owner, 4 * EVERY)
        self.notes.append(f'{point}{"" if died else " not reached"}')
        if died:
            self.reached.add(point)

    def die(self) -> None:
        time.sleep(self.seed.uniform(0, EVERY))  # the moment of the kill is the experiment
        self.owner.kill()

    # ---- what is seen

    def run_log(self, sql: str, *values: object) -> list[tuple]:
        path = self.project.root / '.weir/default/runs.sqlite'
        connection = sqlite3.connect(f'file:{path}?mode=ro', uri=True, timeout=60)
        try:
            return connection.execute(sql, values).fetchall()
        finally:
            connection.close()

    def fires(self, policy: str) -> list[float]:
        rows = self.run_log("SELECT scheduled_us FROM runs JOIN pipelines USING (pipeline_id) WHERE name = ? "
                            "AND trigger_kind = 'cron'", f'beat-{policy}')
        return sorted(microseconds / 1e6 for (microseconds,) in rows)

    def left(self) -> int:
        """Runs that are queued or running."""
        [(runs,)] = self.run_log('SELECT coalesce(sum(runs), 0) FROM state_counts WHERE state IN (0, 1)')
        return runs

    def last_fire(self) -> float:
        return max(self.fires('all'), default=0.0)

    def check(self) -> list[str]:
        problems = []
        for policy in POLICIES:
            fires = self.fires(policy)
            problems += [f'{policy}: {text(at)} fired {times} times'
                         for at, times in collections.Counter(fires).items() if times > 1]
            problems += [f'{policy}: {text(at)} is not on the schedule' for at in fires if at % EVERY]
            problems += self.check_gaps(policy, fires)
            problems += self.check_rows(policy, fires)
        problems += [f'run {run["id"]} of {run["pipeline"]} is {run["state"]}: {run["error"]}'
                     for run in self.project.runs('--limit', '100000') if run['state'] != 'succeeded']
        return problems + self.left_behind()

    def check_gaps(self, policy: str, fires: list[float]) -> list[str]:
        """Every time of the schedule between the first fire and the last has its fire, but for what a gap
        took under this policy."""
        usual = [at for at in fires if at >= self.began - EVERY]
        by_the_right_clock = [round(at) for at in fires if at < self.began - EVERY]
        if not usual or usual[0] > self.began + 2 * EVERY:
            return [f'{policy}: the first fires are missing']
        if len(spans(by_the_right_clock)) > 1:
            return [f'{policy}: some are missing after the clock was put right']
        there = set(usual)
        absent = [at for at in range(round(usual[0]), round(usual[-1]) + 1, EVERY) if at not in there]
        problems = []
        for begin, end in spans(absent):
            gap = next((gap for gap in self.gaps if gap.begin < begin and end <= gap.end), None)
            if policy == 'all' or gap is None:
                problems.append(f'{policy}: {text(begin)} to {text(end)} are missing')
            elif end > gap.end - ON_TIME:
                problems.append(f'{policy}: {text(end)} is missing, though it was on time')
        return problems + (self.check_missed(absent) if policy == 'skip' else [])

    def check_missed(self, absent: list[int]) -> list[str]:
        """`skip` skips what `last` makes up for, and that alone: the last missed time of each gap."""
        made_up = set(map(round, self.fires('last'))) & set(absent)
        lasts = {end for _, end in spans(absent)}
        return ([f'last: {text(at)} was made up for, though it is not the last that was missed' for at in made_up - lasts]
                + [f'last: {text(at)} is missing, the last before fires were on time again' for at in lasts - made_up])

    def check_rows(self, policy: str, fires: list[float]) -> list[str]:
        rows = self.project.query(f'SELECT epoch("at") AS second, count(*) AS times FROM beats_{policy} GROUP BY 1')
        found = {float(row['second']): int(row['times']) for row in rows}
        return ([f'{policy}: the row of {text(at)} is missing' for at in set(fires) - found.keys()]
                + [f'{policy}: a row of {text(at)}, which never fired' for at in found.keys() - set(fires)]
                + [f'{policy}: {text(at)} has {times} rows' for at, times in found.items() if times > 1])


def text(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc).isoformat()


def spans(times: list[int]) -> list[tuple[int, int]]:
    """Neighbouring times of the schedule, as (first, last)."""
    found: list[tuple[int, int]] = []
    for at in times:
        if found and at - found[-1][1] == EVERY:
            found[-1] = (found[-1][0], at)
        else:
            found.append((at, at))
    return found

"""kill -9 at every fault point, between any two writes, and at random times, while files arrive."""
import re
import time

from arrivals import ArrivalRound
from weir_project import REPOSITORY, wait_until

# Files whose every write may be the last one, in part.
WRITTEN = ['*/db.duckdb', '*/db.duckdb.wal', '*/runs.sqlite', '*/runs.sqlite-wal']

# What this project has none of: schedules and downloads have scenarios of their own, the verbs have tests that
# die at their points.
ELSEWHERE = ('secret-', 'backfill-', 'cron-', 'download-', 'object-', 'notice-')
ONCE = {'database-made'}  # passed once in a project: by the first life alone


def fault_points() -> list[str]:
    """The names of every fault point in the sources."""
    found: set[str] = set()
    for path in sorted((REPOSITORY / 'src').rglob('*.cc')):
        if not path.name.endswith('_test.cc'):
            found.update(re.findall(r'\bfault_point\("([^"]+)"\)', path.read_text()))
    if not found:
        raise SystemExit('no fault points in src: nothing to simulate')
    return sorted(found)


class KillRound(ArrivalRound):
    """Four lives: two end at fault points, in turn; one at a random time; one amid a write."""

    canary = 'ledger-off'
    canary_shows = 'times'

    @classmethod
    def aims(cls) -> set[str]:
        return {point for point in fault_points() if not point.startswith(ELSEWHERE)}

    def play(self, number: int) -> None:
        points = sorted(self.aims())
        pair = [points[(2 * number + turn) % len(points)] for turn in (0, 1)]
        first, second = sorted(pair, key=lambda point: point not in ONCE)
        self.live_and_die(first)
        self.live_and_die(None)
        self.live_and_die(second)
        self.live_until_a_write(WRITTEN[number % len(WRITTEN)])
        self.finish()

    def live_and_die(self, point: str | None) -> None:
        """One life of the owner: files arrive, then it dies at a fault point or at a random time."""
        passage = 1 if point in ONCE else self.seed.choice([1, 1, 2, 3, 5])
        delay = self.seed.uniform(0.0, 0.25)
        files = self.seed.randint(50, 110)
        rewritten = self.seed.randint(0, 3)
        owner = self.start_or_die(f'crash@{point}:{passage}' if point else None)
        self.writer.drop(files)
        if owner is None:
            self.notes.append(f'{point}:{passage} at start')
            self.reached.add(point or '')
            return
        if point:
            died = self.die_at(owner, 1.5)
            self.notes.append(f'{point}:{passage}{"" if died else " not reached"}')
            if died:
                self.reached.add(point)
        else:
            time.sleep(delay)  # the moment of the kill is the experiment, nothing waits for it
            owner.kill()
            self.notes.append(f'{delay:.3f}s')
        self.settle_and_rewrite(rewritten)

    def live_until_a_write(self, path: str) -> None:
        """Dies in the middle of a write: a part of it is in the file. The databases' own files are written at
        checkpoints, the last of which comes with the end."""
        is_log = path.endswith('wal')
        skip = self.seed.choice([0, 1, 3, 7, 20, 50] if is_log else [0, 1, 2])
        files = self.seed.randint(50, 110)
        rule = self.files.rule(path, 'write', 'kill', skip=skip)
        owner = self.start_or_die()
        self.writer.drop(files)
        if owner and not is_log:
            wait_until(lambda: self.project.runs('--limit', '1') or not owner.alive(), 'a first run')
            owner.process.terminate()
        died = owner is None or self.die_at(owner, 1.5 if is_log else 30)
        self.notes.append(f'write {skip} of {path[2:]}{"" if died and rule.struck else " not reached"}')
        self.files.heal()

"""The database file locked by another program for a while: its runs wait, those of another database go on."""
import fcntl
import pathlib
import time

from arrivals import WEIR_YAML, ArrivalRound
from weir_project import wait_until


class Holder:
    """Another program with the file open, as DuckDB itself would have it."""

    def __init__(self, path: pathlib.Path):
        self.file = path.open('r+b')

    def take(self) -> None:
        fcntl.lockf(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def is_refused(self) -> bool:
        try:
            self.take()
        except OSError:
            return True
        return False

    def let_go(self) -> None:
        fcntl.lockf(self.file, fcntl.LOCK_UN)


class LockedRound(ArrivalRound):
    weir_yaml = (WEIR_YAML.replace('{db: duckdb://db.duckdb}', '{db: duckdb://db.duckdb, other: duckdb://other.duckdb}')
                 .replace('  merged:\n    in: db', '  merged:\n    in: other'))
    databases = {'append': 'db', 'merge': 'other'}
    canary = 'never-let-go'
    canary_shows = 'not within'

    @classmethod
    def aims(cls) -> set[str]:
        return {'started beside the holder', 'others went on', 'killed beside the holder', 'refused the holder'}

    def play(self, number: int) -> None:
        owner = self.start()  # makes the files
        self.writer.drop(self.seed.randint(5, 20))
        self.rest()
        self.holder = Holder(self.project.root / 'db.duckdb')
        if not self.holder.is_refused():
            raise AssertionError('another program could take the database of a running owner')
        self.reached.add('refused the holder')
        if self.seed.random() < 0.5:
            owner.kill()
        assert owner.stop() in (0, -9)
        self.holder.take()
        self.wait_beside_the_holder()
        self.writer.rewrite(self.seed.randint(0, 5))
        self.finish()

    def wait_beside_the_holder(self) -> None:
        """Starts, takes in files, gets what goes elsewhere done, dies perhaps, and gets over it by itself."""
        owner = self.start()
        try:
            self.reached.add('started beside the holder')
            self.writer.drop(self.seed.randint(20, 60))
            wait_until(lambda: self.is_loaded('merge'), 'loads into the other database', 120)
            self.reached.add('others went on')
            failed = [run for run in self.project.runs('--limit', '100000') if run['state'] in ('failed', 'parked')]
            assert not failed, f'{len(failed)} runs failed because of a lock, e.g. {failed[0]}'
            if self.seed.random() < 0.5:
                owner.kill()
                self.reached.add('killed beside the holder')
                self.writer.drop(self.seed.randint(5, 20))
                owner = self.start()
            held = self.seed.uniform(0.5, 8)
            self.notes.append(f'held for {held:.1f} s more')
            time.sleep(held)  # how often weir asks meanwhile is the experiment
            if 'never-let-go' not in self.always:
                self.holder.let_go()
            wait_until(self.at_rest, 'an owner that got over it, at rest', 5 if 'never-let-go' in self.always else 120)
            assert owner.stop() == 0
        finally:
            owner.kill()

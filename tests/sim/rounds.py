"""What every round of the simulation has: a seed of its own, a project in a folder, an owner that runs on
faulty files, and notes of what was done to it."""
import pathlib
import random
import signal
import subprocess
import sys
from typing import NamedTuple

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from weir_project import FINISHED, Owner, OwnerDied, Project  # noqa: E402

from faulty_files import FaultyFiles  # noqa: E402


class Setting(NamedTuple):
    """What the rounds of one call have in common."""
    weir: pathlib.Path
    module: pathlib.Path  # the built faulty_files.cc
    seed: int


class Round:
    """One round. Its schedule follows from seed, scenario and number alone."""

    def __init__(self, setting: Setting, scenario: str, number: int, root: pathlib.Path, weir_yaml: str,
                 faults: str = ''):
        self.seed = random.Random(f'{setting.seed}/{scenario}/{number}')
        self.always = [faults] if faults else []
        root.mkdir(parents=True)
        (root / 'weir.yaml').write_text(weir_yaml)
        self.project = Project(root, setting.weir)
        self.files = FaultyFiles(root.parent / 'faults', setting.module, self.seed.randrange(2**63))
        self.notes: list[str] = []
        self.reached: set[str] = set()  # what was really done, of what had to be reached in all rounds

    def start(self, fault: str | None = None) -> Owner:
        """The owner, on faulty files; other verbs see the true ones."""
        words = ','.join(self.always + ([fault] if fault else []))
        self.project.environment = {'WEIR_FAULTS': words, **self.files.environment()}
        try:
            return self.project.start()
        finally:
            self.project.environment = {'WEIR_FAULTS': ','.join(self.always)}

    def start_or_die(self, fault: str | None = None) -> Owner | None:
        try:
            return self.start(fault)
        except OwnerDied:
            return None

    def die_at(self, owner: Owner, seconds: float) -> bool:
        """Waits for the owner to kill itself; kills it when it does not in time."""
        try:
            owner.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            pass
        died = owner.process.poll() == -signal.SIGKILL
        owner.kill()
        return died

    def unfinished(self) -> list[dict]:
        return [run for run in self.project.runs('--limit', '100000') if run['state'] not in FINISHED]

    def left_behind(self) -> list[str]:
        """Files in the state folder and the buckets that a stopped owner must not leave."""
        state = self.project.root / '.weir' / 'default'
        known = {'runs.sqlite', 'runs.sqlite-wal', 'runs.sqlite-shm', 'lock'}
        found = [path for path in state.rglob('*') if path.is_file() and path.name not in known]
        for bucket in self.project.root.iterdir():
            if bucket.is_dir() and bucket.name != '.weir':
                found += [path for path in bucket.rglob('.*') if path.is_file()]
        return [f'{path.relative_to(self.project.root)} was left behind' for path in sorted(found)]

    def log_tail(self, lines: int = 15) -> str:
        log = self.project.root / 'up.log'
        return '\n'.join(log.read_text(errors='replace').splitlines()[-lines:]) if log.exists() else ''

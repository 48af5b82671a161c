"""Drives the built binary from outside: a project in a folder, its verbs, its owner process."""
import contextlib
import csv
import io
import json
import os
import pathlib
import select
import signal
import subprocess
import time
from typing import Any, Callable, Iterator

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
EXAMPLE = REPOSITORY / 'examples' / 'web-analytics'
REAL_DATA = REPOSITORY.parent / 'shared' / 'data' / 'web-analytics'
DEADLINE_SECONDS = 60.0
FINISHED = {'succeeded', 'partial', 'failed', 'skipped', 'parked'}


def binary() -> pathlib.Path:
    path = os.environ.get('WEIR_BINARY')
    if not path:
        raise RuntimeError('set WEIR_BINARY to the built weir, e.g. build/dev/src/weir')
    return pathlib.Path(path).resolve()


def wait_until(condition: Callable[[], Any], what: str, seconds: float = DEADLINE_SECONDS) -> Any:
    """The condition's first true value; fails loudly when it does not come in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f'not within {seconds:.0f} s: {what}')
        time.sleep(0.02)


class Result:
    """What a verb did."""

    def __init__(self, arguments: list[str], completed: subprocess.CompletedProcess):
        self.arguments = arguments
        self.code = completed.returncode
        self.out = completed.stdout.decode()
        self.err = completed.stderr.decode(errors='replace')

    def json(self) -> Any:
        return json.loads(self.out)

    def rows(self) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.out)))

    def __repr__(self) -> str:
        return f'weir {" ".join(self.arguments)} -> {self.code}\n--- out\n{self.out}\n--- err\n{self.err}'


class Owner:
    """A running `weir up`; stopped by its pid."""

    def __init__(self, process: subprocess.Popen, log: pathlib.Path):
        self.process = process
        self.log = log

    @property
    def pid(self) -> int:
        return self.process.pid

    def alive(self) -> bool:
        return self.process.poll() is None

    def stop(self, seconds: float = DEADLINE_SECONDS) -> int:
        """SIGTERM: a graceful drain. Returns the exit code."""
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=seconds)

    def kill(self) -> None:
        if self.alive():
            self.process.kill()
        self.process.wait()


class Project:
    """A project folder, and weir's verbs on it."""

    def __init__(self, root: pathlib.Path, weir: pathlib.Path | None = None):
        self.root = root
        self.weir = weir or binary()
        self.environment: dict[str, str] = {}
        self.options: list[str] = []  # of every verb, e.g. --env

    def verb(self, *arguments: str, seconds: float = 120, project: bool = True, stdin: str | None = None) -> Result:
        command = list(arguments) + (['--project', str(self.root), *self.options] if project else [])
        completed = subprocess.run(
            [str(self.weir), *command], capture_output=True, timeout=seconds, cwd=self.root,
            env={**os.environ, **self.environment}, input=stdin.encode() if stdin is not None else None,
            stdin=None if stdin is not None else subprocess.DEVNULL)
        return Result(command, completed)

    def run(self, pipeline: str, *arguments: str, code: int | None = 0) -> list[dict]:
        """The receipts of `weir run`."""
        result = self.verb('run', pipeline, *arguments, '--format', 'json')
        assert code is None or result.code == code, result
        return result.json()

    def query(self, sql: str, *arguments: str) -> list[dict[str, str]]:
        result = self.verb('query', sql, *arguments, '--format', 'csv')
        assert result.code == 0, result
        return result.rows()

    def value(self, sql: str) -> str:
        return next(iter(self.query(sql)[0].values()))

    def runs(self, *arguments: str) -> list[dict]:
        result = self.verb('runs', *arguments, '--format', 'json')
        assert result.code == 0, result
        return result.json()

    def start(self, *arguments: str) -> Owner:
        """`weir up`, returned once it says it is ready."""
        log = self.root / 'up.log'
        read_end, write_end = os.pipe()
        with log.open('ab') as out:
            process = subprocess.Popen(
                [str(self.weir), 'up', '--project', str(self.root), '--ready-fd', str(write_end), *self.options, *arguments],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, pass_fds=(write_end,), cwd=self.root,
                env={**os.environ, **self.environment})
        os.close(write_end)
        try:
            ready, _, _ = select.select([read_end], [], [], DEADLINE_SECONDS)
            if not ready or not os.read(read_end, 16):
                process.kill()
                process.wait()
                raise OwnerDied(f'weir up did not get ready ({process.returncode}):\n{log.read_text()[-2000:]}')
        finally:
            os.close(read_end)
        return Owner(process, log)

    @contextlib.contextmanager
    def up(self, *arguments: str) -> Iterator[Owner]:
        owner = self.start(*arguments)
        try:
            yield owner
        finally:
            owner.kill()

    def write(self, key: str, text: str | bytes) -> pathlib.Path:
        """Writes an object the way most programs do: create, write, close."""
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def move_in(self, key: str, text: str | bytes) -> pathlib.Path:
        """Writes an object the careful way: beside the bucket, then renamed into place."""
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.root / f'.arriving-{path.name}'
        beside.write_bytes(text.encode() if isinstance(text, str) else text)
        beside.rename(path)
        return path


class OwnerDied(AssertionError):
    """`weir up` ended before it was ready, as it does at a fault point."""


def balances(receipt: dict) -> bool:
    """The promise on every receipt, in the words of docs/reference/receipt.md."""
    rows = receipt['rows']
    return (rows['read'] + rows['expanded'] - rows['folded']
            == rows['loaded'] + rows['deduplicated'] + rows['filtered'] + rows['rejected']
            and rows['loaded'] == rows['inserted'] + rows['updated'] + rows['unchanged'])

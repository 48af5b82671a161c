"""One line of docs/benchmarks.md, and how a process is measured."""
import os
import subprocess
import time
from typing import NamedTuple


class Figure(NamedTuple):
    what: str
    target: str
    measured: str
    met: bool | None  # None: no target, told for information

    def row(self) -> str:
        verdict = {True: 'met', False: '**not met**', None: ''}[self.met]
        return f'| {self.what} | {self.target} | {self.measured} | {verdict} |'


def at_most(what: str, value: float, limit: float, unit: str, digits: int = 1) -> Figure:
    return Figure(what, f'≤ {limit:g} {unit}', f'{value:.{digits}f} {unit}', value <= limit)


def measured_process(command: list[str], codes: tuple[int, ...] = (0,)) -> tuple[float, float]:
    """Wall seconds and peak resident megabytes of a process that must end with one of `codes`."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in codes:
        raise RuntimeError(f'{command[0]} ended with {process.returncode}')
    return time.perf_counter() - begin, usage.ru_maxrss / 1024

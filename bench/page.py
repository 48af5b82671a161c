"""docs/benchmarks.md: a section per part, so that one part can be measured again without the others."""
import pathlib
import re

from figures import Figure

INTRODUCTION = '''# Benchmarks

Written by `make bench` (`bench/run.py`); do not edit. A section is one part and can be measured again by
itself: `make bench PART=queue`. Times are wall times of whole processes, start-up included. "Committed" is
taken when the run is over in the run log, a moment after the commit. Large loads take turns with their peer,
on a warm page cache: median of time, largest of memory.
'''
HEADING = re.compile(r'^## (.+)\n', re.MULTILINE)


class Page:
    """The file's sections; one that is put replaces its part's former one and leaves the others as they were."""

    def __init__(self, path: pathlib.Path, parts: list[str]):
        """`parts`: every part there is, in the order of the page. Sections of other names are left out."""
        self.path = path
        self.parts = parts
        text = path.read_text() if path.exists() else ''
        names_and_bodies = HEADING.split(text)[1:]
        self.sections = {name: body.strip('\n')
                         for name, body in zip(names_and_bodies[::2], names_and_bodies[1::2])}

    def put(self, part: str, measured_on: str, figures: list[Figure]) -> None:
        self.sections[part] = '\n'.join([
            '', measured_on, '', '| what | target | measured | |', '|---|---|---|---|',
            *[figure.row() for figure in figures]]).strip('\n')

    def write(self) -> None:
        sections = [f'## {part}\n\n{self.sections[part]}\n' for part in self.parts if part in self.sections]
        self.path.write_text('\n'.join([INTRODUCTION, *sections]))

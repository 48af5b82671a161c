"""docs/guide/api.md is true: its project is served, its commands are run, and what they print is what it shows.

A block marked `console` holds commands behind `$ `, each with the lines it prints. `…` stands for whatever is not told;
JSON is compared without regard to blanks. The project is the guide's first `yaml` block, with its `queries` and `traces` added."""
import os
import pathlib
import re
import subprocess
from typing import Iterator

import pytest

from http_server import serving
from test_traces import Collector, SECRET
from weir_project import REPOSITORY, Project, binary

GUIDE = REPOSITORY / 'docs' / 'guide' / 'api.md'
BLOCK = re.compile(r'^```(\w+)\n(.*?)^```$', re.MULTILINE | re.DOTALL)
SHELL_END = '--- end of what the command prints ---'


def blocks(kind: str) -> list[str]:
    return [text for language, text in BLOCK.findall(GUIDE.read_text()) if language == kind]


def commands(block: str) -> Iterator[tuple[str, str]]:
    """Each command, of as many lines as it has, and what it is said to print."""
    for part in re.split(r'^\$ ', block, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        length = 1
        while not complete('\n'.join(lines[:length])):
            length += 1
        yield '\n'.join(lines[:length]), '\n'.join(lines[length:])


def complete(command: str) -> bool:
    """Whether a shell would ask for no more lines."""
    return not command.endswith('\\') and subprocess.run(['bash', '-n', '-c', command], capture_output=True).returncode == 0


class Shell:
    """One bash, in which variables stay from command to command."""

    def __init__(self, folder: pathlib.Path, environment: dict[str, str]):
        self.bash = subprocess.Popen(['bash', '--norc'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                     cwd=folder, env={**os.environ, **environment}, text=True, bufsize=1)

    def run(self, command: str) -> str:
        assert self.bash.stdin and self.bash.stdout
        self.bash.stdin.write(f"{command}\nprintf '%s\\n' '{SHELL_END}'\n")
        self.bash.stdin.flush()
        printed = ''
        for line in self.bash.stdout:
            # A command need not end its last line.
            if line.endswith(SHELL_END + '\n'):
                return printed + line.removesuffix(SHELL_END + '\n')
            printed += line
        raise AssertionError(f'the shell ended at {command}: {printed}')

    def close(self) -> None:
        assert self.bash.stdin
        self.bash.stdin.close()
        self.bash.wait(timeout=60)


def agrees(shown: str, printed: str) -> bool:
    if shown.lstrip().startswith(('{', '[')):
        # Blanks within texts count, those between do not.
        shown, printed = (re.sub(r'("(?:[^"\\]|\\.)*")|\s+', lambda found: found.group(1) or '', text) for text in (shown, printed))
    pattern = '.*'.join(re.escape(part) for part in shown.strip().split('…'))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


def test_the_guide(tmp_path: pathlib.Path) -> None:
    project_text, queries_text, traces_text = blocks('yaml')
    assert project_text.startswith('project:') and '\napi:' in project_text
    assert queries_text.startswith('  queries:') and traces_text.startswith('traces:')
    collector = Collector(service_namespace='people')
    with serving(collector.take) as server:
        (tmp_path / 'weir.yaml').write_text(project_text + queries_text + traces_text.replace('http://127.0.0.1:4318/v1/traces', server.url('/v1/traces')))
        project = Project(tmp_path)
        project.environment = {'WEIR_SECRET_COLLECTOR': SECRET}
        assert project.verb('validate').code == 0
        with project.up('--port', '0'):
            url = (tmp_path / '.weir' / 'default' / 'api').read_text().strip()
            shell = Shell(tmp_path, {'API': url, 'PATH': f'{binary().parent}:{os.environ["PATH"]}'})
            asked = 0
            for block in blocks('console'):
                for command, shown in commands(block):
                    printed = shell.run(command)
                    asked += command.count('curl ')
                    assert agrees(shown, printed), f'$ {command}\n--- the guide says\n{shown}\n--- it printed\n{printed}'
            shell.close()
            request, = collector.wait('POST /api/tables/{table}/rows', parentSpanId='b7ad6b7169203331')
            assert request['traceId'] == '0af7651916cd43dd8448eb211c80319c'
    assert asked >= 10
    assert not any('curl' in text for text in blocks('sh')), 'a block with curl is one that is run'


@pytest.mark.parametrize('shown,printed,expected', [
    ('{"a": 1, …}', '{"a":1,"b":2}\n', True),
    ('{"a": 1, …}', '{"a":2,"b":2}\n', False),
    ('{"a": "x y"}', '{"a":"xy"}', False),
    ('{"a": 1}', '{"a":1,"b":2}', False),
    ('200\n…', '200\n404\n', True),
    ('200', '200\n404\n', False),
    ('', 'something', False),
    ('a.c', 'abc', False),
])
def test_the_comparison_can_fail(shown: str, printed: str, expected: bool) -> None:
    assert agrees(shown, printed) is expected


def test_commands_are_found() -> None:
    block = '$ KEY=1\n$ for a in 1 2; do\n    echo $a\n  done\n1\n2\n$ curl \\\n    x\n{}\n'
    assert list(commands(block)) == [('KEY=1', ''), ('for a in 1 2; do\n    echo $a\n  done', '1\n2'), ('curl \\\n    x', '{}')]

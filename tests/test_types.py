"""Each type's spellings, as CSV and as JSON, into each engine: the exact value, or the rule that rejects it.

The spellings are in tests/types, one file per type; tests/types/README.md says how they are written. What an
engine cannot hold (docs/reference/types.md) is rejected there. Another engine is another entry of ENGINES.
"""
import dataclasses
import json
import pathlib
import re
import struct
from decimal import Decimal
from typing import Any, Iterator

import pytest

from database_servers import MariaDB, Postgres
from weir_project import Project, balances

TYPES = pathlib.Path(__file__).parent / 'types'
FILES = sorted(TYPES.glob('*.txt'))
LISTED_REJECTS = 100  # of one receipt
PROJECT = '''
project: types
databases: {{db: "{url}"}}
buckets: {{landing: file://landing}}
tables:
  spellings: {{in: db, columns: {{id: integer | required, v: "{type}"}}}}
pipelines:
  csv:
    when: [{{object: landing/*.csv}}]
    steps: [read: {{format: csv}}, load: {{table: spellings}}]
  json:
    when: [{{object: landing/*.json}}]
    steps: [read: {{format: json, layout: lines}}, load: {{table: spellings}}]
'''


@dataclasses.dataclass
class Spelling:
    where: str               # file:line
    form: str                # csv, unquoted, string, token
    raw: bytes               # as it stands in the input
    shown: tuple[str, ...]   # what a reject may show; empty: not checked
    expected: str | None     # None: rejected
    rule: str


def base_of(type_name: str) -> str:
    return 'list' if type_name.endswith(']') else type_name.split('(')[0]


class DuckDB:
    """The values as the table has them: SQL that shows one, and what of the accepted ones is rejected after all."""

    engine = 'duckdb'
    refused: set[str] = set()

    def __enter__(self) -> 'DuckDB':
        return self

    def __exit__(self, *_) -> None:
        pass

    def make(self, _: str) -> str:
        return 'duckdb://types.duckdb'

    def shown(self, project: Project, base: str, source: str = 'spellings') -> dict[int, str]:
        """By id; `source` has the columns id and v."""
        show = {'varchar': 'hex(v)', 'bytes': 'hex(v)', 'timestamptz': "CAST(timezone('UTC', v) AS VARCHAR)",
                'list': 'CAST(to_json(v) AS VARCHAR)'}.get(base, 'CAST(v AS VARCHAR)')
        rows = project.query(f"SELECT id, coalesce({show}, 'NULL') AS shown FROM {source}")
        return {int(row['id']): row['shown'] for row in rows}

    def limit(self, type_name: str, value: str) -> str | None:
        return None


class OnServer:
    """The same of a server, asked by its own client, in hexadecimal: no value is taken for a tab."""

    server_type: type
    show: dict[str, str]
    in_hex: str

    def __enter__(self) -> 'OnServer':
        self.server = self.server_type().__enter__()
        return self

    def __exit__(self, *nothing: Any) -> None:
        self.server.__exit__(*nothing)

    def make(self, database: str) -> str:
        self.database = database
        self.server.create(database)
        return self.server.url(database)

    def shown(self, project: Project, base: str, source: str = 'spellings') -> dict[int, str]:
        text = self.in_hex.format(self.show.get(base, self.show['']))
        rows = self.server.query(f"SELECT id, coalesce({text}, 'NULL') FROM {source}", self.database)
        shown = {int(number): value for number, value in rows}
        if base in ('varchar', 'bytes'):
            return shown
        return {number: bytes.fromhex(value).decode() if value != 'NULL' else value for number, value in shown.items()}


class OnPostgres(OnServer):
    engine = 'postgres'
    refused = {'integer[][]'}
    server_type = Postgres
    show = {'': "convert_to(v::text, 'UTF8')", 'bytes': 'v',
            'timestamptz': "convert_to((v AT TIME ZONE 'UTC')::text, 'UTF8')", 'list': "convert_to(to_json(v)::text, 'UTF8')"}
    in_hex = "upper(encode({}, 'hex'))"

    def limit(self, type_name: str, value: str) -> str | None:
        """`value` as the spelling files have it."""
        is_text = type_name.startswith('varchar') and not type_name.endswith(']')
        nul = re.match('(..)*00', value) if is_text else type_name.startswith('varchar') and '\\u0000' in value
        return f'{type_name} on Postgres' if nul else None


class OnMariaDB(OnServer):
    engine = 'mysql'
    refused: set[str] = set()
    server_type = MariaDB
    show = {'': 'CONCAT(v)', 'bytes': 'v', 'varchar': 'v', 'boolean': "ELT(v + 1, 'false', 'true')",
            'real': 'CONCAT(CAST(v AS DOUBLE))'}
    in_hex = 'HEX({})'

    def limit(self, type_name: str, value: str) -> str | None:
        if not type_name.startswith('json') or value == 'NULL':
            return None
        deepest = depth = 0
        for bracket in re.findall(r'[\[\]{}]', re.sub(r'"(?:[^"\\]|\\.)*"', '', value)):
            depth += 1 if bracket in '[{' else -1
            deepest = max(deepest, depth)
        return f'{type_name} on MySQL' if deepest > 31 else None


ENGINES = [DuckDB, OnPostgres, OnMariaDB]


def canonical(base: str, text: str) -> Any:
    """A value as it can be compared, from the spelling file or from an engine."""
    if text == 'NULL':
        return None
    if base in ('double', 'real'):
        return struct.pack('>d' if base == 'double' else '>f', float(text)).hex()
    if base == 'decimal':
        return Decimal(text)
    if base in ('json', 'list'):
        return json.loads(text, parse_float=Decimal)
    if base in ('time', 'timestamp', 'timestamptz') and '.' in text:
        return text.rstrip('0').rstrip('.')
    return text


def csv_field(text: bytes) -> bytes:
    if text and not re.search(rb'[",\r\n]', text):
        return text
    return b'"' + text.replace(b'"', b'""') + b'"'


def expected_text(written: str, own: str, base: str) -> str:
    """What stands behind `=`, in the form the engine shows."""
    if written == 'NULL' and base != 'json':
        return 'NULL'
    value = own if written == '' else written
    if base == 'varchar':
        return (own if written == '' else json.loads(written)).encode('utf-8').hex().upper()
    return json.loads(value) if base == 'bytes' and value.startswith('"') else value


def split_line(line: str, where: str) -> tuple[str, str, str, str]:
    """The form ('' for all), the spelling as written, '=' or '!', and what stands behind."""
    form, rest = '', line
    if not line.startswith('"'):
        form, _, rest = line.partition(' ')
        assert form in ('csv', 'unquoted', 'string', 'token', 'value', 'bytes'), f'{where}: unknown word {form!r}'
    if form in ('', 'csv', 'unquoted', 'string'):
        text, end = json.JSONDecoder().raw_decode(rest.lstrip())
        verdict = rest.lstrip()[end:].strip()
        return form, text, verdict[:1], verdict[1:].strip()
    found = re.fullmatch(r'(.*?)\s+([=!])(?:\s+(.*?))?\s*', ' ' + rest)
    assert found, f'{where}: neither = nor !'
    return form, found[1].strip(), found[2], found[3] or ''


def is_bare(text: str) -> bool:
    return re.fullmatch(r'-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?|true|false', text) is not None


def forms_of(form: str, text: str) -> Iterator[tuple[str, bytes, tuple[str, ...]]]:
    """How a written spelling is fed in: form, raw bytes, and what a reject shows."""
    if form == 'bytes':
        raw = bytes.fromhex(text)
        yield 'csv', csv_field(raw), ()
        yield 'string', b'"' + raw.replace(b'\\', b'\\\\').replace(b'"', b'\\"') + b'"', ()
        return
    utf8 = text.encode('utf-8')
    if form in ('', 'csv', 'value'):
        yield 'csv', csv_field(utf8), (text,)
    if form == 'unquoted':
        yield 'unquoted', utf8, (text,)
    if form in ('', 'string'):
        token = json.dumps(text, ensure_ascii=False)
        yield 'string', token.encode('utf-8'), (token[1:-1], text)
    if form in ('token', 'value') or (form == '' and is_bare(text)):
        yield 'token', utf8, (text, text[1:-1] if text.startswith('"') else text)


def read_spellings(path: pathlib.Path) -> tuple[str, list[Spelling]]:
    type_name, spellings = '', []
    lines = [(f'{path.name}:{number}', line) for number, line in enumerate(path.read_text().split('\n'), 1)]
    while lines:
        where, line = lines.pop(0)
        if not line.strip() or line.startswith('#'):
            continue
        word, _, rest = line.partition(' ')
        if word == 'type':
            type_name = rest.strip()
        elif word == 'include':
            included = TYPES / f'{rest.strip()}.inc'
            more = included.read_text().split('\n')
            lines[:0] = [(f'{included.name}:{number}', each) for number, each in enumerate(more, 1)]
        else:
            form, text, verdict, behind = split_line(line, where)
            assert verdict in ('=', '!'), f'{where}: neither = nor !'
            base = base_of(type_name)
            expected = None
            if verdict == '=':
                own = text if form != 'bytes' else bytes.fromhex(text).decode('utf-8')
                expected = expected_text(behind, own, base)
            rule = behind or type_name
            spellings += [Spelling(where, kind, raw, shown, expected, rule)
                          for kind, raw, shown in forms_of(form, text)]
    assert type_name and spellings, path
    return type_name, spellings


def write_objects(project: Project, spellings: list[Spelling]) -> dict[str, list[int]]:
    """Objects of few enough records that a receipt lists all rejects; the indexes of what is in each."""
    objects: dict[str, list[int]] = {}
    for ending, forms in (('csv', ('csv', 'unquoted')), ('json', ('string', 'token'))):
        mine = [index for index, spelling in enumerate(spellings) if spelling.form in forms]
        for begin in range(0, len(mine), LISTED_REJECTS):
            part = mine[begin:begin + LISTED_REJECTS]
            lines = [b'id,v'] if ending == 'csv' else []
            for index in part:
                raw = spellings[index].raw
                lines.append(b'%d,%s' % (index, raw) if ending == 'csv' else b'{"id":%d,"v":%s}' % (index, raw))
            key = f'landing/{begin}.{ending}'
            project.write(key, b'\n'.join(lines) + b'\n')
            objects[key] = part
    return objects


def load(project: Project, objects: dict[str, list[int]]) -> dict[int, dict]:
    """The problem of each rejected spelling."""
    rejected: dict[int, dict] = {}
    for pipeline in ('csv', 'json'):
        for receipt in project.run(pipeline, code=None):
            assert receipt['status'] in ('succeeded', 'partial') and balances(receipt), receipt
            indexes = objects[receipt['object']]
            assert receipt['rows']['read'] == len(indexes), receipt
            assert len({reject['element'] for reject in receipt['rejects']}) == receipt['rows']['rejected'], receipt
            for reject in receipt['rejects']:
                assert reject['element'] is not None and 'line' in reject, reject
                rejected[indexes[reject['element'] - 1]] = reject
    return rejected


def differences(type_name: str, spellings: list[Spelling], shown: dict[int, str], rejected: dict[int, dict]) -> list[str]:
    found = []
    base = base_of(type_name)
    for index, spelling in enumerate(spellings):
        what = f'{spelling.where}: {spelling.raw!r} as {spelling.form}: '
        reject = rejected.get(index)
        assert (reject is None) == (index in shown), what + 'neither loaded nor rejected, or both'
        if spelling.expected is None:
            if reject is None:
                found.append(what + f'loaded as {shown[index]!r}, should break {spelling.rule!r}')
            elif reject['rule'] != spelling.rule:
                found.append(what + f'broke {reject["rule"]!r}, not {spelling.rule!r}')
            elif spelling.rule == type_name and spelling.shown and (
                    reject['field'] != 'v' or reject['value'] not in spelling.shown):
                found.append(what + f'was told as {reject["field"]} = {reject["value"]!r}')
        elif reject is not None:
            found.append(what + f'rejected by {reject["rule"]!r}, should be {spelling.expected}')
        elif canonical(base, shown[index]) != canonical(base, spelling.expected):
            found.append(what + f'became {shown[index]}, should be {spelling.expected}')
    return found


@pytest.fixture(scope='module', params=ENGINES, ids=lambda kind: kind.engine)
def engine(request: pytest.FixtureRequest) -> Iterator[DuckDB | OnServer]:
    with request.param() as started:
        yield started


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.stem)
def test_spellings(path: pathlib.Path, engine: DuckDB | OnServer, tmp_path: pathlib.Path) -> None:
    type_name, spellings = read_spellings(path)
    for index, spelling in enumerate(spellings):
        rule = engine.limit(type_name, spelling.expected) if spelling.expected is not None else None
        if rule:
            spellings[index] = dataclasses.replace(spelling, expected=None, rule=rule)
    (tmp_path / 'weir.yaml').write_text(PROJECT.format(url=engine.make(f'types_{path.stem}'), type=type_name))
    project = Project(tmp_path)
    if type_name in engine.refused:
        project.write('landing/0.json', '{"id": 1, "v": null}\n')
        (receipt,) = project.run('json', code=None)
        assert (receipt['status'], receipt['error']['code']) == ('failed', 'invalid_project'), receipt
        return
    rejected = load(project, write_objects(project, spellings))
    found = differences(type_name, spellings, engine.shown(project, base_of(type_name)), rejected)
    assert not found, f'{len(found)} of {len(spellings)} spellings of {type_name}\n' + '\n'.join(found)


def test_every_type_has_a_file() -> None:
    """The table of docs/reference/types.md, and lists."""
    page = (TYPES.parent.parent / 'docs' / 'reference' / 'types.md').read_text()
    documented = {'list'} | set(re.findall(r'`([a-z]+)[^`]*`', ' '.join(re.findall(r'^\| (`[^|]*) \|', page, re.M)))) - {'type'}  # `type[]`
    tested = {base_of(read_spellings(path)[0]) for path in FILES}
    assert documented - tested == set() and len(documented) > 15


def test_a_wrong_expectation_is_seen() -> None:
    spelling = Spelling('x:1', 'csv', b'1', ('1',), '2', 'integer')
    assert differences('integer', [spelling], {0: '1'}, {})
    assert not differences('integer', [spelling], {0: '2'}, {})
    assert differences('integer', [dataclasses.replace(spelling, expected=None)], {0: '1'}, {})
    assert canonical('double', '-0.0') != canonical('double', '0') and canonical('decimal', '1.50') == Decimal('1.5')

"""Random values from the edges of every type, into DuckDB, Postgres and MariaDB and back: each is equal to what was
sent, or its row is rejected, as docs/reference/types.md says. Reproduce a run with WEIR_SEED; WEIR_ROWS says how many.

A row has a value of each type. Most rows are good; in a bad one a single column is, so that its reject must name it.
What the tables hold is asked of the engines' own clients, and of weir: a plan of the same rows finds them unchanged.
"""
import dataclasses
import datetime
import json
import os
import pathlib
import random
import struct
import uuid
from typing import Any, Callable, Iterator

import pytest

from test_types import ENGINES, DuckDB, OnServer, base_of, canonical, csv_field
from weir_project import Project, balances

ROWS = int(os.environ.get('WEIR_ROWS', '150'))
BAD_ROWS = 40  # a receipt lists all of them
Chance = random.Random


@dataclasses.dataclass
class Value:
    text: str | None           # as a CSV field or a JSON string has it; None: null
    expected: str | None       # as an engine shows it; 'NULL'; None: no value of the type
    token: str | None = None   # as JSON has it, where that is no string


def whole(bits: int) -> Callable[[Chance], Value]:
    def make(chance: Chance) -> Value:
        least, most = -2 ** (bits - 1), 2 ** (bits - 1) - 1
        number = chance.choice([least, most, 0, -1, least + 1, most - 1, chance.randint(least, most), chance.randint(-99, 99)])
        sign = '+' if number >= 0 and chance.random() < 0.1 else ''
        return Value(sign + ('-' if number < 0 else '') + '0' * chance.choice([0, 0, 3]) + str(abs(number)), str(number))
    return make


def decimal(precision: int, scale: int) -> Callable[[Chance], Value]:
    def make(chance: Chance) -> Value:
        most = 10 ** precision - 1
        number = chance.choice([most, -most, 0, 1, -1, chance.randint(-most, most), 10 ** (precision - 1)])
        digits = str(abs(number)).rjust(scale + 1, '0')
        text = digits[:len(digits) - scale] + ('.' + digits[len(digits) - scale:] if scale else '')
        text = ('-' if number < 0 or (number == 0 and chance.random() < 0.3) else '') + text
        zeros = ('' if scale else '.') + '000' if chance.random() < 0.2 else ''
        return Value(text + zeros, text)
    return make


def floating(form: str) -> Callable[[Chance], Value]:
    least, most = (5e-324, 1.7976931348623157e308) if form == '>d' else (1.401298464324817e-45, 3.4028234663852886e38)

    def make(chance: Chance) -> Value:
        number = chance.choice([least, -least, most, -most, 0.0, 0.1, 1 / 3, None, None])
        while number is None:
            (number,) = struct.unpack(form, chance.randbytes(struct.calcsize(form)))
            if number != number or abs(number) == float('inf') or number == 0:
                number = None
        text = repr(number)
        return Value('-0' if number == 0 and chance.random() < 0.5 else text, text)
    return make


LETTERS = ['a', 'A', ' ', 'é', 'e\u0301', 'ß', 'İ', '中', '👩', '\u200d', '🚀', '\ufeff', '\t', '\n', '\r\n', '"', "'", ',', '\\', '\\N', '\\.',
           '\u0001', '\u007f', '\uffff', '\U0010ffff', '%', 'NULL', '{', '}', '-', '\u00a0', '0']


def text(most: int) -> Callable[[Chance], Value]:
    def make(chance: Chance) -> Value:
        words = [chance.choice(LETTERS) for _ in range(chance.choice([0, 1, 1, 2, 3, 8]))]
        word = ''.join(words)[:most or None] + chance.choice(['', '', '', ' ', '  '])
        word = word[:most or None]
        if chance.random() < 0.03:
            word = (word + '\0')[-most or None:]
        if not most and chance.random() < 0.05:
            word *= chance.choice([100, 5000])
        return Value(word, word.encode('utf-8').hex().upper())
    return make


def raw(chance: Chance) -> Value:
    sent = chance.randbytes(chance.choice([0, 1, 2, 16, 3000])) + chance.choice([b'', b'\0', b' ', b'\\', b'\n'])
    return Value('\\x' + sent.hex(), sent.hex().upper())


def day(chance: Chance) -> datetime.date:
    edges = [datetime.date(1, 1, 1), datetime.date(9999, 12, 31), datetime.date(1582, 10, 10), datetime.date(1970, 1, 1),
             datetime.date(2000, 2, 29), datetime.date(1900, 2, 28)]
    return chance.choice([*edges, datetime.date.fromordinal(chance.randint(1, datetime.date.max.toordinal()))])


def clock(chance: Chance) -> str:
    second = chance.choice([0, 86399, chance.randrange(86400)])
    micros = chance.choice([0, 1, 999_999, 500_000, chance.randrange(1_000_000)])
    return f'{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}' + (f'.{micros:06}' if micros else '')


def date_value(chance: Chance) -> Value:
    text_ = day(chance).isoformat()
    return Value(text_, text_)


def time_value(chance: Chance) -> Value:
    text_ = clock(chance)
    return Value(text_ + ('000' if '.' in text_ and chance.random() < 0.2 else ''), text_)


def moment(chance: Chance) -> Value:
    shown = f'{day(chance).isoformat()} {clock(chance)}'
    return Value(shown.replace(' ', chance.choice(' T')), shown)


def moment_with_zone(chance: Chance) -> Value:
    at, time = day(chance), clock(chance)
    shown = f'{at.isoformat()} {time}'
    minutes = chance.choice([0, 0, 330, -570, 15 * 60 + 59, -(15 * 60 + 59)])
    if minutes == 0 or not 2 < at.toordinal() < datetime.date.max.toordinal() - 2:
        return Value(shown.replace(' ', 'T') + chance.choice(['Z', '+00', '-00:00']), shown)
    seconds, _, fraction = time.partition('.')
    local = datetime.datetime.fromisoformat(f'{at.isoformat()} {seconds}') + datetime.timedelta(minutes=minutes)
    offset = f'{"-" if minutes < 0 else "+"}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}'
    return Value(local.isoformat() + ('.' + fraction if fraction else '') + offset, shown)


def uuid_value(chance: Chance) -> Value:
    made = chance.choice([uuid.UUID(int=0), uuid.UUID(int=2 ** 128 - 1), uuid.UUID(bytes=chance.randbytes(16))])
    return Value(str(made).upper() if chance.random() < 0.3 else str(made), str(made))


def tree(chance: Chance, depth: int) -> Any:
    kind = chance.randrange(8 if depth else 6)
    if kind == 6:
        return [tree(chance, depth - 1) for _ in range(chance.randrange(4))]
    if kind == 7:
        return {chance.choice(['a', 'A', '', 'é', 'b c']): tree(chance, depth - 1) for _ in range(chance.randrange(4))}
    return [None, True, chance.randint(-2 ** 70, 2 ** 70), 0, ''.join(chance.choices(LETTERS, k=3)), '\U0001f680\\'][kind]


def json_value(chance: Chance) -> Value:
    made = tree(chance, 4)
    if made is None:
        made = [None]  # alone it is null in JSON, and in CSV a value
    token = json.dumps(made, ensure_ascii=chance.random() < 0.5)
    return Value(token, token, token)


def list_of(element: Callable[[Chance], Any]) -> Callable[[Chance], Value]:
    def make(chance: Chance) -> Value:
        token = json.dumps([None if chance.random() < 0.2 else element(chance) for _ in range(chance.choice([0, 1, 3, 40]))])
        return Value(token, token, token)
    return make


TYPES: dict[str, Callable[[Chance], Value]] = {
    'boolean': lambda chance: chance.choice([Value('true', 'true'), Value('F', 'false'), Value('1', 'true'), Value('false', 'false')]),
    'tinyint': whole(8), 'smallint': whole(16), 'integer': whole(32), 'bigint': whole(64), 'hugeint': whole(128),
    'decimal(38,0)': decimal(38, 0), 'decimal(38,10)': decimal(38, 10), 'decimal(5,2)': decimal(5, 2),
    'double': floating('>d'), 'real': floating('>f'), 'varchar': text(0), 'varchar(3)': text(3), 'bytes': raw,
    'date': date_value, 'time': time_value, 'timestamp': moment, 'timestamptz': moment_with_zone, 'uuid': uuid_value,
    'json': json_value, 'integer[]': list_of(lambda chance: chance.choice([-2 ** 31, 2 ** 31 - 1, 0])),
    'varchar[]': list_of(lambda chance: ''.join(chance.choices([letter for letter in LETTERS], k=chance.randrange(4)))),
}
# Beyond the edges: none of them is a value of the type.
WRONG: dict[str, list[str]] = {
    'boolean': ['yes', 'on', '2', 'TRUE '], 'tinyint': ['128', '-129', '1.0'], 'smallint': ['32768', '1e3'],
    'integer': ['2147483648', '-2147483649', ' 1', '٣'], 'bigint': ['9223372036854775808', '0x10'],
    'hugeint': [str(2 ** 127), str(-2 ** 127 - 1)], 'decimal(38,0)': ['1' + '0' * 38, '0.5'],
    'decimal(38,10)': ['1' + '0' * 28, '0.00000000001'], 'decimal(5,2)': ['1000', '0.001', '1e2', 'NaN'],
    'double': ['nan', 'NaN', 'inf', '-Infinity', '1e400', '1e-400', '.5'], 'real': ['nan', 'inf', '4e38', '1e-60'],
    'varchar(3)': ['abcd', 'abc ', '👩\u200d🚀!'], 'bytes': ['00ff', '\\x0', '\\xgg'],
    'date': ['0000-12-31', '10000-01-01', '2023-02-29', 'infinity', '-0001-01-01'], 'time': ['24:00', '23:59:60', '1:00', '12:00:00.0000001'],
    'timestamp': ['0000-12-31T23:59:59', '2024-01-01', '2024-01-01T00:00Z', '9999-12-31T23:59:59.9999999'],
    'timestamptz': ['2024-01-01T00:00', '0001-01-01T00:00+01', '9999-12-31T23:59:59-01', '2024-01-01T00:00+16:00'],
    'uuid': ['0123456789abcdef0123456789abcdef', 'g' * 8 + '-0000-0000-0000-' + '0' * 12], 'json': ['{', "{'a': 1}", '[1,]', '01'],
    'integer[]': ['[1, 2147483648]', '["x"]', '{}', '[1'], 'varchar[]': ['[[1]]', '"a"', '[{}]'],
}

PROJECT = '''
project: edges
databases: {{db: "{url}"}}
buckets: {{landing: file://landing}}
tables:
  edges:
    in: db
    columns:
      id: integer | key
{columns}
pipelines:
  csv:
    when: [{{object: landing/*.csv}}]
    steps: [read: {{format: csv}}, load: {{table: edges, mode: merge}}]
  json:
    when: [{{object: landing/*.json}}]
    steps: [read: {{format: json, layout: lines}}, load: {{table: edges, mode: merge}}]
'''


@dataclasses.dataclass
class Row:
    values: list[Value]
    wrong: int | None = None  # the column whose value is none


def make_rows(chance: Chance) -> list[Row]:
    rows = []
    for number in range(ROWS):
        values = [Value(None, 'NULL') if chance.random() < 0.05 else make(chance) for make in TYPES.values()]
        row = Row(values)
        if number % (ROWS // BAD_ROWS) == 1:
            row.wrong = chance.choice([place for place, name in enumerate(TYPES) if name in WRONG])
            values[row.wrong] = Value(chance.choice(WRONG[list(TYPES)[row.wrong]]), None)
        rows.append(row)
    return rows


def as_csv(rows: list[Row]) -> bytes:
    lines = [','.join(['id', *(f'c{place}' for place in range(len(TYPES)))]).encode()]
    for number, row in enumerate(rows):
        lines.append(b','.join([b'%d' % number, *(b'' if value.text is None else csv_field(value.text.encode()) for value in row.values)]))
    return b'\n'.join(lines) + b'\n'


def as_json(rows: list[Row], first: int) -> bytes:
    lines = []
    for number, row in enumerate(rows):
        members = [f'"id":{first + number}']
        for place, value in enumerate(row.values):
            token = value.token if value.token is not None else json.dumps(value.text, ensure_ascii=False)
            members.append(f'"c{place}":{token}')
        lines.append('{' + ','.join(members) + '}')
    return ('\n'.join(lines) + '\n').encode()


def limited(engine: DuckDB | OnServer, row: Row) -> dict[int, str]:
    """The rules that the engine's own limits break, by column."""
    found = {}
    for place, (name, value) in enumerate(zip(TYPES, row.values)):
        if value.expected in (None, 'NULL'):
            continue
        rule = engine.limit(name, value.expected)
        if rule:
            found[place] = rule
    return found


def problems(reject: dict) -> set[str]:
    return {reject['field'], *(other['field'] for other in reject.get('also', []))}


def check_rejects(engine: DuckDB | OnServer, rows: list[Row], receipt: dict) -> set[int]:
    """Gives the places of the rows that are in the table."""
    assert balances(receipt), receipt['rows']
    rejected = {reject['element'] - 1: reject for reject in receipt['rejects']}
    assert len(rejected) == receipt['rows']['rejected']
    kept = set()
    for place, row in enumerate(rows):
        limits = limited(engine, row)
        expected = {f'c{column}' for column in limits} | ({f'c{row.wrong}'} if row.wrong is not None else set())
        if not expected:
            assert place not in rejected, (row, rejected[place])
            kept.add(place)
            continue
        assert place in rejected, f'row {place}: column {expected} was loaded: {row}'
        found = problems(rejected[place])
        assert found == expected if row.wrong is None else f'c{row.wrong}' in found, (expected, rejected[place])
    return kept


@pytest.fixture(scope='module', params=ENGINES, ids=lambda kind: kind.engine)
def engine(request: pytest.FixtureRequest) -> Iterator[DuckDB | OnServer]:
    with request.param() as started:
        yield started


def test_what_is_sent_is_what_is_there(engine: DuckDB | OnServer, tmp_path: pathlib.Path) -> None:
    seed = int(os.environ.get('WEIR_SEED', '20261201'))
    print(f'WEIR_SEED={seed}')
    rows = make_rows(Chance(seed))
    columns = '\n'.join(f'      c{place}: "{name}"' for place, name in enumerate(TYPES))
    (tmp_path / 'weir.yaml').write_text(PROJECT.format(url=engine.make('edges'), columns=columns))
    project = Project(tmp_path)
    in_json = [row for row in rows if row.wrong is None or not list(TYPES)[row.wrong].startswith(('json', 'integer[]', 'varchar['))]
    project.write('landing/a.csv', as_csv(rows))
    project.write('landing/a.json', as_json(in_json, len(rows)))
    sent: dict[int, Row] = {}
    for pipeline, mine, first in (('csv', rows, 0), ('json', in_json, len(rows))):
        (receipt,) = project.run(pipeline, code=3)
        kept = check_rejects(engine, mine, receipt)
        assert receipt['rows']['inserted'] == len(kept) > ROWS // 2
        sent |= {first + place: mine[place] for place in kept}
    for place, name in enumerate(TYPES):
        shown = engine.shown(project, base_of(name), f'(SELECT id, c{place} AS v FROM edges) AS spellings')
        assert shown.keys() == sent.keys()
        for number, row in sent.items():
            expected, base = row.values[place].expected, base_of(name)
            assert expected is not None
            assert canonical(base, shown[number]) == canonical(base, expected), f'{name}, row {number}: {row.values[place]}'
    # weir reads them back as they were, and so does who compares them on the server.
    project.write('landing/b.csv', as_csv(rows) + b'\n')
    plan = project.verb('plan', 'csv', '--object', 'landing/b.csv', '--format', 'json')
    ((receipt,), kept) = (plan.json()['inputs'], sum(number < len(rows) for number in sent))
    assert receipt['rows']['unchanged'] == kept, plan
    (receipt,) = project.run('csv', '--object', 'landing/b.csv', code=3)
    assert receipt['rows']['unchanged'] == kept, receipt['rows']

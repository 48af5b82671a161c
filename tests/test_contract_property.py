"""Random dictionaries and dirty files: weir's receipts, rejects and tables against slow_contract.py.

A failing round prints its seed: CONTRACT_SEED=n runs it alone, CONTRACT_ROUNDS=n runs more of them.
"""
import datetime
import decimal
import json
import os
import pathlib
import random
import re
from typing import Any

import pytest
import yaml

from slow_contract import ABSENT, Column, Record, Table, Verdict, load
from weir_project import Project, balances

FIRST_SEED = int(os.environ.get('CONTRACT_SEED', '20261120'))
ROUNDS = int(os.environ.get('CONTRACT_ROUNDS', '1' if 'CONTRACT_SEED' in os.environ else '40'))

# Texts a column of the type may meet: few, so that keys collide, and some that are wrong.
TEXTS = {
    'smallint': ['1', '2', '3', '+4', '05', '-1', '32767', '32768', '1.0', '1e3', 'x', ' 1', '٣'],
    'integer': ['1', '2', '3', '4', '5', '-7', '2147483647', '2147483648', '1.7', '', '12,50', '0x1'],
    'bigint': ['1', '2', '9223372036854775807', '9223372036854775808', '-3', '1_000', '--1'],
    'decimal(6,2)': ['1', '1.5', '1.50', '-2.25', '9999.99', '10000', '1.005', '1.000', '1e2', '.5', '12,5'],
    'boolean': ['true', 'FALSE', 't', 'F', '1', '0', 'yes', 'TRUE ', 'on', '2'],
    'date': ['2021-01-01', '2021-02-29', '2020-02-29', '9999-12-31', '03/04/2021', '2021-1-1', '0000-01-01'],
    'timestamp': ['2021-01-01 00:00:00', '2021-01-01T00:00', '2021-01-01 23:59:59.123456', '2021-01-01',
                  '2021-01-01 24:00:00', '2021-01-01 00:00:00Z', '2021-01-01 00:00:00.1234567'],
    'uuid': ['01234567-89ab-cdef-0123-456789abcdef', '01234567-89AB-CDEF-0123-456789ABCDEF',
             '{01234567-89ab-cdef-0123-456789abcdef}', '0123456789abcdef0123456789abcdef'],
    'varchar': ['a', 'b', 'ab', '', ' ', 'a,b', 'say "hi"', 'null', 'ñandú', '👩‍🚀', 'two\nlines', "it's", '\\'],
    'varchar(3)': ['a', 'b', 'abc', 'abcd', 'ñññ', 'ññññ', '👩‍🚀', '👩‍🚀!', '', 'a;b'],
}
GOOD = {'smallint': 3, 'integer': 5, 'bigint': 2, 'decimal(6,2)': 4, 'boolean': 5, 'date': 1, 'timestamp': 3,
        'uuid': 1, 'varchar': 6, 'varchar(3)': 3}  # so many from the front are nice values, met more often
PARENT_IDS = {1, 2, 3, 5}


class Round:
    """One random project with its files."""

    def __init__(self, seed: int):
        self.source = random.Random(seed)
        self.format = self.source.choice(['csv', 'json'])
        self.header = self.source.random() < 0.5
        self.delimiter = self.source.choice([',', ';', '\t', '|'])
        self.layout = self.source.choice(['lines', 'array'])
        self.table = Table([self.column(i) for i in range(self.source.randint(1, 6))])
        if self.source.random() < 0.7:
            names = [column.name for column in self.table.columns if column.default is ABSENT]
            self.table.key = self.source.sample(names, min(len(names), self.source.choice([1, 1, 2])))
        self.mode = self.source.choice(['append', 'replace'] + (['merge', 'ignore'] if self.table.key else []))
        number = next((c for c in self.table.columns if c.type in ('integer', 'bigint', 'smallint')), None)
        self.where = number.name if number and self.source.random() < 0.3 else None
        self.dedupe = ([self.source.choice(self.table.columns).name], self.source.choice(['first', 'last'])) \
            if self.source.random() < 0.25 else None

    def chance(self, probability: float) -> bool:
        return self.source.random() < probability

    def column(self, number: int) -> Column:
        kind = self.source.choice(list(TEXTS))
        column = Column(f'c{number}', kind, required=self.chance(0.3), unique=self.chance(0.12))
        if kind in ('smallint', 'integer', 'bigint', 'decimal(6,2)') and self.chance(0.3):
            column.at_least = self.source.randint(-1, 3)
        if kind == 'integer' and self.chance(0.4):
            column.references = 'parents'
        if kind == 'varchar' and self.chance(0.25):
            column.one_of = ['a', 'b', 'ab', 'ñandú']
        if kind.startswith('varchar') and self.chance(0.2):
            column.matches = '[a-zñ]+'
        if self.chance(0.2) and kind in ('integer', 'bigint', 'varchar', 'varchar(3)'):
            column.default = 2 if kind in ('integer', 'bigint') else 'b'
        column.absent = self.source.choice(['default', 'default', 'null', 'reject'])
        column.null = self.source.choice(['null', 'null', 'null', 'default', 'reject'])
        column.empty = self.source.choice(['text', 'text', 'null', 'default', 'reject'])
        return column

    def cell(self, column: Column) -> Any:
        if self.chance(0.08):
            return None
        texts = TEXTS[column.type]
        return self.source.choice(texts[:GOOD[column.type]] if self.chance(0.85) else texts)

    def records(self) -> list[Record]:
        made = []
        for _ in range(self.source.randint(0, 25)):
            cells = {column.name: self.cell(column) for column in self.table.columns}
            if self.format == 'json':
                cells = {name: ABSENT if self.chance(0.05) else cell for name, cell in cells.items()}
            broken = self.broken() if self.chance(0.06) else None
            first = self.table.columns[0].name
            if broken == 'duplicate member' and cells[first] is ABSENT:
                cells[first] = None  # the member that is there twice
            made.append(Record(cells, broken))
        return made

    def broken(self) -> str:
        if self.format == 'csv':
            return self.source.choice(['field count', 'utf-8'] + ([] if len(self.table.columns) == 1 else ['record']))
        return self.source.choice(['record', 'object', 'duplicate member'] if self.layout == 'lines' else
                                  ['object', 'duplicate member'])

    def dictionary(self) -> dict:
        columns = {}
        for column in self.table.columns:
            rules: dict[str, Any] = {'type': column.type}
            if column.required:
                rules['required'] = True
            if column.unique:
                rules['unique'] = True
            if column.references:
                rules['references'] = column.references
            if column.default is not ABSENT:
                rules['default'] = column.default
            if column.at_least is not None:
                rules['>='] = column.at_least
            if column.one_of:
                rules['in'] = column.one_of
            if column.matches:
                rules['matches'] = column.matches
            columns[column.name] = rules
        return columns

    def project(self) -> dict:
        read: dict[str, Any] = {'format': self.format, 'columns': {
            column.name: {'type': column.type, 'absent': column.absent, 'null_means': column.null,
                          'empty': column.empty}
            for column in self.table.columns}}
        if self.format == 'csv':
            read.update(header=self.header, delimiter=self.delimiter, null='NULL')
        else:
            read['layout'] = self.layout
        steps: list[dict] = [{'read': read}]
        if self.where:
            steps.append({'where': f'{self.where} IS NULL OR {self.where} <> 3'})
        if self.dedupe:
            steps.append({'dedupe': {'by': self.dedupe[0], 'keep': self.dedupe[1]}})
        steps.append({'load': {'table': 'target', 'mode': self.mode}})
        target: dict[str, Any] = {'in': 'db', 'columns': self.dictionary()}
        if self.table.key:
            target['key'] = self.table.key
        return {
            'project': 'contract', 'databases': {'db': 'duckdb://db.duckdb'},
            'buckets': {'landing': 'file://landing', 'ids': 'file://ids'},
            'tables': {'parents': {'in': 'db', 'columns': {'id': 'integer | key'}}, 'target': target},
            'pipelines': {
                'load': {'when': [{'object': 'landing/*'}], 'steps': steps},
                'parents': {'when': [{'object': 'ids/*'}], 'steps': [
                    {'read': {'format': 'csv', 'header': False}}, {'load': {'table': 'parents'}}]}}}

    def keep(self, row: dict) -> bool:
        return not self.where or row[self.where] is None or row[self.where] != 3

    # How a record is written down. A broken one is broken in just the way its rule says.
    def text(self, records: list[Record]) -> bytes:
        return self.csv(records) if self.format == 'csv' else self.json(records)

    def csv_field(self, cell: Any) -> str:
        if cell is None:
            return 'NULL'
        quoted = cell in ('', 'NULL') or cell == 'null' or any(c in cell for c in self.delimiter + '"\n\r')
        return '"' + cell.replace('"', '""') + '"' if quoted or self.chance(0.1) else cell

    def csv(self, records: list[Record]) -> bytes:
        names = [column.name for column in self.table.columns]
        lines = [self.delimiter.join(names).encode()] if self.header else []
        for record in records:
            fields = [self.csv_field(record.cells[name]).encode() for name in names]
            if record.broken == 'field count':
                fields.append(b'extra')
            if record.broken == 'utf-8':
                fields[-1] = b'caf\xe9'
            if record.broken == 'record':
                fields = [b'"a"b'] + [b'1'] * (len(fields) - 1)  # ends with its line: no line ends inside
            lines.append(self.delimiter.encode().join(fields))
        end = self.source.choice([b'\n', b'\r\n'])
        return end.join(lines) + (end if lines and self.chance(0.8) else b'')

    def json_record(self, record: Record) -> str:
        if record.broken == 'object':
            return self.source.choice(['[1]', '"text"', '17', 'null'])
        members = []
        for name, cell in record.cells.items():
            if cell is not ABSENT:
                members.append(f'{json.dumps(name)}: {self.json_value(name, cell)}')
        if record.broken == 'duplicate member':
            members.insert(0, members[0])
        return ('{, ' if record.broken == 'record' else '{') + ', '.join(members) + '}'

    def json_value(self, name: str, cell: Any) -> str:
        column = next(column for column in self.table.columns if column.name == name)
        bare = re.fullmatch(r'-?(0|[1-9][0-9]*)(\.[0-9]+)?', cell or '', re.ASCII) if cell else None
        if bare and column.type in ('smallint', 'integer', 'bigint', 'decimal(6,2)') and self.chance(0.5):
            return cell
        return json.dumps(cell, ensure_ascii=self.chance(0.5))

    def json(self, records: list[Record]) -> bytes:
        texts = [self.json_record(record) for record in records]
        if self.layout == 'array':
            return ('[' + ',\n'.join(texts) + ']').encode()
        return ''.join(text + '\n' for text in texts).encode()


def shown(value: Any) -> Any:
    """A value of the reference as `weir query --format json` gives it, as text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, datetime.datetime):
        return value.isoformat(' ').rstrip('0').rstrip('.') if value.microsecond else value.isoformat(' ')
    if isinstance(value, decimal.Decimal):
        return f'{value:.2f}'.replace('-0.00', '0.00')
    return str(value)


def queried(value: Any) -> Any:
    return value if value is None or isinstance(value, bool) else str(value)


def counts(verdict: Verdict) -> dict[str, int]:
    return {name: getattr(verdict, name) for name in
            ('read', 'inserted', 'updated', 'unchanged', 'deduplicated', 'filtered', 'rejected')}


def difference(told: dict, expected: dict) -> str:
    return '\n'.join(f'element {element}: told {told.get(element)}, expected {expected.get(element)}'
                     for element in sorted(told | expected) if told.get(element) != expected.get(element))


def rows_of(project: Project, table: Table) -> list[str]:
    names = ', '.join(column.name for column in table.columns)
    result = project.verb('query', f'SELECT {names} FROM target', '--format', 'json')
    assert result.code == 0, result
    return sorted(repr([queried(row[column.name]) for column in table.columns]) for row in result.json())


def test_round_is_varied() -> None:
    rounds = [Round(seed) for seed in range(200)]
    assert {one.mode for one in rounds} == {'append', 'merge', 'replace', 'ignore'}
    assert {column.type for one in rounds for column in one.table.columns} == set(TEXTS)


@pytest.mark.parametrize('seed', range(FIRST_SEED, FIRST_SEED + ROUNDS))
def test_random_contract(seed: int, tmp_path: pathlib.Path) -> None:
    one = Round(seed)
    (tmp_path / 'weir.yaml').write_text(yaml.safe_dump(one.project(), allow_unicode=True, sort_keys=False))
    project = Project(tmp_path)
    project.write('ids/parents.csv', ''.join(f'{number}\n' for number in sorted(PARENT_IDS)))
    project.run('parents')
    target: list[dict] = []
    for burst in range(one.source.randint(1, 3)):
        files = {f'landing/{burst}-{number}.{one.format}': one.records() for number in range(one.source.randint(1, 3))}
        for key, records in files.items():
            project.write(key, one.text(records))
        receipts = project.run('load', code=None)
        assert sorted(receipt['object'] for receipt in receipts) == sorted(files), receipts
        for receipt in receipts:  # in the order they were loaded
            records = files[receipt['object']]
            verdict, target = load(one.table, one.mode, target, records, {'parents': PARENT_IDS}, one.keep, one.dedupe)
            assert receipt['status'] in ('succeeded', 'partial'), (seed, receipt)
            assert balances(receipt), (seed, receipt)
            told = {reject['element']: {(problem['field'], problem['rule'])
                                        for problem in [reject, *reject.get('also', [])]}
                    for reject in receipt['rejects']}
            assert told == verdict.problems, (seed, receipt['object'], difference(told, verdict.problems))
            assert {name: receipt['rows'][name] for name in counts(verdict)} == counts(verdict), (seed, receipt)
            if one.mode == 'replace':
                assert receipt['rows'].get('replaced', 0) == verdict.replaced, (seed, receipt)
    assert rows_of(project, one.table) == sorted(
        repr([shown(row[column.name]) for column in one.table.columns]) for row in target), seed

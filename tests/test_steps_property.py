"""Random chains of row steps over dirty rows, against the same chain in plain Python.

A failing round prints its seed: STEPS_SEED=n runs it alone, STEPS_ROUNDS=n runs more of them.
"""
import json
import os
import pathlib
import random
from typing import Any

import pytest
import yaml

from weir_project import Project, balances

FIRST_SEED = int(os.environ.get('STEPS_SEED', '20261120'))
ROUNDS = int(os.environ.get('STEPS_ROUNDS', '1' if 'STEPS_SEED' in os.environ else '30'))


class Chain:
    """Steps in random order; at most one unnest and one aggregate."""

    def __init__(self, seed: int):
        self.source = random.Random(seed)
        self.columns = ['a', 'b', 'items']
        self.nested = True
        self.steps: list[tuple] = []
        for _ in range(self.source.randint(1, 5)):
            choices = [('where',), ('check',), ('dedupe', self.source.choice(['first', 'last', 'newest', 'oldest']))]
            if self.nested and 'items' in self.columns:
                choices.append(('unnest', self.source.random() < 0.5))
            if 'n' not in self.columns:
                choices.append(('aggregate',))
            step = self.source.choice(choices)
            if step[0] == 'unnest':
                self.nested = False
            if step[0] == 'aggregate':
                self.columns = ['a', 'n', 's']
            self.steps.append(step)
        self.key = self.source.random() < 0.3

    def has(self, column: str) -> bool:
        return column in self.columns

    def project(self) -> dict:
        columns = {'a': 'integer', 'b': 'integer', 'items': 'integer[]'}
        steps: list[dict] = [{'read': {'format': 'json', 'layout': 'lines', 'columns': columns}}]
        there = {'a', 'b', 'items'}
        for step in self.steps:
            order = 'coalesce(b, 0)' if 'b' in there else 'coalesce(s, 0)'
            if step[0] == 'where':
                steps.append({'where': 'a IS DISTINCT FROM 4'})
            elif step[0] == 'check':
                steps.append({'check': {'small': 'a < 6'}})
            elif step[0] == 'unnest':
                steps.append({'unnest': {'column': 'items', 'keep_empty': step[1]}})
            elif step[0] == 'aggregate':
                steps.append({'aggregate': {'by': ['a'], 'columns': {
                    'n': 'count(*)', 's': f'CAST(sum({"b" if "b" in there else "a"}) AS BIGINT)'}}})
                there = {'a', 'n', 's'}
            else:
                dedupe: dict[str, Any] = {'by': ['a'], 'keep': step[1]}
                if step[1] in ('newest', 'oldest'):
                    dedupe['order_by'] = order
                steps.append({'dedupe': dedupe})
        item = ('len(items)' if self.nested else 'items') if self.has('items') else 'NULL'
        steps.append({'select': {'a': 'a', 'b': 'b' if self.has('b') else 'NULL', 'item': item,
                                 'n': 'n' if self.has('n') else 'NULL', 's': 's' if self.has('s') else 'NULL'}})
        steps.append({'load': {'table': 'target', 'mode': 'ignore' if self.key else 'append'}})
        table: dict[str, Any] = {'in': 'db', 'columns': {
            'a': 'integer | >= 2', 'b': 'integer', 'item': 'integer | < 9', 'n': 'bigint', 's': 'bigint'}}
        if self.key:
            table['key'] = ['a']
        return {'project': 'steps', 'databases': {'db': 'duckdb://db.duckdb'}, 'buckets': {'landing': 'file://landing'},
                'tables': {'target': table},
                'pipelines': {'load': {'when': [{'object': 'landing/*'}], 'steps': steps}}}

    def records(self) -> list[dict]:
        numbers = [None, 1, 2, 2, 3, 3, 4, 5, 6]
        return [{'a': self.source.choice(numbers + ['x'] * (self.source.random() < 0.1)),
                 'b': self.source.choice(numbers),
                 'items': self.source.choice([None, [], [1], [1, 2], [3, None, 10], [2, 2, 2]])}
                for _ in range(self.source.randint(0, 20))]


class Slow:
    """One input through the chain. A row is (element, ordinal, values); rejects are counted by element and ordinal."""

    def __init__(self, chain: Chain):
        self.chain = chain
        self.counts = {name: 0 for name in ('read', 'expanded', 'folded', 'deduplicated', 'filtered')}
        self.rejected: set[tuple[int, int]] = set()

    def passes(self, row: dict) -> bool:
        """The table's own rules, on what the last select makes of the row."""
        item = row.get('items')
        if isinstance(item, list):
            item = len(item)
        return (row['a'] is None or row['a'] >= 2) and (item is None or item < 9) and not (
            self.chain.key and row['a'] is None)

    def row_wise_behind(self, place: int) -> tuple[bool, bool]:
        """Of the steps behind a dedupe, as far as they work on rows: is there a check, does the load come?"""
        check = False
        for step in self.chain.steps[place + 1:]:
            if step[0] in ('unnest', 'aggregate'):
                return check, False
            check = check or step[0] == 'check'
        return check, True

    def sift(self, rows: list, good) -> list:
        for element, ordinal, row in rows:
            if not good(row):
                self.rejected.add((element, ordinal))
        return [one for one in rows if good(one[2])]

    def dedupe(self, rows: list, keep: str) -> list:
        def rank(one):  # the greatest stays
            element, ordinal, row = one
            moment = (row['b'] if 'b' in row else row['s']) or 0
            place = (element, ordinal)
            earlier = (-element, -ordinal)
            return {'first': earlier, 'last': place, 'newest': (moment, *place), 'oldest': (-moment, *earlier)}[keep]

        best: dict = {}
        for one in rows:
            group = one[2]['a']
            if group not in best or rank(one) > rank(best[group]):
                best[group] = one
        self.counts['deduplicated'] += len(rows) - len(best)
        return [one for one in rows if best[one[2]['a']] is one]

    def aggregate(self, rows: list) -> list:
        groups: dict[Any, list] = {}
        for one in rows:
            groups.setdefault(one[2]['a'], []).append(one)
        self.counts['folded'] += len(rows) - len(groups)
        made = []
        for a, members in groups.items():
            of = 'b' if 'b' in members[0][2] else 'a'
            values = [row[of] for _, _, row in members if row[of] is not None]
            made.append((*min((element, ordinal) for element, ordinal, _ in members),
                         {'a': a, 'n': len(members), 's': sum(values) if values else None}))
        return sorted(made, key=lambda one: one[:2])

    def unnest(self, rows: list, keep_empty: bool) -> list:
        made = []
        for element, _, row in rows:
            items = row['items'] or ([None] if keep_empty else [])
            if not items:
                self.counts['filtered'] += 1
            self.counts['expanded'] += max(len(items) - 1, 0)
            made += [(element, ordinal, {**row, 'items': item}) for ordinal, item in enumerate(items, 1)]
        return made

    def run(self, records: list[dict]) -> list[dict]:
        self.counts['read'] = len(records)
        rows = self.sift([(element, 0, row) for element, row in enumerate(records, 1)], lambda row: row['a'] != 'x')
        small = lambda row: row['a'] is None or row['a'] < 6  # noqa: E731
        for place, step in enumerate(self.chain.steps):
            if step[0] == 'where':
                kept = [one for one in rows if one[2]['a'] != 4]
                self.counts['filtered'] += len(rows) - len(kept)
                rows = kept
            elif step[0] == 'check':
                rows = self.sift(rows, small)
            elif step[0] == 'unnest':
                rows = self.unnest(rows, step[1])
            elif step[0] == 'aggregate':
                rows = self.aggregate(rows)
            else:
                check, loads = self.row_wise_behind(place)
                rows = self.sift(rows, lambda row: (not check or small(row)) and (not loads or self.passes(row)))
                rows = self.dedupe(rows, step[1])
        return [row for _, _, row in self.sift(rows, self.passes)]

    def load(self, rows: list[dict], target: list[list]) -> int:
        there = {row[0] for row in target}
        inserted = 0
        for row in rows:
            if self.chain.key and row['a'] in there:
                self.counts['deduplicated'] += 1
                continue
            there.add(row['a'])
            inserted += 1
            item = row.get('items')
            target.append([row['a'], row.get('b'), len(item) if isinstance(item, list) else item, row.get('n'),
                           row.get('s')])
        return inserted


@pytest.mark.parametrize('seed', range(FIRST_SEED, FIRST_SEED + ROUNDS))
def test_random_steps(seed: int, tmp_path: pathlib.Path) -> None:
    chain = Chain(seed)
    (tmp_path / 'weir.yaml').write_text(yaml.safe_dump(chain.project(), sort_keys=False))
    project = Project(tmp_path)
    files = {f'landing/{number}.ndjson': chain.records() for number in range(chain.source.randint(1, 4))}
    for key, records in files.items():
        project.write(key, ''.join(json.dumps(record) + '\n' for record in records))
    target: list[list] = []
    receipts = project.run('load', code=None)
    assert sorted(receipt['object'] for receipt in receipts) == sorted(files)
    for receipt in receipts:
        slow = Slow(chain)
        inserted = slow.load(slow.run(files[receipt['object']]), target)
        expected = {**slow.counts, 'inserted': inserted, 'rejected': len(slow.rejected)}
        told = {name: receipt['rows'][name] for name in expected}
        assert receipt['status'] in ('succeeded', 'partial') and balances(receipt), (seed, receipt)
        assert told == expected, (seed, chain.steps, receipt)
    result = project.verb('query', 'SELECT a, b, item, n, s FROM target', '--format', 'json')
    assert result.code == 0, result
    rows = sorted(repr(list(row.values())) for row in result.json())
    assert rows == sorted(map(repr, target)), (seed, chain.steps)

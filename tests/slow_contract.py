"""What a load must do, written to be obvious rather than quick: one row after the other, plain Python.

It reads values by the grammar of docs/reference/types.md, judges rules as docs/guide says and moves rows as
docs/reference/modes.md says. It shares no code with weir; test_contract_property.py holds the two together.
"""
import dataclasses
import datetime
import decimal
import re
from typing import Any

INTEGERS = {'tinyint': 8, 'smallint': 16, 'integer': 32, 'bigint': 64, 'hugeint': 128}
DIGITS = re.compile(r'[+-]?[0-9]+', re.ASCII)
DECIMAL = re.compile(r'([+-]?)([0-9]+)(?:\.([0-9]+))?', re.ASCII)
DATE = re.compile(r'([0-9]{4})-([0-9]{2})-([0-9]{2})', re.ASCII)
TIME = re.compile(r'([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?', re.ASCII)
UUID = re.compile(r'[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}', re.ASCII)
BOOLEANS = {'true': True, 't': True, '1': True, 'false': False, 'f': False, '0': False}

ABSENT = object()  # not there at all; None is NULL


class Misspelt(Exception):
    pass


def need(condition: Any) -> None:
    if not condition:
        raise Misspelt


def parse_integer(text: str, bits: int) -> int:
    need(DIGITS.fullmatch(text))
    value = int(text)
    need(-(1 << (bits - 1)) <= value < 1 << (bits - 1))
    return value


def parse_decimal(text: str, precision: int, scale: int) -> decimal.Decimal:
    match = DECIMAL.fullmatch(text)
    need(match)
    sign, whole, fraction = match.group(1), match.group(2).lstrip('0'), match.group(3) or ''
    need(len(whole) <= precision - scale and fraction[scale:].strip('0') == '')
    unscaled = int((whole + fraction[:scale].ljust(scale, '0')) or '0')
    return decimal.Decimal(-unscaled if sign == '-' else unscaled).scaleb(-scale)


def parse_date(text: str) -> datetime.date:
    match = DATE.fullmatch(text)
    need(match)
    try:
        return datetime.date(*(int(part) for part in match.groups()))
    except ValueError:
        raise Misspelt from None


def parse_time(text: str) -> datetime.time:
    match = TIME.fullmatch(text)
    need(match)
    fraction = match.group(4) or ''
    need(fraction[6:].strip('0') == '')
    try:
        return datetime.time(int(match.group(1)), int(match.group(2)), int(match.group(3) or 0),
                             int(fraction[:6].ljust(6, '0')))
    except ValueError:
        raise Misspelt from None


def parse_timestamp(text: str) -> datetime.datetime:
    need(len(text) > 11 and text[10] in 'T ')
    return datetime.datetime.combine(parse_date(text[:10]), parse_time(text[11:]))


def parse(type_name: str, text: str) -> Any:
    """The value a text spells; Misspelt when it does not."""
    if type_name in INTEGERS:
        return parse_integer(text, INTEGERS[type_name])
    if type_name.startswith('decimal'):
        precision, scale = (int(part) for part in type_name[8:-1].split(','))
        return parse_decimal(text, precision, scale)
    if type_name == 'boolean':
        need(text.lower() in BOOLEANS and text.isascii())
        return BOOLEANS[text.lower()]
    if type_name == 'date':
        return parse_date(text)
    if type_name == 'timestamp':
        return parse_timestamp(text)
    if type_name == 'uuid':
        need(UUID.fullmatch(text))
        return text.lower()
    assert type_name.startswith('varchar'), type_name
    return text  # its length is a rule of the table


@dataclasses.dataclass
class Column:
    name: str
    type: str
    required: bool = False
    unique: bool = False
    references: str | None = None       # a parent table
    default: Any = ABSENT               # a value
    at_least: int | None = None
    one_of: list[str] | None = None     # texts
    matches: str | None = None          # a regular expression for the whole text
    absent: str = 'default'
    null: str = 'null'
    empty: str = 'text'

    def predicates(self) -> list[tuple[str, Any]]:
        """Rule as written, and what must hold of a value that is not NULL; in the order of writing."""
        found: list[tuple[str, Any]] = []
        if self.at_least is not None:
            found.append((f'>= {self.at_least}', lambda value: value >= self.at_least))
        if self.one_of is not None:
            found.append((f'in ({", ".join(self.one_of)})', lambda value: value in self.one_of))
        if self.matches is not None:
            found.append((f"matches '{self.matches}'", lambda value: re.fullmatch(self.matches, value)))
        return found


@dataclasses.dataclass
class Table:
    columns: list[Column]
    key: list[str] = dataclasses.field(default_factory=list)

    def is_required(self, column: Column) -> bool:
        return column.required or column.name in self.key


@dataclasses.dataclass
class Record:
    """What a source holds: per column a text, None or ABSENT; or why it cannot be read at all."""
    cells: dict[str, Any] = dataclasses.field(default_factory=dict)
    broken: str | None = None  # the rule


@dataclasses.dataclass
class Verdict:
    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deduplicated: int = 0
    filtered: int = 0
    rejected: int = 0
    replaced: int = 0
    problems: dict[int, set[tuple[str, str]]] = dataclasses.field(default_factory=dict)  # by element

    def reject(self, element: int, field: str, rule: str) -> None:
        self.problems.setdefault(element, set()).add((field, rule))


def read_cell(column: Column, cell: Any) -> tuple[Any, str | None]:
    """The value and the rule it breaks."""
    def meant(choice: str, rule: str) -> tuple[Any, str | None]:
        if choice == 'reject':
            return None, rule
        if choice == 'default' and column.default is not ABSENT:
            return column.default, None
        return None, None

    if cell is ABSENT:
        return meant(column.absent, 'absent')
    if cell is None:
        return meant(column.null, 'null')
    if cell == '' and column.empty != 'text':
        return meant(column.empty, 'empty')
    try:
        return parse(column.type, cell), None
    except Misspelt:
        return None, column.type


def read_row(table: Table, record: Record, element: int, verdict: Verdict) -> dict | None:
    """Reading first: a row with a value that cannot be read is told of these and its missing values only."""
    if record.broken:
        verdict.reject(element, '', record.broken)
        if record.broken != 'duplicate member':  # of which everything can be read
            return None
    row, good, told = {}, not record.broken, set()
    for column in table.columns:
        row[column.name], rule = read_cell(column, record.cells[column.name])
        if rule:
            verdict.reject(element, column.name, rule)
            told.add(column.name)
            good = False
    if good:
        return row
    for column in table.columns:
        if table.is_required(column) and row[column.name] is None and column.name not in told:
            verdict.reject(element, column.name, 'required')
    return None


def judge_row(table: Table, row: dict, element: int, verdict: Verdict) -> bool:
    before = len(verdict.problems)
    for column in table.columns:
        value = row[column.name]
        if value is None:
            if table.is_required(column):
                verdict.reject(element, column.name, 'required')
            continue
        length = re.fullmatch(r'varchar\((\d+)\)', column.type)
        if length and len(value) > int(length.group(1)):
            verdict.reject(element, column.name, column.type)
        for rule, holds in column.predicates():
            if not holds(value):
                verdict.reject(element, column.name, rule)
    return len(verdict.problems) == before


def key_of(table: Table, row: dict) -> tuple:
    return tuple(row[name] for name in table.key)


def judge_references(table: Table, batch: dict[int, dict], parents: dict[str, set], verdict: Verdict) -> None:
    for element in list(batch):
        for column in table.columns:
            value = batch[element][column.name]
            if column.references and value is not None and value not in parents[column.references]:
                verdict.reject(element, column.name, f'references {column.references}')
        if element in verdict.problems:
            del batch[element]


def judge_keys(table: Table, mode: str, target: list[dict], batch: dict[int, dict], verdict: Verdict) -> None:
    there = {key_of(table, row) for row in target} if mode in ('append', 'ignore') else set()
    last = {key_of(table, row): element for element, row in batch.items()}
    seen = set()
    for element in list(batch):
        key = key_of(table, batch[element])
        if mode == 'merge':
            loses = last[key] != element
        else:
            loses = key in seen or key in there
        seen.add(key)
        if not loses:
            continue
        del batch[element]
        if mode in ('merge', 'ignore'):
            verdict.deduplicated += 1
        else:
            verdict.reject(element, table.key[0], 'key')


def judge_unique(table: Table, mode: str, target: list[dict], batch: dict[int, dict], verdict: Verdict) -> None:
    """A rejected row of a merge leaves its old row in the table, which may now be in another's way: again."""
    while True:
        keys = {key_of(table, row) for row in batch.values()} if table.key else set()
        stays = [] if mode == 'replace' else [
            row for row in target if not table.key or mode != 'merge' or key_of(table, row) not in keys]
        losers = set()
        for column in table.columns:
            if not column.unique:
                continue
            taken = {row[column.name] for row in stays}
            for element, row in batch.items():
                value = row[column.name]
                if value is None:
                    continue
                if value in taken:
                    losers.add(element)
                    verdict.reject(element, column.name, 'unique')
                taken.add(value)
        if not losers:
            return
        for element in losers:
            del batch[element]


def load(table: Table, mode: str, target: list[dict], records: list[Record], parents: dict[str, set],
         keep=lambda row: True, dedupe: tuple[list[str], str] | None = None) -> tuple[Verdict, list[dict]]:
    """The verdict on one input, and the table's rows afterwards. `keep`: a where; `dedupe`: (by, first or last)."""
    verdict = Verdict(read=len(records))
    batch: dict[int, dict] = {}
    for element, record in enumerate(records, 1):
        row = read_row(table, record, element, verdict)
        if row is None:
            continue
        if not keep(row):
            verdict.filtered += 1
            continue
        batch[element] = row
    for element in list(batch):  # before folding: a bad row must not push a good one out
        if not judge_row(table, batch[element], element, verdict):
            del batch[element]
    if dedupe:
        by, which = dedupe
        kept: dict[tuple, int] = {}
        for element, row in batch.items():
            group = tuple(row[name] for name in by)
            if which == 'last' or group not in kept:
                kept[group] = element
        verdict.deduplicated += len(batch) - len(kept)
        batch = {element: row for element, row in batch.items() if element in kept.values()}
    judge_references(table, batch, parents, verdict)
    if table.key:
        judge_keys(table, mode, target, batch, verdict)
    judge_unique(table, mode, target, batch, verdict)
    verdict.rejected = len(verdict.problems)

    after = list(target)
    if mode == 'replace':
        verdict.replaced, after = len(target), []
    place = {key_of(table, row): index for index, row in enumerate(after)} if table.key else {}
    for row in batch.values():
        index = place.get(key_of(table, row)) if mode == 'merge' else None
        if index is None:
            after.append(row)
            verdict.inserted += 1
        elif after[index] == row:
            verdict.unchanged += 1
        else:
            after[index] = row
            verdict.updated += 1
    return verdict, after

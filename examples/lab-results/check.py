#!/usr/bin/env python3
"""Works out with Python's csv module alone what the table must hold, and compares.

    check.py EXPORT.csv... < table.csv      (weir query 'SELECT * FROM resultados' --format csv)

The exports are given in the order in which they were loaded. FECHA_COPIA is the copy's own and is compared to be one
and the same for all rows of an export that won, and later for later exports.
"""
import csv
import decimal
import re
import sys

KEY = ('ID', 'MUESTRA', 'RESULTADO')


def good(row: dict[str, str]) -> bool:
    """The table's rules, once more."""
    if not re.fullmatch(r'[0-9]{1,9}', row['POS']) or int(row['POS']) == 0:
        return False
    if not re.fullmatch('[ACGTN]+', row['REF']):
        return False
    if any(row[name] == '' for name in ('CHROM', 'ALT', 'ORIGEN', *KEY)):
        return False
    return row['QUAL'] == '' or re.fullmatch(r'[0-9]+(\.[0-9]{1,2})?', row['QUAL']) is not None


def expected(exports: list[str]) -> tuple[dict[tuple, dict[str, str]], list[dict[str, int]]]:
    """The rows by their key, each with the number of the export it came from; and what each receipt must count."""
    table: dict[tuple, dict[str, str]] = {}
    receipts = []
    for number, path in enumerate(exports):
        with open(path, newline='', encoding='utf-8') as file:
            rows = list(csv.DictReader(file))
        winners: dict[tuple, dict[str, str]] = {}
        for row in filter(good, rows):
            key = tuple(row[name] for name in KEY)
            winners.pop(key, None)
            winners[key] = {**row, 'export': str(number)}
        loaded = sum(map(good, rows))
        receipts.append({'read': len(rows), 'rejected': len(rows) - loaded, 'deduplicated': loaded - len(winners),
                         'loaded': len(winners)})
        table.update(winners)
    return table, receipts


def same(cell: str, wanted: str, column: str) -> bool:
    if column == 'QUAL' and cell and wanted:
        return decimal.Decimal(cell) == decimal.Decimal(wanted)
    return cell == wanted


def differences(exports: list[str], table: list[dict[str, str]]) -> list[str]:
    wanted, _ = expected(exports)
    found = {tuple(row[name] for name in KEY): row for row in table}
    out = [f'{len(table)} rows, not {len(wanted)}'] if len(table) != len(wanted) else []
    out += [f'missing: {key}' for key in wanted.keys() - found.keys()]
    out += [f'too much: {key}' for key in found.keys() - wanted.keys()]
    copies: dict[str, set[str]] = {}
    for key in wanted.keys() & found.keys():
        row = wanted[key]
        copies.setdefault(row['export'], set()).add(found[key]['FECHA_COPIA'])
        out += [f'{key} {name}: {found[key][name]!r}, not {value!r}' for name, value in row.items()
                if name != 'export' and not same(found[key][name], value, name)]
    stamps = [copies[number] for number in sorted(copies)]
    out += [f'an export has several copy times: {sorted(stamp)}' for stamp in stamps if len(stamp) != 1]
    flat = [min(stamp) for stamp in stamps]
    if flat != sorted(flat):
        out.append(f'a later export has an earlier copy time: {flat}')
    return out


if __name__ == '__main__':
    problems = differences(sys.argv[1:], list(csv.DictReader(sys.stdin)))
    for problem in problems[:20]:
        print(problem)
    print(f'{len(problems)} differences' if problems else 'the table holds exactly what it must')
    sys.exit(1 if problems else 0)

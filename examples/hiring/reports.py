#!/usr/bin/env python3
"""What the two reports must say, worked out with nothing but Python's csv module.

    ./reports.py FOLDER [EMPLOYEES.csv]

Prints one JSON object: `hired-by-quarter` and `hired-above-mean`, for 2021, as lists of rows. The employees are those
of hired_employees.csv that nothing is wrong with, or all of another file.
"""
import collections
import csv
import json
import pathlib
import sys

import count

YEAR = '2021'


def names(path: pathlib.Path) -> dict[int, str]:
    with path.open(newline='', encoding='utf-8') as file:
        return {int(row[0]): row[1] for row in csv.reader(file)}


def employees(path: pathlib.Path, bad: set[int]) -> list[list[str]]:
    with path.open(newline='', encoding='utf-8') as file:
        return [row for line, row in enumerate(csv.reader(file), 1) if line not in bad and row[2].startswith(YEAR)]


def reports(folder: pathlib.Path, all_employees: pathlib.Path | None = None) -> dict[str, list[dict]]:
    departments, jobs = names(folder / 'departments.csv'), names(folder / 'jobs.csv')
    bad = set() if all_employees else set(count.expected(folder)['rejected'])
    quarters: dict[tuple[str, str], list[int]] = collections.defaultdict(lambda: [0, 0, 0, 0])
    hired = collections.Counter({number: 0 for number in departments})
    for row in employees(all_employees or folder / 'hired_employees.csv', bad):
        quarters[departments[int(row[3])], jobs[int(row[4])]][(int(row[2][5:7]) - 1) // 3] += 1
        hired[int(row[3])] += 1
    mean = sum(hired.values()) / len(hired)
    return {
        'hired-by-quarter': [
            {'department': department, 'job': job, **{f'q{i}': number for i, number in enumerate(numbers, 1)}}
            for (department, job), numbers in sorted(quarters.items())],
        'hired-above-mean': [
            {'id': number, 'department': departments[number], 'hired': times}
            for number, times in sorted(hired.items(), key=lambda each: (-each[1], each[0])) if times > mean]}


if __name__ == '__main__':
    print(json.dumps(reports(pathlib.Path(sys.argv[1]), *map(pathlib.Path, sys.argv[2:3])), ensure_ascii=False))

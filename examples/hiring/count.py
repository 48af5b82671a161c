#!/usr/bin/env python3
"""What loading hired_employees.csv must give, worked out with nothing but Python's csv module.

    ./count.py FOLDER

Prints one JSON object: how many rows there are, and per bad row its line and what is wrong with it. Every
column is required; departments and jobs are those of the files beside it.
"""
import csv
import datetime
import json
import pathlib
import sys

COLUMNS = ['id', 'name', 'datetime', 'department_id', 'job_id']


def ids(path: pathlib.Path) -> set[int]:
    with path.open(newline='', encoding='utf-8') as file:
        return {int(row[0]) for row in csv.reader(file)}


def problems(row: list[str], departments: set[int], jobs: set[int]) -> list[str]:
    if len(row) != len(COLUMNS):
        return [f'{len(row)} fields']
    missing = [name for name, value in zip(COLUMNS, row) if value == '']
    if missing:
        return [f'{name} required' for name in missing]
    datetime.datetime.strptime(row[2], '%Y-%m-%dT%H:%M:%SZ')  # nothing else is in these files: raises if so
    found = []
    if int(row[3]) not in departments:
        found.append('department_id references')
    if int(row[4]) not in jobs:
        found.append('job_id references')
    return found


def expected(folder: pathlib.Path) -> dict:
    departments, jobs = ids(folder / 'departments.csv'), ids(folder / 'jobs.csv')
    read, rejected = 0, {}
    with (folder / 'hired_employees.csv').open(newline='', encoding='utf-8') as file:
        reader = csv.reader(file)
        for row in reader:
            read += 1
            found = problems(row, departments, jobs)
            if found:
                rejected[reader.line_num] = found
    return {'read': read, 'inserted': read - len(rejected), 'rejected': rejected}


if __name__ == '__main__':
    print(json.dumps(expected(pathlib.Path(sys.argv[1]))))

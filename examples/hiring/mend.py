#!/usr/bin/env python3
"""Mends rejected employees the way a person would in a spreadsheet, from a list of what was left out.

    weir rejects RUN --format csv | ./mend.py REFERENCE.csv > mended.csv

REFERENCE.csv holds the complete rows, by id. Each reject is looked up there and its cells are filled in.
"""
import csv
import pathlib
import sys

COLUMNS = ['id', 'name', 'datetime', 'department_id', 'job_id']


def main() -> None:
    with pathlib.Path(sys.argv[1]).open(newline='', encoding='utf-8') as file:
        complete = {row[0]: row for row in csv.reader(file)}
    rejects = csv.DictReader(sys.stdin)
    writer = csv.DictWriter(sys.stdout, rejects.fieldnames)
    writer.writeheader()
    for reject in rejects:
        reject.update(zip(COLUMNS, complete[reject['id']]))
        writer.writerow(reject)


if __name__ == '__main__':
    main()

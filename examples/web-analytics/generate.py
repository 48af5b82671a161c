#!/usr/bin/env python3
"""Makes web sessions of the shape a public analytics export has, from a seed.

    generate.py FOLDER --days 3 --sessions 200 --seed 7     one JSON array per day
    generate.py FILE.ndjson --sessions 1000000 --seed 7     one session per line

The same seed gives the same bytes. User ids are strings of digits: most have 17 to 19, some start
with zeros, some have 20, more than a double or a bigint can hold. (userId, visitId, date) is unique.
"""
import argparse
import datetime
import json
import pathlib
import random
from typing import Iterator

DEVICES = ['desktop'] * 13 + ['mobile'] * 6 + ['tablet']
CITIES = ['not available in demo dataset', '(not set)', 'London', 'Buenos Aires', 'São Paulo', 'New York',
          'Mountain View', 'Zürich', 'Córdoba', '東京', "L'Hospitalet", 'Sydney']
PAGES = ['/home', '/basket.html', '/signin.html', '/google+redesign/apparel/headgear',
         '/google+redesign/apparel/headgear/quickview', '/google+redesign/shop+by+brand/youtube',
         '/google+redesign/accessories/stickers/home', '/store.html/quickview', '/yourinfo.html',
         '/google+redesign/shop+by+brand/waze+baby+on+board+window+decal.axd']
HIT_LISTS = 2048  # distinct hit lists; sessions draw from them, which is what makes a million quick


def user_id(random_source: random.Random) -> str:
    kind = random_source.random()
    if kind < 0.03:
        return '0' + str(random_source.randrange(10**16, 10**18))
    if kind < 0.05:
        return str(random_source.randrange(10**19, 10**20))
    return str(random_source.randrange(10**16, 10**19))


def hit_list(random_source: random.Random) -> str:
    count = min(1 + int(random_source.expovariate(1 / 14)), 200)
    time = 0
    hits = []
    for number in range(1, count + 1):
        hits.append({'hitNumber': number, 'time': time, 'type': random_source.choice(['PAGE', 'PAGE', 'EVENT']),
                     'page': random_source.choice(PAGES)})
        time += random_source.randrange(1, 60000)
    return json.dumps(hits)


class Sessions:
    """Endless sessions, as JSON text."""

    def __init__(self, seed: int):
        self._random = random.Random(seed)
        self._hits = [hit_list(self._random) for _ in range(HIT_LISTS)]
        self._cities = [json.dumps(city, ensure_ascii=False) for city in CITIES]
        self._users = [user_id(self._random) for _ in range(50_000)]
        self._visit = 1_498_867_200

    def take(self, count: int, day: str) -> Iterator[str]:
        choice, randrange = self._random.choice, self._random.randrange
        for _ in range(count):
            self._visit += randrange(1, 4)
            yield (f'{{"userId": "{choice(self._users)}", "visitId": {self._visit}, "date": "{day}", '
                   f'"device": "{choice(DEVICES)}", "city": {choice(self._cities)}, "hit": {choice(self._hits)}}}')


def write_days(folder: pathlib.Path, first_day: datetime.date, days: int, sessions: int, seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    source = Sessions(seed)
    for offset in range(days):
        day = (first_day + datetime.timedelta(days=offset)).strftime('%Y%m%d')
        text = '[' + ', '.join(source.take(sessions, day)) + ']\n'
        (folder / f'sessions_{day}.json').write_text(text, encoding='utf-8')


def write_lines(file: pathlib.Path, first_day: datetime.date, days: int, sessions: int, seed: int) -> None:
    source = Sessions(seed)
    with file.open('w', encoding='utf-8', buffering=1 << 20) as out:
        for offset in range(days):
            day = (first_day + datetime.timedelta(days=offset)).strftime('%Y%m%d')
            count = sessions // days + (offset < sessions % days)
            out.writelines(line + '\n' for line in source.take(count, day))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('target', type=pathlib.Path, help='a folder, or a file that ends in .ndjson')
    parser.add_argument('--first-day', type=datetime.date.fromisoformat, default=datetime.date(2017, 7, 1))
    parser.add_argument('--days', type=int, default=3)
    parser.add_argument('--sessions', type=int, default=200, help='per day; in all for .ndjson')
    parser.add_argument('--seed', type=int, default=7)
    arguments = parser.parse_args()
    write = write_lines if arguments.target.suffix == '.ndjson' else write_days
    write(arguments.target, arguments.first_day, arguments.days, arguments.sessions, arguments.seed)


if __name__ == '__main__':
    main()

#!/usr/bin/env python3
"""Makes a laboratory's export: VCF-like variant calls, one row per variant, sample and result, with the duplicates that
such exports have (a call that was made again stands further down). The same seed gives the same bytes.

    generate.py FILE [--rows 5000] [--seed 1] [--dirt 0]

Exports of different seeds are of the same variants and samples, so that a later one calls some of them again.
"""
import argparse
import csv
import pathlib
import random

COLUMNS = ['CHROM', 'POS', 'ID', 'REF', 'ALT', 'QUAL', 'FILTER', 'INFO', 'FORMAT', 'MUESTRA', 'VALOR', 'ORIGEN',
           'RESULTADO']
CHROMOSOMES = [f'chr{number}' for number in [*range(1, 23), 'X', 'Y', 'M']]
RESULTS = ['Patogénica', 'Probablemente patogénica', 'Significado incierto', 'Probablemente benigna', 'Benigna']


def variant(chance: random.Random) -> dict[str, str]:
    reference = chance.choice('ACGT')
    other = chance.choice([base for base in 'ACGT' if base != reference] + ['<DEL>'])
    return {'CHROM': chance.choice(CHROMOSOMES), 'POS': str(chance.randrange(1, 248_956_422)),
            'ID': f'rs{chance.randrange(10_000, 999_999_999)}', 'REF': reference, 'ALT': other}


def call(chance: random.Random, known: dict[str, str], sample: str, result: str) -> dict[str, str]:
    depth = chance.randrange(8, 180)
    alternative = chance.randrange(0, depth + 1)
    genotype = '0/0' if alternative == 0 else '1/1' if alternative == depth else '0/1'
    quality = '' if chance.random() < 0.02 else f'{chance.uniform(0, 3000):.2f}'
    return {**known, 'QUAL': quality, 'FILTER': chance.choice(['PASS', 'PASS', 'PASS', 'q10', 's50;q10']),
            'INFO': f'DP={depth};AF={alternative / depth:.3f};DB', 'FORMAT': 'GT:DP:AD', 'MUESTRA': sample,
            'VALOR': f'{genotype}:{depth}:{depth - alternative},{alternative}',
            'ORIGEN': chance.choice(['secuenciador-1', 'secuenciador-2', 'externo, "Génica"']), 'RESULTADO': result}


def rows(count: int, seed: int, dirt: float) -> list[dict[str, str]]:
    same = random.Random(2026)
    variants = [variant(same) for _ in range(150)]
    samples = [f'M{number:05d}' for number in range(1, 41)]
    chance = random.Random(seed)
    made: list[dict[str, str]] = []
    while len(made) < count:
        if made and chance.random() < 0.08:  # called again: same key, other values
            old = chance.choice(made)
            made.append(call(chance, {name: old[name] for name in COLUMNS[:5]}, old['MUESTRA'], old['RESULTADO']))
        else:
            made.append(call(chance, chance.choice(variants), chance.choice(samples), chance.choice(RESULTS)))
    for row in made:
        if chance.random() < dirt:
            field, value = chance.choice([('POS', '0'), ('POS', '12.5'), ('REF', 'acgt'), ('MUESTRA', ''),
                                          ('QUAL', '-1'), ('QUAL', 'n/a'), ('RESULTADO', '')])
            row[field] = value
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('file', type=pathlib.Path)
    parser.add_argument('--rows', type=int, default=5000)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--dirt', type=float, default=0.0, help='the share of rows that break a rule')
    arguments = parser.parse_args()
    arguments.file.parent.mkdir(parents=True, exist_ok=True)
    with arguments.file.open('w', newline='', encoding='utf-8') as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator='\n')
        writer.writeheader()
        writer.writerows(rows(arguments.rows, arguments.seed, arguments.dirt))


if __name__ == '__main__':
    main()

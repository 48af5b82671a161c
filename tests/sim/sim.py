#!/usr/bin/env python3
"""Does to weir what months do to it, and checks that every row, and every fire, is there exactly once.

    tests/sim/sim.py --weir build/dev/src/weir --faulty-files build/dev/tests/sim/faulty_files.so \\
        [--scenario kill …] [--rounds 10] [--seed 7] [--first-round N]
    tests/sim/sim.py … --canary

README.md tells of the scenarios. A round's schedule follows from seed, scenario and round number alone:
`--scenario S --seed N --first-round R --rounds 1` replays round R (the kernel's timing stays its own). --canary
breaks something on purpose, in each scenario, and demands that the checker sees it: a simulation that
cannot fail proves nothing.
"""
import argparse
import collections
import pathlib
import random
import shutil
import sys
import tempfile

import cron_rounds
import disk_rounds
import download_rounds
import kill_rounds
import locked_rounds
import owner_rounds
import server_rounds
from rounds import Round, Setting

SCENARIOS: dict[str, type[Round]] = {
    'kill': kill_rounds.KillRound,
    'disk-full': disk_rounds.DiskFullRound,
    'io-error': disk_rounds.IoErrorRound,
    'cron': cron_rounds.CronRound,
    'locked': locked_rounds.LockedRound,
    'download': download_rounds.DownloadRound,
    'postgres': server_rounds.PostgresRound,
    'postgres-owners': owner_rounds.TwoOwnersOnPostgresRound,
    'mysql': server_rounds.MysqlRound,
    'mysql-owners': owner_rounds.TwoOwnersOnMysqlRound,
}


def play(scenario: str, setting: Setting, number: int, root: pathlib.Path, faults: str = '') -> tuple[Round, list[str]]:
    this = SCENARIOS[scenario](setting, scenario, number, root, faults)
    try:
        this.play(number)
        return this, this.check()
    except AssertionError as error:
        return this, [str(error)]


def simulate(scenario: str, setting: Setting, rounds: range) -> bool:
    reached: collections.Counter = collections.Counter()
    for number in rounds:
        root = pathlib.Path(tempfile.mkdtemp(prefix='weir-sim-')) / f'{scenario}-{number}'
        this, problems = play(scenario, setting, number, root)
        print(f'{scenario} {number}: {this.summary()}; {"; ".join(this.notes)}: {"WRONG" if problems else "ok"}',
              flush=True)
        if problems:
            print('\n'.join(problems[:50]))
            print(f'{this.log_tail()}\nkept: {root}\nreplay: {sys.argv[0]} --weir {setting.weir} --faulty-files '
                  f'{setting.module} --scenario {scenario} --seed {setting.seed} --first-round {number} --rounds 1')
            return False
        reached.update(this.reached)
        shutil.rmtree(root.parent)
    aims = SCENARIOS[scenario].aims()
    missed = sorted(aims - reached.keys())
    if missed:
        print(f'{scenario}: never reached: {", ".join(missed)}')
    return not missed or len(rounds) < 2 * len(aims)


def canary(scenario: str, setting: Setting) -> bool:
    """With something broken on purpose some round must end badly, in the way that it would."""
    kind = SCENARIOS[scenario]
    for number in range(8):
        root = pathlib.Path(tempfile.mkdtemp(prefix='weir-canary-')) / 'round'
        _, problems = play(scenario, setting, number, root, faults=kind.canary)
        shutil.rmtree(root.parent)
        caught = [problem for problem in problems if kind.canary_shows in problem]
        if caught:
            print(f'{scenario} {number}: the canary ({kind.canary}) was caught: {caught[0]}', flush=True)
            return True
    print(f'{scenario}: {kind.canary}, and nothing was noticed', file=sys.stderr)
    return False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--weir', type=lambda text: pathlib.Path(text).resolve(), required=True)
    parser.add_argument('--faulty-files', type=lambda text: pathlib.Path(text).resolve(), required=True)
    parser.add_argument('--scenario', nargs='+', choices=sorted(SCENARIOS), default=list(SCENARIOS))
    parser.add_argument('--rounds', type=int, default=10, help='of each scenario')
    parser.add_argument('--first-round', type=int, default=0)
    parser.add_argument('--seed', type=int, default=None)
    parser.add_argument('--canary', action='store_true')
    arguments = parser.parse_args()
    if arguments.seed is None:
        arguments.seed = random.SystemRandom().randrange(2**31)
    setting = Setting(arguments.weir, arguments.faulty_files, arguments.seed)
    print(f'seed {arguments.seed}, scenarios: {", ".join(arguments.scenario)}', flush=True)
    rounds = range(arguments.first_round, arguments.first_round + arguments.rounds)
    if arguments.canary:
        return 0 if all([canary(scenario, setting) for scenario in arguments.scenario]) else 1
    if not all(simulate(scenario, setting, rounds) for scenario in arguments.scenario):
        return 1
    print(f'everything exactly once in {arguments.rounds} rounds of each scenario')
    return 0


if __name__ == '__main__':
    sys.exit(main())

"""A disk that is full, fails or lies for a while, under an owner that stays up."""
import errno
import time
from typing import NamedTuple

from arrivals import ArrivalRound
from faulty_files import Rule
from weir_project import wait_until

DATABASE, RUN_LOG, LANDING, EVERYTHING = '*/db.duckdb*', '*/runs.sqlite*', '*/landing/*', '*'


class Plan(NamedTuple):
    """What goes wrong: (path, operations, action, error), and how often."""
    name: str
    rules: list[tuple[str, str, str, int]]
    chance: float = 1.0
    longest: float = 1.5  # seconds the faults last


def full(path: str) -> list[tuple[str, str, str, int]]:
    return [(path, 'write', 'torn', errno.ENOSPC), (path, 'mkdir', 'fail', errno.ENOSPC)]


FULL_PLANS = [
    Plan('database', full(DATABASE)),
    Plan('run log', full(RUN_LOG)),
    Plan('everything', full(EVERYTHING)),
    Plan('database now and then', full(DATABASE), 0.3),
    Plan('run log now and then', full(RUN_LOG), 0.3),
    Plan('everything now and then', full(EVERYTHING), 0.1),
    Plan('run log, for long', full(RUN_LOG), 1.0, 40),
]
ERROR_PLANS = [
    Plan('database writes', [(DATABASE, 'write', 'fail', errno.EIO)]),
    Plan('database writes, torn', [(DATABASE, 'write', 'torn', errno.EIO)], 0.3),
    Plan('database syncs', [(DATABASE, 'sync', 'fail', errno.EIO)], 0.5),
    Plan('database reads and locks', [(DATABASE, 'read open lock', 'fail', errno.EIO)]),
    Plan('run log writes, torn', [(RUN_LOG, 'write', 'torn', errno.EIO)], 0.3),
    Plan('run log syncs', [(RUN_LOG, 'sync', 'fail', errno.EIO)]),
    Plan('run log reads and locks', [(RUN_LOG, 'read lock', 'fail', errno.EIO)], 0.3),
    Plan('inputs', [(LANDING, 'read open stat', 'fail', errno.EIO)], 0.5),
    Plan('short transfers', [(EVERYTHING, 'read write', 'short', 0)], 0.3),
    Plan('interrupted calls', [(LANDING, 'read open', 'fail', errno.EINTR)], 0.3),
    Plan('everything now and then', [(EVERYTHING, 'open read write sync rename', 'fail', errno.EIO)], 0.05),
]


class DiskRound(ArrivalRound):
    """Three lives under a plan: one that gets over it, one that is killed amid it, one that starts amid it."""

    plans: list[Plan]
    canary = 'never-heals'
    canary_shows = 'not within'

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.rules: list[Rule] = []
        self.patience = 15 if 'never-heals' in self.always else 120

    @classmethod
    def aims(cls) -> set[str]:
        return {plan.name for plan in cls.plans}

    def play(self, number: int) -> None:
        plan = self.plans[number % len(self.plans)]
        self.notes.append(plan.name)
        self.get_over(plan)
        self.die_amid(plan)
        self.start_amid(plan)
        self.finish()

    def break_things(self, plan: Plan) -> None:
        for path, operations, action, error in plan.rules:
            self.rules.append(self.files.rule(path, operations, action, error, chance=plan.chance))

    def heal(self, plan: Plan) -> int:
        struck = sum(rule.struck for rule in self.rules)
        self.rules.clear()
        if struck:
            self.reached.add(plan.name)
        self.files.heal()
        return struck

    def get_over(self, plan: Plan) -> None:
        """Faults come and go under an owner at work, which then does all that is left by itself."""
        owner = self.start()
        try:
            self.writer.drop(self.seed.randint(20, 60))
            time.sleep(self.seed.uniform(0, 0.2))  # how far it gets before is the experiment
            self.break_things(plan)
            self.writer.drop(self.seed.randint(20, 60))
            time.sleep(self.seed.uniform(plan.longest / 15, plan.longest))
            if 'never-heals' not in self.always:
                self.notes.append(f'struck {self.heal(plan)} times')
            wait_until(self.at_rest, 'an owner that got over it, at rest', self.patience)
            assert owner.alive(), 'weir up died of it'
            code = owner.stop()
            assert code == 0, f'weir up ended with {code}'
        finally:
            owner.kill()

    def die_amid(self, plan: Plan) -> None:
        owner = self.start()
        self.writer.drop(self.seed.randint(20, 60))
        time.sleep(self.seed.uniform(0, 0.1))
        self.break_things(plan)
        self.writer.drop(self.seed.randint(5, 20))
        time.sleep(self.seed.uniform(0, 0.5))
        owner.kill()
        self.heal(plan)

    def start_amid(self, plan: Plan) -> None:
        """A start may be refused, with an error; it may also come up and wait."""
        self.break_things(plan)
        self.writer.drop(self.seed.randint(5, 20))
        owner = self.start_or_die()
        self.notes.append('started amid it' if owner else 'refused to start amid it')
        self.heal(plan)
        if owner:
            owner.stop()
            owner.kill()


class DiskFullRound(DiskRound):
    plans = FULL_PLANS


class IoErrorRound(DiskRound):
    plans = ERROR_PLANS

"""Two owners, as on two machines, with the same pipelines, the same bucket and one database server."""
import pathlib
import time

from rounds import Setting
from server_rounds import ServerRound
from weir_project import Owner, OwnerDied, Project


class TwoOwnersRound(ServerRound):
    """Both see every file; which of them loads it is decided by the ledger alone. One of them dies, or both, at
    a fault point or at a random time, or loses its connections."""

    def __init__(self, setting: Setting, scenario: str, number: int, root: pathlib.Path, faults: str = ''):
        super().__init__(setting, scenario, number, root, faults)
        self.writer.shared_keys = 5
        yaml = (root / 'weir.yaml').read_text().replace('file://landing', f'file://{root}/landing')
        (root / 'weir.yaml').write_text(yaml)
        second = root.parent / 'second'
        second.mkdir()
        (second / 'weir.yaml').write_text(yaml)
        self.projects = [self.project, Project(second, setting.weir)]
        self.loaded_by = [0, 0]

    @classmethod
    def aims(cls) -> set[str]:
        return {'both loaded', 'the second found it loaded', 'one died', 'both died', 'connections are cut'}

    def play(self, number: int) -> None:
        points = sorted(self.fault_points())
        try:
            for what in self.seed.sample(['point', 'one', 'both', 'cut'], 3):
                fault = f'crash@{self.seed.choice(points)}:{self.seed.randint(1, 4)}' if what == 'point' else None
                owners = [self.start_owner(0, fault), self.start_owner(1)]
                try:
                    self.race(owners, what)
                finally:
                    for owner in owners:
                        if owner:
                            owner.kill()
                self.notes.append(fault or what)
                if self.seed.random() < 0.5:
                    self.settle_and_rewrite(self.seed.randint(1, 5))
            self.finish()
        finally:
            self.proxy.__exit__()

    def start_owner(self, place: int, fault: str | None = None) -> Owner | None:
        project = self.projects[place]
        project.environment = {'WEIR_FAULTS': ','.join(self.always + ([fault] if fault else []))}
        try:
            return project.start()
        except OwnerDied:
            return None
        finally:
            project.environment = {'WEIR_FAULTS': ','.join(self.always)}

    def race(self, owners: list[Owner | None], what: str) -> None:
        self.writer.drop(self.seed.randint(20, 50))
        time.sleep(self.seed.uniform(0.0, 0.5))  # the moment is the experiment
        first = self.seed.randrange(2)
        if what == 'cut':
            self.proxy.cut_all()
            self.reached.add('connections are cut')
        elif what != 'point':
            for owner in owners[first:first + 1] if what == 'one' else owners:
                if owner:
                    owner.kill()
            self.reached.add(f'{what} died')
        self.writer.drop(self.seed.randint(5, 20))
        if what != 'both':
            time.sleep(self.seed.uniform(0.0, 0.5))

    def finish(self) -> None:
        owners = [self.start_owner(0), self.start_owner(1)]
        try:
            self.rest()
            codes = [owner.stop() if owner else None for owner in owners]
            assert codes == [0, 0], f'weir up ended with {codes}'
        finally:
            for owner in owners:
                if owner:
                    owner.kill()

    def unfinished(self) -> list[dict]:
        return self.of_both(super().unfinished)

    def check_run_log(self) -> list[str]:
        for project in self.projects:
            for run in project.runs('--limit', '100000', '--state', 'skipped'):
                self.reached.add('the second found it loaded')
                break
        loaded = [project.runs('--limit', '1', '--state', 'succeeded') for project in self.projects]
        if all(loaded):
            self.reached.add('both loaded')
        return self.of_both(super().check_run_log)

    def left_behind(self) -> list[str]:
        return self.of_both(super().left_behind)

    def of_both(self, ask) -> list:
        found = []
        for project in self.projects:
            self.project = project
            found += ask()
        self.project = self.projects[0]
        return found


class TwoOwnersOnPostgresRound(TwoOwnersRound):
    protocol = 'postgres'


class TwoOwnersOnMysqlRound(TwoOwnersRound):
    protocol = 'mysql'

"""A strict reader of Prometheus' text format 0.0.4: what it takes, any scraper takes."""
import dataclasses
import math
import re

NAME = re.compile(r'[a-zA-Z_:][a-zA-Z0-9_:]*')
LABEL_NAME = re.compile(r'[a-zA-Z_][a-zA-Z0-9_]*')
ENDINGS = {'histogram': ('_bucket', '_sum', '_count'), 'counter': ('',), 'gauge': ('',)}

Labels = tuple[tuple[str, str], ...]


@dataclasses.dataclass
class Family:
    name: str
    kind: str = ''
    help: str | None = None
    samples: dict[tuple[str, Labels], float] = dataclasses.field(default_factory=dict)

    def value(self, ending: str = '', **labels: str) -> float:
        """Of the one series with these labels, or 0."""
        return self.samples.get((self.name + ending, tuple(sorted(labels.items()))), 0)

    def total(self, ending: str = '', **labels: str) -> float:
        """Of all series that have these labels, whatever others they have."""
        return sum(value for (name, has), value in self.samples.items()
                   if name == self.name + ending and set(labels.items()) <= set(has))

    def label_values(self, label: str) -> set[str]:
        return {dict(labels)[label] for _, labels in self.samples if label in dict(labels)}


def parse(text: str) -> dict[str, Family]:
    """Families by name. Fails at whatever the format does not allow."""
    assert text.endswith('\n'), 'the last line ends'
    families: dict[str, Family] = {}
    current: Family | None = None
    for line in text[:-1].split('\n'):
        assert line and '\r' not in line, line
        if line.startswith('# '):
            word, name, rest = line[2:].split(' ', 2)
            assert word in ('HELP', 'TYPE') and NAME.fullmatch(name), line
            if current is None or current.name != name:
                assert name not in families, f'{name} comes in two places'
                current = families[name] = Family(name)
            assert not current.samples, f'{line} behind its samples'
            if word == 'HELP':
                assert current.help is None and rest, line
                current.help = rest
            else:
                assert current.kind == '' and rest in ENDINGS, line
                current.kind = rest
            continue
        name, labels, value = parse_sample(line)
        assert current is not None and current.kind and current.help, f'{line} has no TYPE and HELP'
        assert name in [current.name + ending for ending in ENDINGS[current.kind]], f'{line} is not of {current.name}'
        assert (name, labels) not in current.samples, f'{line} comes twice'
        current.samples[name, labels] = value
    for family in families.values():
        check(family)
    return families


def parse_sample(line: str) -> tuple[str, Labels, float]:
    name = NAME.match(line)
    assert name, line
    at, labels = name.end(), []
    if line[at] == '{':
        at += 1
        while line[at] != '}':
            label = LABEL_NAME.match(line, at)
            assert label, line
            at = label.end()
            assert line[at:at + 2] == '="', line
            value, at = parse_label_value(line, at + 2)
            labels.append((label.group(), value))
            if line[at] == ',':
                at += 1
            else:
                assert line[at] == '}', line
        at += 1
    assert line[at] == ' ' and len({label for label, _ in labels}) == len(labels), line
    return name.group(), tuple(sorted(labels)), parse_number(line[at + 1:])


def parse_label_value(line: str, at: int) -> tuple[str, int]:
    value = ''
    while line[at] != '"':
        if line[at] == '\\':
            value += {'\\': '\\', '"': '"', 'n': '\n'}[line[at + 1]]
            at += 2
        else:
            value += line[at]
            at += 1
    return value, at + 1


def parse_number(text: str) -> float:
    if text in ('+Inf', '-Inf', 'NaN'):
        return float(text)
    assert re.fullmatch(r'-?\d+(\.\d+)?([eE][+-]?\d+)?', text), text
    return float(text)


def check(family: Family) -> None:
    if family.kind == 'counter':
        assert family.name.endswith('_total'), family.name
        assert all(value >= 0 and math.isfinite(value) for value in family.samples.values()), family
    if family.kind != 'histogram':
        return
    series: dict[Labels, list[tuple[float, float]]] = {}
    for (name, labels), value in family.samples.items():
        if name.endswith('_bucket'):
            bound = parse_number(dict(labels)['le'])
            series.setdefault(tuple(pair for pair in labels if pair[0] != 'le'), []).append((bound, value))
    for (name, labels) in family.samples:
        if not name.endswith('_bucket'):
            assert labels in series, f'{name} has no buckets'
    for labels, buckets in series.items():
        assert buckets == sorted(buckets), f'{family.name}: the bounds of {labels} rise'
        counts = [count for _, count in buckets]
        assert counts == sorted(counts), f'{family.name}: the buckets of {labels} are cumulative'
        assert buckets[-1][0] == math.inf, f'{family.name}: the last bucket of {labels} holds all'
        count, total = family.samples[family.name + '_count', labels], family.samples[family.name + '_sum', labels]
        assert counts[-1] == count, f'{family.name}: the last bucket of {labels} is the count'
        # Each value lies in its bucket, so the sum lies between the sums of the bounds.
        least = most = below = previous = 0.0
        for bound, cumulative in buckets:
            least += (cumulative - previous) * below
            most += (cumulative - previous) * bound if cumulative > previous else 0
            below, previous = bound, cumulative
        assert least * 0.999999 <= total <= most * 1.000001, f'{family.name}: the sum of {labels} agrees with its buckets'

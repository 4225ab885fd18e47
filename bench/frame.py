"""What the benches share: Mekong and its peers as child processes, their memory, tables with ratios."""
import argparse
import os
import pathlib
import platform
import re
import resource
import signal
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
DEPS = pathlib.Path(os.environ['MEKONG_DEPS'])
sys.path.insert(0, str(ROOT / 'tests'))


def descendants(pid):
    """pid and all processes below it. A thread or process may end while it is looked at."""
    found, wanted = [], [pid]
    while wanted:
        found.append(wanted.pop())
        for children in pathlib.Path(f'/proc/{found[-1]}/task').glob('*/children'):
            try:
                wanted += [int(child) for child in children.read_text().split()]
            except OSError:
                continue
    return found


def resident_mib(pid, children=True):
    """Memory of a process, with its children if wanted; what they share is counted once (PSS)."""
    kib = 0
    for each in descendants(pid) if children else [pid]:
        try:
            kib += int(re.search(r'^Pss:\s+(\d+)', pathlib.Path(f'/proc/{each}/smaps_rollup').read_text(), re.M)[1])
        except (OSError, TypeError):
            continue
    return kib / 1024


def cpu_s(pid):
    """Seconds of processor time of a process with its children, user and system."""
    ticks = 0
    for each in descendants(pid):
        try:
            fields = pathlib.Path(f'/proc/{each}/stat').read_text().rsplit(')', 1)[1].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf('SC_CLK_TCK')


def ended_cpu_s():
    """The same of all children that have ended: the clients, one after another."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def options(**defaults):
    """Of the command line: --NAME=VALUE or --NAME VALUE for each default, of its kind."""
    parser = argparse.ArgumentParser()
    for name, value in defaults.items():
        parser.add_argument(f'--{name}', type=type(value), default=value)
    return parser.parse_args()


def wait_for(condition, seconds=60, pause=0.001):
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f'not seen in {seconds} s')
        time.sleep(pause)
    return value


def end(process):
    """Ends a child that was started with start_new_session, with all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def heading(text):
    commit = subprocess.run(['git', 'rev-parse', '--short=12', 'HEAD'], cwd=ROOT, capture_output=True, text=True,
                            check=False).stdout.strip()
    print(f'\n{text}\n(commit {commit}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, '
          f'load {os.getloadavg()[0]:.1f})\n', flush=True)


def short(value):
    """Four digits at least."""
    return f'{value:,.0f}' if value >= 1000 else f'{value:.4g}'


def table(measures, sides, better):
    """Prints the median of each measure a side and how many times better Mekong, the first side, is than each other.

    measures: {(side, measure): [value, …]}; better: {measure: 'lower' | 'higher'}; a value's spread is shown beside it."""
    print('| measure | ' + ' | '.join(sides) + ' | ' + ' | '.join(f'{sides[0]} is' for _ in sides[1:]) + ' |')
    print('|---' * (2 * len(sides)) + '|')
    for measure, direction in better.items():
        medians = [statistics.median(measures[side, measure]) for side in sides]
        cells = [f'{short(median)} ({short(min(values))}–{short(max(values))})'
                 for median, values in zip(medians, [measures[side, measure] for side in sides])]
        for other in medians[1:]:
            ours, theirs = (max(value, 1e-9) for value in (medians[0], other))
            ratio = theirs / ours if direction == 'lower' else ours / theirs
            cells.append(f'{ratio:.2f}× better' if ratio >= 1 else f'{1 / ratio:.2f}× worse')
        print(f'| {measure} | ' + ' | '.join(cells) + ' |', flush=True)

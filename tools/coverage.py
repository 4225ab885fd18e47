#!/usr/bin/env python3
"""Whether the tests of src/policy take every branch of the engine, both ways: built anew with counters and run.

coverage.py BUILD_FOLDER: of a build that has mekong_policy_test. Is skipped (77) but in the tier `full`.
What cannot be taken, and why, stands in src/policy/uncovered.txt: file, the line as it is, the reason."""
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

POLICY = pathlib.Path(__file__).resolve().parents[1] / 'src' / 'policy'
LLVM = '/usr/lib/llvm-19/bin/'


def objects_of(build, folder):
    """Every source of the module and of its tests, with the build's own flags and counters besides."""
    jobs = []
    for entry in json.loads((build / 'compile_commands.json').read_text()):
        source = pathlib.Path(entry['file'])
        if source.parent != POLICY or source.stem.endswith('_fuzz'):
            continue
        command, output = shlex.split(entry['command']), folder / (source.stem + '.o')
        command[command.index('-o') + 1] = str(output)
        command = [word for word in command if word != 'ccache']
        command += ['-O0', '-fprofile-instr-generate', '-fcoverage-mapping', '-Wno-error']
        jobs.append(output)
        subprocess.run(command, cwd=entry['directory'], check=True)
    return jobs


def excused():
    out, name = {}, None
    for line in (POLICY / 'uncovered.txt').read_text().splitlines():
        if line.startswith('- '):
            out[name, line[2:].strip()] = True
        elif line and not line.startswith(('#', ' ')):
            name = line.strip()
    return out


def main():
    if os.environ.get('MEKONG_TIER') != 'full':
        sys.exit(77)
    build = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        program, profile = folder / 'tests', folder / 'profile'
        subprocess.run(['clang++-19', '-fuse-ld=lld-19', '-fprofile-instr-generate', *objects_of(build, folder), '-lboost_json',
                        '-lgtest', '-lgmock', '-lgtest_main', '-lpthread', '-o', program], check=True)
        subprocess.run([program, '--gtest_brief=1'], check=True, env={
            **os.environ, 'MEKONG_TIER': 'ci', 'LLVM_PROFILE_FILE': str(folder / 'raw')})
        subprocess.run([LLVM + 'llvm-profdata', 'merge', '-o', profile, folder / 'raw'], check=True)
        told = json.loads(subprocess.run([LLVM + 'llvm-cov', 'export', program, f'-instr-profile={profile}'],
                                         check=True, capture_output=True).stdout)
    taken, missing, allowed = 0, [], excused()
    for file in told['data'][0]['files']:
        path = pathlib.Path(file['filename'])
        if path.parent != POLICY or path.stem.endswith('_test'):
            continue
        text, seen = path.read_text().splitlines(), {}
        for line, column, end, end_column, true, false, *_ in file['branches']:
            place = seen.setdefault((line, column, end, end_column), [0, 0])
            place[0], place[1] = place[0] + true, place[1] + false
        for (line, column, end, end_column), counts in sorted(seen.items()):
            if 0 not in counts or (path.name, text[line - 1].strip()) in allowed:
                taken += 2
                continue
            part = text[line - 1][column - 1:end_column - 1] if line == end else text[line - 1][column - 1:]
            missing.append(f'{path.name}:{line}: {part}: never {"true" if counts[0] == 0 else "false"}')
    print(f'{taken} of {taken + 2 * len(missing)} branches are taken, {len(allowed)} excused')
    if missing:
        sys.exit('\n'.join(['these are not:', *missing]))


main()

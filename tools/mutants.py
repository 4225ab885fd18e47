#!/usr/bin/env python3
"""Checks the tests of src/policy: each fault of src/policy/mutants.txt, built in, must make them fail.

mutants.py BUILD_FOLDER: of a build that has mekong_policy_test. Is skipped (77) but in the tier `full`."""
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

POLICY = pathlib.Path(__file__).resolve().parents[1] / 'src' / 'policy'


def read_mutants():
    mutants, name, old = [], None, None
    for line in (POLICY / 'mutants.txt').read_text().splitlines():
        if line.startswith('-'):
            old = line[1:].strip()
        elif line.startswith('+'):
            mutants.append((name, old, line[1:].strip()))
        elif line and not line.startswith('#'):
            name = line
    return mutants


def compile_command(build, source):
    """Of the build itself, with its own flags."""
    for entry in json.loads((build / 'compile_commands.json').read_text()):
        if entry['file'] == str(source):
            return shlex.split(entry['command']), entry['directory']
    sys.exit(f'mutants: {source} is not built in {build}')


def survives(build, folder, name, old, new):
    source = POLICY / name
    text = source.read_text()
    if text.count(old) != 1:
        sys.exit(f'mutants: {name} has {text.count(old)} times: {old}')
    changed = folder / name
    changed.write_text(text.replace(old, new))
    command, directory = compile_command(build, source)
    output = folder / (name + '.o')
    command[command.index('-o') + 1] = str(output)
    command[command.index(str(source))] = str(changed)
    built = subprocess.run([*command, '-Wno-error'], cwd=directory, capture_output=True, text=True, check=False)
    if built.returncode != 0:
        sys.exit(f'mutants: {name} does not compile with: {new}\n{built.stderr}')
    tests = (build / 'src/policy/CMakeFiles/mekong_policy_test.dir').glob('*_test.cpp.o')
    program = folder / 'mutant'
    compiler = next(word for word in command if 'clang++' in word or 'g++' in word)
    linked = subprocess.run([compiler, output, *tests, build / 'src/policy/libmekong_policy.a', '-lboost_json', '-lgtest',
                             '-lgmock', '-lgtest_main', '-lpthread', '-o', program],
                            capture_output=True, text=True, check=False)
    if linked.returncode != 0:
        sys.exit(f'mutants: {name} does not link with: {new}\n{linked.stderr}')
    environment = {**os.environ, 'MEKONG_TIER': 'ci'}
    return subprocess.run([program], capture_output=True, env=environment, check=False).returncode == 0


def main():
    if os.environ.get('MEKONG_TIER') != 'full':
        sys.exit(77)
    build = pathlib.Path(sys.argv[1]).resolve()
    mutants = read_mutants()
    with tempfile.TemporaryDirectory() as folder:
        alive = [f'{name}: {new or "(nothing)"} for {old}' for name, old, new in mutants
                 if survives(build, pathlib.Path(folder), name, old, new)]
    print(f'{len(mutants) - len(alive)} of {len(mutants)} mutants are noticed')
    if alive:
        sys.exit('\n'.join(['these are not:', *alive]))


main()

"""What generated code costs to compile: 25 services of botocore, the first 30 operations of each, tables and a service
that answers NotImplemented, by the compiler and flags of the preset, two at a time."""
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import frame

SERVICES = '''athena cloudformation cloudwatch dynamodb ec2 ecs emr emr-serverless events firehose glue iam kafka kinesis kms
lambda lakeformation logs redshift s3 secretsmanager sns sqs stepfunctions sts'''.split()
OPERATIONS = 30
LIMIT_S = 180

GENERATE = '''
import json, os, sys
sys.path.insert(0, sys.argv[1])
import aws, botocore.loaders
out, names = sys.argv[2], sys.argv[3:]
for name in names:
    model = botocore.loaders.Loader().load_service_model(name, 'service-2')
    listed = [(op, {'action': 'none', 'resource': []}) for op in sorted(model['operations'])[:%d]]
    service = aws.Service(model, listed)
    space = aws.snake(name)
    folder = os.path.join(out, 'gen', space)
    os.makedirs(folder)
    files = {'types.h': aws.write_types(service, name), 'service.h': aws.write_service(service, name),
             'twin.h': aws.write_twin(service, name), 'tables.cpp': aws.Tables(service, name).write(),
             'twin.cpp': '#include "gen/%%s/twin.h"\\nnamespace mekong::gen::%%s { Twin twin; }\\n' %% (space, space)}
    for file, text in files.items():
        open(os.path.join(folder, file), 'w').write(text)
    print(len(service.operations), flush=True)
''' % OPERATIONS


def flags(preset):
    """Those of a generated file in this preset, without its own names."""
    for entry in json.loads((frame.ROOT / 'build' / preset / 'compile_commands.json').read_text()):
        if entry['file'].endswith('gen/glue/tables.cpp'):
            words = shlex.split(re.sub(r'^ccache\s+', '', entry['command']))
            return [word for word in words[:words.index('-o')]]
    sys.exit('no generated service in compile_commands.json: ./dev build first')


def main():
    preset = os.environ.get('MEKONG_PRESET', 'release')
    frame.heading(f'Generated code of {len(SERVICES)} services, up to {OPERATIONS} operations each, preset {preset}')
    with tempfile.TemporaryDirectory() as folder:
        begin = time.monotonic()
        python = frame.DEPS / 'build-venv' / 'bin' / 'python'
        printed = subprocess.run([python, '-c', GENERATE, frame.ROOT / 'tools' / 'codegen', folder, *SERVICES], check=True,
                                 capture_output=True, text=True).stdout
        operations = sum(int(line) for line in printed.split())
        generated_s = time.monotonic() - begin
        compiler, *words = flags(preset)
        command = [compiler, f'-I{folder}', *words, '-c']  # before the services of the build
        sources = sorted(pathlib.Path(folder).rglob('*.cpp'))

        def compiled(source):
            begin = time.monotonic()
            subprocess.run([*command, source, '-o', f'{source}.o'], cwd=frame.ROOT / 'build' / preset, check=True)
            return time.monotonic() - begin, source

        begin = time.monotonic()
        with ThreadPoolExecutor(int(os.environ.get('CMAKE_BUILD_PARALLEL_LEVEL', '2'))) as pool:
            times = sorted(pool.map(compiled, sources), reverse=True)
        compiled_s = time.monotonic() - begin
        written = [path for path in pathlib.Path(folder).rglob('*') if path.suffix in ('.h', '.cpp')]
        lines = sum(len(path.read_text().splitlines()) for path in written)
        size = sum(pathlib.Path(f'{source}.o').stat().st_size for source in sources)
        print(f'{operations} operations, {lines} lines, objects {size >> 20} MiB')
        print(f'generated in {generated_s:.1f} s, compiled in {compiled_s:.1f} s (limit {LIMIT_S})')
        for seconds, source in times[:5]:
            print(f'  {seconds:5.1f} s  {source.relative_to(folder)}')


if __name__ == '__main__':
    main()

"""Bodies of 500 records of 1 KiB into structs (bench/decode.cpp): bytes on the wire a second, on one core."""
import json
import os
import subprocess

import frame

FLOORS_MB = {'json': 800, 'cbor': 1500}


def main():
    frame.heading('Decoding a PutRecords of 500 x 1 KiB, one core (medians of 5, least and most in brackets)')
    preset = os.environ.get('MEKONG_PRESET', 'release')
    subprocess.run(['cmake', '--build', '--preset', preset, '--target', 'mekong_decode_bench'], cwd=frame.ROOT, check=True,
                   stdout=subprocess.DEVNULL)
    printed = subprocess.run([frame.ROOT / 'build' / preset / 'src' / 'gen' / 'mekong_decode_bench', '--benchmark_repetitions=5',
                              '--benchmark_format=json'], check=True, capture_output=True, text=True).stdout
    rates = {name: [] for name in FLOORS_MB}
    for run in json.loads(printed)['benchmarks']:
        if run['run_type'] == 'iteration':
            rates[run['name']].append(run['bytes_per_second'] / 1e6)
    for name, got in rates.items():
        got.sort()
        print(f'{name:5} {got[2]:7.0f} MB/s [{got[0]:.0f}, {got[-1]:.0f}]   floor {FLOORS_MB[name]}')


if __name__ == '__main__':
    main()

#!/usr/bin/env python3
"""The generator's output for a made-up message, held against golden/kafka. `--update` rewrites the golden files."""
import pathlib
import sys
import unittest

import kafka

GOLDEN = pathlib.Path(__file__).parent / 'golden' / 'kafka'


def generated():
    return kafka.generate(kafka.Schemas(GOLDEN), list(kafka.read_models(GOLDEN / 'models.txt')))


class KafkaGeneratorTest(unittest.TestCase):
    maxDiff = None

    def test_output_equals_the_golden_files(self):
        for name, text in generated().items():
            self.assertEqual((GOLDEN / (name + '.golden')).read_text(), text, name)

    def test_a_version_the_schema_lacks_is_refused(self):
        with self.assertRaises(SystemExit):
            kafka.generate(kafka.Schemas(GOLDEN), [('Widget', (0, 4))])

    def test_names(self):
        self.assertEqual(kafka.snake('ThrottleTimeMs'), 'throttle_time_ms')
        self.assertEqual(kafka.snake('ISRNodes'), 'isr_nodes')
        self.assertEqual(kafka.snake('Operator'), 'operator_')

    def test_version_spans(self):
        self.assertEqual(kafka.condition((2, 32767), (0, 5)), 'version >= 2')
        self.assertEqual(kafka.condition((0, 3), (0, 5)), 'version <= 3')
        self.assertEqual(kafka.condition((0, 32767), (0, 5)), '')
        self.assertEqual(kafka.condition(None, (0, 5)), 'false')


if __name__ == '__main__':
    if '--update' in sys.argv:
        for file, content in generated().items():
            (GOLDEN / (file + '.golden')).write_text(content)
    else:
        unittest.main()

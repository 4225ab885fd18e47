"""What results.py counts, by the three kinds of XML that it reads."""
import pathlib
import tempfile
import unittest

import results

GTEST = """<testsuites><testsuite name="A">
<testcase name="good" status="run" result="completed" classname="A"/>
<testcase name="bad" status="run" result="completed" classname="A"><failure message="no"/></testcase>
<testcase name="suite" status="run" result="skipped" classname="A"><skipped message="the suite is not here"/></testcase>
<testcase name="DISABLED_x" status="notrun" result="suppressed" classname="A"/>
</testsuite></testsuites>"""
CTEST = """<testsuite><testcase name="a_test" classname="a_test" status="fail"><failure message="Failed"/></testcase>
<testcase name="b_test" classname="b_test" status="run"/><testcase name="fuzz_x" classname="fuzz_x" status="run"/></testsuite>"""
PYTEST = """<testsuites><testsuite><testcase classname="tests.t" name="one"/>
<testcase classname="tests.t" name="two"><error message="fixture"/></testcase></testsuite></testsuites>"""


class ResultsTest(unittest.TestCase):
    def stage(self, files: dict[str, str]) -> results.Stage:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "unit-tests"
            path.mkdir()
            for name, text in {**files, "seconds": "7"}.items():
                (path / name).write_text(text)
            return results.Stage(path)

    def test_programs_are_counted_by_their_cases(self):
        stage = self.stage({"b_test.xml": GTEST, "ctest.xml": CTEST})
        # a_test left no XML: it died, and counts as itself; b_test by its three cases; fuzz_x as itself.
        self.assertEqual((stage.cases, stage.skipped, stage.seconds), (5, ["A.suite"], 7))
        self.assertEqual(sorted(stage.failed), ["A.bad", "a_test.a_test"])

    def test_errors_of_fixtures_fail(self):
        self.assertEqual(self.stage({"pytest.xml": PYTEST}).failed, ["tests.t.two"])

    def test_only_the_marked_part_is_replaced(self):
        text = f"head\n{results.BEGIN}\nold\n{results.END}\ntail\n"
        self.assertEqual(results.replaced(text, "new"), f"head\n{results.BEGIN}\nnew\n{results.END}\ntail\n")


if __name__ == "__main__":
    unittest.main()

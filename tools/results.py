"""Writes the counts of a full test run into docs/conformance.md.

    results.py RESULTS DOCUMENT

RESULTS has a folder a stage, as `./dev test` leaves them: JUnit's XML of GoogleTest (one file a program), of ctest
(`ctest.xml`; its programs that are GoogleTest's own are counted by their cases) and of pytest (`pytest.xml`), and `seconds`.
In DOCUMENT what stands between the two marks is replaced.
"""
from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as xml

BEGIN, END = "<!-- results: written by ./dev test full -->", "<!-- results: end -->"


class Stage:
    def __init__(self, folder: pathlib.Path):
        self.name = folder.name.replace("-", " ").replace(" tidy", "-tidy")
        self.seconds = int((folder / "seconds").read_text() or 0)
        self.cases = 0
        self.failed: list[str] = []
        self.skipped: list[str] = []
        programs = {path.stem for path in folder.glob("*.xml")}
        programs |= {name.removeprefix("mekong_").removesuffix("_test") for name in programs}
        for path in sorted(folder.glob("*.xml")):
            for case in xml.parse(path).getroot().iter("testcase"):
                if path.stem == "ctest" and case.get("name") in programs and self.of(case) != "failed":
                    continue
                self.count(case)

    @staticmethod
    def of(case: xml.Element) -> str:
        if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
            return "failed"
        # GoogleTest: disabled tests are "notrun" and no promise of anybody's.
        if case.find("skipped") is not None or case.get("result") == "skipped":
            return "skipped"
        return "notrun" if case.get("status") in ("notrun", "disabled") else "passed"

    def count(self, case: xml.Element) -> None:
        state = self.of(case)
        if state == "notrun":
            return
        self.cases += 1
        name = f"{case.get('classname', '')}.{case.get('name')}".lstrip(".")
        if state == "failed":
            self.failed.append(name)
        elif state == "skipped":
            self.skipped.append(name)


def table(stages: list[Stage], commit: str, machine: str) -> str:
    lines = [f"Commit {commit}, {machine}.", "", "| stage | cases | failed | skipped | seconds |", "|---|---|---|---|---|"]
    for stage in stages:
        lines.append(f"| {stage.name} | {stage.cases or '–'} | {len(stage.failed)} | {len(stage.skipped)} | {stage.seconds} |")
    for what in ("failed", "skipped"):
        for stage in stages:
            names = getattr(stage, what)
            if names:
                lines += ["", f"{what.capitalize()} in {stage.name}: {', '.join(f'`{name}`' for name in names)}."]
    return "\n".join(lines)


def replaced(document: str, text: str) -> str:
    head, rest = document.split(BEGIN)
    return f"{head}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}"


def main(results: pathlib.Path, document: pathlib.Path) -> None:
    git = lambda *words: subprocess.run(["git", *words], capture_output=True, text=True, check=True).stdout.strip()
    commit = git("rev-parse", "HEAD")[:12] + (" with local changes" if git("status", "--porcelain") else "")
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    machine = f"{os.cpu_count()} cores" + (f" ({model[1].strip()})" if model else "")
    stages = sorted((folder for folder in results.iterdir() if folder.is_dir()),
                    key=lambda folder: (folder / "seconds").stat().st_mtime)
    document.write_text(replaced(document.read_text(), table([Stage(folder) for folder in stages], commit, machine)))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))

"""The house rules, held by a test: include direction, sizes, third-party headers, banned calls, names in docs.

    tidy.py [--root DIR]     prints one line a finding and exits 1 if there is any

Levels come from tools/layers.txt. Sizes are counted in lines: function 60, file 600, test file 1000, line 110
columns (Python 130), folder 25 sources (tests apart). An exception is a line in EXCEPTIONS with its reason.
"""
from __future__ import annotations

import argparse
import ast
import pathlib
import re
import sys

FILE_LINES_MAX = 600
TEST_LINES_MAX = 1000
FUNCTION_LINES_MAX = 60
LINE_COLUMNS_MAX = 110
PYTHON_COLUMNS_MAX = 130
FOLDER_SOURCES_MAX = 25

# (rule, path) -> reason
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("line-width", "tools/codegen/aws_test.py"): "a model case a line",
    ("line-width", "tools/codegen/conformance.py"): "templates of C++",
}

# A library's headers may be named by these folders only.
CONTAINED = {
    r"boost/(asio|beast)": ("os", "front"),
    r"boost/json": ("codec", "api", "policy"),
    r"simdjson": ("codec", "api"),
    r"pugixml": ("codec", "api"),
    r"rocksdb/": ("meta",),
    r"duckdb": ("sql",),
    r"thrift/": ("metastore",),
    r"nghttp2": ("front",),
    r"openssl/": ("os", "codec", "iam", "app"),
}

# Whoever includes these links these: their targets bring definitions that lay out their classes. A file compiled
# without them, beside one with them, has another class of the same name, and the linker takes either.
LINKED = {
    r"simdjson": "simdjson::simdjson",
    r"boost/json": "Boost::json",
    r"pugixml": "pugixml::pugixml",
}

# Call -> what to use instead; `os` itself is free to call them.
BANNED = {
    r"std::chrono::system_clock": "os::Clock",
    r"std::chrono::steady_clock": "os::Clock",
    r"\btime\(nullptr\)": "os::Clock",
    r"\bgettimeofday\(": "os::Clock",
    r"\b(localtime|gmtime|ctime|asctime)\(": "codec/time.h",
    r"\bstrtok\(": "codec/text.h",
    r"std::random_device": "os::Random",
    r"\brand\(\)": "os::Random",
    r"\bfork\(\)": "os::Processes",
    r"\bsystem\(": "os::Processes",
    r"std::[io]?fstream": "os::Files",
    r"\bfsync\(": "os::File::sync",
    r"\b(\w*(signature|secret|password)_?|\w+_token_?)\s*[!=]=(?!\s*nullptr)": "codec::equal_in_constant_time",
    r"[!=]=\s*[\w.:>-]*(signature|secret|password|\w_token)_?\s*(\)|;|&&|\|\||$)": "codec::equal_in_constant_time",
    r"std::this_thread::sleep": "a condition, or os::Network::sleep",
    r"\b(TODO|FIXME|XXX)\b": "an issue, or the work itself",
}


class Tidy:
    def __init__(self, root: pathlib.Path):
        self.root = root
        self.findings: list[str] = []
        self.levels: list[tuple[int, str]] = []
        self.allowed: set[tuple[str, str]] = set()

    def report(self, rule: str, path: pathlib.Path, line: int, text: str) -> None:
        relative = path.relative_to(self.root).as_posix()
        if (rule, relative) not in EXCEPTIONS:
            self.findings.append(f"{relative}:{line}: {rule}: {text}")

    def read_layers(self) -> None:
        for line in (self.root / "tools/layers.txt").read_text().splitlines():
            words = line.split()
            if not words or words[0] == "#":
                continue
            if words[0] == "allow":
                self.allowed.add((words[1], words[2]))
            elif words[0].isdigit():
                self.levels.append((int(words[0]), words[1]))

    def level(self, module: str) -> int | None:
        for level, name in self.levels:
            if module == name or (name.endswith("/*") and module.startswith(name[:-1])):
                return level
        return None

    @staticmethod
    def module_of(parts: tuple[str, ...]) -> str:
        return "/".join(parts[:2]) if parts[0] == "services" else parts[0]

    def build_file(self, module: str) -> str:
        path = self.root / "src" / module / "CMakeLists.txt"
        return path.read_text() if path.exists() else ""

    def check_includes(self, path: pathlib.Path, module: str, lines: list[str]) -> None:
        own = self.level(module)
        if own is None:
            self.report("layer", path, 1, f"module '{module}' has no line in tools/layers.txt")
            return
        for number, line in enumerate(lines, 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if not match:
                continue
            target = match[2]
            if match[1] == "<":
                for pattern, folders in CONTAINED.items():
                    if re.match(pattern, target) and module.split("/")[0] not in folders:
                        self.report("contained", path, number, f"<{target}> belongs to {', '.join(folders)}")
                for pattern, linked in LINKED.items():
                    if re.match(pattern, target) and linked not in self.build_file(module):
                        self.report("linked", path, number, f"<{target}> wants {linked} in CMakeLists.txt")
                continue
            other = self.module_of(pathlib.PurePosixPath(target).parts)
            level = self.level(other)
            if level is None:
                self.report("layer", path, number, f'"{target}" is no path from src/')
            elif other != module and level >= own and (module, other) not in self.allowed:
                self.report("layer", path, number, f"{module} (level {own}) includes {other} (level {level})")

    def check_lines(self, path: pathlib.Path, module: str, lines: list[str]) -> None:
        is_test = path.stem.endswith("_test")
        limit = TEST_LINES_MAX if is_test else FILE_LINES_MAX
        if len(lines) > limit:
            self.report("file-size", path, len(lines), f"{len(lines)} lines, at most {limit}")
        for number, line in enumerate(lines, 1):
            if len(line) > LINE_COLUMNS_MAX and "http" not in line:
                self.report("line-width", path, number, f"{len(line)} columns")
            if module == "os":
                continue
            code = line.split("//")[0]
            for pattern, instead in BANNED.items():
                if is_test and ("fstream" in pattern or "random_device" in pattern):
                    continue  # tests read case files, and draw the seed that they print
                searched = line if "TODO" in pattern else code
                if re.search(pattern, searched):
                    self.report("banned", path, number, f"{pattern}: use {instead}")

    def check_functions(self, path: pathlib.Path, lines: list[str]) -> None:
        # clang-format puts a function's closing brace in the column where its first line begins.
        start, indent = None, ""
        for number, line in enumerate(lines, 1):
            if start is None:
                match = re.match(r"(\s*)(?!namespace|class|struct|enum|union|extern|using|typedef)"
                                 r"[\w:~].*\)[^;]*\{\s*$", line)
                if match and len(match[1]) <= 2 and not re.match(r"\s*(TEST|for|if|while|switch|else)\b", line):
                    start, indent = number, match[1]
            elif re.match(indent + r"\}", line):
                if number - start + 1 > FUNCTION_LINES_MAX:
                    self.report("function-size", path, start, f"{number - start + 1} lines")
                start = None

    def check_folders(self) -> None:
        for folder in [self.root / "src", *(p for p in (self.root / "src").rglob("*") if p.is_dir())]:
            sources = [p for p in folder.iterdir() if p.suffix == ".cpp" and not p.stem.endswith("_test")]
            if len(sources) > FOLDER_SOURCES_MAX:
                self.report("folder-size", folder, 1, f"{len(sources)} sources, at most {FOLDER_SOURCES_MAX}")

    def check_dead(self) -> None:
        # Sources are globbed by CMake; a header or a script that nothing names is dead.
        searched = ["src", "tools", "tests", "demo", "deps", "workers", "cmake", "bench", "docs"]
        files = [p for name in searched for p in (self.root / name).rglob("*") if p.is_file()]
        files += [p for p in self.root.iterdir() if p.is_file()]
        texts = {p: p.read_text(errors="replace") for p in files if p.suffix not in (".pyc", ".bin")}
        for path in files:
            if path.suffix == ".h" and path.is_relative_to(self.root / "src"):
                name = path.relative_to(self.root / "src").as_posix()
            elif path.suffix in (".py", ".sh", ".json", ".xml", ".sql", ".properties") \
                    and path.relative_to(self.root).parts[0] in ("demo", "deps", "workers"):
                name = path.stem if path.suffix == ".py" else path.name
            else:
                continue
            if not any(name in text for other, text in texts.items() if other != path):
                self.report("dead", path, 1, "nothing names it")

    def check_python(self) -> None:
        for folder in ("tools", "tests", "demo", "workers", "bench"):
            for path in sorted((self.root / folder).rglob("*.py")):
                lines = path.read_text().splitlines()
                limit = TEST_LINES_MAX if path.stem.startswith("test_") or path.stem.endswith("_test") else FILE_LINES_MAX
                if len(lines) > limit:
                    self.report("file-size", path, len(lines), f"{len(lines)} lines, at most {limit}")
                for number, line in enumerate(lines, 1):
                    if len(line) > PYTHON_COLUMNS_MAX:
                        self.report("line-width", path, number, f"{len(line)} columns")
                for node in ast.walk(ast.parse("\n".join(lines))):
                    if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= FUNCTION_LINES_MAX:
                        self.report("function-size", path, node.lineno, f"{node.end_lineno - node.lineno + 1} lines")

    def check_docs(self) -> None:
        # `src/…`, `tools/…`, `docs/…`, `tests/…`, `deps/…` in backquotes must exist.
        docs = [p for p in self.root.glob("*.md")] + [p for p in self.root.glob("docs/**/*.md")]
        for path in docs:
            for number, line in enumerate(path.read_text().splitlines(), 1):
                for name in re.findall(r"`((?:src|tools|docs|tests|deps|models|cmake|demo|workers|bench)/[\w./-]*)`", line):
                    if not (self.root / name).exists():
                        self.report("docs", path, number, f"`{name}` does not exist")

    def check_compat(self) -> None:
        # Of what a service answers `models/<service>.txt` is the list, and a page says so; besides, it says only what differs.
        pages = "\n".join(path.read_text() for path in sorted((self.root / "docs" / "compat").glob("*.md")))
        for path in sorted((self.root / "models").glob("*.txt")):
            is_service = any(line.startswith("service ") for line in path.read_text().splitlines())
            if is_service and f"`models/{path.name}` lists them" not in pages:
                self.report("compat", path, 1, f"no page of docs/compat/ says that `models/{path.name}` lists them")

    def check_faults(self) -> None:
        # What docs/faults.md, identity.md and engines.md name in backquotes is a path, checked above, or a test.
        pages = [path for name in ("faults.md", "identity.md", "engines.md") if (path := self.root / "docs" / name).exists()]
        tests: set[str] = set()
        for folder in ("src", "tests"):
            for source in (self.root / folder).rglob("*"):
                if source.suffix in (".cpp", ".py", ".txt"):
                    tests.update(re.findall(r"(?:TEST(?:_[FP])?\(\w+,\s*|\bdef |^case )(\w+)", source.read_text(), re.M))
        for path in pages:
            for number, line in enumerate(path.read_text().splitlines(), 1):
                for name in re.findall(r"`(\w+)`", line):
                    if name not in tests:
                        self.report("faults", path, number, f"there is no test `{name}`")

    def run(self) -> int:
        self.read_layers()
        for path in sorted((self.root / "src").rglob("*")):
            if path.suffix not in (".h", ".cpp"):
                continue
            module = self.module_of(path.relative_to(self.root / "src").parts)
            lines = path.read_text().splitlines()
            self.check_includes(path, module, lines)
            self.check_lines(path, module, lines)
            self.check_functions(path, lines)
        self.check_folders()
        self.check_python()
        self.check_dead()
        self.check_docs()
        self.check_compat()
        self.check_faults()
        for finding in self.findings:
            print(finding)
        return 1 if self.findings else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", default=pathlib.Path(__file__).resolve().parent.parent, type=pathlib.Path)
    sys.exit(Tidy(parser.parse_args().root.resolve()).run())

"""Each rule of tidy.py finds what it is there to find: a small tree with one planted fault a case."""
import contextlib
import io
import pathlib
import tempfile
import unittest

import tidy

LAYERS = "0 base\n1 os\n2 meta\n7 services/*\nallow services/a services/b for the test\n"


def findings(files: dict[str, str]) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        base = {"tools/layers.txt": LAYERS, "src/base/a.h": "", "src/base/a.cpp": '#include "base/a.h"\n'}
        for name, text in {**base, **files}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        checker = tidy.Tidy(root)
        with contextlib.redirect_stdout(io.StringIO()):
            checker.run()
        return [finding.split(": ")[1] for finding in checker.findings]


class TidyTest(unittest.TestCase):
    def test_clean_tree(self):
        self.assertEqual(findings({"src/os/b.cpp": '#include "base/a.h"\n'}), [])

    def test_include_upward(self):
        self.assertEqual(findings({"src/os/b.cpp": '#include "meta/store.h"\n'}), ["layer"])

    def test_include_sideways(self):
        self.assertEqual(findings({"src/services/b/x.cpp": '#include "services/c/y.h"\n'}), ["layer"])

    def test_allowed_sideways(self):
        self.assertEqual(findings({"src/services/a/x.cpp": '#include "services/b/y.h"\n'}), [])

    def test_unknown_module(self):
        self.assertEqual(findings({"src/nowhere/x.cpp": ""}), ["layer"])

    def test_contained_library(self):
        self.assertEqual(findings({"src/os/x.cpp": "#include <rocksdb/db.h>\n"}), ["contained"])

    def test_unlinked_library(self):
        files = {"tools/layers.txt": LAYERS + "3 codec\n", "src/codec/x.cpp": "#include <simdjson.h>\n",
                 "src/codec/CMakeLists.txt": "mekong_module(codec DEPS base)\n"}
        self.assertEqual(findings(files), ["linked"])
        files["src/codec/CMakeLists.txt"] = "mekong_module(codec DEPS base LIBS simdjson::simdjson)\n"
        self.assertEqual(findings(files), [])

    def test_banned_call(self):
        self.assertEqual(findings({"src/meta/x.cpp": "auto t = std::chrono::system_clock::now();\n"}), ["banned"])

    def test_os_may_read_the_clock(self):
        self.assertEqual(findings({"src/os/x.cpp": "auto t = std::chrono::system_clock::now();\n"}), [])

    def test_leftover_marker(self):
        self.assertEqual(findings({"src/meta/x.cpp": "// TODO later\n"}), ["banned"])

    def test_long_function(self):
        body = "".join("  a();\n" for _ in range(60))
        self.assertEqual(findings({"src/meta/x.cpp": "void f() {\n" + body + "}\n"}), ["function-size"])

    def test_dead_header(self):
        self.assertEqual(findings({"src/os/b.h": ""}), ["dead"])
        self.assertEqual(findings({"src/os/b.h": "", "src/os/c.cpp": '#include "os/b.h"\n'}), [])

    def test_dead_script(self):
        self.assertEqual(findings({"workers/forgotten.py": ""}), ["dead"])

    def test_python_sizes(self):
        body = "def f():\n" + "    a()\n" * 60
        self.assertEqual(findings({"tests/t.py": body}), ["function-size"])
        self.assertEqual(findings({"tests/t.py": "#" * 131}), ["line-width"])

    def test_long_file(self):
        self.assertEqual(findings({"src/meta/x.cpp": "\n" * 601}), ["file-size"])

    def test_wide_line(self):
        self.assertEqual(findings({"src/meta/x.cpp": "x" * 111 + "\n"}), ["line-width"])

    def test_full_folder(self):
        self.assertEqual(findings({f"src/meta/x{i}.cpp": "" for i in range(26)}), ["folder-size"])

    def test_faults_name_tests_that_exist(self):
        table = "| one | `ack_after_flush`, `test_two` |\n"
        tests = {"src/os/b_test.cpp": "TEST_F(Store, ack_after_flush) {}\n", "tests/test_b.py": "def test_two():\n    pass\n"}
        self.assertEqual(findings({"docs/faults.md": table, **tests}), [])
        self.assertEqual(findings({"docs/faults.md": table, "tests/test_b.py": tests["tests/test_b.py"]}), ["faults"])

    def test_an_operation_stands_on_a_page(self):
        model = {"models/a.txt": "# remark\nservice a\nGetX action=none\nGetXs action=none  # all\n", "models/b.txt": "Fetch 4\n"}
        self.assertEqual(findings({**model, "docs/compat/a.md": "| GetX | done |\n"}), ["compat"])
        self.assertEqual(findings({**model, "docs/compat/a.md": "2 of them; `models/a.txt` lists them\n"}), [])

    def test_secrets_have_their_own_comparison(self):
        for line in ("if (wanted != chunk_signature_) {", "return it->secret == given;", "if (run.dashboard_token == token)",
                     "return a && wanted == control_token;"):
            self.assertEqual(findings({"src/meta/x.cpp": line + "\n"}), ["banned"], line)
        for line in ("if (signature == nullptr) return;", "if (body == Body::signature_v4) {", "next != page.end()"):
            self.assertEqual(findings({"src/meta/x.cpp": line + "\n"}), [], line)

    def test_doc_names_a_missing_file(self):
        self.assertEqual(findings({"README.md": "see `src/meta/gone.h`\n"}), ["docs"])


if __name__ == "__main__":
    unittest.main()

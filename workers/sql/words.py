"""Reads the statements that are not queries, word by word. Positions are those of the whole text."""
import re

from sql.failure import Failure, not_implemented

BLANK = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)+", re.S)
TOKEN = re.compile(r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|`(?:[^`]|``)*`|[\w$]+|.", re.S)
ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "0": "\0", "b": "\b"}
TYPE_END = {"COMMENT", ",", ")", ""}


class Words:
    def __init__(self, sql):
        self.sql, self.at = sql, 0

    def peek(self):
        """The next word as it is written; empty at the end."""
        blank = BLANK.match(self.sql, self.at)
        if blank:
            self.at = blank.end()
        found = TOKEN.match(self.sql, self.at)
        return found.group() if found else ""

    def next(self):
        word = self.peek()
        self.at += len(word)
        return word

    def take(self, *words):
        """Steps over these words if they come next."""
        start = self.at
        for word in words:
            if self.next().upper() != word:
                self.at = start
                return False
        return True

    def need(self, *words):
        if not self.take(*words):
            self.wrong("expecting " + " ".join(words))

    def wrong(self, expected):
        word = self.peek()
        line = self.sql.count("\n", 0, self.at) + 1
        column = self.at - (self.sql.rfind("\n", 0, self.at) + 1) + 1
        raise Failure("SYNTAX_ERROR", "line %d:%d: mismatched input '%s', %s" % (line, column, word or "<EOF>", expected))

    def end(self):
        while self.take(";"):
            pass
        if self.peek():
            self.wrong("expecting the end of the statement")

    def name(self):
        word = self.next()
        if word[:1] in ("`", '"') and len(word) > 2:
            return word[1:-1].replace(word[0] * 2, word[0]).lower()
        if re.fullmatch(r"[\w$]+", word):
            return word.lower()
        self.at -= len(word)
        return self.wrong("expecting a name")

    def table(self):
        names = [self.name()]
        while self.take("."):
            names.append(self.name())
        if len(names) == 1:  # `db.t`, as SHOW CREATE TABLE prints it
            names = names[0].split(".")
        if len(names) == 3:
            if names[0] != "awsdatacatalog":
                raise not_implemented("catalog " + names[0])
            names = names[1:]
        if len(names) > 2:
            self.wrong("expecting a table's name")
        return {"database": names[0] if len(names) == 2 else "", "table": names[-1]}

    def string(self):
        word = self.next()
        if word[:1] not in ("'", '"') or len(word) < 2:
            self.at -= len(word)
            self.wrong("expecting a string")
        return unescaped(word)

    def constant(self):
        """A string, number or word, as text."""
        if self.peek()[:1] in ("'", '"'):
            return self.string()
        sign = self.next() if self.peek() == "-" else ""
        word = self.next()
        if not re.fullmatch(r"\w+", word):
            self.at -= len(word)
            self.wrong("expecting a value")
        if self.peek() == "." and word.isdigit():
            word += self.next() + self.next()
        return sign + word

    def rest(self):
        """What follows, at the place where it stands, so that errors name the right line and column."""
        self.peek()
        return re.sub(r"[^\n]", " ", self.sql[:self.at]) + self.sql[self.at:].rstrip().rstrip(";")

    def parenthesised(self):
        """The text between parentheses, at its place."""
        self.need("(")
        start, depth = self.at, 1
        while depth:
            word = self.next()
            if not word:
                self.wrong("expecting )")
            depth += (word == "(") - (word == ")")
        return re.sub(r"[^\n]", " ", self.sql[:start]) + self.sql[start:self.at - 1]

    def type(self):
        """A column's type in Hive's words, blanks removed."""
        text, depth = "", 0
        while depth > 0 or self.peek().upper() not in TYPE_END:
            word = self.next()
            if not word:
                self.wrong("expecting a type")
            depth += (word in "<(") - (word in ">)")
            text += word.lower()
        return text

    def columns(self, types=True):
        found = []
        self.need("(")
        while True:
            column = {"name": self.name()}
            if types:
                column["type"] = self.type()
                if self.take("COMMENT"):
                    column["comment"] = self.string()
            found.append(column)
            if not self.take(","):
                break
        self.need(")")
        return found

    def pairs(self):
        """('a' = 'b', …)"""
        found = {}
        self.need("(")
        while not self.take(")"):
            name = self.string()
            self.need("=")
            found[name] = self.constant()
            if not self.take(",") and self.peek() != ")":
                self.wrong("expecting , or )")
        return found

    def settings(self):
        """(name = value, …) of CTAS and UNLOAD: values are texts, lists are lists."""
        found = {}
        self.need("(")
        while not self.take(")"):
            name = self.name()
            self.need("=")
            if self.take("ARRAY"):
                self.need("[")
                found[name] = []
                while not self.take("]"):
                    found[name].append(self.string().lower())
                    self.take(",")
            else:
                found[name] = self.constant()
            if not self.take(",") and self.peek() != ")":
                self.wrong("expecting , or )")
        return found


def unescaped(word):
    """Of a Hive string in its quotes."""
    text = word[1:-1].replace(word[0] * 2, word[0])
    text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m.group(1), 16)), text)
    text = re.sub(r"\\([0-3][0-7][0-7])", lambda m: chr(int(m.group(1), 8)), text)
    return re.sub(r"\\(.)", lambda m: ESCAPES.get(m.group(1), m.group(1)), text, flags=re.S)

"""What ends a statement: a code in Athena's words and a message."""


class Failure(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def not_implemented(what):
    return Failure("NotImplemented", what + " is not implemented")

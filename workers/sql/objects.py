"""The only files a worker knows: descriptors that the server handed over, and outputs that go back to it."""
import datetime
import errno
import os

from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

from sql.failure import Failure


class Pieces:
    """An object's bytes: one or more descriptors, each read at its own offsets."""

    def __init__(self, pieces, meter=None):
        self.pieces = pieces
        self.meter = meter
        self.read_bytes = 0
        self.size = sum(size for _, size in pieces)

    def read(self, start, end):
        self.count(end - start)
        out, offset = [], 0
        for descriptor, size in self.pieces:
            first, last = max(start, offset), min(end, offset + size)
            while first < last:
                data = os.pread(descriptor, last - first, first - offset)
                if not data:
                    raise OSError(errno.EIO, "an object is shorter than its record says")
                out.append(data)
                first += len(data)
            offset += size
        return b"".join(out)

    def count(self, more):
        # What is read twice was scanned once.
        more = min(more, self.size - self.read_bytes)
        self.read_bytes += more
        if self.meter:
            self.meter.add(more)


class Meter:
    """Bytes that a query has scanned, and how many it may."""

    def __init__(self):
        self.bytes, self.most, self.exceeded = 0, 0, False

    def add(self, more):
        self.bytes += more
        if self.most and self.bytes > self.most:
            self.exceeded = True
            raise OSError(errno.EDQUOT, "too many bytes")


class ObjectFile(AbstractBufferedFile):
    def __init__(self, fs, path, pieces):
        self.pieces = pieces
        super().__init__(fs, path, mode="rb", cache_type="none", size=pieces.size)

    def _fetch_range(self, start, end):
        return self.pieces.read(start, end)


class Output:
    """A file that is written from its begin to its end; every write goes to `send` at once."""

    closed = False

    def __init__(self, send):
        self.send, self.position = send, 0

    def write(self, data):
        self.send(bytes(data))
        self.position += len(data)
        return len(data)

    def tell(self):
        return self.position

    def flush(self):
        pass

    def close(self):
        pass

    def seek(self, *_):
        raise OSError(errno.ESPIPE, "an output is written once")


class Objects(AbstractFileSystem):
    protocol = "object"
    cachable = False

    def __init__(self, send=None):
        super().__init__()
        self.files = {}
        self.send = send
        self.writable = None  # the one path that may be written now

    def _find(self, path):
        found = self.files.get(self._strip_protocol(path))
        if found is None:
            raise FileNotFoundError(path)
        return found

    def info(self, path, **_):
        found = self._find(path)
        return {"name": path, "size": found.size, "type": "file"}

    def glob(self, path, **_):
        self._find(path)
        return [self._strip_protocol(path)]

    def exists(self, path, **_):
        return self._strip_protocol(path) in self.files

    def modified(self, path):
        return datetime.datetime(1970, 1, 1)

    def open(self, path, mode="rb", **_):
        name = self._strip_protocol(path)
        if mode == "wb" and name == self.writable:
            return Output(self.send)
        if mode != "rb":
            raise PermissionError(path)
        return ObjectFile(self, path, self._find(path))


def check_compression(name):
    for ending in (".bz2", ".snappy", ".lz4", ".lzo", ".deflate", ".xz"):
        if name.lower().endswith(ending):
            raise Failure("NotImplemented", "text compressed as *%s is not implemented; gzip and zstd are" % ending)

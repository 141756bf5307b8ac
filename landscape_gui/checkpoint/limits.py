"""What a file may ask of the reader at most, and the error that says that it asked for more or is malformed.

Every bound is generous to honest files (the largest checkpoints met have some ten thousand tensors) and keeps a hostile one to
a few seconds and about a gigabyte. Standard library only.
"""

from __future__ import annotations

PICKLE_BYTES = 64 << 20  # the pickled structure without the tensors' data
PLAIN_PICKLE_BYTES = 512 << 20  # a pickle that holds the data itself
PICKLE_STEPS = 2_000_000  # instructions of the pickle machine
WORK = 16_000_000  # in `budget`'s unit, over all files and parts: 5 to 8 s
INTEGER_BYTES = 1024  # of one integer; longer ones exist only to be slow
HEADER_BYTES = 32 << 20  # safetensors header
DIRECTORY_BYTES = 64 << 20  # central directory of a zip archive
MEMBERS = 150_000  # files inside a zip archive
GZIP_BYTES = 1 << 30  # of a gzipped file, unpacked
SLOWLY_PACKED_BYTES = 96 << 20  # of one packed with bzip2 or xz, unpacked: 4 s
XZ_MEMORY = 128 << 20  # while xz is unpacked; its own highest level needs 65 MB
PACKED_RATIO = 20  # of a packed file above SPARE_BYTES; real weights reach about 1.1
TAR_MEMBERS = 10_000  # files inside a tar archive
TAR_NAME_BYTES = 1 << 14  # of the header that keeps a long name
INDEX_BYTES = 32 << 20  # index of shards, graph of an exported program
CONFIG_BYTES = 1 << 20  # config.json of a folder
SHARDS = 500
INDEXES = 20  # of one folder that are looked into
ARRAYS = 20_000  # of one .npz
LISTED = 10_000  # files of a folder looked at
TENSORS = 100_000
MODULES = 50_000  # inside one pickled module
DIMENSIONS = 64
NAME_LENGTH = 1000
DEPTH = 60  # nested dictionaries, lists and modules
NODES = 500_000  # values looked at while searching for weights
GROUPS = 20_000  # state dictionaries in one file
ATTRIBUTES = 1000  # of an object that has both a dictionary and slots; names of buffers that a module leaves out
SCALARS = 300  # metadata entries kept
TEXT = 200  # characters kept of a string in the metadata
SPARE_BYTES = 64 << 20  # what tensors may hold beyond four times their file (views of one storage under many names)


class Broken(Exception):
    """The file is no checkpoint, is damaged, or asks for too much: what is wrong, without the path, and what to do about it."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


HALF = "Download or copy it again: it seems to have been cut short."
DAMAGED = "Download or copy it again, or save it again with torch.save."


def valid(text: str) -> str:
    """The text with each half of a surrogate pair, which can be neither printed nor stored, as a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def shown(text: object) -> str:
    """A name from inside a file, made fit for one line of a message."""
    line = "".join(c if c.isprintable() else "?" for c in str(text)[:80])
    return f"'{line}'" + ("..." if len(str(text)) > 80 else "")

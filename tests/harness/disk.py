"""The disk below one Freshet: it can be full, and it can fail to sync, while the server runs."""

import mmap
import struct
import subprocess
from pathlib import Path

from harness import processes
from harness.freshet import Freshet

_SOURCE = Path(__file__).with_name("faulty_disk.cc")
_UNLIMITED = -1
_FIELDS = ("room", "syncs_to_fail", "refused", "failed_syncs", "tells")  # as faulty_disk.cc has them


def _library() -> Path:
    """Built once per run."""
    library = processes.ROOT / "faulty_disk.so"
    with processes.exclusive("faulty_disk"):
        if not library.exists():
            making = library.with_suffix(".new")
            subprocess.run(["c++", "-std=c++20", "-O1", "-shared", "-fPIC", "-o", making, _SOURCE],
                           check=True)
            making.rename(library)
    return library


class Disk:
    """Put below a server before it starts; good until told otherwise."""

    def __init__(self, freshet: Freshet):
        path = freshet.folder / "disk"
        path.write_bytes(struct.pack("<5q64s", _UNLIMITED, 0, 0, 0, 0, b""))
        with open(path, "r+b") as file:
            self._control = mmap.mmap(file.fileno(), 0)
        freshet.environment |= {"LD_PRELOAD": str(_library()), "FAULTY_DISK_CONTROL": str(path),
                                "FAULTY_DISK_FOLDER": str(freshet.data)}

    def fill(self, room_bytes: int = 0, tells: bool = False) -> None:
        """After so many bytes more it is full. `tells`: and says what is free, as a disk does; else
        nobody can know before, as with a quota."""
        self._set("tells", int(tells))
        self._set("room", room_bytes)

    def make_room(self) -> None:
        self._set("room", _UNLIMITED)

    def fail_syncs(self, count: int, part: str = "") -> None:
        """The next ones fail, as when the device is broken, of files with `part` in their path;
        0: it is whole again."""
        struct.pack_into("<64s", self._control, 8 * len(_FIELDS), part.encode())
        self._set("syncs_to_fail", count)

    @property
    def refused_writes(self) -> int:
        return self._get("refused")

    @property
    def failed_syncs(self) -> int:
        return self._get("failed_syncs")

    def _set(self, field: str, value: int) -> None:
        struct.pack_into("<q", self._control, 8 * _FIELDS.index(field), value)

    def _get(self, field: str) -> int:
        return struct.unpack_from("<q", self._control, 8 * _FIELDS.index(field))[0]

"""A link to PostgreSQL that can be slow, fall silent, and break at any byte."""

import socket
import threading
import time

from harness import processes
from harness.postgres import Postgres

_CHUNK = 32 * 1024


class Throttle:
    """Forwards connections to a server. What the server sends is limited to so many bytes per
    second, of all connections together; what clients send is not."""

    def __init__(self, server: Postgres, bytes_per_second: float):
        self._server = server
        self._limit: float | None = bytes_per_second
        self._due = time.monotonic()  # when everything that was let through is paid for
        self._lock = threading.Lock()
        self._ends: set[socket.socket] = set()
        self._open = threading.Event()  # cleared: nothing passes
        self._open.set()
        self._cuts: dict[str, int] = {}  # bytes until the break, by who sends them
        self._forgotten: set[socket.socket] = set()
        self.accepted: list[float] = []  # when each connection came
        self._listener = socket.create_server(("127.0.0.1", processes.free_port()), backlog=50)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, database: str = "postgres") -> str:
        return self._server.url(database).replace(f":{self._server.port}/", f":{self.port}/")

    def unlimited(self) -> None:
        self._limit = None

    def limit(self, bytes_per_second: float) -> None:
        self._limit = bytes_per_second

    def cut(self) -> None:
        """Breaks all connections there are; new ones are let through."""
        with self._lock:
            ends, self._ends = self._ends, set()
        for end in ends:
            _shut(end)

    def forget(self) -> None:
        """Lets nothing more through on the connections there are, and says so to nobody: like a
        router that forgot them. TCP's own keepalives are still answered. New ones are let through."""
        with self._lock:
            self._forgotten |= self._ends

    def cut_after(self, sender: str, count: int) -> None:
        """Breaks all connections once the "server" or the "client" has sent so many bytes more; the
        last of them still pass."""
        with self._lock:
            self._cuts[sender] = count

    def fall_silent(self) -> None:
        """Nothing passes any more, and nobody is told."""
        self._open.clear()

    def speak(self) -> None:
        self._open.set()

    def remove(self) -> None:
        self.speak()
        _shut(self._listener)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            self.accepted.append(time.monotonic())
            try:
                server = socket.create_connection(("127.0.0.1", self._server.port))
            except OSError:
                client.close()
                continue
            with self._lock:
                self._ends |= {client, server}
            for sender, pair in (("client", (client, server)), ("server", (server, client))):
                threading.Thread(target=self._forward, args=(*pair, sender), daemon=True).start()

    def _forward(self, reading: socket.socket, writing: socket.socket, sender: str) -> None:
        try:
            while data := reading.recv(_CHUNK):
                if sender == "server":
                    self._pay(len(data))
                self._open.wait()
                whole = len(data)
                data = data[:self._bytes_left(sender, whole)]
                if reading not in self._forgotten:
                    writing.sendall(data)
                if len(data) < whole:
                    self.cut()
        except OSError:
            pass
        with self._lock:
            self._ends -= {reading, writing}
        _shut(reading)
        _shut(writing)

    def _bytes_left(self, sender: str, size: int) -> int:
        """How many of the bytes pass before the break; all of them when none is planned."""
        with self._lock:
            if sender not in self._cuts:
                return size
            left = self._cuts[sender] = self._cuts[sender] - size
            if left >= 0:
                return size
            del self._cuts[sender]
            return size + left

    def _pay(self, size: int) -> None:
        """Waits until the bytes are allowed; connections take turns."""
        limit = self._limit
        if limit is None:
            return
        with self._lock:
            self._due = max(self._due, time.monotonic()) + size / limit
            wait = self._due - time.monotonic()
        threading.Event().wait(max(0.0, wait))


def _shut(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the other side was first

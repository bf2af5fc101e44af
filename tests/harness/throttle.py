"""A link to PostgreSQL that can be slow and can break: for catching a copy in the middle."""

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
        self._listener = socket.create_server(("127.0.0.1", processes.free_port()), backlog=50)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self) -> str:
        return self._server.url().replace(f":{self._server.port}/", f":{self.port}/")

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

    def remove(self) -> None:
        _shut(self._listener)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            try:
                server = socket.create_connection(("127.0.0.1", self._server.port))
            except OSError:
                client.close()
                continue
            with self._lock:
                self._ends |= {client, server}
            for pair, is_limited in (((client, server), False), ((server, client), True)):
                threading.Thread(target=self._forward, args=(*pair, is_limited), daemon=True).start()

    def _forward(self, reading: socket.socket, writing: socket.socket, is_limited: bool) -> None:
        try:
            while data := reading.recv(_CHUNK):
                if is_limited:
                    self._pay(len(data))
                writing.sendall(data)
        except OSError:
            pass
        with self._lock:
            self._ends -= {reading, writing}
        _shut(reading)
        _shut(writing)

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

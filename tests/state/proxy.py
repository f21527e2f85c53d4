"""A TCP proxy that can lose one reply: the server has done the work, the client sees its connection die."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Proxy:
    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.lose_reply_to: bytes | None = None
        self.lost = 0
        self.then_refuse = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.lost and self.then_refuse:
                    client.close()
                    continue
                server = socket.create_connection(self._target)
                losing = threading.Event()
                for work in (self._requests, self._replies):
                    threading.Thread(target=work, args=(client, server, losing), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket, losing: threading.Event) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                if self.lose_reply_to and self.lose_reply_to in data:
                    self.lose_reply_to = None
                    losing.set()
                server.sendall(data)
        close(client, server)

    def _replies(self, client: socket.socket, server: socket.socket, losing: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                if losing.is_set():
                    self.lost += 1
                    break
                client.sendall(data)
        close(client, server)

    def close(self) -> None:
        self._listener.close()


def close(*sockets: socket.socket) -> None:
    for one in sockets:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()


@contextmanager
def proxy(port: int) -> Iterator[Proxy]:
    running = Proxy("127.0.0.1", port)
    try:
        yield running
    finally:
        running.close()

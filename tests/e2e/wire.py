"""A TCP proxy of a test's own between one client and a server: it can refuse, hang, and work again."""

import contextlib
import selectors
import socket
import threading
from collections.abc import Iterator
from enum import StrEnum


class Mood(StrEnum):
    FORWARD = "forward"
    REFUSE = "refuse"
    HANG = "hang"


class Wire:
    """Forwards bytes both ways to 127.0.0.1:`target`; `set` changes what happens to all connections, also open ones.

    refuse: open connections are reset, new ones too. hang: bytes are neither read nor answered; they come through late
    when the mood changes back, as from a server that was stopped and goes on.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._mood = Mood.FORWARD
        self._change = threading.Condition()
        self._open: set[socket.socket] = set()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, name="wire", daemon=True).start()

    def set(self, mood: Mood) -> None:
        with self._change:
            self._mood = mood
            self._change.notify_all()
            found = list(self._open) if mood is Mood.REFUSE else []
        for one in found:
            shut(one)

    def close(self) -> None:
        self.set(Mood.REFUSE)
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            if self._mood is Mood.REFUSE:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                client.close()
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._target)) as server:
            with self._change:
                self._open |= {client, server}
            try:
                self._pump(client, server)
            finally:
                with self._change:
                    self._open -= {client, server}

    def _pump(self, client: socket.socket, server: socket.socket) -> None:
        """Until one of them ends."""
        with selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ, server)
            ready.register(server, selectors.EVENT_READ, client)
            while True:
                for key, _ in ready.select():
                    self._wait_while_hanging()
                    data = key.fileobj.recv(65536)  # type: ignore[union-attr]
                    if not data:
                        return
                    key.data.sendall(data)

    def _wait_while_hanging(self) -> None:
        with self._change:
            self._change.wait_for(lambda: self._mood is not Mood.HANG)


def shut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def opened(target: int) -> Iterator[Wire]:
    wire = Wire(target)
    try:
        yield wire
    finally:
        wire.close()

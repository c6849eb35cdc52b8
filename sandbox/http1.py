"""Takes one HTTP/1.1 message out of a buffer of bytes (RFC 9112)."""

from dataclasses import dataclass

HEAD_LIMIT = 64 * 1024


@dataclass(frozen=True)
class Message:
    """A request or a response. `length` is how many bytes of the buffer it takes, body and trailers included."""

    start: str
    headers: dict[str, str]
    """Names in lower case."""
    length: int

    @property
    def wants_close(self) -> bool:
        return self.headers.get("connection", "").lower() == "close"


def take(buffer: bytearray) -> Message | None:
    """The first whole message; None while more has to come. Raises ValueError for what is not HTTP/1.1."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        if len(buffer) > HEAD_LIMIT:
            raise ValueError(f"the head of the message is longer than {HEAD_LIMIT} bytes")
        return None
    start, *lines = buffer[:end].decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    stop = _end_of_body(buffer, end + 4, headers)
    if stop is None or stop > len(buffer):
        return None
    return Message(start, headers, stop)


def _end_of_body(buffer: bytearray, begin: int, headers: dict[str, str]) -> int | None:
    """Section 6.3, for messages whose length is given; without one there is no body."""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return _end_of_chunks(buffer, begin)
    return begin + int(headers.get("content-length", "0"))


def _end_of_chunks(buffer: bytearray, position: int) -> int | None:
    """Section 7.1; trailers are skipped."""
    while (line := buffer.find(b"\r\n", position)) >= 0:
        size = int(buffer[position:line].split(b";")[0], 16)
        position = line + 2
        if size == 0:
            end = buffer.find(b"\r\n\r\n", line)
            return None if end < 0 else end + 4
        position += size + 2
    return None

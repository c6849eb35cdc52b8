"""Messages out of a stream of bytes, however it is cut."""

import pytest

from sandbox import http1

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n10;x=y\r\n0123456789abcdef\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("whole", "start"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1", id="no body"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody", "POST / HTTP/1.1", id="length given"),
        pytest.param(CHUNKED, "HTTP/1.1 200 OK", id="chunked"),
        pytest.param(CHUNKED[:-2] + b"grpc-status: 0\r\n\r\n", "HTTP/1.1 200 OK", id="chunked with trailers"),
    ],
)
def test_a_message_is_taken_when_it_is_whole(whole: bytes, start: str) -> None:
    """No prefix is a message; bytes of the next one are left alone."""
    assert [http1.take(bytearray(whole[:end])) for end in range(len(whole))] == [None] * len(whole)
    message = http1.take(bytearray(whole + b"GET /next"))
    assert message is not None
    assert (message.start, message.length) == (start, len(whole))


def test_header_names_are_lower_case() -> None:
    """So that they are found whatever their spelling; values keep theirs."""
    message = http1.take(bytearray(b"GET / HTTP/1.1\r\nConnection: Close\r\nX-A:  B \r\n\r\n"))
    assert message is not None
    assert message.headers == {"connection": "Close", "x-a": "B"}
    assert message.wants_close


@pytest.mark.parametrize(
    "junk",
    [
        pytest.param(b"x" * (http1.HEAD_LIMIT + 1), id="endless head"),
        pytest.param(b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", id="length is no number"),
        pytest.param(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", id="chunk size is no number"),
    ],
)
def test_junk_is_refused(junk: bytes) -> None:
    """What is not HTTP/1.1 raises, and does not wait for ever."""
    with pytest.raises(ValueError, match=r"longer than|invalid literal"):
        http1.take(bytearray(junk))

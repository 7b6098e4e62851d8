"""A local server of files that speaks HTTP with ranges, and can misbehave as servers and networks do."""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Answer = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class Request:
    """One request that arrived: `path` without its query, the values of the query, and what headers tell."""

    path: str
    query: dict[str, str]
    range: str
    if_range: str
    authorization: str


@dataclass
class Fault:
    """What goes wrong with requests whose path ends in `suffix`, the next `times` times.

    Kinds: "drop" (the connection ends after `value` bytes of the body), "status" (with `value` as the code
    and `wait` as its Retry-After), "stall" (after `value` bytes nothing more comes), "silence" (no answer),
    "long" (`value` bytes more are announced than come), "short" (`value` bytes less are announced and come),
    "portal" (a web page instead, as of a hotel).
    """

    kind: str
    suffix: str = ""
    value: int = 0
    wait: str = ""
    times: int = 1 << 30


class FileServer:
    """The server: use as a context manager; `url` is its root, `files` what it has, `requests` what arrived.

    Attributes:
        ranges: Whether it knows ranges.
        tags: Which validators it sends: "etag", "weak", "date" or "".
        routes: Answers by path for what is no file, such as an API.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.routes: dict[str, Callable[[Request], Answer]] = {}
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.ranges = True
        self.tags = "etag"
        self.closing = threading.Event()
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        serve = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        serve.start()

    def __enter__(self) -> "FileServer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def fail(self, kind: str, suffix: str = "", **more: Any) -> None:
        """Misbehave from now on: see `Fault`."""
        self.faults.append(Fault(kind, suffix, **more))

    def asked(self, suffix: str) -> list[Request]:
        """Requests so far whose path ends in `suffix`."""
        return [request for request in self.requests if request.path.endswith(suffix)]

    def fault_for(self, request: Request) -> Fault | None:
        """Note a request and return what should go wrong with it."""
        with self._lock:
            self.requests.append(request)
            for fault in self.faults:
                if fault.times and request.path.endswith(fault.suffix):
                    fault.times -= 1
                    return fault
        return None

    def validators(self, content: bytes) -> dict[str, str]:
        """Headers that tell this content from another."""
        mark = sha256(content).hexdigest()[:16]
        moment = 1_500_000_000 + int(mark[:7], 16)
        return {
            "etag": {"ETag": f'"{mark}"'},
            "weak": {"ETag": f'W/"{mark}"'},
            "date": {"Last-Modified": formatdate(moment, usegmt=True)},
            "": {},
        }[self.tags]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let clients hang up as they please."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    owner: FileServer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        head = self.headers
        request = Request(
            unquote(parts.path),
            query,
            head.get("Range", ""),
            head.get("If-Range", ""),
            head.get("Authorization", ""),
        )
        fault = self.owner.fault_for(request)
        match fault.kind if fault else "":
            case "status":
                assert fault
                more = {"Retry-After": fault.wait} if fault.wait else {}
                return self.answer(fault.value, more, b"unwell")
            case "silence":
                self.owner.closing.wait()
                self.close_connection = True
                return None
            case "portal":
                return self.answer(200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>Hotel</html>")
        if request.path in self.owner.routes:
            return self.answer(*self.owner.routes[request.path](request))
        content = self.owner.files.get(request.path.lstrip("/"))
        if content is None:
            return self.answer(404, {}, b"nothing here")
        return self.file(request, content, fault)

    do_HEAD = do_GET

    def file(self, request: Request, content: bytes, fault: Fault | None) -> None:
        validators = self.owner.validators(content)
        start = 0
        status, headers = 200, dict(validators)
        fresh = not request.if_range or request.if_range in validators.values()
        if self.owner.ranges and request.range and fresh:
            start = int(request.range.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                return self.answer(416, {"Content-Range": f"bytes */{len(content)}"}, b"")
            status = 206
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        body = content[start:]
        length = len(body)
        kind, value = (fault.kind, fault.value) if fault else ("", 0)
        if kind == "long":
            length += value
        if kind == "short":
            length -= value
            body = body[:length]
        if kind in ("drop", "stall"):
            body = body[:value]
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(body)
            self.wfile.flush()
            if kind == "stall":
                self.owner.closing.wait()
        if kind in ("drop", "stall", "long"):
            self.close_connection = True

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(body if self.command == "GET" else b"")

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""

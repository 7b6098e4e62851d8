"""A local server that speaks the part of the Hub's protocol that dfdetect uses, and can misbehave.

What writes is in `hub_writing`. Two origins, as on the real Hub: one answers questions about repositories and
serves small files, the other, the "CDN", serves the large ones it redirects to. Answers hold what
huggingface_hub 2.4 reads: error codes in `X-Error-Code`, commit and ETag of a file in the headers of the
first answer, ranges for broken-off downloads. Of Xet, the newer way to large files, it knows the start only:
with `xet` set it offers that, and then fails.
"""

import hashlib
import json
import socket
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

from hub_writing import ACCOUNTS, LARGE, Writing, git_hash

TOKEN, FOREIGN_TOKEN = (
    "hf_member",
    "hf_stranger",
)  # who may enter gated and private repositories, and who may not
READ_TOKEN = "hf_reader"  # the member's as well, but not to write with


@dataclass(frozen=True)
class Request:
    """One request that arrived: `path` without its query, `token` if any, `cdn` at the second origin."""

    method: str
    path: str
    token: str
    range: str
    cdn: bool


@dataclass
class Repo:
    """A repository: files by commit, and the commits its branches and tags name."""

    commits: dict[str, Mapping[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)  # of the commits that were pushed, in order
    gated: bool = False
    private: bool = False


@dataclass
class Fault:
    """What goes wrong with requests whose path ends in `suffix`, the next `times` times.

    Kinds: "status" (with `value` as the code), "drop" and "reset" (the connection ends after `value` bytes of
    the body, which is that of the request for POST and PUT, in order or abruptly), "short" (the body has
    `value` bytes less than was first announced), "damage" (one byte is another), "silence" (no answer),
    "portal" (a web page instead, as of a hotel).
    """

    kind: str
    suffix: str = ""
    method: str = ""
    value: int = 0
    times: int = 1 << 30


class HubServer:
    """The server: use as a context manager; `url` is its `HF_ENDPOINT`, `requests` what arrived so far."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.xet = False
        self.blobs: dict[str, bytes] = {}  # large files that were sent, by SHA-256; some without a commit
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._servers = [self._start(cdn) for cdn in (False, True)]
        self.url, self.cdn_url = (f"http://127.0.0.1:{server.server_port}" for server in self._servers)

    def __enter__(self) -> "HubServer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def add(self, repo_id: str, files: Mapping[str, bytes], *refs: str, **kind: bool) -> str:
        """Commit files to a repository, point `refs` (by default main) at the commit, and return its hash."""
        repo = self.repos.setdefault(repo_id, Repo(**kind))
        digest = hashlib.sha1(repo_id.encode())
        for name in sorted(files):
            digest.update(name.encode() + b"\0" + files[name])
        commit = digest.hexdigest()
        repo.commits[commit] = dict(files)
        repo.refs |= {ref: commit for ref in refs or ("main",)}
        return commit

    def fail(self, kind: str, suffix: str = "", **more: Any) -> None:
        """Misbehave from now on: see `Fault`."""
        self.faults.append(Fault(kind, suffix, **more))

    def asked(self, suffix: str, method: str = "GET") -> list[Request]:
        """Requests so far whose path ends in `suffix`."""
        return [r for r in self.requests if r.path.endswith(suffix) and r.method == method]

    def fault_for(self, request: Request) -> Fault | None:
        """Note a request and return what should go wrong with it."""
        with self._lock:
            self.requests.append(request)
            for fault in self.faults:
                if (
                    fault.times
                    and request.path.endswith(fault.suffix)
                    and fault.method in ("", request.method)
                ):
                    fault.times -= 1
                    return fault
        return None

    def _start(self, cdn: bool) -> ThreadingHTTPServer:
        handler = type("Handler", (_Handler,), {"hub": self, "cdn": cdn})
        server = _Server(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return server


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let clients hang up as they please."""


class _Handler(Writing, BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    hub: HubServer
    cdn: bool
    fault: Fault | None

    def do_GET(self) -> None:
        if self.begin():
            raw = urlsplit(self.path).path
            path = unquote(raw)
            if not self.cdn:
                self.route(raw)
            elif path.startswith("/blobs/"):
                self.blob(path.removeprefix("/blobs/"))
            else:
                self.answer(503)

    do_HEAD = do_GET

    def begin(self) -> bool:
        """Note a request, misbehave if that is asked for, and say whether it is still to be answered."""
        raw = urlsplit(self.path).path
        path = unquote(raw)
        self.token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        wanted = self.headers.get("Range", "")
        self.fault = self.hub.fault_for(Request(self.command, path, self.token, wanted, self.cdn))
        match self.fault.kind if self.fault else "":
            case "status":
                assert self.fault
                self.received()
                self.answer(self.fault.value, b"the server is unwell")
            case "silence":
                self.hub.closing.wait()
                self.close_connection = True
            case "portal":
                self.answer(200, b"<html>Welcome to our hotel</html>", {"Content-Type": "text/html"})
            case "drop" | "reset" if self.command in ("POST", "PUT"):
                assert self.fault
                self.rfile.read(self.fault.value)
                self.hang_up()
            case _:
                return True
        return False

    def route(self, raw: str) -> None:
        match [unquote(part) for part in raw.strip("/").split("/")]:  # a revision may hold an escaped slash
            case ["api", "models", owner, name]:
                self.info(f"{owner}/{name}", "main")
            case ["api", "whoami-v2"]:
                self.whoami()
            case ["api", "models", owner, name, "revision", revision]:
                self.info(f"{owner}/{name}", revision)
            case ["api", "resolve-cache", "models", owner, name, commit, *file]:
                self.small(f"{owner}/{name}", commit, "/".join(file))
            case ["api", "models", _, _, "xet-read-token" | "xet-write-token", _]:
                xet = {"X-Xet-Cas-Url": self.hub.cdn_url, "X-Xet-Access-Token": "secret"}
                told = {"casUrl": self.hub.cdn_url, "accessToken": "secret", "exp": 9999999999}
                headers = xet | {"X-Xet-Token-Expiration": "9999999999"}
                self.answer(200, json.dumps(told).encode(), headers)
            case [owner, name, "resolve", revision, *file]:
                self.resolve(f"{owner}/{name}", revision, "/".join(file))
            case _:
                self.answer(404)

    def info(self, repo_id: str, revision: str) -> None:
        """`GET /api/models/{repo}[/revision/{revision}]`: what is in a repository, even a gated one."""
        commit = self.commit(repo_id, revision)
        if commit:
            repo = self.hub.repos[repo_id]
            files = [_sibling(name, content) for name, content in repo.commits[commit].items()]
            gated = "auto" if repo.gated else False
            about = {
                "id": repo_id,
                "modelId": repo_id,
                "sha": commit,
                "private": repo.private,
                "gated": gated,
            }
            body = json.dumps({**about, "tags": [], "downloads": 0, "likes": 0, "siblings": files}).encode()
            self.answer(200, body, {"Content-Type": "application/json"})

    def resolve(self, repo_id: str, revision: str, file: str) -> None:
        """`HEAD` and `GET /{repo}/resolve/{revision}/{file}`: always a redirect, as on the Hub."""
        commit = self.commit(repo_id, revision)
        if not commit or not self.admitted(self.hub.repos[repo_id]):
            return
        content = self.hub.repos[repo_id].commits[commit].get(file)
        if content is None:
            self.refuse(404, "EntryNotFound", "Entry not found", {"X-Repo-Commit": commit})
        elif file.endswith(LARGE):
            digest = hashlib.sha256(content).hexdigest()
            linked = {"X-Linked-Size": str(len(content)), "X-Linked-ETag": f'"{digest}"'}
            where = f"{self.hub.cdn_url}/blobs/{digest}?signature=secret"
            if self.hub.xet:
                route = f"{self.hub.url}/api/models/{repo_id}/xet-read-token/{commit}"
                linked |= {"X-Xet-Hash": "a" * 64, "X-Xet-Refresh-Route": route}
            self.answer(302, b"", {"Location": where, "X-Repo-Commit": commit, **linked})
        else:
            where = f"/api/resolve-cache/models/{repo_id}/{commit}/{file}"
            self.answer(307, b"", {"Location": where, "X-Repo-Commit": commit})

    def small(self, repo_id: str, commit: str, file: str) -> None:
        """A file kept in git, whose ETag is its git hash."""
        content = self.hub.repos[repo_id].commits[commit][file]
        self.body(content, {"ETag": f'"{git_hash(content)}"', "X-Repo-Commit": commit})

    def blob(self, digest: str) -> None:
        """A file kept by LFS, by its SHA-256."""
        commits = [files for repo in self.hub.repos.values() for files in repo.commits.values()]
        contents = [content for files in commits for content in files.values()]
        (content, *_) = [c for c in contents if hashlib.sha256(c).hexdigest() == digest]
        self.body(content, {"ETag": f'"{digest}"'})

    def commit(self, repo_id: str, revision: str) -> str:
        """The commit a revision names; empty once the request was refused, the way the Hub does it."""
        repo = self.hub.repos.get(repo_id)
        if self.token and self.token not in ACCOUNTS:
            self.refuse(401, "", "Invalid credentials in Authorization header")
        elif repo is None or (repo.private and self.token not in (TOKEN, READ_TOKEN)):
            # Without a token the Hub does not say whether the repository exists.
            self.refuse(404 if self.token else 401, "RepoNotFound", "Repository not found")
        elif revision not in repo.commits and revision not in repo.refs:
            self.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        else:
            return repo.refs.get(revision, revision)
        return ""

    def admitted(self, repo: Repo) -> bool:
        if not repo.gated or self.token == TOKEN:
            return True
        words = f"Access to this model is restricted{'' if self.token else ', you must be authenticated'}."
        self.refuse(403 if self.token else 401, "GatedRepo", words)
        return False

    def refuse(self, status: int, code: str, words: str, more: Mapping[str, str] | None = None) -> None:
        headers = {"X-Error-Message": words, **({"X-Error-Code": code} if code else {}), **(more or {})}
        self.answer(status, json.dumps({"error": words}).encode(), headers)

    def body(self, content: bytes, headers: dict[str, str]) -> None:
        """Send a file, or the range of it that was asked for."""
        if self.fault and self.fault.kind == "damage":
            content = content[:-1] + bytes([content[-1] ^ 1])
        if self.fault and self.fault.kind == "short":
            content = content[: -self.fault.value]
        wanted = self.headers.get("Range")
        headers["Accept-Ranges"] = "bytes"
        if not wanted:
            return self.answer(200, content, headers)
        start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return self.answer(206, content[start:], headers)

    def answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        cut = self.fault is not None and self.fault.kind in ("drop", "reset")
        self.wfile.write(body[: self.fault.value] if cut and self.fault else body)
        if cut:
            self.hang_up()

    def hang_up(self) -> None:
        assert self.fault
        self.wfile.flush()
        if self.fault.kind == "reset":  # lingering for no time sends RST in place of FIN
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def log_message(self, *args: Any) -> None:
        """Keep the terminal quiet."""


def _sibling(name: str, content: bytes) -> dict[str, Any]:
    about: dict[str, Any] = {"rfilename": name, "size": len(content), "blobId": git_hash(content)}
    if name.endswith(LARGE):
        digest = hashlib.sha256(content).hexdigest()
        about["lfs"] = {"sha256": digest, "size": len(content), "pointerSize": 134}
    return about

"""The half of the local Hub that writes: repositories, branches, large files and commits, with real storage.

Answers hold what huggingface_hub 2.4 reads of them; large files come by LFS, in one PUT to the second origin.
"""

import base64
import hashlib
import json
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import yaml

if TYPE_CHECKING:
    from hub_server import HubServer, Repo

LARGE = (".onnx", ".safetensors")  # kept by LFS on the Hub, redirected to the CDN
ACCOUNTS = {  # by token: name, role of the token, organisations
    "hf_member": ("member", "write", ["owner"]),
    "hf_reader": ("member", "read", ["owner"]),
    "hf_stranger": ("stranger", "write", []),
}


def git_hash(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Writing(BaseHTTPRequestHandler):
    """Answers to POST and PUT."""

    hub: "HubServer"
    cdn: bool
    token: str

    if TYPE_CHECKING:

        def begin(self) -> bool: ...
        def refuse(self, status: int, code: str, words: str) -> None: ...
        def answer(self, status: int, body: bytes = b"") -> None: ...

    def do_POST(self) -> None:
        if not self.begin():
            return
        body = self.received()
        match [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]:
            case ["api", "repos", "create"]:
                self.create(json.loads(body))
            case ["api", "validate-yaml"]:
                self.validate(json.loads(body)["content"])
            case ["api", "models", owner, name, "branch", branch]:
                self.branch(f"{owner}/{name}", branch)
            case ["api", "models", owner, name, "preupload", branch]:
                self.modes(f"{owner}/{name}", branch, json.loads(body)["files"])
            case [owner, name, "info", "lfs", "objects", "batch"]:
                self.batch(f"{owner}/{name.removesuffix('.git')}", json.loads(body)["objects"])
            case [_, _, "info", "lfs", "objects", "verify"]:
                self.answer(200 if json.loads(body)["oid"] in self.hub.blobs else 404)
            case ["api", "models", owner, name, "commit", branch]:
                self.commit_to(f"{owner}/{name}", branch, [json.loads(line) for line in body.splitlines()])
            case _:
                self.answer(404)

    def do_PUT(self) -> None:
        if not self.begin():
            return
        content, wanted = self.received(), urlsplit(self.path).path.removeprefix("/uploads/")
        if hashlib.sha256(content).hexdigest() != wanted:
            return self.answer(400, b"the content is another")
        self.hub.blobs[wanted] = content
        return self.answer(200)

    def received(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def whoami(self) -> None:
        if self.token not in ACCOUNTS:
            return self.refuse(401, "", "Invalid username or password.")
        name, role, organisations = ACCOUNTS[self.token]
        orgs = [{"type": "org", "name": organisation} for organisation in organisations]
        auth = {"accessToken": {"role": role}}
        return self.answer(
            200, json.dumps({"type": "user", "name": name, "orgs": orgs, "auth": auth}).encode()
        )

    def create(self, wanted: dict[str, Any]) -> None:
        from hub_server import Repo

        name = wanted["organization"]
        repo_id = f"{name}/{wanted['name']}"
        url = f"{self.hub.url}/{repo_id}"
        if not self.may_write(
            name, f'You don\'t have the rights to create a model under the namespace "{name}"'
        ):
            return
        if repo_id in self.hub.repos:
            words = {"error": "You already created this model repo", "url": url}
            return self.answer(409, json.dumps(words).encode())
        self.hub.repos[repo_id] = repo = Repo(private=wanted.get("visibility") == "private")
        self.add_commit(repo, "main", {".gitattributes": b"*.onnx filter=lfs\n"}, "initial commit")
        return self.answer(200, json.dumps({"url": url, "name": repo_id, "id": "1"}).encode())

    def validate(self, card: str) -> None:
        head = card.split("---\n", 2)[1] if card.startswith("---\n") else ""
        try:
            found = yaml.safe_load(head)
        except yaml.YAMLError as error:
            return self.answer(
                400, json.dumps({"errors": [{"message": str(error)}], "warnings": []}).encode()
            )
        warnings = [] if found else [{"message": "empty or missing yaml metadata in repo card"}]
        return self.answer(200, json.dumps({"errors": [], "warnings": warnings}).encode())

    def branch(self, repo_id: str, branch: str) -> None:
        if not self.may_write(repo_id.split("/")[0]):
            return
        repo = self.hub.repos[repo_id]
        if branch in repo.refs:
            return self.answer(409, b'{"error": "Reference already exists"}')
        repo.refs[branch] = repo.refs["main"]
        return self.answer(201, b"{}")

    def modes(self, repo_id: str, branch: str, files: list[dict[str, Any]]) -> None:
        """Say which files are large, and what is there of the others already."""
        if not self.may_write(repo_id.split("/")[0]):
            return
        repo = self.hub.repos[repo_id]
        if branch not in repo.refs:
            return self.refuse(404, "RevisionNotFound", f"Invalid rev id: {branch}")
        there = repo.commits[repo.refs[branch]]
        told = []
        for path in (file["path"] for file in files):
            large = path.endswith(LARGE)
            mode = {"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}
            if path in there:
                mode["oid"] = hashlib.sha256(there[path]).hexdigest() if large else git_hash(there[path])
            told.append(mode)
        return self.answer(200, json.dumps({"files": told}).encode())

    def batch(self, repo_id: str, objects: list[dict[str, Any]]) -> None:
        if not self.may_write(repo_id.split("/")[0]):
            return
        verify = {"href": f"{self.hub.url}/{repo_id}.git/info/lfs/objects/verify"}
        told = []
        for one in objects:
            upload = {"href": f"{self.hub.cdn_url}/uploads/{one['oid']}?signature=secret"}
            there = one["oid"] in self.hub.blobs
            told.append(one if there else {**one, "actions": {"upload": upload, "verify": verify}})
        self.answer(200, json.dumps({"transfer": "basic", "objects": told}).encode())

    def commit_to(self, repo_id: str, branch: str, lines: list[dict[str, Any]]) -> None:
        if not self.may_write(repo_id.split("/")[0]):
            return
        repo, header = self.hub.repos[repo_id], lines[0]["value"]
        if header.get("parentCommit", repo.refs[branch]) != repo.refs[branch]:
            return self.refuse(412, "", "A commit has happened since. Please refresh and try again.")
        files = dict(repo.commits[repo.refs[branch]])
        for line in lines[1:]:
            value = line["value"]
            match line["key"]:
                case "file":
                    files[value["path"]] = base64.b64decode(value["content"])
                case "lfsFile":
                    files[value["path"]] = self.hub.blobs[value["oid"]]
                case "deletedFile":
                    del files[value["path"]]
        commit = self.add_commit(repo, branch, files, header["summary"])
        url = f"{self.hub.url}/{repo_id}/commit/{commit}"
        return self.answer(200, json.dumps({"success": True, "commitOid": commit, "commitUrl": url}).encode())

    def add_commit(self, repo: "Repo", branch: str, files: dict[str, bytes], message: str) -> str:
        digest = hashlib.sha1(f"{repo.refs.get(branch)} {message}".encode())
        for name in sorted(files):
            digest.update(name.encode() + b"\0" + files[name])
        commit = digest.hexdigest()
        repo.commits[commit], repo.refs[branch] = files, commit
        repo.messages.append(message)
        return commit

    def may_write(self, owner: str, words: str = "Authorization error.") -> bool:
        if self.token and self.token not in ACCOUNTS:
            self.refuse(401, "", "Invalid credentials in Authorization header")
        elif not self.token:
            self.refuse(401, "", "Invalid username or password.")
        else:
            name, role, organisations = ACCOUNTS[self.token]
            if role == "write" and owner in (name, *organisations):
                return True
            self.refuse(403, "", words)
        return False

"""A hub on the loopback interface: the few routes of the Hugging Face hub that its client uses, with its faults."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit


@dataclass
class Repository:
    """The files of one model and how the hub behaves towards it."""

    files: dict[str, bytes]
    gated: str | bool = False
    accepted: bool = True  # whether the one who asks has accepted the licence
    lists_sizes: bool = True
    seconds: float = 0.0  # until each answer
    breaks_after: int | None = None  # bytes of weights until the connection breaks
    breaks_times: int = 1
    serves_after_break: bool = True
    claims: dict[str, int] = field(default_factory=dict)  # sizes that are said and not kept

    @classmethod
    def of(cls, folder: Path, **behaviour) -> Repository:
        return cls({path.name: path.read_bytes() for path in folder.iterdir()}, **behaviour)

    @property
    def commit(self) -> str:
        digest = hashlib.sha1()
        for name in sorted(self.files):
            digest.update(name.encode() + self.files[name])
        return digest.hexdigest()

    def size(self, name: str) -> int:
        return self.claims.get(name, len(self.files[name]))


class Hub:
    """Serves ``repositories``; ``requests`` lists what was asked for, such as ("GET", "tiny/gpt2", "config.json")."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.requests: list[tuple[str, str, str]] = []
        self.page: bytes | None = None  # answered to everything, as the log-in page of a wireless network is
        hub = self

        class Handler(_Handler):
            pass

        Handler.hub = hub
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"

    def fetched(self, repository: str) -> list[str]:
        """Files whose content was asked for, in order."""
        return [
            name for method, owner, name in self.requests if (method, owner) == ("GET", repository) and name
        ]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments) -> None:
        pass

    def do_HEAD(self) -> None:
        self._route()

    def do_GET(self) -> None:
        self._route()

    def _route(self) -> None:
        if self.hub.page is not None:
            self._answer(200, self.hub.page, {"Content-Type": "text/html"})
            return
        path = urlsplit(self.path).path
        found = re.fullmatch(r"/api/models/([^/]+(?:/[^/]+)?)", path)
        if found:
            self._model_info(found[1], "blobs=" in self.path)
            return
        found = re.fullmatch(r"/([^/]+(?:/[^/]+)?)/resolve/([^/]+)/(.+)", path)
        if found:
            self._file(found[1], found[3], stored=False)
            return
        found = re.fullmatch(r"/storage/([^/]+(?:/[^/]+)?)/files/(.+)", path)
        if found:
            self._file(found[1], found[2], stored=True)
            return
        self._answer(404, b"", {})

    def _repository(self, name: str, file: str) -> Repository | None:
        self.hub.requests.append((self.command, name, file))
        repository = self.hub.repositories.get(name)
        if repository is None:  # to those without a token the hub does not say whether there is such a model
            self._answer(401, b'{"error":"Invalid username or password."}', {"X-Error-Code": "RepoNotFound"})
            return None
        time.sleep(repository.seconds)
        return repository

    def _model_info(self, name: str, with_sizes: bool) -> None:
        repository = self._repository(name, "")
        if repository is None:
            return
        siblings = [
            {
                "rfilename": file,
                **({"size": repository.size(file)} if with_sizes and repository.lists_sizes else {}),
            }
            for file in sorted(repository.files)
        ]
        info = {
            **{
                "_id": "0",
                "id": name,
                "modelId": name,
                "sha": repository.commit,
                "private": False,
                "tags": [],
            },
            **{"gated": repository.gated, "siblings": siblings, "downloads": 1, "likes": 0},
        }
        self._answer(200, json.dumps(info).encode(), {"Content-Type": "application/json"})

    def _file(self, name: str, file: str, stored: bool) -> None:
        repository = self._repository(name, file)
        if repository is None:
            return
        commit = {"X-Repo-Commit": repository.commit}
        if repository.gated and not repository.accepted:
            self._answer(403, b"", {**commit, "X-Error-Code": "GatedRepo"})
            return
        if file not in repository.files:
            self._answer(404, b"", {**commit, "X-Error-Code": "EntryNotFound"})
            return
        content = repository.files[file]
        etag = f'"{hashlib.sha256(content).hexdigest()}"'
        if file.endswith(".safetensors") and not stored:  # large files lie in a storage of their own
            location = f"{self.hub.address}/storage/{name}/files/{file}"
            linked = {"X-Linked-Size": str(repository.size(file)), "X-Linked-ETag": etag}
            self._answer(302, b"", {**commit, **linked, "ETag": etag, "Location": location})
            return
        headers = {**commit, "ETag": etag, "Accept-Ranges": "bytes"}
        if file in repository.claims:
            self._answer(200, content, {**headers, "Content-Length": str(repository.claims[file])})
            return
        status, start = 200, 0
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked:
            status, start = 206, int(asked[1])
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        if self.command == "GET" and stored and repository.breaks_after is not None:
            if repository.breaks_times:
                repository.breaks_times -= 1
                length = {"Content-Length": str(len(content) - start)}
                self._answer(status, content[start : start + repository.breaks_after], {**headers, **length})
                self.close_connection = True
                return
            if not repository.serves_after_break:
                self._answer(503, b"", headers)
                return
        self._answer(status, content[start:], headers)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

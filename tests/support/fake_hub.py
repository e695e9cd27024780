"""A hub on loopback for huggingface_hub's own client: it lists repositories, and serves files whole or from an offset.

Speaks the few endpoints that a download calls. Nothing leaves the machine.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

NEWEST = "a" * 40
"""The commit of every branch `main`."""
SMALL_SUFFIXES = (".json", ".md")
"""Files that a real hub keeps in git itself; all others are large files (LFS) with a SHA-256."""


class FakeHub:
    """The running hub: its URL, its repositories, the requests so far."""

    def __init__(self, repositories: dict[str, Path]) -> None:
        self.repositories = repositories
        """Repository -> the folder with its files, at every revision."""
        self.requests: list[tuple[str, str, str]] = []
        """Method, path and Range header of every request."""
        self.cut_once: set[str] = set()
        """Names of files whose next download breaks off half way."""
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def downloads(self) -> list[str]:
        """Return the paths of all files that were asked for with their contents."""
        return [path for method, path, _ in self.requests if method == "GET" and "/resolve/" in path]

    def listing(self, repository: str) -> list[dict[str, Any]]:
        """Return a repository's files as the hub lists them."""
        home = self.repositories[repository]
        return [_listed(home, file) for file in sorted(home.rglob("*")) if file.is_file()]

    def serve(self) -> None:
        """Answer requests until `stop`."""
        self._http.serve_forever(poll_interval=0.01)

    def stop(self) -> None:
        """Close the port."""
        self._http.shutdown()
        self._http.server_close()


@contextmanager
def fake_hub(repositories: dict[str, Path]) -> Iterator[FakeHub]:
    """Run a hub with these repositories."""
    hub = FakeHub(repositories)
    thread = threading.Thread(target=hub.serve, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.stop()
        thread.join()


def _listed(home: Path, file: Path) -> dict[str, Any]:
    content = file.read_bytes()
    git = hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()
    entry = {"type": "file", "path": file.relative_to(home).as_posix(), "size": len(content), "oid": git}
    if file.suffix not in SMALL_SUFFIXES:
        entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
    return entry


def _handler_for(hub: FakeHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def _answer(self, *, with_body: bool) -> None:
            path = self.path.split("?")[0]
            hub.requests.append((self.command, path, self.headers.get("Range", "")))
            listing = re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(revision|tree)/([^/]+))?", path)
            file = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
            known = listing or file
            if known is None or known[1] not in hub.repositories:
                self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"}, with_body)
            elif file is not None:
                self._file(file[1], _commit(file[2]), file[3], with_body)
            elif listing is not None and listing[2] == "tree":
                self._json(hub.listing(listing[1]), with_body)
            else:
                self._json({"id": known[1], "sha": _commit(known[3] or "main"), "siblings": []}, with_body)

        def _file(self, repository: str, commit: str, name: str, with_body: bool) -> None:
            path = hub.repositories[repository] / name
            if not path.is_file():
                self._send(404, b"", {"X-Error-Code": "EntryNotFound"}, with_body)
                return
            entry, content = _listed(hub.repositories[repository], path), path.read_bytes()
            hash_ = entry["lfs"]["oid"] if "lfs" in entry else entry["oid"]
            headers = {"X-Repo-Commit": commit, "ETag": f'"{hash_}"', "Accept-Ranges": "bytes"}
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            start = int(asked[1]) if asked else 0
            if asked:
                headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            cut = with_body and path.name in hub.cut_once
            hub.cut_once -= {path.name} if cut else set()
            self._send(206 if asked else 200, content[start:], headers, with_body, cut=cut)

        def _json(self, value: object, with_body: bool) -> None:
            self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"}, with_body)

        def _send(
            self, status: int, body: bytes, headers: dict[str, str], with_body: bool, *, cut: bool = False
        ) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if with_body:
                self.wfile.write(body[: len(body) // 2] if cut else body)
            if cut:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: requests are in `hub.requests`."""

    return Handler


def _commit(revision: str) -> str:
    return NEWEST if revision == "main" else revision


def talk_to(hub: FakeHub, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let huggingface_hub in this process know this hub and this cache, and no other machine."""
    look_up = socket.getaddrinfo

    def loopback_only(host: Any, *rest: Any, **options: Any) -> Any:
        if host != "127.0.0.1":
            raise OSError(f"a test asked for {host!r}")
        return look_up(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", loopback_only)
    for name, value in {
        "ENDPOINT": hub.url,
        "HUGGINGFACE_CO_URL_TEMPLATE": hub.url + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_CACHE": str(cache),
        "HF_HUB_OFFLINE": False,
        "HF_TOKEN_PATH": str(cache / "no-token"),
    }.items():
        monkeypatch.setattr(constants, name, value)

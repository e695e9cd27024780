"""A chat-completions server on loopback that answers from a script and remembers every request.

Speaks just enough of OpenAI's protocol for the real client to parse. Nothing leaves the machine.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """One scripted reply."""

    status: int = 200
    body: object = field(default_factory=dict)
    """Sent as JSON; text is sent as it is."""
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    """Say nothing until the server closes."""


@dataclass(frozen=True)
class Request:
    """One request as it came in."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


def completion(content: str | None, *, refusal: str | None = None, finish_reason: str = "stop") -> Reply:
    """A whole chat completion with this text."""
    message = {"role": "assistant", "content": content, "refusal": refusal}
    return Reply(
        body={
            "id": "chat-1",
            "object": "chat.completion",
            "created": 0,
            "model": "fake",
            "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
        }
    )


def failure(status: int, message: str, *, code: str | None = None, headers: dict[str, str] | None = None) -> Reply:
    """An error in the protocol's shape."""
    return Reply(status, {"error": {"message": message, "type": "error", "code": code}}, headers or {})


class FakeLLMServer:
    """The running server: its URL, the replies left, the requests so far."""

    def __init__(self, replies: list[Reply]) -> None:
        self.replies = list(replies)
        self.requests: list[Request] = []
        self.closing = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def serve(self) -> None:
        """Answer requests until `stop`."""
        self._http.serve_forever(poll_interval=0.01)

    def stop(self) -> None:
        """Close the port and let hanging requests go."""
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()


@contextmanager
def fake_llm_server(*replies: Reply) -> Iterator[FakeLLMServer]:
    """Run a server with these replies; every reply must be fetched, and no more than these."""
    server = FakeLLMServer(list(replies))
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(timeout=5)
    assert not thread.is_alive(), "the fake server did not stop"
    assert len(server.requests) == len(replies), f"{len(server.requests)} requests for {len(replies)} replies"


def _handler_for(server: FakeLLMServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.requests.append(
                Request(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            )
            reply = server.replies.pop(0) if server.replies else failure(418, "the script has no reply left")
            if reply.hang:
                server.closing.wait(timeout=30)
                self.close_connection = True
                return
            text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text.encode())))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(text.encode())
            self.close_connection = True

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    return Handler

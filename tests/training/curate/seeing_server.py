"""A chat-completions server on loopback that really looks: it finds the drawn squares in the pictures it is sent.

Which question it is follows from the name of the answer's schema. Nothing leaves the machine.
"""

from __future__ import annotations

import base64
import io
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from PIL import Image

from tests.support.fake_llm_server import Reply, completion, failure

RED, YELLOW = "[Object A]", "[Object B]"
NAMES = {RED: "a red square of card", YELLOW: "a yellow square of card"}
Answer = Callable[[str, list[np.ndarray]], Any]


class SeeingServer:
    """The running server: URL, questions by kind, and answers that a test puts in the place of its own."""

    def __init__(self, key: str = "right-key") -> None:
        self.key = key
        self.asked: Counter[str] = Counter()
        self.instead: dict[str, Callable[[str, list[np.ndarray]], Any]] = {}
        """Kind of question -> a function of its text and pictures; what it returns is sent, None: the usual answer."""
        self.lock = threading.Lock()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/v1"

    def answer(self, headers: Any, body: dict[str, Any]) -> Reply:
        if headers.get("Authorization") != f"Bearer {self.key}":
            return failure(401, "Incorrect API key provided")
        kind = body["response_format"]["json_schema"]["name"]
        text, pictures = _last_question(body["messages"])
        with self.lock:
            self.asked[kind] += 1
        said = self.instead[kind](text, pictures) if kind in self.instead else None
        if isinstance(said, Reply):
            return said
        return completion(json.dumps(said if said is not None else ANSWERS[kind](text, pictures)))


@contextmanager
def seeing_server(key: str = "right-key") -> Iterator[SeeingServer]:
    server = SeeingServer(key)
    thread = threading.Thread(target=lambda: server.http.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.http.shutdown()
        server.http.server_close()
        thread.join(timeout=5)


def find(picture: np.ndarray, label: str) -> tuple[int, int, int, int] | None:
    """Return left, top, right and bottom of a square in thousandths of the picture."""
    red, green, blue = (picture[..., channel].astype(int) for channel in range(3))
    there = (red > 170) & (green < 90) & (blue < 90) if label == RED else (red > 190) & (green > 170) & (blue < 110)
    there[: len(there) // 12] = False  # the frame's number
    if there.mean() < 0.002:
        return None
    rows, columns = np.flatnonzero(there.mean(axis=1) > 0.02), np.flatnonzero(there.mean(axis=0) > 0.02)
    height, width = there.shape
    return (round(1000 * columns[0] / width), round(1000 * rows[0] / height),
            round(1000 * (columns[-1] + 1) / width), round(1000 * (rows[-1] + 1) / height))


def _colour(text: str, pictures: list[np.ndarray]) -> Any:
    return {"colour": "red" if find(pictures[0], RED) else "other"}


def _text(text: str, pictures: list[np.ndarray]) -> Any:
    shots = [(int(shot), int(first), int(last))
             for shot, first, last in re.findall(r"Shot (\d+): pictures (\d+) to (\d+)", text)]
    return {"shots": [{"shot": shot, "seen": "a white bar",
                       "overlaid": any(bool((p[-len(p) // 8:].min(axis=2) > 230).mean() > 0.1)
                                       for p in pictures[first - 1:last])} for shot, first, last in shots]}


def _story(text: str, pictures: list[np.ndarray]) -> Any:
    seen = {label: [shot + 1 for shot in range(len(pictures) // 2)
                    if any(find(p, label) for p in pictures[2 * shot:2 * shot + 2])] for label in NAMES}
    subjects = [{"label": label, "looks": NAMES[label], "shots": shots} for label, shots in seen.items()
                if len(shots) > 1]
    return {"subjects": subjects,
            "story": " ".join(f"{one['label']} wanders over flat ground." for one in subjects) or "Flat ground."}


def _shot(text: str, pictures: list[np.ndarray]) -> Any:
    known = [label for label in NAMES if f"- {label}:" in text]
    boxes = [{"picture": number, "subject": label, **dict(zip(("left", "top", "right", "bottom"), box, strict=True))}
             for number, picture in enumerate(pictures, start=1) for label in known if (box := find(picture, label))]
    seen = sorted({box["subject"] for box in boxes})
    return {"boxes": boxes, "caption": " ".join(f"{label} glides over the ground in a wide shot." for label in seen)
            or "Flat ground lies still in a wide shot."}


def _target(text: str, pictures: list[np.ndarray]) -> Any:
    label = re.findall(r"Describe (\[.*?\])", text)[0]
    box = find(pictures[1], label)
    filled = box is not None and (box[2] - box[0]) * (box[3] - box[1]) > 800_000
    return {"is_this_subject": filled, "caption": f"{label} lies flat, {NAMES[label]}, seen from above."}


ANSWERS: dict[str, Answer] = {"ColourSeen": _colour, "TextSeen": _text, "StorySeen": _story, "ShotSeen": _shot,
                              "TargetSeen": _target}


def _last_question(messages: list[dict[str, Any]]) -> tuple[str, list[np.ndarray]]:
    """Return the words and pictures of the question; of a repeated one, those of its first turn."""
    content = next(m["content"] for m in messages if m["role"] == "user")
    pictures = [np.asarray(Image.open(io.BytesIO(base64.b64decode(part["image_url"]["url"].split(",")[1])))
                           .convert("RGB")) for part in content if part["type"] == "image_url"]
    return content[0]["text"], pictures


def _handler_for(server: SeeingServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            reply = server.answer(self.headers, body)
            text = json.dumps(reply.body).encode()
            self.send_response(reply.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    return Handler

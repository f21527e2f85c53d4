"""A browser reduced to what Dash's renderer sends: one connection, the cookies, and what the store holds."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass
from typing import Any

STORE = {"id": "table-store", "property": "data"}


@dataclass(frozen=True)
class Call:
    """One callback: seconds it took, bytes of both JSON bodies, bytes with the HTTP headers, what it returned."""

    seconds: float
    body_bytes: int
    total_bytes: int
    value: Any


class Client:
    """One user."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._host = f"127.0.0.1:{port}"
        self._cookies: dict[str, str] = {}
        self._outputs: dict[str, str] = {}
        self.clicks = 0
        self.held: Any = None
        self._exchange("GET", "/", b"")
        dependencies = json.loads(self._exchange("GET", "/_dash-dependencies", b"")[0])
        for declared in dependencies:
            self._outputs[declared["inputs"][0]["id"]] = declared["output"]

    def load(self) -> Call:
        return self._keep(self._call("load"))

    def read(self) -> Call:
        return self._call("read")

    def replace(self) -> Call:
        return self._keep(self._call("replace"))

    def close(self) -> None:
        self._socket.close()

    def _keep(self, call: Call) -> Call:
        self.held = call.value
        return call

    def _call(self, button: str) -> Call:
        """Post a callback as the renderer does; the time counts from the JSON text to the parsed answer's bytes."""
        self.clicks += 1
        output, trigger = self._outputs[button], f"{button}.n_clicks"
        component, prop = output.rsplit(".", 1)
        request = {
            "output": output,
            "outputs": {"id": component, "property": prop},
            "inputs": [{"id": button, "property": "n_clicks", "value": self.clicks}],
            "changedPropIds": [trigger],
            "parsedChangedPropsIds": [trigger],
        }
        if button != "load":
            request["state"] = [{**STORE, "value": self.held}]
        sent = json.dumps(request, separators=(",", ":")).encode()
        start = time.perf_counter()
        received, total = self._exchange("POST", "/_dash-update-component", sent)
        seconds = time.perf_counter() - start
        answer = json.loads(received)["response"][component]
        return Call(seconds, len(sent) + len(received), total, answer[prop.split("@")[0]])

    def _exchange(self, method: str, path: str, body: bytes) -> tuple[bytes, int]:
        """The answer's body, and all bytes that went over the wire."""
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}", "Accept: application/json, text/html"]
        lines += [f"Cookie: {cookies}"] if cookies else []
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"] if body else []
        request = "\r\n".join([*lines, "", ""]).encode() + body
        self._socket.sendall(request)
        head, received = self._receive()
        status, *fields = head.decode().split("\r\n")
        if " 200 " not in status:
            raise RuntimeError(f"{path}: {status} {received[:500]!r}")
        for name, value in (field.split(": ", 1) for field in fields):
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self._cookies[key] = rest.partition(";")[0]
        return received, len(request) + len(head) + 4 + len(received)

    def _receive(self) -> tuple[bytes, bytes]:
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more(65536)
        head, _, start = data.partition(b"\r\n\r\n")
        sizes = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        size = int(sizes[0].split(b":")[1])
        body = bytearray(size)
        body[: len(start)] = start
        at, view = len(start), memoryview(body)
        while at < size:
            at += self._socket.recv_into(view[at:]) or self._lost()
        return head, bytes(body)

    def _more(self, size: int) -> bytes:
        return self._socket.recv(size) or self._lost()

    def _lost(self) -> Any:
        raise ConnectionError("The server closed the connection.")

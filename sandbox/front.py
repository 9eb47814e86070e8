"""The HTTP front: notes each AWS call, lets it fail as a test wishes, and hands the rest to moto; /_sandbox/ is control."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from sandbox import faults, prices
from sandbox.faults import ApiError, Call, Fault, Faults

Control = Callable[[str, dict[str, Any]], Any]
# Operation, request and region -> the reply's document, or None: that is moto's business.
Answer = Callable[[str, dict[str, Any], str], dict[str, Any] | None]
_LOG_LIMIT = 100_000
_HANG_LIMIT = 3600.0
_CLOCK = "sandbox.clock"  # in the WSGI environment: seconds by which the reply's Date is ahead
_PEEK_LIMIT = 1 << 20  # a Query or JSON call's body; S3 bodies are never looked at


class Dropped(ConnectionError):
    """The connection was closed without an answer."""


class Front:
    def __init__(self, control: Control) -> None:
        self.control = control
        self.faults = Faults()
        self.sources: dict[int, str] = {}  # local port of a forwarded connection -> instance
        self.answers: dict[str, Answer] = {"pricing": prices.answer}
        self.log: deque[dict[str, Any]] = deque(maxlen=_LOG_LIMIT)
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        source = self.sources.get(int(environ.get("REMOTE_PORT") or 0))
        if source is None and environ["PATH_INFO"].startswith("/_sandbox/"):  # not for those in a machine
            return self._control(environ, start)
        call = faults.identify(environ, self._peek(environ), source)
        entry: dict[str, Any] = {
            "time": time.time(),
            "service": call.service,
            "op": call.op,
            "path": call.path,
            "source": source,
        }
        entry |= {"region": call.region, "key": call.key, "status": None, "fault": None}
        self.log.append(entry)
        fault = self.faults.take(call)
        if fault:
            entry["fault"] = fault.kind
            if (answer := self._misbehave(fault, call, environ, start, entry)) is not None:
                return answer
        return self._carry_out(call, environ, start, entry)

    def _carry_out(
        self, call: Call, environ: dict[str, Any], start: Callable[..., Any], entry: dict[str, Any]
    ) -> Iterable[bytes]:
        if call.service in self.answers:
            return self._answer(call, environ, start, entry)
        return self._pass_on(environ, start, entry)

    def _answer(
        self, call: Call, environ: dict[str, Any], start: Callable[..., Any], entry: dict[str, Any]
    ) -> Iterable[bytes]:
        """A JSON service that moto lacks, or parts of one."""
        body = environ["wsgi.input"].read(min(int(environ.get("CONTENT_LENGTH") or 0), _PEEK_LIMIT))
        environ["wsgi.input"] = io.BytesIO(body)
        status, kind = 200, "application/x-amz-json-1.1"
        try:
            document = self.answers[call.service](call.op, json.loads(body or b"{}"), call.region)
            reply = json.dumps(document).encode()
        except ApiError as error:
            fault = Fault("error", code=error.code, status=error.status, message=error.message)
            status, kind, reply = faults.error_reply(fault, call)
        else:
            if document is None:
                return self._pass_on(environ, start, entry)
        entry["status"] = status
        start(f"{status} Sandbox", [("Content-Type", kind), ("Content-Length", str(len(reply)))])
        return [reply]

    def _peek(self, environ: dict[str, Any]) -> bytes:
        """The body of a call whose name is in it; it can be read again."""
        kind = environ.get("CONTENT_TYPE", "")
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if "form-urlencoded" not in kind:
            return b""
        if (
            environ["REQUEST_METHOD"] != "POST"
        ):  # an object sent so by a plain client; moto would take it for a form
            environ["CONTENT_TYPE"] = "binary/octet-stream"
            return b""
        if not 0 < length <= _PEEK_LIMIT:
            return b""
        body: bytes = environ["wsgi.input"].read(length)
        environ["wsgi.input"] = io.BytesIO(body)
        return body

    def _pass_on(
        self, environ: dict[str, Any], start: Callable[..., Any], entry: dict[str, Any]
    ) -> Iterable[bytes]:
        def started(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            entry["status"] = int(status.split()[0])
            return start(status, headers, exc_info) if exc_info else start(status, headers)

        answer: Iterable[bytes] = self._moto(environ, started)
        return answer

    def _misbehave(
        self,
        fault: Fault,
        call: Call,
        environ: dict[str, Any],
        start: Callable[..., Any],
        entry: dict[str, Any],
    ) -> Iterable[bytes] | None:
        """None: the call goes on to moto."""
        if fault.kind == "slow":
            time.sleep(fault.delay)
            return None
        if fault.kind == "clock":
            environ[_CLOCK] = fault.delay
            return None
        if fault.kind == "hang":
            if not self.faults.hold(fault, fault.delay or _HANG_LIMIT):
                return self._drop(environ)
            return None
        if fault.kind in ("drop-reply", "hang-reply"):  # the call is carried out, but nobody hears of it
            for _ in self._carry_out(call, environ, lambda *_: None, entry):
                continue
        if fault.kind in ("hang-reply", "hang-request"):
            self.faults.hold(fault, fault.delay or _HANG_LIMIT)
        if fault.kind in ("drop-reply", "hang-reply", "drop-request", "hang-request"):
            return self._drop(environ)
        if fault.delay:
            time.sleep(fault.delay)
        status, kind, body = faults.error_reply(fault, call)
        entry["status"] = status
        self._drain(environ)
        start(f"{status} Sandbox", [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]

    @staticmethod
    def _drain(environ: dict[str, Any]) -> None:
        """Reads what is left of a request, or closing would reset the connection before the answer arrives."""
        left = int(environ.get("CONTENT_LENGTH") or 0)
        endless = bool(environ.get("wsgi.input_terminated"))  # chunked: it ends by itself
        with contextlib.suppress(OSError):
            while (left > 0 or endless) and (
                data := environ["wsgi.input"].read(1 << 16 if endless else min(left, 1 << 16))
            ):
                left -= len(data)

    @staticmethod
    def _drop(environ: dict[str, Any]) -> Iterable[bytes]:
        with contextlib.suppress(OSError):
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        raise Dropped

    def _control(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        try:
            arguments = json.loads(environ["wsgi.input"].read(length) or b"{}") if length else {}
            answer, status = (
                self.control(environ["PATH_INFO"].removeprefix("/_sandbox/"), arguments),
                "200 OK",
            )
        except Exception as error:  # noqa: BLE001 (whatever it is, the test that asked is told)
            answer, status = {"error": f"{type(error).__name__}: {error}"}, "400 Bad Request"
        body = json.dumps(answer, default=str).encode()
        start(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """The front keeps its own log."""

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        """On purpose (Dropped), or the peer's doing."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The header Date, by a clock of AWS's own where a fault says so."""
        ahead = getattr(self, "environ", {}).get(_CLOCK, 0.0)
        return super().date_time_string(time.time() + ahead if timestamp is None else timestamp)


def serve(front: Front, host: str, port: int) -> BaseWSGIServer:
    """A server, already listening and answering on threads of its own."""
    server = make_server(host, port, front, threaded=True, request_handler=_Quiet)
    server.daemon_threads = True  # type: ignore[attr-defined]
    server.request_queue_size = 128
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    return server

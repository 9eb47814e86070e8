"""A machine's network: a nameless router namespace with IMDS and the API in it, and one cable to the machine.

Nothing else is reachable: the router forwards nothing, so packets to any other address are lost.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import socketserver
import subprocess
import threading
from collections.abc import Callable
from typing import Any

GATEWAY = "10.0.0.1"
ADDRESS = "10.0.0.2"
IMDS_ADDRESS = "169.254.169.254"
API_PORT = 5000
_CLONE_NEWNET = 0x40000000


def in_namespace(fd: int | None, work: Callable[[], Any]) -> Any:
    """Calls work() on a thread that has joined network namespace fd, or a new one; the other threads stay put."""
    box: list[Any] = []

    def body() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        joined = libc.unshare(_CLONE_NEWNET) if fd is None else libc.setns(fd, _CLONE_NEWNET)
        try:
            if joined != 0:
                raise OSError(ctypes.get_errno(), "cannot join a network namespace")
            box.append(work())
        except OSError as error:
            box.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    if isinstance(box[0], OSError):
        raise box[0]
    return box[0]


def _namespace() -> int:
    return int(
        in_namespace(
            None, lambda: os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY)
        )
    )


def enter(fd: int) -> list[str]:
    """The words that run a command in namespace fd of this process."""
    return ["nsenter", f"--net=/proc/{os.getpid()}/fd/{fd}"]


def ip(fd: int, line: str, check: bool = True) -> None:
    subprocess.run([*enter(fd), "ip", *line.split()], check=check, capture_output=True, timeout=20)


class Network:
    """The router of one machine. The cable is made anew at each boot, for it dies with the machine's namespace."""

    def __init__(self) -> None:
        self.router = _namespace()
        self._servers: list[socketserver.TCPServer] = []
        ip(self.router, "link set lo up")
        ip(self.router, f"addr add {IMDS_ADDRESS}/32 dev lo")

    def plug_in(self) -> None:
        """A new cable: veth0 here, eth0 (still here too) for the machine."""
        ip(self.router, "link del veth0", check=False)
        ip(self.router, "link add veth0 type veth peer name eth0")
        ip(self.router, f"addr add {GATEWAY}/24 dev veth0")
        ip(self.router, "link set veth0 up")

    def move_to_new_namespace(self) -> int:
        """Moves eth0 into a new namespace with its address set, for machines that nspawn does not make; returns its fd."""
        inside = _namespace()
        ip(self.router, f"link set eth0 netns /proc/{os.getpid()}/fd/{inside}")
        for line in (
            "link set lo up",
            "link set eth0 up",
            f"addr add {ADDRESS}/24 dev eth0",
            f"route add default via {GATEWAY}",
        ):
            ip(inside, line)
        return inside

    def cut(self) -> None:
        ip(self.router, "link set veth0 down")

    def restore(self) -> None:
        ip(self.router, "link set veth0 up")

    def serve(self, port: int, handler: type[socketserver.BaseRequestHandler]) -> None:
        """Serves in the router: the socket stays in the namespace that it was made in."""
        server = in_namespace(self.router, lambda: _Server(("", port), handler))
        self._servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()

    def close(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()
        os.close(self.router)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A peer that went away is no news: machines are cut off and killed all the time."""


def forwarder(port: int, sources: dict[int, str], name: str) -> type[socketserver.BaseRequestHandler]:
    """A handler that passes connections on to 127.0.0.1:port, noting in sources by local port whose they are."""

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    class Forward(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            up = socket.socket()
            up.bind(("127.0.0.1", 0))
            mine = up.getsockname()[1]
            sources[mine] = name
            try:
                up.connect(("127.0.0.1", port))
                back = threading.Thread(target=pump, args=(up, self.request), daemon=True)
                back.start()
                pump(self.request, up)
                back.join()
            finally:
                up.close()
                sources.pop(mine, None)

    return Forward

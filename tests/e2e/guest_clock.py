"""Runs inside a machine, and gives one program there a wrong wall clock.

A machine has no wall clock of its own: the kernel's is the host's, which nothing here may touch. But a program asks for
the time by three functions of the vDSO, which the kernel maps into each process, and their code is replaced here, in
that process alone, by the system call and an addition. Timers, and all other programs, keep the true time.

    guest_clock.py shift PID SECONDS [boot]  a process that runs, from now on; boot: its clock of boot time instead
    guest_clock.py run SECONDS PROGRAM ARG…  becomes the program, whose clock is wrong from its first instruction
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import sys
import time
from pathlib import Path

_SEIZE, _TRACE_EXEC, _DETACH, _CONTINUE = 0x4206, 1 << 4, 17, 7
_EXEC_EVENT = 4
_WAIT_ALL = 0x40000000
_DYNSYM = 11


def _call(number: int) -> bytes:
    return b"\xb8" + struct.pack("<I", number) + b"\x0f\x05"  # mov eax, number; syscall


def _stubs(seconds: int, boot: bool) -> dict[str, bytes]:
    """x86-64: the arguments are in rdi and rsi, the result in rax."""
    by = struct.pack("<i", seconds)
    if boot:  # only for CLOCK_BOOTTIME: cmp edi, 7; jne past the addition; add qword [rsi], by; ret
        return {"__vdso_clock_gettime": _call(228) + b"\x83\xff\x07\x75\x07\x48\x81\x06" + by + b"\xc3"}
    return {
        # Only for CLOCK_REALTIME (0): test edi, edi; jne past the addition; add qword [rsi], by; ret.
        "__vdso_clock_gettime": _call(228) + b"\x85\xff\x75\x07\x48\x81\x06" + by + b"\xc3",
        "__vdso_gettimeofday": _call(96) + b"\x48\x81\x07" + by + b"\xc3",
        "__vdso_time": _call(201) + b"\x48\x05" + by + b"\xc3",
    }


def _vdso_of(pid: int) -> tuple[int, int]:
    line = next(line for line in Path(f"/proc/{pid}/maps").read_text().splitlines() if "[vdso]" in line)
    first, last = line.split()[0].split("-")
    return int(first, 16), int(last, 16)


def _symbols() -> dict[str, tuple[int, int]]:
    """Offset and size of each function of the vDSO, which is the same in all processes."""
    first, last = _vdso_of(os.getpid())
    with Path("/proc/self/mem").open("rb") as memory:
        memory.seek(first)
        image = memory.read(last - first)
    at, size, count = struct.unpack_from("<Q", image, 0x28)[0], *struct.unpack_from("<HH", image, 0x3A)
    # Of each section header: name, type, flags, address, offset, size, link.
    sections = [struct.unpack_from("<IIQQQQI", image, at + number * size) for number in range(count)]
    table = next(section for section in sections if section[1] == _DYNSYM)
    names = sections[table[6]][4]
    found = {}
    for place in range(table[4], table[4] + table[5], 24):
        name, _, _, value, length = struct.unpack_from("<IBxHQQ", image, place)[:5]
        start = names + name
        found[image[start : image.index(b"\0", start)].decode()] = (value, length)
    return found


def _rewrite(pid: int, seconds: int, boot: bool = False) -> None:
    first, symbols = _vdso_of(pid)[0], _symbols()
    with Path(f"/proc/{pid}/mem").open("r+b", buffering=0) as memory:
        for name, code in _stubs(seconds, boot).items():
            offset, length = symbols[name]
            assert len(code) <= length, name
            memory.seek(first + offset)
            memory.write(code)


def shift(pid: int, seconds: int, boot: bool = False) -> None:
    """All its threads are stopped meanwhile, and none of them in the code that changes."""
    first, last = _vdso_of(pid)
    for _ in range(100):
        os.kill(pid, signal.SIGSTOP)
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        while any((task / "stat").read_text().rpartition(") ")[2][0] != "T" for task in tasks):
            time.sleep(0.001)
        places = [int((task / "syscall").read_text().split()[-1], 16) for task in tasks]
        inside = any(first <= place < last for place in places)
        if not inside:
            _rewrite(pid, seconds, boot)
        os.kill(pid, signal.SIGCONT)
        if not inside:
            return
    sys.exit(f"process {pid} is always asking for the time")


def run(seconds: int, argv: list[str]) -> None:
    """A grandchild traces us until the program is there, so that whoever started us sees one process all along."""
    me = os.getpid()
    ready, tell = os.pipe()
    if child := os.fork():
        os.waitpid(child, 0)
        os.close(tell)
        if not os.read(ready, 1):
            sys.exit("can't be traced")
        os.execv(argv[0], argv)
    if os.fork():
        os._exit(0)
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    if ptrace(_SEIZE, me, None, _TRACE_EXEC) != 0:
        os._exit(1)
    os.write(tell, b"x")
    while True:
        _, status = os.waitpid(me, _WAIT_ALL)
        if not os.WIFSTOPPED(status):
            os._exit(1)
        if status >> 8 == signal.SIGTRAP | _EXEC_EVENT << 8:
            break
        ptrace(_CONTINUE, me, None, os.WSTOPSIG(status))
    _rewrite(me, seconds)
    ptrace(_DETACH, me, None, None)
    os._exit(0)


if __name__ == "__main__":
    if sys.argv[1] == "shift":
        shift(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:] == ["boot"])
    else:
        run(int(sys.argv[2]), sys.argv[3:])

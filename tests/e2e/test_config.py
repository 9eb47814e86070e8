"""Defaults from files, in a machine with the real paths."""

from __future__ import annotations

from collections.abc import Callable

from sandbox import Instance
from tests.e2e.helpers import INSIDE, start_words, status

Boot = Callable[..., Instance]

SYSTEM = "/etc/curfew/config.toml"
OWN = "/root/.config/curfew/config.toml"


def put(instance: Instance, path: str, text: str, mode: int = 0o644) -> None:
    instance.sh(f"mkdir -p $(dirname {path})")
    instance.write(path, text, mode)


def test_files_set_defaults_and_what_is_typed_holds_over_them(machine: Boot) -> None:
    instance = machine()
    put(instance, SYSTEM, '[run]\nmax-time = "8h"\ngrace = "7s"\nthen = "stop"\n')
    put(instance, OWN, '[run]\ngrace = "9s"\nmax-cost = 200\n')
    table = instance.sh(f"HOME=/root {INSIDE} config")
    of_run, of_check = table.split("\n\n")
    rows = {line.split()[0]: line.split()[1:] for line in of_run.splitlines()}
    assert rows["--max-time"] == ["8h", f"{SYSTEM}:2"]
    assert rows["--grace"] == ["9s", f"{OWN}:2"]
    assert rows["--max-cost"] == ["200", f"{OWN}:3"]
    assert rows["--save-limit"] == ["15m", "default"]
    assert of_check.startswith("[check]") and "--crit" in of_check
    run = start_words(instance, ["--max-time", "1h", "--", "sleep", "1000"])
    shown = status(instance)
    assert 3500 < shown["stop_at"]["left_s"] <= 3600
    assert shown["end_at"]["left_s"] - shown["stop_at"]["left_s"] in (8, 9)
    assert shown["then"] == "stop"
    assert shown["cost"]["limit"] == "$200.00"
    assert run.code() is None
    instance.terminate()


def test_a_mistake_in_a_file_starts_nothing(machine: Boot) -> None:
    instance = machine()
    for text, says in {
        '[run]\nmax-tme = "8h"\n': f"{SYSTEM}:2: there is no option 'max-tme' (did you mean max-time?)",
        '[run]\nmax-time = "8x"\n': f"{SYSTEM}:2: --max-time: duration '8x'",
        '[run]\nnotify = "https://u:p@h/"\n': f"{SYSTEM}:2: --notify …: ",
        "[run\n": f"{SYSTEM}:1: is not TOML",
        "[run]\ndry-run = true\n": f"{SYSTEM}:2: 'dry-run' can't stand in a file",
    }.items():
        put(instance, SYSTEM, text)
        run = start_words(instance, ["--", "touch", "/root/started"], name="bad", wait=False)
        assert run.wait_code() == 125, text
        assert says in run.err(), run.err()
        table = instance.exec([INSIDE, "config"], env={"HOME": "/root"})
        assert table.code == 125 and says in table.err, table
        assert not table.out or f"{SYSTEM}:2  WRONG" in table.out, table
        instance.sh("rm -r /root/bad; test ! -e /root/started")
    put(instance, SYSTEM, '[run]\nmax-time = "8x"\ngrace = "5s"\n')
    rows = [
        line.split() for line in instance.exec([INSIDE, "config"], env={"HOME": "/root"}).out.splitlines()
    ]
    assert rows[2] == ["--max-time", "8x", f"{SYSTEM}:2", "WRONG,", "see", "below"], rows
    assert rows[3] == ["--grace", "5s", f"{SYSTEM}:3"], rows
    # And yet the help is read.
    assert instance.exec([INSIDE, "run", "--help"], env={"HOME": "/root"}).code == 0
    put(instance, SYSTEM, '[run]\nmax-time = "8h"\n', 0o666)
    run = start_words(instance, ["--", "touch", "/root/started"], name="open", wait=False)
    assert run.wait_code() == 125 and "config.toml" in run.err(), run.err()
    instance.terminate()

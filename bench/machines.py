"""The probe, and machines of the sandbox with curfew, the baseline and the probe in them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from sandbox import Instance, Sandbox

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "bench"
CURFEW = Path(os.environ.get("CURFEW_BINARY", ROOT / "build/release/curfew")).absolute()
# Of one verb of inside.py; the longest saves or prints gigabytes.
LIMIT = 900.0


def build_probe(folder: Path) -> Path:
    """Static, for the machines have no compiler and perhaps another C library."""
    probe = folder / "probe"
    compiler = os.environ.get("CC", "cc")
    words = [compiler, "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-static"]
    subprocess.run([*words, "-o", str(probe), str(HERE / "probe.c")], check=True)
    return probe


class Machines:
    """One sandbox; a fresh machine for whatever must not find another's traces."""

    def __init__(self, cloud: Sandbox, probe: Path) -> None:
        self.cloud, self.probe = cloud, probe

    def boot(self, disk: str = "512m") -> Instance:
        """Tagged and launched as for a job, with a role, and a `shutdown` that only writes down that it was called."""
        return self.cloud.launch(
            tags={"curfew:job": "bench"},
            shutdown_behavior="terminate",
            profile=self.cloud.profile(),
            cloud_init=False,
            disk=disk,
            files={
                "/usr/local/bin/curfew": CURFEW,
                "/usr/local/bin/guard.sh": HERE / "baseline/guard.sh",
                "/usr/local/bin/probe": self.probe,
                "/usr/local/sbin/shutdown": self.probe,
                "/root/inside.py": HERE / "inside.py",
            },
        )

    def measure(self, instance: Instance, verb: str, **arguments: Any) -> Any:
        """What a verb of inside.py found there."""
        environment = {
            "HOME": "/root",
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "AWS_ENDPOINT_URL": self.cloud.guest_endpoint,
        }
        words = ["python3", "/root/inside.py", verb, json.dumps(arguments)]
        result = instance.exec(words, timeout=LIMIT, env=environment)
        if result.code:
            raise RuntimeError(f"{verb} in {instance.id}: exit code {result.code}\n{result.out}{result.err}")
        return json.loads(result.out)

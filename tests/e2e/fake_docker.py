"""A stand-in for Docker in a machine: a daemon of the test's own, whose children the containers are, so that they live
outside of the job's tree and cgroup and outlive both; and a `docker` that speaks to it, and prints what the real one
prints for the few words that curfew uses. An image is a name only; a container's command runs on the machine itself.

What it can't show is whether the real docker(1) still prints this: its source (docker/cli, cli/command/container and
cli/command/inspect) says that it does.
"""

from __future__ import annotations

from sandbox import Instance
from tests.e2e.helpers import SOON

ROOT = "/run/fake-docker"
SOCKET = "/run/docker.sock"

_DAEMON = """#!/bin/bash
cd /run/fake-docker || exit
while :; do
  for request in requests/*; do
    [ -e "$request" ] || continue
    id=${request#requests/}
    mv "$request" "containers/$id"
    started=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)
    printf '{"id":"%s","started":"%s","attached":%s,"image":"%s","command":[%snull],"writable":[%snull]}\\n' \\
      "$id" "$started" "$(cat "containers/$id/attached")" "$(cat "containers/$id/image")" \\
      "$(cat "containers/$id/words")" "$(cat "containers/$id/mounts")" >"containers/$id/json"
    (
      setsid bash -c "$(cat "containers/$id/command")" </dev/null >/dev/null 2>&1 &
      echo $! >"containers/$id/pid.new" && mv "containers/$id/pid.new" "containers/$id/pid"
      wait $!
      echo $? >"exits/$id"
      rm -rf "containers/$id"
    ) &
  done
  sleep 0.05
done
"""

_CLIENT = """#!/bin/bash
cd /run/fake-docker || exit
[ "$1" = --host ] && shift 2
verb=$1; shift
echo "$verb $*" >>calls
[ -e hang ] && exec sleep 1000
signal() { [ -e "containers/$2/pid" ] && kill "-$1" -- "-$(cat "containers/$2/pid")" 2>/dev/null; }
gone() { for _ in $(seq "$2"); do [ -e "containers/$1" ] || return 0; sleep 0.05; done; return 1; }
case $verb in
  ps) for c in containers/*/pid; do [ -e "$c" ] && basename "${c%/pid}"; done; exit 0 ;;
  inspect)
    shift 2; code=0
    for id; do cat "containers/$id/json" 2>/dev/null || { echo "Error: No such object: $id" >&2; code=1; }; done
    exit $code ;;
  stop)
    seconds=$2; shift 2
    for id; do ( signal TERM "$id"; gone "$id" $((seconds * 20)) || signal KILL "$id"; gone "$id" 40; echo "$id" ) & done
    wait ;;
  kill) for id; do signal KILL "$id"; echo "$id"; done ;;
  run)
    attached=true mounts=
    while [ "${1:0:1}" = - ]; do
      case $1 in -d) attached=false ;; -v) shift; mounts="$mounts\\"${1%%:*}\\"," ;; esac
      shift
    done
    image=$1; shift
    words=; for word; do word=${word//\\\\/\\\\\\\\}; words="$words\\"${word//\\"/\\\\\\"}\\","; done
    id=$(tr -d '\\n-' </proc/sys/kernel/random/uuid; tr -d '\\n-' </proc/sys/kernel/random/uuid)
    mkdir "new-$id"
    echo "$image" >"new-$id/image"; echo "$words" >"new-$id/words"; echo $attached >"new-$id/attached"
    echo "$mounts" >"new-$id/mounts"; printf '%s' "$*" >"new-$id/command"
    mv "new-$id" "requests/$id"
    until [ -e "containers/$id/pid" ] || [ -e "exits/$id" ]; do sleep 0.02; done
    [ $attached = false ] && { echo "$id"; exit 0; }
    for name in INT TERM; do trap "signal $name $id" $name; done
    while [ -e "containers/$id" ]; do sleep 0.05; done
    exit "$(cat "exits/$id")" ;;
esac
"""


def install(instance: Instance) -> None:
    """The daemon runs, as a unit of systemd's, and docker is found where curfew looks."""
    for folder in ("requests", "containers", "exits"):
        instance.sh(f"mkdir -p {ROOT}/{folder}")
    instance.write("/usr/local/sbin/fake-dockerd", _DAEMON, 0o755)
    instance.write("/usr/local/bin/docker", _CLIENT, 0o755)
    instance.write(SOCKET, "")
    instance.sh("systemd-run --quiet --unit fake-dockerd /usr/local/sbin/fake-dockerd")


def run(instance: Instance, *words: str) -> str:
    """`docker run -d`: the container's id."""
    return instance.exec(["docker", "run", "-d", *words]).out.strip()


def running(instance: Instance) -> list[str]:
    return instance.sh(f"ls {ROOT}/containers").split()


def calls(instance: Instance) -> list[str]:
    """The words of every docker, in order."""
    return instance.text(f"{ROOT}/calls", "").splitlines()


def hang(instance: Instance) -> None:
    """From now on no docker ever ends."""
    instance.write(f"{ROOT}/hang", "")


def wait_running(instance: Instance, count: int) -> list[str]:
    instance.until(lambda: len(running(instance)) == count, SOON, f"{count} containers")
    return running(instance)

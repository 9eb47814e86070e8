"""Trees as training code makes them: odd names, empty files, links, pipes, and sources that were never made."""

from __future__ import annotations

from collections.abc import Callable

from sandbox import Instance, Sandbox
from tests.e2e.helpers import LIFE, assert_ended, objects, start

Boot = Callable[..., Instance]

_TREE = r"""
cd out
for name in 'a b' "it's" 'say "hi"' a+b a=b '100%' 'ünïcode' '#1?x' .hidden '$(reboot)'; do echo "$name" >"$name"; done
printf x >$'bytes\xff\xfe'
: >empty
mkdir -p deep/er; echo deep >deep/er/file
ln -s 'a b' to-a-file
ln -s /etc/passwd out-of-the-tree
ln -s nowhere dangling
mkfifo pipe
cd ..
known; stamp
"""


def test_every_name_arrives_and_what_is_no_file_is_said(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    run = start(instance, _TREE, "--save", f"out/=s3://{bucket}/a b+c/")
    instance.wait("terminated", LIFE)
    assert_ended(instance, run.stamp())
    names = ["a b", "it's", 'say "hi"', "a+b", "a=b", "ünïcode", "#1?x", ".hidden", "$(reboot)"]
    expected = {f"a b+c/{name}": f"{name}\n".encode() for name in names}
    expected |= {
        "a b+c/100%": b"100%\n",
        "a b+c/bytes%FF%FE": b"x",
        "a b+c/empty": b"",
        "a b+c/deep/er/file": b"deep\n",
        "a b+c/to-a-file": b"a b\n",
    }
    assert objects(cloud, bucket) == expected
    for said in ("out/out-of-the-tree", "out/dangling", "out/pipe"):
        assert said in run.log(), run.log()
    assert run.code() == 0, "links out of the tree were never meant to be saved"


def test_a_source_that_was_never_made_is_an_error(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    run = start(
        instance,
        "echo weights >out/model; known; stamp",
        *("--save", f"out/=s3://{bucket}/run/", "--save", f"chekpoints/=s3://{bucket}/run/"),
    )
    instance.wait("terminated", LIFE)
    assert_ended(instance, run.stamp())
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}
    assert "chekpoints" in run.err() and run.code() == 125

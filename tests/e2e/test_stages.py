"""The stages of a launched job, in machines that boot: code, setup, data, training; and how each that fails ends its machine
after its log was saved."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sandbox import Sandbox
from tests.e2e.helpers import SOON, objects
from tests.e2e.launching import Launcher, ended, until

SECRET = "hunter2-is-no-good"
HOME = "/home/debian"
# Of the S3 here, and not of the test's own: a piece is 8 MiB.
LARGE = 20_000_000


def git(folder: Path, *words: str) -> str:
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1"}
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"]
    return subprocess.run(
        ["git", "-C", str(folder), *identity, *words],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A repository's work tree, with what git takes and what it leaves."""
    folder = tmp_path / "code"
    (folder / "lib").mkdir(parents=True)
    (folder / "train.sh").write_text(
        "set -e\nmkdir -p out\ncat prepared data/a.txt data/sub/b.txt >out/model\n"
        'echo "trained by $(id -un) in $PWD"; wc -c <data/large >out/size\n'
    )
    (folder / "train.sh").chmod(0o755)
    (folder / "lib/-odd name\n.txt").write_text("odd")
    (folder / "link").symlink_to("train.sh")
    (folder / ".gitignore").write_text(".env\ncheckpoints/\n")
    (folder / ".env").write_text(f"TOKEN={SECRET}")
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints/1").write_text("large")
    git(folder, "init", "--quiet")
    (folder / "gone").write_text("")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "first")
    (folder / "gone").unlink()
    (folder / "new.txt").write_text("not added yet")
    return folder


def logs(cloud: Sandbox, bucket: str) -> dict[str, str]:
    """The stages' logs as they were saved, by the stage's name; and "stages.json"."""
    found = {}
    for key, body in objects(cloud, bucket).items():
        if "/logs/" in key:
            found[key.rsplit("/", 1)[1].removesuffix(".log")] = body.decode()
    return found


def everything(cloud: Sandbox, bucket: str) -> dict[str, bytes]:
    """All that lies in the bucket, curfew's own program left out."""
    s3 = cloud.client("s3")
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    keys = [one["Key"] for one in listed if "/bin/" not in one["Key"]]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def put_parameter(cloud: Sandbox, name: str, value: str) -> None:
    cloud.client("ssm").put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)


def test_a_job_goes_from_a_folder_to_a_result(
    cloud: Sandbox, bucket: str, launcher: Launcher, code: Path
) -> None:
    s3 = cloud.client("s3")
    large = os.urandom(LARGE)
    for key, body in {"set/a.txt": b"a", "set/sub/b.txt": b"b", "set/large": large, "settle/c": b"c"}.items():
        s3.put_object(Bucket=bucket, Key=key, Body=body)
    instance, plan = launcher.launch(
        "--workdir",
        str(code),
        "--setup",
        "echo prepared >prepared",
        "--setup",
        "ls -A | sort | tr '\\n' ' '; cat lib/-odd*; readlink link",
        "--data",
        f"s3://{bucket}/set=data",
        "--save",
        f"out/=s3://{bucket}/run",
        shell="./train.sh",
    )
    assert "fetch" in plan and "echo prepared" in plan and f"s3://{bucket}/set to data" in plan, plan
    ended(instance)
    saved = objects(cloud, bucket)
    assert saved["run/model"] == b"prepared\nab"
    assert saved["run/size"].split() == [str(LARGE).encode()]
    said = logs(cloud, bucket)
    assert set(said) == {"fetch", "setup", "data", "train", "stages.json"}
    assert "stage fetch done in " in said["fetch"]
    assert "setup 1 of 2: echo prepared" in said["setup"]
    # What git ignores stays at home, what was never added comes along.
    assert ".gitignore lib link new.txt prepared train.sh oddtrain.sh" in said["setup"], said["setup"]
    assert "3 files" in said["data"] and "only their size" not in said["data"], said["data"]
    assert f"trained by debian in {HOME}/job" in said["train"]
    states = {one["name"]: one["state"] for one in json.loads(said["stages.json"])["stages"]}
    assert states == {"fetch": "done", "setup": "done", "data": "done", "train": "done"}
    assert not [name for name, body in everything(cloud, bucket).items() if SECRET.encode() in body]


@pytest.mark.parametrize(
    ("options", "stage", "why"),
    [
        (["--setup", "true", "--setup", "echo oh no; exit 2"], "setup", "command 2: exit status 2"),
        (["--setup", "sleep 600", "--setup-limit", "2s"], "setup", "not done in time"),
        (["--setup", "kill -9 $$"], "setup", "killed by signal 9"),
        (["--data", "s3://BUCKET/nothing=data"], "data", "there is no such object"),
        (["--data", "s3://BUCKET/bad=data"], "data", "can't be a path"),
        (["--secret", "KEY=ssm:/not/there"], "secrets", "ParameterNotFound"),
    ],
    ids=["setup", "limit", "killed", "missing", "hostile", "secret"],
)
def test_a_stage_that_fails_ends_the_machine(
    cloud: Sandbox, bucket: str, launcher: Launcher, options: list[str], stage: str, why: str
) -> None:
    cloud.client("s3").put_object(Bucket=bucket, Key="bad/../../etc/cron.d/owned", Body=b"x")
    words = [word.replace("BUCKET", bucket) for word in options]
    # What isn't there is refused by the launch where whoever launches may look.
    words += ["--image", cloud.image_id()]
    with (
        cloud.failing("error", service="ssm", op="GetParameter", code="AccessDeniedException", status=403),
        cloud.failing("error", service="s3", op="ListObjectsV2", code="AccessDenied", status=403),
    ):
        instance, _ = launcher.launch(*words, shell="touch /var/tmp/trained")
    ended(instance)
    said = logs(cloud, bucket)
    assert f"stage {stage} failed: " in said[stage] and why in said[stage], said
    assert f"(its log: {HOME}/curfew-logs/{stage}.log)" in said[stage]
    assert f"stage {stage} failed: " in instance.output()
    assert "train" not in said and instance.text("/var/tmp/trained", "none") == "none"
    states = {one["name"]: one["state"] for one in json.loads(said["stages.json"])["stages"]}
    assert states[stage] == "failed"
    expected = {"setup": {"2", "124", "137"}, "data": {"1"}, "secrets": {"1"}}[stage]
    code = json.loads(instance.text("/var/lib/curfew/exit.json"))["number"]
    assert str(code) in expected, code


def test_data_that_is_denied_ends_the_machine(cloud: Sandbox, bucket: str, launcher: Launcher) -> None:
    cloud.client("s3").put_object(Bucket=bucket, Key="set/a", Body=b"a")
    with cloud.failing(
        "error", service="s3", op="HeadObject", path=f"/{bucket}/set", code="AccessDenied", status=403
    ):
        instance, _ = launcher.launch("--data", f"s3://{bucket}/set=data")
        ended(instance)
    said = logs(cloud, bucket)
    assert "stage data failed: " in said["data"] and "lacks s3:GetObject" in said["data"], said


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_launch_that_dies_while_it_packs_leaves_nothing(
    launcher: Launcher, code: Path, tmp_path: Path, how: signal.Signals
) -> None:
    folder = tmp_path / "scratch"
    folder.mkdir()
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "tar").write_text(f"#!/bin/sh\n: >{tmp_path}/packs\nsleep 2\n")
    (tools / "tar").chmod(0o755)
    launcher.variables = {"PATH": f"{tools}:/usr/bin:/bin", "TMPDIR": str(folder)}
    process = launcher.start(*launcher.words("--workdir", str(code)))
    until((tmp_path / "packs").exists, SOON, "tar to begin")
    process.send_signal(how)
    _, said = process.communicate(timeout=SOON)
    assert process.returncode == (130 if how == signal.SIGINT else -how), said
    assert list(folder.iterdir()) == []


def test_code_that_was_changed_on_its_way_is_never_unpacked(
    cloud: Sandbox, bucket: str, launcher: Launcher, code: Path
) -> None:
    s3 = cloud.client("s3")
    with cloud.failing("hang", service="s3", op="GetObject"):
        instance, _ = launcher.launch("--workdir", str(code), shell="touch /var/tmp/trained")
        listed = s3.list_objects_v2(Bucket=bucket)["Contents"]
        key = next(one["Key"] for one in listed if one["Key"].endswith("/workdir.tar.gz"))
        size = s3.head_object(Bucket=bucket, Key=key)["ContentLength"]
        s3.put_object(Bucket=bucket, Key=key, Body=b"x" * size)
    ended(instance)
    said = logs(cloud, bucket)["fetch"]
    assert "has the SHA-256" in said and "unpacking" not in said, said
    assert instance.text("/var/tmp/trained", "none") == "none"


_LOOK = """
for one in 1 2 3 4 5 6; do ps axww >>ps.txt; sleep 0.3; done
test "${KEY}" = "$(cat expected)" && echo right >right
"""


def test_secrets_are_the_commands_alone(cloud: Sandbox, bucket: str, launcher: Launcher, code: Path) -> None:
    put_parameter(cloud, "/job/key", SECRET)
    (code / "look.sh").write_text(_LOOK.replace('"$(cat expected)"', '"$(printf %s-is-no-good hunter2)"'))
    instance, plan = launcher.launch(
        "--workdir",
        str(code),
        "--setup",
        "env >env.txt",
        "--secret",
        "KEY=ssm:/job/key",
        "--save",
        f"right=s3://{bucket}/run/right",
        "--save",
        f"ps.txt=s3://{bucket}/run/ps.txt",
        "--save",
        f"env.txt=s3://{bucket}/run/env.txt",
        shell="sh look.sh",
    )
    ended(instance)
    saved = everything(cloud, bucket)
    assert saved["run/right"] == b"right\n"
    assert b"run-stages" in saved["run/ps.txt"]
    assert not [name for name, body in saved.items() if SECRET.encode() in body]
    described = json.dumps(instance.describe(), default=str)
    user_data = cloud.client("ec2").describe_instance_attribute(InstanceId=instance.id, Attribute="userData")
    told = base64.b64decode(user_data["UserData"]["Value"]).decode()
    for text in (described, told, plan, instance.console(), instance.output()):
        assert SECRET not in text


class Repository:
    """A bare repository with git itself in a machine that has neither git nor a network: by a URL that means a folder.
    wrapper: what is called as git, and calls /usr/lib/itself/git."""

    url = "https://git.example.com/me/train"

    def __init__(self, cloud: Sandbox, code: Path, tmp_path: Path, wrapper: str = "") -> None:
        bare = tmp_path / "train.git"
        git(code, "clone", "--quiet", "--bare", str(code), str(bare))
        git(bare, "config", "uploadpack.allowAnySHA1InWant", "true")
        git(bare, "update-ref", "refs/heads/loose", "HEAD")  # else refs/ is empty, and no folder here
        files: dict[str, tuple[str, int]] = {
            "/etc/gitconfig": self.packed(
                f'[safe]\ndirectory = *\n[url "file:///srv/train.git"]\ninsteadOf = {self.url}\n'.encode()
            ),
            "/usr/bin/git": self.packed(Path("/usr/bin/git").read_bytes(), 0o755),
            "/usr/bin/git-upload-pack": self.packed(b'#!/bin/sh\nexec git upload-pack "$@"\n', 0o755),
        }
        for path in bare.rglob("*"):
            if path.is_file():
                files[f"/srv/train.git/{path.relative_to(bare)}"] = self.packed(path.read_bytes())
        if wrapper:
            files["/usr/lib/itself/git"] = files["/usr/bin/git"]
            files["/usr/bin/git"] = self.packed(wrapper.encode(), 0o755)
        cloud.wish(files=files)

    @staticmethod
    def packed(body: bytes, mode: int = 0o644) -> tuple[str, int]:
        return base64.b64encode(body).decode(), mode


@pytest.mark.parametrize("ref", ["", "@side/branch", "@v1", "@COMMIT", "@SHORT"])
def test_code_comes_from_a_repository(
    cloud: Sandbox, bucket: str, launcher: Launcher, code: Path, tmp_path: Path, ref: str
) -> None:
    first = git(code, "rev-parse", "HEAD")
    git(code, "tag", "--annotate", "v1", "--message", "one")
    git(code, "checkout", "--quiet", "-b", "side/branch")
    (code / "side").write_text("side")
    git(code, "add", "side")
    git(code, "commit", "--quiet", "--message", "side")
    git(code, "checkout", "--quiet", "main")
    (code / "main").write_text("main")
    git(code, "add", "main")
    git(code, "commit", "--quiet", "--message", "second")
    repository = Repository(cloud, code, tmp_path)
    where = repository.url + ref.replace("COMMIT", first).replace("SHORT", first[:10])
    instance, _ = launcher.launch("--repo", where, shell="ls -A | sort | tr '\\n' ' '; git rev-parse HEAD")
    ended(instance)
    said = logs(cloud, bucket)
    train = said.get("train", said)
    if ref == "":
        assert " main " in train
    elif ref == "@side/branch":
        assert " side " in train
    else:
        assert first in train and " side " not in train and " main " not in train, said


@pytest.mark.parametrize("token", ["", "token"])
def test_a_ref_that_is_not_there_ends_the_machine(
    cloud: Sandbox, bucket: str, launcher: Launcher, code: Path, tmp_path: Path, token: str
) -> None:
    repository = Repository(cloud, code, tmp_path)
    options: list[Any] = []
    if token:
        put_parameter(cloud, "/git/token", SECRET)
        options = ["--repo-token", "ssm:/git/token"]
    instance, _ = launcher.launch("--repo", f"{repository.url}@no-such", *options, shell="true")
    ended(instance)
    said = logs(cloud, bucket)["fetch"]
    assert "stage fetch failed: git: exit status 128" in said and "no-such" in said, said
    assert SECRET not in said


def test_a_job_file_says_it_all(cloud: Sandbox, bucket: str, launcher: Launcher, code: Path) -> None:
    put_parameter(cloud, "/job/key", SECRET)
    (code / "job.toml").write_text(
        f"""
instance-type = ["g5.xlarge", "g6.xlarge"]
spot = true
instance-profile = "trainer"
scheduler-role = "{launcher.role}"
staging = "s3://{bucket}/curfew"
max-time = "1h"
workdir = "."
setup = ["echo from the file >prepared"]
command = ["sh", "-c", 'cat prepared && echo "$GREETING ${{#KEY}}"']

[env]
AWS_ENDPOINT_URL = "{cloud.guest_endpoint}"
GREETING = "hello"

[secret]
KEY = "ssm:/job/key"
"""
    )
    status, out, err = launcher.run(
        "code/job.toml", "--max-time", "10m", "--env", "GREETING=bye", cwd=code.parent
    )
    assert status == 0, f"{out}\n{err}"
    assert "(in 10m)" in out and "g6.xlarge" in out, out
    (instance,) = launcher.instances()
    assert instance.describe()["InstanceLifecycle"] == "spot"
    ended(instance)
    assert f"from the file\nbye {len(SECRET)}\n" in logs(cloud, bucket)["train"]


def test_a_job_file_is_begun_once(launcher: Launcher, tmp_path: Path) -> None:
    code, out, _ = launcher.run("--init", cwd=tmp_path)
    assert code == 0 and "job.toml" in out
    text = (tmp_path / "job.toml").read_text()
    assert "instance-type" in text
    (tmp_path / "job.toml").write_text("mine")
    code, _, err = launcher.run("--init", cwd=tmp_path)
    assert code == 125 and "is there already" in err
    assert (tmp_path / "job.toml").read_text() == "mine"

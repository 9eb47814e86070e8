"""The three scripts of the classic set-up, by their own command lines: on machines that boot, and to the sandbox's API."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from sandbox import Instance, Sandbox
from tests.e2e.acting import launch as launch_instance
from tests.e2e.fault_helpers import FAILS, WAITS, assert_nothing_started, go
from tests.e2e.helpers import CURFEW, ROOT, assert_ended, assert_stays, now, start_argv, wait_status
from tests.e2e.launching import Launcher, ended

Boot = Callable[..., Instance]

WRAPPER = "auto_terminate_after_training.sh"
LAUNCHER = "launch_training_with_auto_terminate.sh"
CHECKER = "check_running_instances.sh"
NAMES = (WRAPPER, LAUNCHER, CHECKER)
LOG = "/tmp/auto_terminate.log"
ON_MACHINE = f"/usr/local/bin/{WRAPPER}"  # beside curfew


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """A folder with the scripts, and curfew beside them."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    for name in NAMES:
        shutil.copy(ROOT / "scripts" / name, folder)
    (folder / "curfew").symlink_to(CURFEW)
    return folder


def call(
    script: Path, *words: str, env: Mapping[str, str], cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [script, *words], env=env, cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )


# ---- auto_terminate_after_training.sh


def machine_with_wrapper(machine: Boot) -> Instance:
    instance = machine()
    instance.write(ON_MACHINE, ROOT / "scripts" / WRAPPER, 0o755)
    return instance


def test_the_wrapper_guards_a_command_and_its_machine_ends(machine: Boot) -> None:
    instance = machine_with_wrapper(machine)
    run = start_argv(instance, [ON_MACHINE, f"mkdir -p out && {WAITS} echo 'last words' | cat", "1"])
    run.wait_out("waiting")
    shown = wait_status(instance, stage="running")
    assert 3400 < shown["stop_at"]["left_s"] <= 3600, "MAX_HOURS is 1"
    assert "guarding" in instance.sh(f"cat {LOG}")
    assert_ended(instance, go(instance))
    assert run.code() == 0
    assert run.out().endswith("last words\n"), "a shell has run the whole text"


def test_the_wrappers_limit_is_four_hours_unless_said(machine: Boot) -> None:
    instance = machine_with_wrapper(machine)
    start_argv(instance, [ON_MACHINE, "exec sleep 1000"])
    shown = wait_status(instance, stage="running")
    assert 4 * 3600 - 60 < shown["stop_at"]["left_s"] <= 4 * 3600


def test_a_command_that_hangs_is_ended_at_the_wrappers_limit(machine: Boot) -> None:
    instance = machine_with_wrapper(machine)
    began = now(instance)
    run = start_argv(instance, [ON_MACHINE, "exec sleep 1000", "0.002"])  # 7.2 s
    assert_ended(instance, began + 7.2)
    assert run.code() == 124


def test_a_command_that_fails_ends_the_machine_with_its_exit_code(machine: Boot) -> None:
    instance = machine_with_wrapper(machine)
    # In a later boot's folder and with a log that is there: an earlier run's, of root's or of nobody's.
    instance.sh(f"echo earlier >{LOG}; chown nobody {LOG}")
    run = start_argv(instance, [ON_MACHINE, f"{WAITS.replace('>out/model', '')} {FAILS}"])
    run.wait_out("waiting")
    log = instance.sh(f"cat {LOG}")
    assert log.startswith("earlier\n") and "guarding" in log
    assert_ended(instance, go(instance))
    assert run.code() == 1


def test_what_the_wrapper_does_not_understand_starts_nothing(machine: Boot) -> None:
    instance = machine_with_wrapper(machine)
    for number, (words, says) in enumerate(
        {
            (): "there is no command",
            ("",): "there is no command",
            ("--max-hours", "4"): "'--max-hours' is no command",
            ("touch /root/started", "4", "5"): "the command is one, in quotes",
            ("touch /root/started", ""): "MAX_HOURS is empty",
            ("touch /root/started", "four"): "--max-hours: hours 'four'",
            ("touch /root/started", "0"): "--max-hours: hours '0'",
        }.items()
    ):
        run = start_argv(instance, [ON_MACHINE, *words], name=f"run{number}", wait=False)
        assert run.wait_code() == 125, words
        assert says in run.err(), run.err()
    assert_nothing_started(instance)
    instance.sh("test ! -e /root/started")
    assert_stays(instance)


# ---- launch_training_with_auto_terminate.sh


@pytest.fixture
def classic(launcher: Launcher, scripts: Path) -> Launcher:
    launcher.program, launcher.verb = [str(scripts / LAUNCHER)], []
    return launcher


def other_things(cloud: Sandbox) -> dict[str, str]:
    """The variables of the classic set-up, with an image, a key, a group and a subnet that no launch takes by itself."""
    ec2 = cloud.client("ec2")
    if not ec2.describe_key_pairs()["KeyPairs"]:
        ec2.create_key_pair(KeyName="classic")
    subnet = max(ec2.describe_subnets()["Subnets"], key=lambda one: one["AvailabilityZone"])
    groups = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["classic"]}])
    found = [one["GroupId"] for one in groups["SecurityGroups"]]
    if not found:
        made = ec2.create_security_group(GroupName="classic", Description="-", VpcId=subnet["VpcId"])
        found = [made["GroupId"]]
    names = [{"Name": "name", "Values": ["ubuntu/images/*24.04-amd64*"]}]
    return {
        "AMI_ID": ec2.describe_images(Filters=names)["Images"][0]["ImageId"],
        "KEY_NAME": ec2.describe_key_pairs()["KeyPairs"][0]["KeyName"],
        "SECURITY_GROUP": found[0],
        "SUBNET_ID": subnet["SubnetId"],
    }


def test_the_launchers_instance_has_what_the_environment_says_and_is_gone(
    cloud: Sandbox, bucket: str, classic: Launcher
) -> None:
    classic.variables = other_things(cloud)
    words = [
        "--spot",
        "--instance-type",
        "g5.xlarge",
        "--max-hours",
        "4",
        "--save",
        f"out/=s3://{bucket}/run",
    ]
    words += [*classic.needs(), "--scheduler-role", classic.role, "--"]
    code, out, err = classic.run(*words, "sh", "-c", "mkdir out; echo ok >out/model")
    assert code == 0, f"{out}\n{err}"
    (instance,) = classic.instances()
    described = instance.describe()
    assert described["InstanceLifecycle"] == "spot" and described["InstanceType"] == "g5.xlarge"
    assert described["ImageId"] == classic.variables["AMI_ID"]
    assert described["KeyName"] == classic.variables["KEY_NAME"]
    assert described["SubnetId"] == classic.variables["SUBNET_ID"]
    assert [one["GroupId"] for one in described["SecurityGroups"]] == [classic.variables["SECURITY_GROUP"]]
    assert instance.tags()["curfew:schedule"] == "armed"
    ended(instance)
    body = cloud.client("s3").get_object(Bucket=bucket, Key="run/model")["Body"].read()
    assert body == b"ok\n"


def dry_run(classic: Launcher, *words: str, cwd: Path) -> str:
    """The plan."""
    words = (*classic.needs(), "--scheduler-role", classic.role, "--dry-run", *words)
    code, out, err = classic.run(*words, cwd=cwd)
    assert code == 0, f"{out}\n{err}"
    return out


def test_what_is_typed_holds_over_the_launchers_environment(
    cloud: Sandbox, classic: Launcher, tmp_path: Path
) -> None:
    variables = other_things(cloud)
    classic.variables = {
        **variables,
        "INSTANCE_TYPE": "g6.xlarge",
        "TRAINING_COMMAND": "from the environment",
    }
    plan = dry_run(classic, cwd=tmp_path)
    assert "g6.xlarge" in plan and variables["AMI_ID"] in plan and "from the environment" in plan
    typed = ["--instance-type=g4dn.xlarge", "--image", "auto", "--", "python3", "--image", "train.py"]
    plan = dry_run(classic, *typed, cwd=tmp_path)
    assert "g4dn.xlarge" in plan and "g6.xlarge" not in plan and variables["AMI_ID"] not in plan
    assert "train.py" in plan and "from the environment" not in plan
    # What stands after -- is the command's.
    plan = dry_run(classic, "--", "python3", "--image", "train.py", cwd=tmp_path)
    assert variables["AMI_ID"] in plan
    classic.variables = {}
    plan = dry_run(classic, "--shell", "true", cwd=tmp_path)
    assert "g5.xlarge" in plan and variables["AMI_ID"] not in plan


def test_without_a_command_the_launcher_takes_the_folders_job_file(
    cloud: Sandbox, classic: Launcher, tmp_path: Path
) -> None:
    job = 'instance-type = ["g4dn.2xlarge"]\ncommand = ["python3", "train_by_file.py"]\n'
    (tmp_path / "other.toml").write_text(job.replace("g4dn.2xlarge", "g4dn.4xlarge"))
    before = len(cloud.requests)
    code, _, err = classic.run(*classic.needs(), "--dry-run", cwd=tmp_path)
    assert code == 125 and "nothing to train" in err, err
    assert len(cloud.requests) == before, "bad usage is told before anything is asked"
    (tmp_path / "job.toml").write_text(job)
    plan = dry_run(classic, cwd=tmp_path)
    assert "g4dn.2xlarge" in plan and "train_by_file.py" in plan and "g5.xlarge" not in plan
    plan = dry_run(classic, "other.toml", cwd=tmp_path)
    assert "g4dn.4xlarge" in plan and "g4dn.2xlarge" not in plan
    classic.variables = {"INSTANCE_TYPE": "g6.xlarge", "TRAINING_COMMAND": "another one"}
    plan = dry_run(classic, "job.toml", cwd=tmp_path)
    assert "g6.xlarge" in plan and "another one" in plan and "train_by_file.py" not in plan


def test_the_launcher_passes_bad_usage_on(classic: Launcher, cloud: Sandbox, tmp_path: Path) -> None:
    before = len(cloud.requests)
    code, _, err = classic.run("--spt", "--", "true", cwd=tmp_path)
    assert code == 125 and "--spt" in err, err
    code, _, err = classic.run("--max-hours", "four", "--", "true", cwd=tmp_path)
    assert code == 125 and "--max-hours" in err, err
    assert len(cloud.requests) == before
    code, _, err = classic.run("--init", cwd=tmp_path)
    assert code == 0 and (tmp_path / "job.toml").exists(), err


# ---- check_running_instances.sh


def test_the_checks_exit_code_counts_instances(cloud: Sandbox, scripts: Path, tmp_path: Path) -> None:
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **cloud.env()}
    result = call(scripts / CHECKER, env=env)
    assert result.returncode == 0 and "No running instances found" in result.stdout, result
    instances = [launch_instance(cloud, hours) for hours in (3, 72)]
    launch_instance(cloud, 0.1, instance_type="m5.large")
    result = call(scripts / CHECKER, env=env)
    assert result.returncode == 2, result
    for instance in instances:
        assert instance.id in result.stdout
    result = call(scripts / CHECKER, "--crit", "100h", "--warn", "80h", "--format", "json", env=env)
    assert result.stdout.startswith("{"), "options pass through"
    assert call(scripts / CHECKER, "--wran", "1h", env=env).returncode == 103
    del env["AWS_ACCESS_KEY_ID"]
    env["AWS_EC2_METADATA_DISABLED"] = "true"
    assert call(scripts / CHECKER, env=env).returncode == 102


# ---- all three


def test_curfew_is_looked_for_beside_the_scripts_in_the_build_and_in_path(
    cloud: Sandbox, scripts: Path, tmp_path: Path
) -> None:
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **cloud.env()}
    (scripts / "curfew").unlink()
    for name in NAMES:
        result = call(scripts / name, "true", env=env)
        assert result.returncode == 127 and "there is no curfew in" in result.stderr, result
        assert result.stdout == ""
    link = tmp_path / "link.sh"
    link.symlink_to(scripts / CHECKER)
    env["PATH"] += f":{tmp_path / 'bin'}"
    # The later a folder comes here, the earlier it's looked at.
    for found in (tmp_path / "bin/curfew", tmp_path / "build/release/curfew", scripts / "curfew"):
        found.parent.mkdir(parents=True, exist_ok=True)
        found.write_text('#!/bin/sh\necho "$0" "$@"\n')
        found.chmod(0o755)
        for script in (scripts / CHECKER, link):
            result = call(script, "--region", "a b", env=env)
            assert result.returncode == 0, result
            program, _, words = result.stdout.partition(" check ")
            assert os.path.realpath(program) == str(found) and words == "--region a b\n"
    result = call(scripts / WRAPPER, "python train.py | tee log", "0.5", env=env)
    assert result.stdout.endswith(f" run --log {LOG} --max-hours 0.5 --shell python train.py | tee log\n"), (
        result
    )


@pytest.mark.parametrize("name", NAMES)
def test_help_needs_nothing(name: str, tmp_path: Path) -> None:
    for word in ("--help", "-h"):
        result = call(ROOT / "scripts" / name, word, env={"PATH": "/usr/bin:/bin"}, cwd=tmp_path)
        assert result.returncode == 0 and f"  {name} " in result.stdout, result
        assert len(result.stdout.splitlines()) <= 30 and "set -euo" not in result.stdout

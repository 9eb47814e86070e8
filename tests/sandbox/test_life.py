"""What a power-off, a reboot and the API do to an instance, its machine and its meter, in both kinds of machines."""

from __future__ import annotations

import time

import pytest

from sandbox import Instance, Sandbox

BOUND = 40.0


def states(instance: Instance) -> list[str]:
    return [event["state"] for event in instance.events if event["event"] == "state"]


@pytest.mark.parametrize(
    ("behavior", "path"),
    [
        ("stop", ["pending", "running", "stopping", "stopped"]),
        ("terminate", ["pending", "running", "shutting-down", "terminated"]),
    ],
)
def test_a_power_off_inside_does_what_the_shutdown_behavior_says(
    any_cloud: Sandbox, behavior: str, path: list[str]
) -> None:
    instance = any_cloud.launch(cloud_init=False, shutdown_behavior=behavior)
    instance.power_off()
    instance.wait(path[-1], BOUND)
    assert states(instance) == path
    assert instance.reason() == "Client.InstanceInitiatedShutdown"
    assert instance.describe()["State"]["Name"] == path[-1]
    assert instance.billed_seconds() == 60
    assert 0 < instance.running_seconds() < BOUND
    assert instance.cost_micros() == 16_767  # 60 s of $1.006 an hour


def test_user_data_runs_and_can_end_the_machine(any_cloud: Sandbox) -> None:
    script = "#!/bin/bash\necho first line\nid -u\nshutdown -h now\n"
    instance = any_cloud.launch(script, shutdown_behavior="terminate", wait=False)
    instance.wait("terminated", BOUND)
    assert instance.wait_event("user-data")["line"] == "first line"
    assert "first line\n0\n" in instance.output()
    assert instance.powered_on_at is not None and instance.powered_off_at is not None
    assert instance.powered_on_at < instance.powered_off_at


def test_the_default_behavior_is_stop(cloud: Sandbox) -> None:
    answer = cloud.client("ec2").run_instances(ImageId=cloud.image_id(), MinCount=1, MaxCount=1)
    instance = cloud.instance(answer["Instances"][0]["InstanceId"])
    instance.wait_up()
    instance.power_off()
    instance.wait("stopped", BOUND)


def test_a_reboot_keeps_the_disk_and_goes_on_running(any_cloud: Sandbox) -> None:
    instance = any_cloud.launch("#!/bin/bash\necho ran >>/root/runs\n", cloud_init=False)
    boot_id = "cat /proc/sys/kernel/random/boot_id"
    before = instance.sh(boot_id)
    instance.until(lambda: instance.text("/root/runs", ""), BOUND, "user data")
    instance.write("/root/kept", "yes")
    instance.exec(["reboot"])
    instance.wait_event("reboot", BOUND)
    instance.wait_up()
    assert instance.text("/root/kept") == "yes"
    assert instance.text("/root/runs") == "ran\n", "scripts run once, not at each boot"
    assert states(instance) == ["pending", "running"]
    if any_cloud.mode == "booted":
        assert instance.sh(boot_id) != before


def test_stop_and_start_keep_the_disk_and_renew_the_launch_time(any_cloud: Sandbox) -> None:
    instance = any_cloud.launch(cloud_init=False)
    instance.write("/root/kept", "yes")
    launched = instance.describe()["LaunchTime"]
    instance.stop()
    assert instance.state() in ("stopping", "stopped")
    instance.wait("stopped", BOUND)
    assert instance.text("/root/kept") == "yes", "a disk can be read while the machine is off"
    running = instance.running_seconds()
    instance.until(lambda: time.time() > launched.timestamp() + 1.5, what="the next second")
    assert instance.running_seconds() == running, "the meter stands still while stopped"
    instance.start()
    assert instance.text("/root/kept") == "yes"
    assert instance.describe()["LaunchTime"] > launched
    assert instance.billed_seconds() == 120, "each start is a minimum of its own"


def test_terminate_asks_the_guest_first(any_cloud: Sandbox) -> None:
    instance = any_cloud.launch(cloud_init=False)
    trap = "trap 'echo asked >/root/asked; sync; exit' TERM; touch /root/ready; while :; do sleep 0.1; done"
    instance.exec(["bash", "-c", trap], detach=True)
    instance.until(lambda: instance.text("/root/ready", "no") == "", BOUND, "trap")
    instance.terminate()
    instance.wait("terminated", BOUND)
    assert instance.text("/root/asked") == "asked\n"
    assert not [event for event in instance.events if event["event"] == "forced-off"]
    assert instance.reason() == "Client.UserInitiatedShutdown"


def test_a_machine_that_does_not_heed_is_cut_off(any_cloud: Sandbox) -> None:
    any_cloud.settings(stop_bound=1)
    instance = any_cloud.launch(cloud_init=False)
    instance.freeze()
    instance.terminate()
    instance.wait("terminated", BOUND)
    instance.wait_event("forced-off")


def test_skip_os_shutdown_does_not_ask(cloud: Sandbox) -> None:
    instance = cloud.launch(cloud_init=False)
    instance.terminate(SkipOsShutdown=True)
    instance.wait("terminated", BOUND)
    instance.wait_event("forced-off")


def test_a_failed_host_goes_on_costing_until_the_api_ends_it(any_cloud: Sandbox) -> None:
    instance = any_cloud.launch(cloud_init=False)
    instance.kill()
    instance.wait_event("crash", BOUND)
    assert instance.state() == "running"
    assert not instance.facts()["alive"]
    instance.terminate()
    instance.wait("terminated", BOUND)


def test_a_halt_is_no_power_off(any_cloud: Sandbox) -> None:
    instance = any_cloud.launch(cloud_init=False, shutdown_behavior="terminate")
    any_cloud.settings(stop_bound=2)
    instance.exec(["halt"], timeout=10)
    if any_cloud.mode == "booted":
        instance.wait_event("halt", BOUND)
    else:
        instance.wait_output("halt", BOUND)
    assert instance.state() == "running"
    instance.terminate()
    instance.wait("terminated", BOUND)


def test_reboot_2_by_any_process_powers_off(any_cloud: Sandbox) -> None:
    instance = any_cloud.launch(cloud_init=False, shutdown_behavior="terminate")
    call = "import ctypes; ctypes.CDLL(None).reboot(0x4321FEDC)"
    instance.exec(["python3", "-c", call], detach=True)
    instance.wait("terminated", BOUND)
    assert instance.reason() == "Client.InstanceInitiatedShutdown"


def test_shutdown_can_be_put_off_and_cancelled(any_cloud: Sandbox) -> None:
    instance = any_cloud.launch(cloud_init=False)
    instance.sh("shutdown -h +5; shutdown -c")
    instance.exec(["shutdown", "-h", "+0"])
    instance.wait("stopped", BOUND)


def test_an_instance_without_a_machine_is_only_seen_by_the_api(cloud: Sandbox) -> None:
    instance = cloud.launch(machine=False)
    assert instance.state() == "running"
    instance.age(3 * 3600)
    assert instance.billed_seconds() >= 3 * 3600
    assert time.time() - instance.describe()["LaunchTime"].timestamp() > 3 * 3600 - 2
    instance.terminate()
    instance.wait("terminated", BOUND)


def test_an_unknown_price_is_unknown(cloud: Sandbox) -> None:
    instance = cloud.launch(machine=False, instance_type="p6-b200.48xlarge")
    assert instance.cost_micros() is None


def test_two_machines_do_not_touch_each_other(any_cloud: Sandbox) -> None:
    first, second = (any_cloud.launch(cloud_init=False) for _ in range(2))
    first.write("/root/mine", "first")
    with pytest.raises(FileNotFoundError):
        second.read("/root/mine")
    pid = second.exec(["sleep", "1000"], detach=True).out.strip()
    first.exec(["kill", "-9", pid])
    first.sh("pkill -9 -x sleep || test $? = 1")
    first.freeze()
    assert second.exec(["kill", "-0", pid]).code == 0
    first.thaw()
    first.power_off()
    first.wait("stopped", BOUND)
    assert second.exec(["kill", "-0", pid]).code == 0
    assert second.state() == "running"


def test_a_full_disk_is_full(any_cloud: Sandbox) -> None:
    instance = any_cloud.launch(cloud_init=False, disk="24m")
    instance.fill_disk("/var/filler")
    result = instance.exec(["bash", "-c", "echo more >/var/more"])
    assert result.code != 0 and "No space left" in result.err
    assert instance.exec(["sh", "-c", "rm /var/filler && echo more >/var/more"]).code == 0

"""AWS's public parameters for images: the deep learning and Ubuntu ones, which moto lacks, and the images they name."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from moto.core.utils import utcnow
from moto.ec2.models import ec2_backends
from moto.ec2.models.amis import Ami, AmiBackend
from moto.ssm.models import Parameter, ParameterDict

from sandbox.patching import Replace

_DATE = "20251120"
_GPU = "/aws/service/deeplearning/ami"
_UBUNTU = "/aws/service/canonical/ubuntu/server"
_ROOTS = (_GPU, _UBUNTU)
_GIB: dict[str, int] = {}  # by image
# By parameter: the image's name, architecture, owner, root device and GiB.
_IMAGES: dict[str, tuple[str, str, str, str, int]] = {}


def _add(path: str, name: str, architecture: str, owner: str, device: str, gib: int) -> None:
    _IMAGES[path] = (name, architecture, owner, device, gib)


for _arch, _word in (("x86_64", ""), ("arm64", "ARM64 ")):
    for _os, _title, _device in (
        ("ubuntu-22.04", "Ubuntu 22.04", "/dev/sda1"),
        ("ubuntu-24.04", "Ubuntu 24.04", "/dev/sda1"),
        ("amazon-linux-2023", "Amazon Linux 2023", "/dev/xvda"),
    ):
        if (_arch, _os) == ("arm64", "ubuntu-24.04"):
            continue
        _add(
            f"{_GPU}/{_arch}/base-oss-nvidia-driver-gpu-{_os}/latest/ami-id",
            f"Deep Learning {_word}Base OSS Nvidia Driver GPU AMI ({_title}) {_DATE}",
            _arch,
            "898082745236",
            _device,
            75,
        )
for _arch, _short in (("x86_64", "amd64"), ("arm64", "arm64")):
    for _version, _code, _disk in (("22.04", "jammy", "ebs-gp2"), ("24.04", "noble", "ebs-gp3")):
        _add(
            f"{_UBUNTU}/{_version}/stable/current/{_short}/hvm/{_disk}/ami-id",
            f"ubuntu/images/hvm-ssd{'-gp3' if _disk == 'ebs-gp3' else ''}/ubuntu-{_code}-{_version}-{_short}-server-{_DATE}",
            _arch,
            "099720109477",
            "/dev/sda1",
            8,
        )


def _id(path: str, region: str) -> str:
    return f"ami-0{hashlib.sha256(f'{region} {path}'.encode()).hexdigest()[:16]}"


def smallest_root(image_id: str) -> int | None:
    """The GiB that an image's root volume needs at least; None: not one of these images."""
    return _GIB.get(image_id)


def _make_images(account: str, region: str) -> None:
    backend = ec2_backends[account][region]
    for path, (name, architecture, owner, device, gib) in _IMAGES.items():
        image_id = _id(path, region)
        _GIB[image_id] = gib
        if image_id in backend.amis:
            continue
        made: Any = Ami(
            backend,
            image_id,
            name=name,
            owner_id=owner,
            owner_alias="amazon",
            public=True,
            virtualization_type="hvm",
            architecture=architecture,
            hypervisor="xen",
            root_device_type="ebs",
            root_device_name=device,
            description=name,
            image_location=f"amazon/{name}",
            creation_date=datetime.strptime(_DATE, "%Y%m%d").replace(tzinfo=UTC),
        )
        made.ebs_snapshot.volume.size = gib
        backend.amis[image_id] = made


def _mappings(original: Any) -> property:
    def mappings(image: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = original.fget(image)
        if gib := smallest_root(image.id):
            rows[0]["Ebs"] |= {"VolumeSize": gib, "VolumeType": "gp3", "DeleteOnTermination": True}
        return rows

    return property(mappings)


def install(replace: Replace) -> None:
    original_load = ParameterDict._check_loading_status
    original_images = Ami.block_device_mappings
    describe = AmiBackend.describe_images

    def load(self: Any, key: str) -> None:
        original_load(self, key)
        if not str(key or "").startswith(_ROOTS) or getattr(self, "sandbox_loaded", False):
            return
        self.sandbox_loaded = True
        _make_images(self.account_id, self.region_name)
        for path in _IMAGES:
            parameter = Parameter(  # type: ignore[abstract]
                account_id=self.account_id,
                name=path,
                value=_id(path, self.region_name),
                parameter_type="String",
                description=None,
                allowed_pattern=None,
                keyid=None,
                last_modified_date=utcnow(),
                version=1,
                data_type="aws:ec2:image" if path.startswith(_UBUNTU) else "text",
            )
            dict.setdefault(self, path, []).append(parameter)

    def describe_images(self: Any, *positional: Any, **named: Any) -> Any:
        """The images are there for those who look for them by name, too."""
        if not getattr(self, "sandbox_images", False):
            self.sandbox_images = True
            _make_images(self.account_id, self.region_name)
        return describe(self, *positional, **named)

    replace(ParameterDict, "_check_loading_status", load)
    replace(Ami, "block_device_mappings", _mappings(original_images))
    replace(AmiBackend, "describe_images", describe_images)

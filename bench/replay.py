"""A server on loopback that answers as AWS does about a fleet of any size, in any number of regions, each reply after the
same latency and none held up by another. moto takes seconds for a page; here what is measured is the one who asks.

    python -m bench.replay [--regions 30] [--instances 1000] [--latency 0.1] [--refuse ACTION]... [--port 0]

Its first line tells its endpoint. A POST to /_replay/cpu tells the CPU time that it has used, to /_replay/calls how often
each call was made since last asked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import formatdate
from urllib.parse import parse_qs, urlsplit

from bench import fleet

_LONGEST_HEAD, _LONGEST_BODY = 64 << 10, 1 << 20
_SCOPE = re.compile(rb"Credential=[^/]+/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")
_PAGE_OF_INSTANCES, _PAGE_OF_VOLUMES, _PAGE_OF_PRICES, _PAGE_OF_SCHEDULES = 1000, 500, 1000, 100
_COPIED = 64 << 10
_XML, _JSON = "text/xml;charset=UTF-8", "application/x-amz-json-1.1"


class Refused(Exception):
    """What is asked for isn't played here; or may not be asked for, by the code that AWS has for that."""

    def __init__(self, why: str, code: str = "InvalidParameterValue") -> None:
        super().__init__(why)
        self.code = code


class Replay:
    """The answers; no network."""

    def __init__(self, regions: dict[str, fleet.Region], refused: Sequence[str] = ()) -> None:
        self.regions, self.refused = regions, refused
        self.calls: Counter[str] = Counter()

    def answer(self, method: str, target: str, headers: bytes, body: bytes) -> tuple[str, bytes]:
        scope = _SCOPE.search(headers)
        if not scope:
            raise Refused("the request isn't signed")
        region, service = scope[1].decode(), scope[2].decode()
        url = urlsplit(target)
        if service == "scheduler" and method == "GET" and url.path == "/schedules":
            return _JSON, self._schedules(self._region(region), parse_qs(url.query))
        if service == "pricing" and b"awspricelistservice.getproducts" in headers.lower():
            self.calls["GetProducts"] += 1
            return _JSON, fleet.products_reply(json.loads(body))
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        action = form.get("Action", "")
        self.calls[action] += 1
        if action in self.refused:
            raise Refused("You are not authorized to perform this operation.", "UnauthorizedOperation")
        if service == "sts" and action == "GetCallerIdentity":
            return _XML, fleet.identity_reply()
        if service == "ec2" and action == "DescribeRegions":
            return _XML, fleet.regions_reply(list(self.regions))
        if service == "ec2":
            return _XML, self._ec2(self._region(region), action, form)
        raise Refused(f"{service} {action} isn't played here")

    def _region(self, name: str) -> fleet.Region:
        if name not in self.regions:
            raise Refused(f"there is no region {name}")
        return self.regions[name]

    def _ec2(self, region: fleet.Region, action: str, form: Mapping[str, str]) -> bytes:
        filters = _filters(form)
        start, most = int(form.get("NextToken", 0)), int(form.get("MaxResults", 1 << 30))
        zones = filters.pop("availability-zone", [])
        if action == "DescribeInstances":
            ids = [*filters.pop("instance-id", []), *_numbered(form, "InstanceId")]
            states = filters.pop("instance-state-name", ["running"])
            _none_left(filters)
            rows = region.instances.chosen(zones, ids) if "running" in states else []
            return fleet.page(action, "reservationSet", rows, start, min(most, _PAGE_OF_INSTANCES))
        if action == "DescribeVolumes":
            ids = filters.pop("attachment.instance-id", [])
            _none_left(filters)
            rows = region.volumes.chosen(zones, ids)
            return fleet.page(action, "volumeSet", rows, start, min(most, _PAGE_OF_VOLUMES))
        if action == "DescribeSpotPriceHistory":
            since = datetime.fromisoformat(form["StartTime"])
            asked = [form["AvailabilityZone"]] if "AvailabilityZone" in form else []
            rows = region.spot_prices(_numbered(form, "InstanceType"), asked, since)
            return fleet.page(action, "spotPriceHistorySet", rows, start, min(most, _PAGE_OF_PRICES))
        if action == "DescribeAvailabilityZones":
            return region.zones_reply()
        raise Refused(f"{action} isn't played here")

    def _schedules(self, region: fleet.Region, query: Mapping[str, list[str]]) -> bytes:
        self.calls["ListSchedules"] += 1
        prefix = query.get("NamePrefix", [""])[0]
        names = [name for name in region.schedules if name.startswith(prefix)]
        start = int(query.get("NextToken", ["0"])[0])
        end = start + min(int(query.get("MaxResults", ["100"])[0]), _PAGE_OF_SCHEDULES)
        rows = [
            {
                "Arn": f"arn:aws:scheduler:{region.name}:{fleet.ACCOUNT}:schedule/default/{name}",
                "CreationDate": 1795701910.499,
                "GroupName": "default",
                "LastModificationDate": 1795701910.499,
                "Name": name,
                "State": "ENABLED",
                "Target": {"Arn": "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances"},
            }
            for name in names[start:end]
        ]
        return json.dumps({"NextToken": str(end) if end < len(names) else None, "Schedules": rows}).encode()


def _numbered(form: Mapping[str, str], name: str) -> list[str]:
    values: list[str] = []
    while value := form.get(f"{name}.{len(values) + 1}"):
        values.append(value)
    return values


def _filters(form: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    while name := form.get(f"Filter.{len(found) + 1}.Name"):
        found[name] = _numbered(form, f"Filter.{len(found) + 1}.Value")
    return found


def _none_left(filters: Mapping[str, list[str]]) -> None:
    """A filter that isn't played would give a wrong answer."""
    if filters:
        raise Refused(f"no filter by {', '.join(filters)} is played here")


class Connection(asyncio.Protocol):
    """HTTP/1.1 as far as clients of AWS use it: kept alive, one request after the other, bodies of a known length."""

    def __init__(self, replay: Replay, latency: float) -> None:
        self.replay, self.latency = replay, latency
        self.transport: asyncio.Transport | None = None
        self.got = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.got += data
        end = self.got.find(b"\r\n\r\n")
        if end < 0:
            if len(self.got) > _LONGEST_HEAD:
                self._close()
            return
        head = bytes(self.got[: end + 2])
        found = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
        length = int(found[1]) if found else 0
        if length > _LONGEST_BODY or b"\r\nexpect:" in head.lower():
            self._close()
            return
        if len(self.got) < end + 4 + length:
            return
        body = bytes(self.got[end + 4 : end + 4 + length])
        del self.got[: end + 4 + length]
        self._ask(head, body)

    def _ask(self, head: bytes, body: bytes) -> None:
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        delay, status, kind = self.latency, "200 OK", "application/json"
        if target == "/_replay/cpu":
            delay, text = 0.0, str(time.process_time()).encode()
        elif target == "/_replay/calls":
            delay, text = 0.0, json.dumps(self.replay.calls).encode()
            self.replay.calls.clear()
        else:
            try:
                kind, text = self.replay.answer(method, target, head, body)
            except (Refused, ValueError, KeyError) as why:
                status, kind = "400 Bad Request", _XML
                code = why.code if isinstance(why, Refused) else "InvalidParameterValue"
                text = (
                    f"<Response><Errors><Error><Code>{code}</Code>"
                    f"<Message>{why}</Message></Error></Errors><RequestID>r</RequestID></Response>"
                ).encode()
        reply = (
            f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(text)}\r\n"
            f"Date: {formatdate(usegmt=True)}\r\nServer: replay\r\n\r\n"
        ).encode()
        asyncio.get_running_loop().call_later(delay, self._send, reply, text)

    def _send(self, head: bytes, text: bytes) -> None:
        if self.transport and not self.transport.is_closing():
            # Together only where that costs nothing: a page is megabytes.
            for piece in (head, text) if len(text) > _COPIED else (head + text,):
                self.transport.write(piece)

    def _close(self) -> None:
        if self.transport:
            self.transport.close()


async def _serve(replay: Replay, latency: float, port: int) -> None:
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(replay, latency), "127.0.0.1", port, backlog=512
    )
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.replay", description=__doc__)
    parser.add_argument(
        "--regions", type=int, default=30, choices=range(1, len(fleet.REGIONS) + 1), metavar="N"
    )
    parser.add_argument("--instances", type=int, default=1000, help="over all regions")
    parser.add_argument("--latency", type=float, default=0.1, help="seconds until a reply begins")
    parser.add_argument(
        "--refuse", action="append", default=[], metavar="ACTION", help="as without permission"
    )
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    replay = Replay(fleet.account(options.regions, options.instances), options.refuse)
    asyncio.run(_serve(replay, options.latency, options.port))


if __name__ == "__main__":
    main()

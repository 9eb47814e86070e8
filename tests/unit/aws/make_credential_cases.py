"""Looks for credentials with botocore, for credential_chain_test.cpp to compare with.

    .venv/bin/python tests/unit/aws/make_credential_cases.py > tests/unit/aws/data/credential_cases.jsonl

A line is one set of variables and files, the calls that botocore made with them, and the access key that came of it, or
"error" and the class of botocore's exception. `@HOME@` stands for the home folder. Nothing is asked of any network.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

HOME = tempfile.mkdtemp()
os.environ.clear()
os.environ.update({"HOME": HOME, "PATH": "/usr/bin:/bin"})

import botocore.session
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::123456789012:role/"
PROCESS = """echo '{"Version": 1, "AccessKeyId": "AKPROCESS", "SecretAccessKey": "s"}'"""
ENVIRONMENT_KEYS = {"AWS_ACCESS_KEY_ID": "AKENV", "AWS_SECRET_ACCESS_KEY": "s"}
FAR = "2099-01-01T00:00:00Z"


def keys(name: str) -> str:
    return f"aws_access_key_id = {name}\naws_secret_access_key = s\n"


def sso_token(name: str, expires: str = FAR) -> dict[str, str]:
    path = f".aws/sso/cache/{hashlib.sha1(name.encode()).hexdigest()}.json"
    return {path: json.dumps({"accessToken": "TOKEN-" + name, "expiresAt": expires})}


SSO = "sso_account_id = 123456789012\nsso_role_name = Reader\n"
SSO_OLD = SSO + "sso_start_url = https://start\nsso_region = eu-central-1\n"
SSO_SESSION = "[sso-session work]\nsso_start_url = https://start\nsso_region = eu-west-1\n"
WEB = f"role_arn = {ROLE}web\nweb_identity_token_file = @HOME@/token\n"
TOKEN = {"token": "WEBTOKEN"}


def case(
    name: str,
    config: str = "",
    credentials: str = "",
    environment: dict[str, str] | None = None,
    files: dict[str, str] | None = None,
    profile: str = "",
) -> dict[str, Any]:
    every = dict(files or {})
    if config:
        every[".aws/config"] = config
    if credentials:
        every[".aws/credentials"] = credentials
    return {"name": name, "files": every, "environment": environment or {}, "profile": profile}


def role(name: str, rest: str) -> str:
    return f"[profile {name}]\nrole_arn = {ROLE}{name}\n{rest}\n"


BASE = "[profile base]\n" + keys("AKBASE")
CASES = [
    case("nothing at all"),
    case("variables", environment=ENVIRONMENT_KEYS),
    case(
        "variables before the default profile",
        "[default]\n" + keys("AKDEFAULT"),
        environment=ENVIRONMENT_KEYS,
    ),
    case("variables before AWS_PROFILE", BASE, environment={**ENVIRONMENT_KEYS, "AWS_PROFILE": "base"}),
    case("an option's profile before the variables", BASE, environment=ENVIRONMENT_KEYS, profile="base"),
    case("an option's profile before AWS_PROFILE", BASE, environment={"AWS_PROFILE": "x"}, profile="base"),
    case("AWS_PROFILE that isn't there", BASE, environment={"AWS_PROFILE": "x"}),
    case("half a pair in the variables", environment={"AWS_ACCESS_KEY_ID": "AKENV"}),
    case("the secret alone in the variables", environment={"AWS_SECRET_ACCESS_KEY": "s"}),
    case("keys in both files", "[default]\n" + keys("AKCONFIG"), "[default]\n" + keys("AKCREDENTIALS")),
    case("keys in the config file", "[default]\n" + keys("AKCONFIG")),
    case(
        "half a pair in the credentials file",
        "[default]\n" + keys("AKCONFIG"),
        "[default]\naws_access_key_id = A\n",
    ),
    case("half a pair in the config file", "[default]\naws_access_key_id = A\n"),
    case("credential_process", f"[default]\ncredential_process = {PROCESS}\n"),
    case("credential_process in the credentials file", "", f"[default]\ncredential_process = {PROCESS}\n"),
    case(
        "credential_process before keys beside it",
        f"[default]\ncredential_process = {PROCESS}\n{keys('AKCONFIG')}",
    ),
    case(
        "keys in the credentials file before credential_process",
        f"[default]\ncredential_process = {PROCESS}\n",
        "[default]\n" + keys("AKCREDENTIALS"),
    ),
    case("a program that fails", "[default]\ncredential_process = /bin/false\n"),
    case("a program that prints nonsense", "[default]\ncredential_process = /bin/echo nonsense\n"),
    case("a program of another version", """[default]\ncredential_process = echo '{"Version": 2}'\n"""),
    case("a program that isn't there", "[default]\ncredential_process = /nonexistent/program\n"),
    case("a quote that isn't closed", "[default]\ncredential_process = echo 'x\n"),
    case("a role with keys", BASE + role("a", "source_profile = base"), profile="a"),
    case(
        "a role by AWS_PROFILE", BASE + role("a", "source_profile = base"), environment={"AWS_PROFILE": "a"}
    ),
    case(
        "a role of AWS_PROFILE after the variables",
        BASE + role("a", "source_profile = base"),
        environment={**ENVIRONMENT_KEYS, "AWS_PROFILE": "a"},
    ),
    case(
        "a role with all there is",
        BASE
        + role(
            "a",
            "source_profile = base\nexternal_id = ex-1\nrole_session_name = me@home\nduration_seconds = 900\nregion = eu-west-3",
        ),
        profile="a",
    ),
    case(
        "a duration that is no number",
        BASE + role("a", "source_profile = base\nduration_seconds = 1h"),
        profile="a",
    ),
    case(
        "three roles",
        BASE
        + role("a", "source_profile = b\nregion = us-west-2")
        + role("b", "source_profile = c\nexternal_id = ex\nregion = eu-west-3")
        + role("c", "source_profile = base"),
        profile="a",
    ),
    case(
        "a role before keys beside it",
        BASE + role("a", "source_profile = base\n" + keys("AKOWN")),
        profile="a",
    ),
    case("a role with its own keys", role("a", "source_profile = a\n" + keys("AKOWN")), profile="a"),
    case(
        "keys of a source before its role",
        BASE + role("a", "source_profile = b") + role("b", "source_profile = base\n" + keys("AKOWN")),
        profile="a",
    ),
    case(
        "a role in the credentials file",
        "",
        f"[base]\n{keys('AKBASE')}[a]\nrole_arn = {ROLE}a\nsource_profile = base\n",
        profile="a",
    ),
    case(
        "a role of both files together",
        f"[profile a]\nrole_arn = {ROLE}config\nsource_profile = base\n",
        f"[a]\nrole_arn = {ROLE}credentials\n[base]\n{keys('AKBASE')}",
        profile="a",
    ),
    case("the default profile's role", f"{BASE}[default]\nrole_arn = {ROLE}default\nsource_profile = base\n"),
    case("a source that isn't there", role("a", "source_profile = nobody"), profile="a"),
    case("a source with nothing", role("a", "source_profile = b") + "[profile b]\nregion = x\n", profile="a"),
    case(
        "a source with half a pair",
        role("a", "source_profile = b") + "[profile b]\naws_access_key_id = A\n",
        profile="a",
    ),
    case("a role with itself", role("a", "source_profile = a"), profile="a"),
    case("a circle of two", role("a", "source_profile = b") + role("b", "source_profile = a"), profile="a"),
    case(
        "a circle behind the first",
        role("a", "source_profile = b") + role("b", "source_profile = c") + role("c", "source_profile = b"),
        profile="a",
    ),
    case("a role with no source", role("a", ""), profile="a"),
    case(
        "a role with two sources",
        BASE + role("a", "source_profile = base\ncredential_source = Environment"),
        profile="a",
    ),
    case(
        "a role with the variables",
        role("a", "credential_source = Environment"),
        environment=ENVIRONMENT_KEYS,
        profile="a",
    ),
    case("a role with variables that are unset", role("a", "credential_source = Environment"), profile="a"),
    case("a role with the instance's", role("a", "credential_source = Ec2InstanceMetadata"), profile="a"),
    case(
        "a role with the container's",
        role("a", "credential_source = EcsContainer"),
        environment={"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/c"},
        profile="a",
    ),
    case("a role with a container's that isn't", role("a", "credential_source = EcsContainer"), profile="a"),
    case("a role with a source of no such name", role("a", "credential_source = environment"), profile="a"),
    case(
        "a role with a program",
        role("a", "source_profile = b") + f"[profile b]\ncredential_process = {PROCESS}\n",
        profile="a",
    ),
    case(
        "a role with SSO",
        role("a", "source_profile = b") + "[profile b]\n" + SSO_OLD,
        files=sso_token("https://start"),
        profile="a",
    ),
    case(
        "a role with web identity",
        role("a", "source_profile = b") + "[profile b]\n" + WEB,
        files=TOKEN,
        profile="a",
    ),
    case(
        "a source that doesn't see the variables' web identity",
        role("a", "source_profile = b") + "[profile b]\nregion = eu-west-3\n",
        environment={"AWS_WEB_IDENTITY_TOKEN_FILE": "@HOME@/token", "AWS_ROLE_ARN": ROLE + "env"},
        files=TOKEN,
        profile="a",
    ),
    case("SSO of the older form", "[default]\n" + SSO_OLD, files=sso_token("https://start")),
    case(
        "SSO of the older form, expired",
        "[default]\n" + SSO_OLD,
        files=sso_token("https://start", "2001-01-01T00:00:00Z"),
    ),
    case(
        "SSO of the older form, as old clients wrote it",
        "[default]\n" + SSO_OLD,
        files=sso_token("https://start", "2099-01-01T00:00:00UTC"),
    ),
    case("SSO without a login", "[default]\n" + SSO_OLD),
    case("SSO session", f"[default]\nsso_session = work\n{SSO}{SSO_SESSION}", files=sso_token("work")),
    case(
        "SSO session, expired",
        f"[default]\nsso_session = work\n{SSO}{SSO_SESSION}",
        files=sso_token("work", "2001-01-01T00:00:00Z"),
    ),
    case(
        "SSO session that isn't there",
        f"[default]\nsso_session = other\n{SSO}{SSO_SESSION}",
        files=sso_token("other"),
    ),
    case(
        "SSO session with the same region",
        f"[default]\nsso_session = work\nsso_region = eu-west-1\n{SSO}{SSO_SESSION}",
        files=sso_token("work"),
    ),
    case(
        "SSO session with another region",
        f"[default]\nsso_session = work\nsso_region = eu-west-2\n{SSO}{SSO_SESSION}",
        files=sso_token("work"),
    ),
    case(
        "SSO without a role",
        "[default]\nsso_account_id = 123456789012\nsso_start_url = https://start\nsso_region = eu-west-1\n",
    ),
    case(
        "SSO session without account and role",
        f"[default]\nsso_session = work\n{keys('AKCONFIG')}{SSO_SESSION}",
    ),
    case(
        "SSO before keys",
        f"[default]\n{SSO_OLD}",
        f"[default]\n{keys('AKCREDENTIALS')}",
        files=sso_token("https://start"),
    ),
    case(
        "web identity by variables",
        environment={"AWS_WEB_IDENTITY_TOKEN_FILE": "@HOME@/token", "AWS_ROLE_ARN": ROLE + "env"},
        files=TOKEN,
    ),
    case(
        "web identity by variables, with a name",
        environment={
            "AWS_WEB_IDENTITY_TOKEN_FILE": "@HOME@/token",
            "AWS_ROLE_ARN": ROLE + "env",
            "AWS_ROLE_SESSION_NAME": "pod",
        },
        files=TOKEN,
    ),
    case(
        "web identity by variables, without a role",
        environment={"AWS_WEB_IDENTITY_TOKEN_FILE": "@HOME@/token"},
        files=TOKEN,
    ),
    case(
        "web identity by variables, without a token",
        environment={"AWS_WEB_IDENTITY_TOKEN_FILE": "@HOME@/token", "AWS_ROLE_ARN": ROLE + "env"},
    ),
    case(
        "web identity by variables before keys in files",
        credentials="[default]\n" + keys("AKCREDENTIALS"),
        environment={"AWS_WEB_IDENTITY_TOKEN_FILE": "@HOME@/token", "AWS_ROLE_ARN": ROLE + "env"},
        files=TOKEN,
    ),
    case(
        "web identity by variables after an option's profile",
        credentials="[a]\n" + keys("AKCREDENTIALS"),
        environment={"AWS_WEB_IDENTITY_TOKEN_FILE": "@HOME@/token", "AWS_ROLE_ARN": ROLE + "env"},
        files=TOKEN,
        profile="a",
    ),
    case("web identity by a profile", "[default]\n" + WEB, files=TOKEN),
    case(
        "web identity of a profile by AWS_PROFILE",
        "[profile a]\n" + WEB,
        files=TOKEN,
        environment={"AWS_PROFILE": "a"},
    ),
    case(
        "a profile's token with a variable's role",
        "[default]\n" + WEB,
        files=TOKEN,
        environment={"AWS_ROLE_ARN": ROLE + "env"},
    ),
    case(
        "web identity before a source_profile", BASE + "[default]\nsource_profile = base\n" + WEB, files=TOKEN
    ),
    case(
        "an empty variable hides the profile's token",
        "[default]\n" + WEB,
        files=TOKEN,
        environment={"AWS_WEB_IDENTITY_TOKEN_FILE": ""},
    ),
    case("the container's", environment={"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/c"}),
    case(
        "keys in files before the container's",
        "[default]\n" + keys("AKCONFIG"),
        environment={"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/c"},
    ),
]


class Client:
    def __init__(self, service: str, region: str, key: str, calls: list[str]) -> None:
        self._service, self._region, self._key, self._calls = service, region, key, calls
        self.exceptions = mock.Mock(UnauthorizedException=ClientError)

    def _role(self, action: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if arguments["RoleSessionName"].startswith("botocore-session-"):
            arguments["RoleSessionName"] = "-"
        said = " ".join(f"{name}={arguments[name]}" for name in sorted(arguments))
        self._calls.append(f"{self._region} {action} by {self._key or '-'}: {said}")
        return {
            "Credentials": {
                "AccessKeyId": "AK" + arguments["RoleArn"].split("/")[1].upper(),
                "SecretAccessKey": "s",
                "SessionToken": "t",
                "Expiration": FAR,
            }
        }

    def assume_role(self, **arguments: Any) -> dict[str, Any]:
        return self._role("AssumeRole", arguments)

    def assume_role_with_web_identity(self, **arguments: Any) -> dict[str, Any]:
        return self._role("AssumeRoleWithWebIdentity", arguments)

    def get_role_credentials(self, **arguments: Any) -> dict[str, Any]:
        self._calls.append(
            f"{self._region} GetRoleCredentials by {arguments['accessToken']}: "
            f"account_id={arguments['accountId']} role_name={arguments['roleName']}"
        )
        return {
            "roleCredentials": {
                "accessKeyId": "AKSSO",
                "secretAccessKey": "s",
                "sessionToken": "t",
                "expiration": 4070908800000,
            }
        }


def machine(name: str) -> dict[str, str]:
    return {"role_name": "r", "access_key": name, "secret_key": "s", "token": "t", "expiry_time": FAR}


def look(one: dict[str, Any]) -> tuple[list[str], str]:
    home = Path(HOME)
    for name, text in one["files"].items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("@HOME@", HOME))
    calls: list[str] = []
    variables = {"HOME": HOME, "PATH": "/usr/bin:/bin"}
    variables |= {name: value.replace("@HOME@", HOME) for name, value in one["environment"].items()}
    with mock.patch.dict(os.environ, variables, clear=True):
        try:
            session = botocore.session.Session(profile=one["profile"] or None)

            def client(service: str, **arguments: Any) -> Client:
                config = arguments.get("config")
                region = (
                    (config and config.region_name) or session.get_config_variable("region") or "us-east-1"
                )
                return Client(service, region, arguments.get("aws_access_key_id", ""), calls)

            with (
                mock.patch.object(session, "create_client", client),
                mock.patch(
                    "botocore.utils.InstanceMetadataFetcher.retrieve_iam_role_credentials",
                    lambda _: machine("AKINSTANCE"),
                ),
                mock.patch(
                    "botocore.utils.ContainerMetadataFetcher.retrieve_full_uri",
                    lambda *_, **__: {
                        "AccessKeyId": "AKCONTAINER",
                        "SecretAccessKey": "s",
                        "Token": "t",
                        "Expiration": FAR,
                    },
                ),
            ):
                found = session.get_credentials()
                outcome = found.get_frozen_credentials().access_key if found else "error: none"
        except Exception as error:  # noqa: BLE001 - whatever it raises is what it says
            calls, outcome = [], "error: " + type(error).__name__
    for name in one["files"]:
        (home / name).unlink()
    return calls, outcome


def main() -> None:
    for one in CASES:
        calls, outcome = look(one)
        json.dump({**one, "calls": calls, "outcome": outcome}, sys.stdout)
        sys.stdout.write("\n")


if __name__ == "__main__":
    main()

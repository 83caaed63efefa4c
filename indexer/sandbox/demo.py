"""`make demo`: the whole way of a record on this machine, with synthetic people and nothing to configure.

Starts the sandbox authorities and the development identity provider, pulls, publishes, starts the service under
gunicorn, asks it three questions over HTTP, and prints where to look. Everything it makes lies in one folder.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import httpx
import orjson

from indexer.sandbox import fixed
from indexer.sandbox.logins import (
    ORGANISATION,
    ORGANISATION_NAME,
    PAGES_CLIENT,
    SYSTEM_CLIENT,
    SYSTEM_SCOPES,
    write_provider_file,
)
from registry.sealing import new_key

PATIENCE_S = 120


class DemoError(click.ClickException):
    """A part of the demo did not come up; the message names its log."""


@contextlib.contextmanager
def running(
    name: str, arguments: list[str], environ: Mapping[str, str], folder: Path, ready: str
) -> Iterator[None]:
    """Run a command beside the demo until the block ends; wait until `ready` answers."""
    log = folder / f"{name}.log"
    with log.open("w") as output:
        process = subprocess.Popen(  # noqa: S603 - our own commands
            [sys.executable, "-m", *arguments],
            env=dict(environ),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait(ready, process, log)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, timeout=2).status_code == httpx.codes.OK:
                return
        time.sleep(0.1)
    raise DemoError(f"{url} did not answer. The last lines of {log}:\n{log.read_text()[-2000:]}")


def run(arguments: list[str], environ: Mapping[str, str]) -> None:
    """Run one command to its end and show what it prints."""
    click.echo(f"$ {' '.join(arguments)}")
    module = f"{arguments[0]}.cli"
    done = subprocess.run([sys.executable, "-m", module, *arguments[1:]], env=dict(environ), check=False)  # noqa: S603 - our own commands
    if done.returncode:
        raise DemoError(f"`{' '.join(arguments)}` ended with {done.returncode}.")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_settings(folder: Path, base_url: str, issuer: str, client_secret: str) -> dict[str, str]:
    """Write the demo's settings file and return the environment that names it."""
    (folder / "registry.toml").write_text(
        f"""# The demo's settings, over config/default.toml. Keys made for this run only.
[service]
sandbox = true
base_url = "{base_url}"

[database]
url = "sqlite:///{folder / "registry.db"}"

[privacy]
digest_key = "{new_key()}"
sealing_key = "{new_key()}"

[ledger]
signing_key = "{new_key()}"

[search.tantivy]
path = "{folder / "index"}"

[tokens]
issuer = "{issuer}"

[login]
issuer = "{issuer}"
client_id = "registry"
client_secret = "{client_secret}"
""",
        "utf-8",
    )
    (folder / "registry.toml").chmod(0o600)
    own = {k: v for k, v in os.environ.items() if not k.startswith("REGISTRY_")}
    return {
        **own,
        "REGISTRY_CONFIG_FILE": str(folder / "registry.toml"),
        "REGISTRY_FEEDS_DIR": str(folder / "feeds"),
    }


def token(issuer: str, secret: str) -> str:
    """Return an access token for the sandbox's machine client (client credentials, RFC 6749 §4.4)."""
    answer = httpx.post(
        f"{issuer}/token",
        auth=(SYSTEM_CLIENT, secret),
        data={"grant_type": "client_credentials", "scope": " ".join(SYSTEM_SCOPES)},
        timeout=10,
    ).raise_for_status()
    return str(answer.json()["access_token"])


def verify(base_url: str, access_token: str, question: Mapping[str, str]) -> dict[str, Any]:
    """Ask the service one question."""
    answer = httpx.post(
        f"{base_url}/v1/verifications",
        headers={"Authorization": f"Bearer {access_token}"},
        json={"purpose": "employment", **question},
        timeout=30,
    ).raise_for_status()
    return dict(answer.json())


QUESTIONS: tuple[tuple[str, str, dict[str, str]], ...] = (
    (
        "yes",
        "a nurse in good standing, by licence number",
        {"licenceNumber": str(fixed.ACTIVE_NURSE_HOSP_ID), "profession": "registered-nurse"},
    ),
    (
        "no",
        "a physician whose licence is revoked beside a live licence code, by personal identity number",
        {"personalIdentityNumber": fixed.REVOKED_PHYSICIAN_NUMBER, "profession": "physician"},
    ),
    (
        "ask",
        "a physician on probation, by name and birth date",
        {"name": "Ebba Provström", "birthDate": "1988-01-17", "profession": "physician"},
    ),
)


def ask(base_url: str, access_token: str) -> None:
    """Ask the three questions and show verdict, reasons and source."""
    for expected, who, question in QUESTIONS:
        answer = verify(base_url, access_token, question)
        click.echo(f"\n{answer['verdict'].upper():<4} {who}")
        for reason in answer["reasons"]:
            click.echo(f"     {reason['text']['en']}")
        if answer["verdict"] != expected:
            raise DemoError(f"The answer should have been {expected!r}: {orjson.dumps(answer).decode()}")


@click.command()
@click.option("--size", default=2000, show_default=True, help="Number of synthetic people.")
@click.option("--port", default=8000, show_default=True, help="Port of the service; 0 = any free one.")
@click.option("--folder", default=".demo", show_default=True, type=click.Path(path_type=Path))
@click.option("--once", is_flag=True, help="Ask the three questions and end.")
def main(size: int, port: int, folder: Path, once: bool) -> None:
    """Show the whole way of a record on synthetic people."""
    folder = folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    port = port or free_port()
    base_url, issuer, authorities = (f"http://127.0.0.1:{p}" for p in (port, free_port(), free_port()))
    secrets = write_provider_file(folder / "provider.json", base_url)
    environ = write_settings(folder, base_url, issuer, secrets[PAGES_CLIENT])
    provider_port, authorities_port = issuer.rpartition(":")[2], authorities.rpartition(":")[2]
    sandbox = [
        "indexer.cli",
        "sandbox",
        "--port",
        authorities_port,
        "--size",
        str(size),
        "--feeds-dir",
        str(folder / "feeds"),
    ]
    provider = ["registry.cli", "sandbox", "--port", provider_port, "--file", str(folder / "provider.json")]
    service = ["registry.cli", "serve", "--bind", f"127.0.0.1:{port}"]
    with (
        running("authorities", sandbox, environ, folder, f"{authorities}/_sandbox"),
        running("provider", provider, environ, folder, f"{issuer}/.well-known/openid-configuration"),
    ):
        for command in (
            ["registry", "migrate"],
            ["indexer", "pull", "--all"],
            ["indexer", "publish"],
            ["indexer", "status"],
        ):
            run(command, environ)
        with (
            running("service", service, environ, folder, f"{base_url}/readyz"),
            # It has no address of its own: what the service answers is enough.
            running("worker", ["registry.cli", "worker"], environ, folder, f"{base_url}/livez"),
        ):
            access_token = token(issuer, secrets[SYSTEM_CLIENT])
            ask(base_url, access_token)
            if not once:
                _tell(base_url, access_token, folder)
                _until_stopped()


def _tell(base_url: str, access_token: str, folder: Path) -> None:
    """Write what the README's examples need, and say where to go."""
    environment = folder / "environment"
    environment.touch(mode=0o600)
    environment.write_text(
        f"export TOKEN={access_token}\n"
        f"export REGISTRY_CONFIG_FILE={folder}/registry.toml REGISTRY_FEEDS_DIR={folder}/feeds\n",
        "utf-8",
    )
    click.echo(
        f"""
The service answers at {base_url}
  Log in on the page and choose a person: an employer at {ORGANISATION_NAME}, or staff who see their own record.
  Whoever has a protected identity can let the employer check her: organisation number {ORGANISATION[:6]}-{ORGANISATION[6:]}.
  Try: licence number {fixed.ACTIVE_NURSE_HOSP_ID} (yes), {fixed.SOCIAL_WORKER_SUSPENDED_CREDENTIAL} (no),
       personal identity number {fixed.PHYSICIAN_ON_PROBATION_NUMBER} (ask).

For the README's examples, in another terminal: . {environment}   (the token in it lasts an hour)
Logs are in {folder}. Stop with Ctrl-C."""
    )


def _until_stopped() -> None:
    """Wait for Ctrl-C or SIGTERM, and let everything that was started end in good order."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()


if __name__ == "__main__":
    main()

"""What the two console commands share: plain errors and output for people or programs."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import click
import orjson

from registry.errors import RegistryError

P = ParamSpec("P")
R = TypeVar("R")


def told_plainly(command: Callable[P, R]) -> Callable[P, R]:
    """Show a registry error as one line that says what to do, not as a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except RegistryError as error:
            raise click.ClickException(error.detail or error.title) from error

    return run


def show(value: Any, *, as_json: bool, text: str) -> None:  # noqa: ANN401 - any JSON value
    """Print a result for a program (`--json`) or for a person."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode() if as_json else text)


json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, for programs.")

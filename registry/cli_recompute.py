"""`registry recompute`: working an old answer out again, for a complaint or an audit."""

import getpass
import secrets

import click

from registry.console import json_option, show, told_plainly
from registry.settings import load_settings
from registry.vocabulary import Language


@click.command("recompute")
@click.argument("evidence_id")
@click.option("--lang", type=click.Choice(["sv", "en"]), default="sv", show_default=True)
@json_option
@told_plainly
def recompute(evidence_id: str, lang: Language, as_json: bool) -> None:
    """Work the evidence EVIDENCE_ID (ver_...) out again: with the knowledge of then, by the rules it names.

    Prints whether it says the same, and what differs. That it was opened is written to the access log first, which the
    person it is about can read. Evidence of a person who is protected now is answered like evidence that there is not.
    """
    from registry.access.caller import Caller
    from registry.checks.desk import open_desk
    from registry.checks.recompute import recompute as work_out

    desk = open_desk(load_settings())
    operator = Caller("registry-command", getpass.getuser(), client_id="registry recompute")
    try:
        done = work_out(desk, operator, evidence_id, request_id=secrets.token_hex(8))
    finally:
        desk.close()
    told = {
        "id": evidence_id,
        "checkedAt": done.before["checkedAt"],
        "ruleVersion": done.before["ruleVersion"],
        "verdict": done.before["verdict"],
        "recomputed": done.after["verdict"],
        "changes": done.changes,
    }
    show(told, as_json=as_json, text="\n".join([_HEAD[lang].format(**told), *_lines(done.changes, lang)]))


_HEAD = {
    "sv": "{id}: svaret den {checkedAt} enligt regelversion {ruleVersion} var {verdict}, omräknat {recomputed}.",
    "en": "{id}: the answer of {checkedAt} by rule version {ruleVersion} was {verdict}, recomputed {recomputed}.",
}
_SAME = {"sv": "Inget skiljer sig.", "en": "Nothing differs."}


def _lines(changes: list[dict[str, dict[str, str]]], lang: Language) -> list[str]:
    return [f"- {one['text'][lang]}" for one in changes] or [_SAME[lang]]

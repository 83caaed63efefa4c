"""The blueprints of this room, and who may call each."""

from pathlib import Path

from flask import Blueprint

from registry.access.guard import public, requires_login

_STATIC = Path(__file__).parent / "static"
_YEAR_S = 31_536_000


class _Assets(Blueprint):
    """Static files, kept by browsers for a year: their addresses change with their content."""

    def get_send_file_max_age(self, filename: str | None) -> int | None:  # noqa: ARG002 - Flask's interface
        return _YEAR_S


# Pages about people: each view says which scope it needs.
pages = Blueprint("pages", __name__)
requires_login(pages)

open_pages = Blueprint("pages_public", __name__)
public(open_pages, why="the start page and the page about the registry hold nothing about any person")

assets = _Assets("assets", __name__, static_folder=str(_STATIC), static_url_path="/assets")
public(assets, why="styles, images and the script of the search box")

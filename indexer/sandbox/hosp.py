"""The first sandbox authority: Socialstyrelsen, which publishes all HOSP persons as one XML file."""

from flask import Blueprint, Response, send_file

from indexer.sandbox.published import Published

PATH = "/hosp/personer.xml"


def hosp(published: Published) -> Blueprint:
    """Return the file's route; ETag, Last-Modified, 304 and ranges are answered by the framework."""
    routes = Blueprint("hosp", __name__)

    @routes.get(PATH)
    def persons() -> Response:
        edition = published.now
        return send_file(
            edition.folder / "hosp.xml",
            mimetype="application/xml",
            etag=edition.registers.etags["hosp.xml"],
            last_modified=edition.registers.published_at,
            conditional=True,
        )

    return routes

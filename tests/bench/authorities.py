"""A process: the sandbox's authorities, with as many people as asked for and no artificial waiting.

    python -m tests.bench.authorities SIZE PORT FOLDER

Writes the registers and feed files that point here into the folder, then serves until it is ended.
"""

import signal
import sys
from pathlib import Path

from werkzeug.serving import WSGIRequestHandler, make_server

from indexer.sandbox.feedfiles import write_feed_files
from indexer.sandbox.plan import Plan
from indexer.sandbox.server import create_app


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write nothing."""


def main(size: int, port: int, folder: Path) -> None:
    """Serve until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # An export is ready at once: what is measured is the indexer, not a pause between polls.
    app = create_app(Plan(size), folder / "registers", export_polls=0, retry_after_s=0)
    write_feed_files(folder / "feeds", f"http://127.0.0.1:{port}")
    make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))

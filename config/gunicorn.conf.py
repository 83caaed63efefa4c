"""How gunicorn runs the service: `gunicorn -c config/gunicorn.conf.py app:app`, or `registry serve`.

What differs from machine to machine comes from the environment:

    WEB_CONCURRENCY     worker processes          default: one a core, at least 2
    WEB_THREADS         threads a worker          default: 4
    WEB_TIMEOUT_S       seconds until a worker that no longer answers is replaced    default: 30
    WEB_KEEPALIVE_S     seconds an idle connection is kept    default: 5; behind a proxy longer than the proxy's own
    WEB_REUSE_PORT      1 = each worker has its own listening socket (Linux), see below    default: 0
    WEB_MAX_REQUESTS    requests after which a worker is replaced    default: 20000, against slow leaks

Put a reverse proxy with TLS in front, and say so in `web.trusted_proxies`.
"""

# ruff: noqa: INP001 - read by gunicorn by its path, part of no package

import os
from pathlib import Path
from typing import Any

from registry.errors import SettingsError
from registry.settings import load_settings
from registry.web.server import ServiceLog, answer_as_problems, hide_banner


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, "")
    if text and not text.isdecimal():
        raise SettingsError(f"The environment variable {name} is {text!r}; it must be a whole number.")
    return int(text) if text else default


workers = _number("WEB_CONCURRENCY", max(2, os.cpu_count() or 2))
worker_class = "gthread"
# Measured with 8 clients on two cores (20,000 people, SQLite and Tantivy): 2 and 4 threads a worker answer as many questions
# a second, 8 fewer and with long tails; 4 leave some free for look-ups by number while others wait for a search
# cluster that is down.
threads = _number("WEB_THREADS", 4)
timeout = _number("WEB_TIMEOUT_S", 30)
graceful_timeout = timeout
keepalive = _number("WEB_KEEPALIVE_S", 5)
# Without it all workers accept from one socket, and a proxy that keeps connections open may load one worker with
# most of them (measured: a third of the requests a second). With it the kernel spreads connections, but those that wait
# at a worker as it is replaced are reset.
reuse_port = _number("WEB_REUSE_PORT", 0) == 1
max_requests = _number("WEB_MAX_REQUESTS", 20_000)
max_requests_jitter = max_requests // 10

# The app is made once, before the workers are forked: they share its memory, and a wrong setting stops the start.
# It holds no connection then, and a worker begins with none of its parent's (registry.web.context).
preload_app = True
# The heartbeat file on a disk that stalls would make a healthy worker look dead.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a file without a name, made by gunicorn

# Headers of a proxy are read by the app (`web.trusted_proxies`), not by address.
forwarded_allow_ips = ""
# On a Unix socket gunicorn would believe them from whoever writes to it.
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
# A URL may hold 2,048 characters (DIGG REST profile UFN.05).
limit_request_line = 4094
# A browser sends some twenty headers; a line may hold a token (tokens.max_length) or the cookies of several started logins.
limit_request_fields = 64
limit_request_field_size = 8190
# No second way to command the service.
control_socket_disable = True

logger_class = ServiceLog
accesslog = "-"
errorlog = "-"
proc_name = "registry"
hide_banner()


def on_starting(_server: Any) -> None:  # noqa: ANN401 - gunicorn's
    """Shape gunicorn's own refusals, and refuse pools smaller than the threads that share them: a request would wait for a connection (failure F10)."""
    settings = load_settings()
    answer_as_problems(settings)
    pools = {"database.pool_size": settings.database.pool_size}
    if settings.search.engine == "opensearch":
        pools["search.opensearch.pool_maxsize"] = settings.search.opensearch.pool_maxsize
    for key, size in pools.items():
        if size < threads:
            raise SettingsError(
                f"Setting {key} is {size}, but a worker has {threads} threads; raise it, or lower WEB_THREADS."
            )

"""How often somebody may ask: requests of a caller and of an organisation, and credentials that do not hold by address.

Counted in the access database, in windows of a minute, so that it holds across workers and machines; a process takes a twentieth of a
limit at a time and spends it by itself (registry.checks.quota), so that nearly every request costs no write. Never more than the limit
is answered in a window; somewhat less where several processes hold parts of it.

Whoever brings a session or token that holds is never stopped by what others at the same address do, and no logout is ever counted.
While the database can't be asked, a process counts nothing for some seconds: what shows a person needs that database too
and is refused without it.
"""

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

import structlog
from flask import request
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from registry.access.caller import Caller
from registry.access.forking import begin_anew_in_children
from registry.access.rates import TooManyRequestsError
from registry.checks.errors import QuotaExceededError
from registry.checks.owner import caller_key, owner_of
from registry.checks.quota import Counter, Quota
from registry.settings_access import Rates as RateSettings

log = structlog.get_logger()
# Where an app keeps its `DatabaseRates`.
RATES = "registry-rates"
_WINDOW_S = 60
_SHARE = 20
_PAUSE_S = 5.0
# Credentials of one address that a process counts by itself before it tells the others: whoever sends them from ever new addresses
# makes us write nothing.
_UNTOLD = 5
_MAX_ADDRESSES = 10_000
# Of IPv6 a subscriber has a /64 or more, up to a /48 (RFC 6177): all of a /48 together may fail as often as so many /64.
_SITES = 10


class DatabaseRates:
    """Counts for one app; see `registry.access.rates.Rates`.

    Args:
        engine: the access database.
        settings: section `[rates]`; 0 counts nothing.
        clock: seconds since 1970.
    """

    def __init__(
        self, engine: Engine, settings: RateSettings, clock: Callable[[], float] = time.time
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._clock = clock
        self.after_fork()
        begin_anew_in_children(self)

    def after_fork(self) -> None:
        """Begin anew: what the parent had taken is the parent's."""
        self._callers = Counter(self._engine)
        # Apart from the callers: a flood from many addresses must not push out what was taken for them.
        self._addresses = Counter(self._engine)
        self._failures: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._lock = threading.Lock()
        self._silent_until = 0.0

    def admitted(self, caller: Caller) -> None:
        """Count a request of a caller and of its organisation."""
        self._take(self._callers, "requests-per-minute", caller_key(caller), self._settings.caller_per_minute)
        if caller.organisation:
            self._take(
                self._callers,
                "organisation-requests-per-minute",
                owner_of(caller),
                self._settings.organisation_per_minute,
            )

    def refused(self) -> None:
        """Count a credential that does not hold, by the address of the request."""
        for quota in self._quotas():
            if self._failed(quota.owner) > _UNTOLD:
                self._take(self._addresses, quota.name, quota.owner, quota.limit)

    def before_login(self) -> None:
        """Stop a login before it is looked at, if its address has sent too many that did not succeed."""
        now = self._clock()
        for quota in self._quotas():
            if self._addresses.is_used_up(quota, now):
                raise _too_many(quota.name, quota.limit, int(_WINDOW_S - now % _WINDOW_S) or 1)

    def _quotas(self) -> list[Quota]:
        limit = self._settings.refused_per_minute
        if not limit:
            return []
        nets = networks(request.remote_addr or "")
        return [
            Quota("refused-per-minute", f"address {net}", limit * (_SITES if n else 1), _WINDOW_S, _SHARE)
            for n, net in enumerate(nets)
        ]

    def _failed(self, owner: str) -> int:
        """Count a failure in this process; return how many there were in this window."""
        window = int(self._clock()) // _WINDOW_S
        with self._lock:
            since, count = self._failures.pop(owner, (window, 0))
            count = count + 1 if since == window else 1
            self._failures[owner] = (window, count)
            if len(self._failures) > _MAX_ADDRESSES:
                self._failures.popitem(last=False)
        return count

    def _take(self, counter: Counter, name: str, owner: str, limit: int) -> None:
        now = self._clock()
        if not limit or now < self._silent_until:
            return
        try:
            counter.take(Quota(name, owner, limit, _WINDOW_S, _SHARE), 1, now)
        except QuotaExceededError as error:
            raise _too_many(name, limit, error.retry_after_s) from None
        except SQLAlchemyError as error:
            self._silent_until = now + _PAUSE_S
            # The error's text holds the statement and its values.
            log.error("requests_not_counted", reason=type(error).__name__)  # noqa: TRY400 - see above


def _too_many(name: str, limit: int, retry_after_s: int) -> TooManyRequestsError:
    log.warning("too_many_requests", rate=name, limit=limit)
    return TooManyRequestsError(name, limit=limit, retry_after_s=retry_after_s)


def networks(address: str) -> tuple[str, ...]:
    """Return what an address is counted as, the narrower first: IPv4 itself, of IPv6 its /64 and its /48; () for no address."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ()  # a Unix socket has none
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is None:
            return tuple(str(ipaddress.ip_network((known, bits), strict=False)) for bits in (64, 48))
        known = known.ipv4_mapped
    return (str(known),)

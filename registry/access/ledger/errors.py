"""What can go wrong with the ledger."""

from registry.errors import RegistryError


class LedgerError(RegistryError):
    """The ledger can't be gone on with, or a proof does not hold; `detail` says why and what to do."""

    slug = "ledger"
    title = "The ledger of the access log does not hold"

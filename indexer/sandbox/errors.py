"""What the sandbox says when asked for something it can't make."""

from registry.errors import RegistryError


class SandboxError(RegistryError):
    """The sandbox can't do what was asked; the message says what it can."""

    slug = "sandbox"
    status = 400
    title = "The sandbox can't make that"

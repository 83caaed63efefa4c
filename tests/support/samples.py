"""Real inputs as published, kept beside the project and never in it (REGISTRY_SAMPLES)."""

import os
from pathlib import Path

import pytest

from registry.settings import ROOT

SAMPLES = Path(os.environ.get("REGISTRY_SAMPLES") or ROOT.parent / "shared" / "samples")
needs_samples = pytest.mark.skipif(
    not SAMPLES.is_dir(),
    reason=f"no samples at {SAMPLES}: set REGISTRY_SAMPLES to the folder that holds them",
)

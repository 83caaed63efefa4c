"""Types that threads decode are made ready by one thread: a process must not die of its first requests."""

import subprocess
import sys

from registry.settings import ROOT

# A type as large as a match model, decoded for the first time by many threads at once.
_MANY = """
import sys, threading
import msgspec
from registry.struct_types import ready
sys.setswitchinterval(1e-6)
for round in range(60):
    inner = msgspec.defstruct(f"Inner{round}", [(f"f{i}", int | None, None) for i in range(40)])
    outer = ready(msgspec.defstruct(f"Outer{round}", [(f"g{i}", dict[str, inner], {}) for i in range(20)]))
    start = threading.Barrier(8)
    def decode():
        start.wait()
        assert msgspec.convert({"g1": {"a": {"f1": 1}}}, outer).g1["a"].f1 == 1
    threads = [threading.Thread(target=decode) for _ in range(8)]
    [each.start() for each in threads]
    [each.join() for each in threads]
print("well")
"""


def test_threads_may_decode_a_type_for_the_first_time_at_once() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _MANY], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "well"), done.stderr

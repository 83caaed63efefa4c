"""Speed beside a floor: `make bench`, or `python -m tests.bench 20000 200000 --house small`.

Each figure is measured in the same run, on the same machine and data, as the least that the same work can cost there:
a bare COPY, a bare `_bulk`, the query straight to the engine, a view that does nothing. The ratio is what to watch.
"""

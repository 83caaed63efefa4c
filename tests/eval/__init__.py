"""How well the right person is found: known sets of people and questions, asked of the real parts, and counted.

`make eval` writes docs/matching.md; `python -m tests.eval.fit` sets the parameters of the match model.
"""

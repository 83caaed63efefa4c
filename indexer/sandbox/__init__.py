"""The sandbox: synthetic people, and an HTTP server that speaks for three authorities as they really do.

Nobody here exists. Swedish numbers have the birth numbers 980-999 that Skatteverket publishes for tests, US
numbers lie in ranges that are not issued, and the demo's fixed people bear made-up surnames.
"""

"""Comparing a question about a person with a candidate from SQL truth."""

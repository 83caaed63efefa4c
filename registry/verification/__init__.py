"""Answering "may this person practise as X, today or on a date, and how do you know?"."""

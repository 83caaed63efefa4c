"""Staff lists: a whole file of questions, answered by a worker."""

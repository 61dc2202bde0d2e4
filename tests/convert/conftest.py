"""These are no tests, and need what is not installed everywhere."""

collect_ignore = ["fuzz.py", "make_files.py"]

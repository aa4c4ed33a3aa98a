"""The commands of ``run.py``: each module here is one command, or a part of one.

A command is a row in ``options.COMMANDS`` and in ``main.RUN``. Its exit status is 0 if all is well, 1 if it
has found problems, and 2 if its options or the settings are wrong.
"""

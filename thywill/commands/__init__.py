"""The commands of ``run.py``: each module here is one command, or a part of one.

A command is a row in ``options.COMMANDS`` and in ``main.RUN``. It ends with 0 where all is well, with 1 where
it found problems, and with 2 where its options or the settings are wrong.
"""

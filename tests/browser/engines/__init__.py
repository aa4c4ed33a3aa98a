"""The engines that the browser client is tested in, old and new, behind one contract in ``base.py``.

``kinds.py`` lists them, ``optional.py`` is a command, which starts without packages: import nothing here.
"""

"""The methods of an application with ``@on``, ``@rpc`` and ``@every``, and the check of their arguments."""

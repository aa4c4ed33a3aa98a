"""Measures how many messages a second programs can publish over HTTP (``POST /thywill/publish``)."""

"""SockJS: the fallback transports, built on sockjs-tornado's router, session and page classes.

``library`` is all that is used of sockjs-tornado; what it gets wrong is replaced in the subclasses beside it.
"""

"""SockJS: the fallback transports, on sockjs-tornado's router and pages.

``library.py`` imports everything that we use of sockjs-tornado. The sessions and their endpoints are our own.
"""

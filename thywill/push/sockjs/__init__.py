"""SockJS: the fallback transports, on sockjs-tornado's router and pages.

``library`` names all that is used of sockjs-tornado. The sessions and their endpoints are our own.
"""

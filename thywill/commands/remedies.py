"""The lines of ``conf/nginx.conf`` and of the settings that repair what ``doctor`` finds."""

from __future__ import annotations

HOST = "proxy_set_header Host $http_host;"
PROTO = "proxy_set_header X-Forwarded-Proto $scheme;"
FORWARDED = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"
TRUST = '[server] trusted_proxies = ["ADDRESS OF THE PROXY"] in conf/thywill.toml'
STREAM = 'proxy_protocol on; in nginx\'s stream, and [server] proxy_protocol = "https" in conf/thywill.toml'
EXPECT_HEADER = '[server] proxy_protocol = "https" in conf/thywill.toml, or no proxy_protocol on; in nginx'
KEEP = 'proxy_http_version 1.1;\nproxy_set_header Connection "";'
BUFFERING = "proxy_buffering off; (and no proxy_ignore_headers X-Accel-Buffering) in location /thywill/"
GZIP = "gzip off; in location /thywill/"
READ_TIMEOUT = "proxy_read_timeout {:.0f}s; in location /thywill/ (or a lower hold in [push.*])"
BODY = "client_max_body_size 1m;"
PREFIX = "location {0} {{ proxy_pass http://thywill/; }} (the slash at the end of thywill/ removes {0})"
ALLOW = '[client_interface] origins = ["{}"] in conf/thywill.toml'
NO_CORS = "no add_header Access-Control-… and no proxy_hide_header for it: thywill sets it itself"
COOKIE = "no proxy_hide_header Set-Cookie and no proxy_ignore_headers Set-Cookie"
COOKIE_FLAGS = "no proxy_cookie_flags and no proxy_cookie_path that change the cookie"
STATIC = "location /static/ { proxy_pass http://thywill; } (an alias there has to lead to the same files)"
PROXY = "a look at the proxy's error log: the proxy itself has failed"
UPSTREAM = "systemctl status thywill (and the address and port in upstream thywill { server … })"
START = "python run.py --port {0} on this machine; or examine the address that run.py has printed"
START_THERE = (
    "python run.py --port {0} on that machine, which others reach through nginx (conf/README.md), or with "
    "--address 0.0.0.0"
)
START_ALL = (
    "systemctl status nginx thywill (nginx -t says why it does not start: a certificate that is missing, for "
    "one); run.py alone is reached at http:// and its port, such as http://127.0.0.1:8080/"
)
LIMITS = "limit_req and limit_conn as in conf/nginx.conf: a page makes several requests at once"
GZIP_FILES = "gzip on; gzip_types text/css text/javascript application/json; in location /static/"
SAME_FILE = "the same [client_interface] secret_file on all servers (copy the file), and then their restart"
SHARED = '[queue] component = "redis" with the same url on all servers, or one server in upstream thywill'
SESSIONS = "upstream thywill_sockjs as in conf/nginx.conf, and a port of its own for each server"

"""nginx as a reverse proxy with one worker and kept connections: as little work as a proxy can do."""

from __future__ import annotations

import os
import shutil

from bench.servers import Launch, Peer, PeerMissing, Place

# Bodies stay in memory: where nginx starts as root, its worker may not write here. What it has no use for
# is given a place in its folder all the same, since Debian's defaults are root's alone.
_CONFIG = """\
{user}worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 100000000;
  client_body_buffer_size 1m;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream mock {{
    server 127.0.0.1:{upstream};
    keepalive 512;
    keepalive_requests 100000000;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location / {{
      proxy_pass http://mock;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
"""


def launch(place: Place) -> Launch:
    """Write nginx.conf and start it in the foreground."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        raise PeerMissing("nginx is not installed (on Debian: apt install nginx-light)")
    config = place.folder / "nginx.conf"
    user = "user root;\n" if os.geteuid() == 0 else ""
    config.write_text(_CONFIG.format(user=user, folder=place.folder, port=place.port, upstream=place.upstream))
    return Launch((program, "-p", str(place.folder), "-e", "stderr", "-c", str(config)))


PEER = Peer("nginx", launch)

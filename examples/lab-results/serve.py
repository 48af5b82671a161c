#!/usr/bin/env python3
"""The laboratory's server, for the demonstration: gives FILE as /results.csv to who knows the token, with ETag,
If-None-Match and ranges; prints its port, and one line per request.

    serve.py FILE TOKEN
"""
import hashlib
import http.server
import pathlib
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    file: pathlib.Path
    token: str

    def do_GET(self) -> None:
        if self.headers.get('Authorization') != f'Bearer {self.token}':
            self.send_error(401)
            return
        if self.path != '/results.csv':
            self.send_error(404)
            return
        content = self.file.read_bytes()
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        if self.headers.get('If-None-Match') == etag:
            self.send_response(304)
            self.send_header('ETag', etag)
            self.end_headers()
            return
        begin = 0
        if self.headers.get('If-Range') == etag and self.headers.get('Range', '').startswith('bytes='):
            begin = int(self.headers['Range'].removeprefix('bytes=').split('-')[0])
        if begin > 0:
            self.send_response(206)
            self.send_header('Content-Range', f'bytes {begin}-{len(content) - 1}/{len(content)}')
        else:
            self.send_response(200)
        self.send_header('ETag', etag)
        self.send_header('Content-Type', 'text/csv')
        self.send_header('Content-Length', str(len(content) - begin))
        self.end_headers()
        self.wfile.write(content[begin:])

    def log_message(self, format: str, *arguments) -> None:
        print(f'server: {format % arguments}', flush=True)


if __name__ == '__main__':
    Handler.file, Handler.token = pathlib.Path(sys.argv[1]), sys.argv[2]
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()

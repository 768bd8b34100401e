"""A tiny HTTP service for client tests: answers are queued per path, everything asked is remembered."""

import contextlib
import json
import threading
import time
from collections import defaultdict, deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Service:
    """`queue[path]` holds (status, headers, body bytes) or the word DROP; the last one is repeated."""

    def __init__(self):
        self.queue = defaultdict(deque)
        self.seen = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # else a kept connection waits 40 ms between head and body

            def do_GET(self):
                service.seen.append((time.monotonic(), self.path, dict(self.headers)))
                waiting = service.queue[self.path.split("?")[0]]
                answer = waiting.popleft() if len(waiting) > 1 else waiting[0]
                if answer == "DROP":
                    self.close_connection = True
                    self.connection.close()
                    return
                status, headers, body = answer
                # the usual way to begin an answer sends the time of day
                (self.send_response_only if "Date" in headers else self.send_response)(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
                if headers.get("Content-Length", str(len(body))) != str(len(body)):
                    self.close_connection = True

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.http.handle_error = lambda *args: None  # dropped connections are meant
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"

    def json(self, path, *bodies, status=200):
        for body in bodies:
            self.queue[path].append((status, {"Content-Type": "application/json"}, json.dumps(body).encode()))

    def answer(self, path, *answers):
        self.queue[path].extend(answers)


@contextlib.contextmanager
def running_service():
    service = Service()
    thread = threading.Thread(target=service.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.http.shutdown()
        service.http.server_close()
        thread.join()

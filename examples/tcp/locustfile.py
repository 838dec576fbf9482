# Not HTTP: lines over TCP, to a server that answers each one.
import os
import socket
import time

from locust import User, constant_throughput, task


class Pinger(User):
    wait_time = constant_throughput(10)

    def on_start(self):
        host, port = os.environ["LINE_SERVER"].rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=5)
        self.lines = self.socket.makefile("rb")

    def on_stop(self):
        self.socket.close()

    @task
    def ping(self):
        began, reply, error = time.perf_counter(), b"", None
        try:
            self.socket.sendall(b"PING\n")
            reply = self.lines.readline()
            if reply != b"PONG\n":
                raise ValueError("not a PONG")
        except Exception as e:
            error = e
        self.environment.events.request.fire(
            request_type="tcp", name="PING", response_time=(time.perf_counter() - began) * 1000,
            response_length=len(reply), exception=error, context={},
        )

# A user logs in once, when it starts, and keeps its session.
from locust import HttpUser, between, task


class Member(HttpUser):
    wait_time = between(1, 5)

    def on_start(self):
        self.client.post("/login", {"username": "foo", "password": "bar"})

    def on_stop(self):
        self.client.post("/logout")

    @task(2)
    def profile(self):
        with self.client.get("/profile", catch_response=True) as response:
            if "foo" not in response.text:
                response.failure("there is no foo in the body")

    @task(1)
    def index(self):
        self.client.get("/")

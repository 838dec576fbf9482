# Nested tasks: a user goes into the forum, reads for a while, and leaves.
from locust import HttpUser, TaskSet, between, task


class Forum(TaskSet):
    @task(20)
    def read(self):
        self.client.get("/forum/thread")

    @task(1)
    def write(self):
        self.client.post("/forum/thread", "me too")

    @task(5)
    def leave(self):
        self.interrupt()


class Visitor(HttpUser):
    wait_time = between(1, 5)
    tasks = {Forum: 5}

    @task(10)
    def index(self):
        self.client.get("/")

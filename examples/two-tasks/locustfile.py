# Two tasks, picked evenly.
from locust import HttpUser, between, task


class Visitor(HttpUser):
    wait_time = between(5, 15)

    @task
    def something(self):
        self.client.get("/something")

    @task
    def something_else(self):
        self.client.get("/something-else")

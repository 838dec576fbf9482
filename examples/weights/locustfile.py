# Weights: something is done twice as often as something else.
from locust import HttpUser, between, task


class Visitor(HttpUser):
    wait_time = between(5, 15)

    @task(2)
    def something(self):
        self.client.get("/something")

    @task(1)
    def something_else(self):
        self.client.get("/something-else")

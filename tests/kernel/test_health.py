"""Whether monitors learn what they need, and nothing else."""

from tests.browser import Browser


def test_a_living_process_says_ok(client: Browser) -> None:
    response = client.get("/healthz")

    assert (response.status_code, response.text) == (200, "ok\n")


def test_readiness_asks_the_database(client: Browser) -> None:
    response = client.get("/readyz")

    assert response.get_json()["database"] == "ok"

"""Clients of a process with many jobs share what may be shared: connections and the budget, and no cookie."""

import json

import pytest

from tests.fakes.service import running_service
from tradewinds.core.environment import SERVICES
from tradewinds.sources import client
from tradewinds.sources.allowances import Allowance

KEPT, CLOSED = {"Set-Cookie": "who=first"}, {"Connection": "close"}


@pytest.fixture
def service(monkeypatch, tmp_path):
    with running_service() as running:
        section = {"base_url": running.url, "requests_per_second": 1000, "max_connections": 4}
        section |= {"timeout_seconds": 600, "max_retries": 2}
        monkeypatch.setenv(SERVICES, json.dumps({"one": section, "slower": section | {"requests_per_second": 500}}))
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
        monkeypatch.setattr(client, "_kept", None)
        ports = []
        handler = running.http.RequestHandlerClass
        monkeypatch.setattr(
            handler, "setup", lambda self: (ports.append(self.client_address[1]), super(handler, self).setup())
        )
        running.opened = ports
        yield running


def ask(service, times: int, headers: dict[str, str]) -> list[client.HttpClient]:
    """Let as many clients, one after the other, ask once each."""
    service.answer("/a", (200, headers, b"{}"))
    clients = []
    for _ in range(times):
        clients.append(client.client_for("one"))
        assert clients[-1].get_json("/a") == {}
    assert not any("Cookie" in headers for _, _, headers in service.seen)
    assert [each.requests for each in clients] == [1] * times
    return clients


def test_a_process_of_many_jobs_keeps_its_connection(service):
    client.keep_connections()
    clients = ask(service, 3, KEPT)
    assert len(service.opened) == 1 and len({id(each.budget) for each in clients}) == 1
    for each in clients:
        each.session.close()


def test_a_connection_that_the_service_has_closed_is_made_anew_without_another_try(service):
    client.keep_connections()
    clients = ask(service, 3, CLOSED)
    assert len(service.opened) == 3 and [each.retries for each in clients] == [0, 0, 0]


def test_a_process_of_one_job_keeps_nothing(service):
    clients = ask(service, 2, KEPT)
    assert len(service.opened) == 2 and clients[0].budget is not clients[1].budget
    for each in clients:
        each.session.close()


def test_other_rates_allowances_or_folders_have_other_budgets(service, monkeypatch, tmp_path):
    client.keep_connections()
    weights = [Allowance("weight", 10, 60.0)]
    made = [client.client_for("one"), client.client_for("slower"), client.client_for("one", allowances=weights)]
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "other"))
    (tmp_path / "other").mkdir()
    made.append(client.client_for("one"))
    assert len({id(each.budget) for each in made}) == 4

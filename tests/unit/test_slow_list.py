"""The list of slow tests names tests that there are."""

from tests.conftest import ROOT, slow_tests


def test_each_is_there():
    for listed in slow_tests():
        path, name = listed.split("::")
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), f"remove {listed} from tests/slow_tests.txt"


def test_they_are_marked(request):
    items = {item.nodeid.partition("[")[0]: item for item in request.session.items}
    assert all(items[name].get_closest_marker("slow") for name in slow_tests() & items.keys())

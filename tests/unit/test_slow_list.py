"""The list of slow tests names tests and fixtures that there are."""

from tests.conftest import ROOT, slow_tests


def test_each_is_there():
    for listed in slow_tests():
        path, name = listed.split("::")
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), f"remove {listed} from tests/slow_tests.txt"


def test_they_are_marked(request):
    listed, found = slow_tests(), set()
    for item in request.session.items:
        path, _, name = item.nodeid.partition("[")[0].partition("::")
        because = listed & {f"{path}::{used}" for used in (name, *item.fixturenames)}
        assert item.get_closest_marker("slow") or not because, item.nodeid
        found |= because
    files = {item.nodeid.partition("::")[0] for item in request.session.items}
    alone = any("::" in argument for argument in request.config.args) or request.config.option.markexpr
    assert alone or found == {one for one in listed if one.partition("::")[0] in files}, "listed for no test"

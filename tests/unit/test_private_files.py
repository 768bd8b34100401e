"""The folder that jobs share: what another user could have prepared, read or changed is refused."""

import os
from pathlib import Path

import pytest

from tradewinds.core.errors import ConfigError
from tradewinds.sources.private_files import make_private, open_private, private_folder


def test_a_folder_and_its_files_are_made_for_this_user_alone(tmp_path):
    folder = make_private(tmp_path / "rates")
    assert folder.stat().st_mode & 0o777 == 0o700
    with open_private(folder / "stamps", "r+") as handle:
        handle.write("1\n")
    assert (folder / "stamps").stat().st_mode & 0o777 == 0o600
    with open_private(make_private(folder) / "stamps", "r+") as handle:
        assert handle.read() == "1\n"


@pytest.mark.parametrize("mode", [0o750, 0o707, 0o701, 0o720, 0o777, 0o1777])
def test_a_folder_that_is_open_to_others_is_refused(tmp_path, mode):
    (tmp_path / "rates").mkdir()
    (tmp_path / "rates").chmod(mode)
    with pytest.raises(ConfigError, match="open to other users"):
        make_private(tmp_path / "rates")


def test_a_link_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "own").mkdir(mode=0o700)
    (tmp_path / "rates").symlink_to(tmp_path / "own")
    with pytest.raises(ConfigError, match="a link or a file"):
        make_private(tmp_path / "rates")


@pytest.mark.parametrize("target", ["nothing", "rates"], ids=["dangling", "loop"])
def test_a_link_that_leads_nowhere_is_refused(tmp_path, target):
    (tmp_path / "rates").symlink_to(tmp_path / target)
    with pytest.raises(ConfigError):
        make_private(tmp_path / "rates")


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "rates").write_text("")
    with pytest.raises(ConfigError):
        make_private(tmp_path / "rates")


def test_a_folder_of_another_user_is_refused(tmp_path, monkeypatch):
    folder = make_private(tmp_path / "rates")
    monkeypatch.setattr(os, "getuid", lambda: folder.stat().st_uid + 1)
    with pytest.raises(ConfigError, match=f"belongs to another user .id {folder.stat().st_uid}"):
        make_private(folder)


def test_a_file_of_another_user_is_refused(tmp_path, monkeypatch):
    path = make_private(tmp_path / "rates") / "stamps"
    path.write_text("")
    monkeypatch.setattr(os, "getuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(ConfigError, match="no plain file of your own"):
        open_private(path, "r+")


@pytest.mark.parametrize("kind", ["link", "dangling link", "hard link", "FIFO", "folder"])
def test_what_is_no_plain_file_is_refused_and_left_alone(tmp_path, kind):
    victim, path = tmp_path / "victim", make_private(tmp_path / "rates") / "stamps"
    victim.write_text("mine")
    {
        "link": lambda: path.symlink_to(victim),
        "dangling link": lambda: path.symlink_to(tmp_path / "new"),
        "hard link": lambda: path.hardlink_to(victim),
        "FIFO": lambda: os.mkfifo(path),
        "folder": path.mkdir,
    }[kind]()
    with pytest.raises(ConfigError, match="no plain file of your own"):
        open_private(path, "r+")
    assert victim.read_text() == "mine" and not (tmp_path / "new").exists()


def test_the_runtime_folder_comes_first_unless_others_may_enter_it(tmp_path, monkeypatch):
    runtime, temporary = tmp_path / "runtime", tmp_path / "tmp"
    runtime.mkdir(mode=0o700)
    temporary.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    assert private_folder() == runtime / "tradewinds"
    runtime.chmod(0o755)
    assert private_folder() == temporary / f"tradewinds-rates-{os.getuid()}"
    monkeypatch.setenv("XDG_RUNTIME_DIR", os.path.relpath(runtime, Path.cwd()))
    assert private_folder().parent == temporary

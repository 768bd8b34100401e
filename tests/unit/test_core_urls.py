"""URLs: secrets in them are hidden and nothing else is; those that cannot be used are refused before anything is fetched."""

import pytest
import sqlalchemy as sa
import yaml

from tests.workflow.harness import CHICAGO
from tradewinds.config import markets, resolve
from tradewinds.core.database_urls import url_fault
from tradewinds.core.errors import ConfigError
from tradewinds.core.url_secrets import masked, masked_url
from tradewinds.sweeps import chunks


@pytest.mark.parametrize("show", [masked, masked_url])
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://h/p?token=abc&x=1", "https://h/p?token=***&x=1"),
        ("https://h/p?next_token=5&access_token=a", "https://h/p?next_token=5&access_token=***"),
        (
            "https://h/p?pageToken=ab&max_tokens=9&my_next_token_secret=a",
            "https://h/p?pageToken=ab&max_tokens=9&my_next_token_secret=***",
        ),
        ("https://h/p?next_token_secret=5", "https://h/p?next_token_secret=***"),
        ("https://h/p?key=abc", "https://h/p?key=***"),
        ("https://h/p?sig=abc#f", "https://h/p?sig=***#f"),
        ("https://h/p?x=1&X-Amz-Signature=abc", "https://h/p?x=1&X-Amz-Signature=***"),
        ("https://user:p%40s%2Fs@h/x", "https://user:***@h/x"),
        ("https://ghp_abc@github.com/x.git", "https://***@github.com/x.git"),
        ("https://x-access-token:abc@github.com/x.git", "https://x-access-token:***@github.com/x.git"),
        ("mysql+pymysql://u:p@ss@h:3306/d", "mysql+pymysql://u:***@h:3306/d"),
        ("postgresql://u:p/w@h/d", "postgresql://u:***@h/d"),
        ("mysql://u:80/x@h/d", "mysql://u:***@h/d"),
        ("postgresql://:pw@h/d", "postgresql://:***@h/d"),
        ("postgresql://u@h/d?password=pw&sslmode=x", "postgresql://u@h/d?password=***&sslmode=x"),
        ("http://u:p@[::1]:80/x", "http://u:***@[::1]:80/x"),
        ("https_proxy=http://u:p@proxy:8080", "https_proxy=http://u:***@proxy:8080"),
        ("socks5h://token@proxy:1080", "socks5h://***@proxy:1080"),
    ],
)
def test_a_secret_is_hidden(show, text, shown):
    assert show(text) == shown


@pytest.mark.parametrize("show", [masked, masked_url])
@pytest.mark.parametrize(
    "text",
    [
        "host:8080/path",
        "http://host:8080/path",
        "http://host:80/a@b",
        "https://h:443?q=a@b",
        "https://h/@user/x",
        "http://[::1]:80/x",
        "times 12:30@x",
        "see https://h/x, mail me@h.org",
        "git@github.com:org/x.git",
        "ssh://git@github.com/x.git",
        "sqlite:////srv/a@b:c.db",
        "https://h/p?monkey=1",
        "the key=abc",
    ],
)
def test_what_is_no_secret_is_shown(show, text):
    assert show(text) == text


SERVICES = [(market, service) for market in markets.NAMES for service in markets.family_of(market).services]
MINIMAL = {
    "kalshi_weather": CHICAGO,
    "equities_daily": {
        "universe": ["ALPHA", "BRAVO"],
        "bars": {"source": "synthetic"},
        "calendar": "XNYS",
        "strategy": {"name": "Mean Reversion"},
    },
    "equities_intraday": {"symbols": ["SPY"], "bars": {"source": "synthetic"}},
    "funding_carry": {
        "symbols": ["BTC/USDT:USDT"],
        "strategy": {"preset": "balanced"},
        "data": {"source": "synthetic"},
    },
}


def written(tmp_path, market, **changes):
    """A config of a family that is good but for the changes, and its file."""
    path = tmp_path / "config.yaml"
    dates = {"date_start_local": "2024-12-30", "date_end_local": "2024-12-31"}
    path.write_text(yaml.safe_dump({"market": market, **MINIMAL[market], **dates, **changes}, sort_keys=False))
    return path


@pytest.mark.slow
@pytest.mark.parametrize(("market", "service"), SERVICES)
@pytest.mark.parametrize(
    "url",
    ["http://[::1", "http://", "http://h:99999", "http://h:x", "http://a b", "file:///etc/passwd", "h:80", "http://.h",
     "http://*", "http://h:0", "http:///x", "http://u:pass-word@h:٣"],
)  # fmt: skip
def test_a_base_url_that_cannot_be_asked_is_refused_by_key_and_line(tmp_path, market, service, url):
    path = written(tmp_path, market, **{service: {"base_url": url}})
    line = 1 + next(n for n, text in enumerate(path.read_text().splitlines()) if "base_url" in text)
    with pytest.raises(ConfigError) as caught:
        resolve.load(path)
    said = str(caught.value)
    assert f"config.yaml, line {line}, {service}.base_url" in said and "\n" not in said and "pass-word" not in said
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(("market", "service"), SERVICES)
@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/x", "https://h", "http://[::1]:8/x", "http://u:p@h_x:1/", "https://bücher.de"]
)
def test_a_base_url_that_can_be_asked_is_taken(tmp_path, market, service, url):
    path = written(tmp_path, market, **{service: {"base_url": url}})
    assert resolve.load(path)[service]["base_url"] == url


NO_DATABASES = [
    "a.db",
    "mysql:/x",
    "://h",
    "x y://h/d",
    "mysql://u:pass-word@h:33o6/d",
    "mysql://[::1/d",
    "mysql://h:/d",
]


@pytest.mark.parametrize("url", NO_DATABASES)
@pytest.mark.parametrize("market", markets.NAMES)
def test_a_database_that_sqlalchemy_cannot_parse_is_refused_by_key_and_line(tmp_path, market, url):
    with pytest.raises((sa.exc.ArgumentError, ValueError)):
        sa.make_url(url)
    path = written(tmp_path, market, database={"url": url})
    with pytest.raises(ConfigError, match=r"config\.yaml, line \d+, database\.url") as caught:
        resolve.load(path)
    assert caught.value.exit_code == 2 and "pass-word" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///a b.db", "mysql+pymysql://u:p@ss@h:3306/d?x=1", "postgresql://u:p/w@h:1/d", "mysql://[::1]:3/d",
     "mysql://u:${PASSWORD}@${HOST}:${PORT}/d", "${DATABASE_URL}"],
)  # fmt: skip
def test_a_database_url_that_can_be_parsed_is_taken(url):
    if "$" not in url:
        sa.make_url(url)
    assert url_fault(url) is None


def test_the_config_that_jobs_of_a_sweep_share_is_private_without_a_password_and_goes(tmp_path):
    loaded = resolve.load(written(tmp_path, "kalshi_weather", database={"url": "mysql://u:pass-word@h/d"}))
    folder = tmp_path / "one" / "chunks"
    killed = [tmp_path / name / "chunks" / "sweep-999999999-abc" for name in ("one", "other")]  # no process has this id
    for left in killed:
        left.mkdir(parents=True)

    def write_and_fail():
        with chunks.shared_config(loaded, folder) as path, chunks.shared_config(loaded, folder) as other:
            assert not any(left.exists() for left in killed)
            assert path != other and path.stat().st_mode & 0o777 == 0o600
            assert "pass-word" not in path.read_text()
            shared = resolve.load(path)
            assert {**shared, "database": None} == {**loaded, "database": None}
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_and_fail()
    assert not list(folder.iterdir())


def test_each_url_of_a_service_is_checked(tmp_path):
    """Not only base_url: the index of files has a URL of its own."""
    path = written(tmp_path, "funding_carry", binance_bulk={"listing_url": "ftp://files"})
    with pytest.raises(ConfigError, match=r"binance_bulk\.listing_url.*does not begin with http"):
        resolve.load(path)

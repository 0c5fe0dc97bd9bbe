"""Settings: each wrong one is refused at start, by name and with the remedy."""

from __future__ import annotations

import multiprocessing
import re
import resource
import stat
from pathlib import Path
from urllib.parse import urlencode

import pytest
from redis.connection import Connection, parse_url

from myapp import create_app
from myapp.config import (
    REDIS_OPTIONS,
    REDIS_TLS_OPTIONS,
    RESERVED_DESCRIPTORS,
    default_max_clients,
    load,
    unknown,
)
from myapp.errors import ConfigError

from ..support import make_app

KEY = "0123456789abcdef0123456789abcdef"


def problems(folder: Path, **settings: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load({f"MYAPP_{name}": value for name, value in settings.items()}, folder)
    return str(caught.value)


def test_nothing_set_gives_the_documented_defaults(tmp_path: Path) -> None:
    settings = load({}, tmp_path)
    assert settings.database_url == f"sqlite:///{tmp_path / 'myapp.sqlite3'}"
    assert settings.is_sqlite
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8000, 1)
    assert (settings.max_clients_per_user, settings.max_clients_per_address) == (20, 200)
    assert settings.rate_limits is True
    assert settings.guests is True
    assert settings.allowed_origins == frozenset()
    assert settings.trusted_proxies == ("local",)


def test_empty_and_blank_variables_count_as_not_set(tmp_path: Path) -> None:
    assert load({"MYAPP_PORT": "", "MYAPP_HOST": "  "}, tmp_path) == load({}, tmp_path)


def test_variables_without_the_prefix_mean_nothing(tmp_path: Path) -> None:
    assert load({"PORT": "1", "SECRET_KEY": "x", "DATABASE_URL": "mysql://"}, tmp_path) == load({}, tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        *(("PORT", wrong, "give a whole number from 0 to 65535") for wrong in ("x", "-1", "65536", "8e3", "٨٠", "1.5")),
        *(("WORKERS", wrong, "give a whole number from 1 to 64") for wrong in ("0", "two", "65")),
        *(("DRAIN_SECONDS", wrong, "give a whole number from 0 to 3600") for wrong in ("-1", "soon", "3601")),
        *(
            (f"MAX_CLIENTS{which}", wrong, "give a whole number from 0 to")
            for which in ("", "_PER_USER", "_PER_ADDRESS")
            for wrong in ("-1", "many", "99999999999")
        ),
        *(("RATE_LIMITS", wrong, "give on or off") for wrong in ("yes", "1", "0ff")),
        ("GUESTS", "no", "give on or off"),
        *(
            ("REDIS_URL", wrong, "give redis://HOST:PORT/0, rediss://HOST:PORT/0 or unix:///FILE")
            for wrong in ("localhost", "http://localhost", "redis://", "redis://[::1", "redis://localhost:port")
        ),
        *(
            ("REDIS_URL", f"redis://h/0?{wrong}", "leave it out; there are db, username, password, client_name")
            for wrong in (
                "decode_responses=true",
                "decode_responses=",
                "encoding=latin-1",
                "protocol=3",
                "socket_timeout=0.001",
                "health_check_interval=5",
                "retry_on_timeout=true",
                "host=elsewhere",
                "DB=1",
                "password=secret&unheard_of=1",
            )
        ),
        *(
            ("REDIS_URL", wrong, "the option ssl_cert_reqs is for rediss://")
            for wrong in ("redis://h?ssl_cert_reqs=none", "unix:///run/redis.sock?ssl_cert_reqs=none")
        ),
        *(
            ("REDIS_URL", f"rediss://h/0?{wrong}", f"the option {wrong.partition('=')[0]}: give")
            for wrong in (
                "db=one",
                "client_name=two%20words",
                "ssl_cert_reqs=off",
                "ssl_ca_certs=ca.pem",
                "ssl_check_hostname=0",
                "ssl_min_version=1.2",
                "ssl_exclude_verify_flags=STRICT",
            )
        ),
        *(
            ("ALLOWED_ORIGINS", wrong, "write origins as https://shop.example")
            for wrong in (
                "shop.example",
                "*",
                "null",
                "ftp://shop.example",
                "https://shop.example/",
                "https://shop.example/path",
                "https://shop.example?q",
                "https://",
                "https://[::1",
                "https://shop.example:port",
                "https://me@shop.example",
            )
        ),
        ("SECRET_KEY", "short", "give at least 16 random characters"),
        *(
            ("TRUSTED_PROXIES", wrong, "give none, or any of local, 10.0.0.7, 10.0.0.0/8, 2001:db8::/32")
            for wrong in ("on", "proxy.example", "10.0.0.0/33", "10.0.0.1:80", "none local")
        ),
        *(
            ("DATABASE_URL", wrong, "give sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME")
            for wrong in (
                "mysql://host/name",
                "sqlite://",
                "sqlite:///",
                "sqlite:///:memory:",
                "x",
                "my.sqlite3",
                "postgresql+psycopg2://host/name",
                "postgresql://host:port/name",
                "postgresql://[::1/name",
            )
        ),
    ],
)
def test_wrong_setting_is_refused_by_name_with_its_remedy(name: str, value: str, remedy: str, tmp_path: Path) -> None:
    given = {"SECRET_KEY": KEY, **{name: value}}
    text = problems(tmp_path, **given)
    assert re.match(rf"MYAPP_{name}\b", text)
    assert remedy in text
    assert "\n" not in text


def test_all_wrong_settings_are_named_at_once(tmp_path: Path) -> None:
    wrong = {
        "PORT": "x",
        "WORKERS": "0",
        "RATE_LIMITS": "maybe",
        "ALLOWED_ORIGINS": "*",
        "DATABASE_URL": "mysql://h/n",
        "REDIS_URL": "localhost",
        "MAX_CLIENTS": "-1",
    }
    lines = problems(tmp_path, **wrong).splitlines()
    named = {re.match(r"MYAPP_([A-Z_]+)", line)[1] for line in lines}  # type: ignore[index]  # every line has one
    assert named == {*wrong, "SECRET_KEY"}  # which a database elsewhere does not do without
    assert len(lines) == len(wrong) + 1


POSTGRES = {"SECRET_KEY": KEY, "DATABASE_URL": "postgresql://h/n"}


@pytest.mark.parametrize(
    ("settings", "remedies"),
    [
        ({}, ["SQLite serves one", "the bus in memory serves one"]),
        ({"REDIS_URL": "redis://h"}, ["SQLite serves one"]),
        (POSTGRES, ["the bus in memory serves one"]),
    ],
    ids=["embedded", "sqlite", "memory"],
)
def test_several_workers_need_a_database_and_a_bus_for_several(
    settings: dict[str, str], remedies: list[str], tmp_path: Path
) -> None:
    lines = problems(tmp_path, WORKERS="2", **settings).splitlines()
    assert [remedy in line for remedy, line in zip(remedies, lines, strict=True)] == [True] * len(remedies)


@pytest.mark.parametrize(
    "url", ["redis://h", "redis://:secret@h:6380/1", "rediss://h/0", "unix:///run/redis.sock?db=1"]
)
def test_several_workers_are_served_by_redis_and_postgresql(url: str, tmp_path: Path) -> None:
    given = {f"MYAPP_{name}": value for name, value in {**POSTGRES, "REDIS_URL": url, "WORKERS": "2"}.items()}
    settings = load(given, tmp_path)
    assert (settings.workers, settings.redis_url) == (2, url)


#: Each option that an address of Redis may have.
OPTIONS = {
    "db": "1",
    "username": "bob",
    "password": "hunter2",
    "client_name": "myapp-here",
    "ssl_ca_certs": "/etc/ca.pem",
    "ssl_ca_path": "/etc/cas",
    "ssl_certfile": "/etc/own.pem",
    "ssl_keyfile": "/etc/key.pem",
    "ssl_password": "hunter2",
    "ssl_cert_reqs": "none",
    "ssl_check_hostname": "False",
    "ssl_min_version": "771",
    "ssl_ciphers": "ECDHE+AESGCM:!aNULL",
    "ssl_include_verify_flags": "VERIFY_CRL_CHECK_LEAF,VERIFY_X509_PARTIAL_CHAIN",
    "ssl_exclude_verify_flags": "VERIFY_X509_STRICT",
}


def test_options_of_redis_that_are_allowed_are_what_its_connections_take(tmp_path: Path) -> None:
    assert {**REDIS_OPTIONS, **REDIS_TLS_OPTIONS}.keys() == OPTIONS.keys()
    tls = f"rediss://h:6380?{urlencode(OPTIONS)}"
    plain = f"?{urlencode({name: OPTIONS[name] for name in REDIS_OPTIONS})}"
    for url in (tls, f"redis://h{plain}", f"unix:///run/redis.sock{plain}"):
        assert load({"MYAPP_REDIS_URL": url}, tmp_path).redis_url == url
        options = parse_url(url)  # type: ignore[no-untyped-call]
        assert options.pop("connection_class", Connection)(**options).username == "bob"


def test_all_wrong_options_of_redis_are_named_without_their_values(tmp_path: Path) -> None:
    text = problems(
        tmp_path, REDIS_URL="redis://h?decode_responses=hunter2&client_name=hunter%202&ssl_password=hunter2"
    )
    assert all(name in text for name in ("MYAPP_REDIS_URL", "decode_responses", "client_name", "ssl_password"))
    assert "hunter" not in text
    assert "\n" not in text


def test_create_app_refuses_to_start_on_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="MYAPP_PORT"):
        create_app({"MYAPP_PORT": "none"}, instance_path=str(tmp_path))


def test_password_of_a_refused_database_is_not_shown(tmp_path: Path) -> None:
    text = problems(tmp_path, SECRET_KEY=KEY, DATABASE_URL="mysql://bob:hunter2@host/name")
    assert "hunter2" not in text
    assert "bob" in text


@pytest.mark.parametrize("given", ["postgres://u:p@h/n", "postgresql://u:p@h/n", "postgresql+psycopg://u:p@h/n"])
def test_postgresql_goes_by_the_names_it_is_known_by(given: str, tmp_path: Path) -> None:
    settings = load({"MYAPP_DATABASE_URL": given, "MYAPP_SECRET_KEY": KEY}, tmp_path)
    assert settings.database_url == "postgresql+psycopg://u:p@h/n"
    assert not settings.is_sqlite


def test_origins_are_kept_in_lower_case_however_they_are_separated(tmp_path: Path) -> None:
    settings = load(
        {"MYAPP_ALLOWED_ORIGINS": "https://Shop.example, http://b.example:8080\nhttps://c.example"}, tmp_path
    )
    assert settings.allowed_origins == {"https://shop.example", "http://b.example:8080", "https://c.example"}


def test_proxies_are_kept_as_networks(tmp_path: Path) -> None:
    def proxies(text: str) -> tuple[str, ...]:
        return load({"MYAPP_TRUSTED_PROXIES": text}, tmp_path).trusted_proxies

    assert proxies("none") == ()
    assert proxies("LOCAL, 10.1.2.3/8 2001:db8::1") == ("local", "10.0.0.0/8", "2001:db8::1/128")


def test_what_only_uwsgi_reads_is_no_misspelt_setting() -> None:
    assert unknown({"MYAPP_SOCKET": "127.0.0.1:8000", "MYAPP_RELOAD_FILE": "reload"}) == []


def test_what_the_python_client_reads_is_no_misspelt_setting() -> None:
    assert unknown({"MYAPP_URL": "http://127.0.0.1:8000", "MYAPP_TOKEN": "token_x"}) == []


def test_misspelt_settings_are_found(tmp_path: Path) -> None:
    assert unknown({"MYAPP_PROT": "1", "MYAPP_PORT": "1", "MYAPP_REDIS_URL": "", "PATH": ""}) == ["MYAPP_PROT"]


def test_places_for_waiting_clients_come_from_the_limit_of_open_files() -> None:
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert default_max_clients() == max(1, soft - min(RESERVED_DESCRIPTORS, soft // 2))
    assert default_max_clients() < soft


def test_secret_key_is_made_once_and_only_for_its_owner(tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    first = load({}, instance).secret_key
    file = instance / "secret_key"
    assert len(first) >= 32
    assert file.read_text().strip() == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load({}, instance).secret_key == first
    assert [path.name for path in instance.iterdir()] == ["secret_key"]


def test_two_installations_have_two_secret_keys(tmp_path: Path) -> None:
    assert load({}, tmp_path / "a").secret_key != load({}, tmp_path / "b").secret_key


def _key_of(folder: str) -> str:
    return load({}, Path(folder)).secret_key


def test_processes_that_start_at_once_agree_on_one_secret_key(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert len(set(pool.map(_key_of, [str(tmp_path)] * 16, chunksize=1))) == 1


def test_damaged_secret_key_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("\n")
    text = problems(tmp_path)
    assert "secret_key" in text
    assert "delete" in text


def test_secret_key_is_not_made_up_for_a_database_elsewhere(tmp_path: Path) -> None:
    text = problems(tmp_path / "instance", DATABASE_URL="postgresql://h/n")
    assert re.match(r"MYAPP_SECRET_KEY is missing", text)
    assert "secrets.token_hex" in text
    assert not (tmp_path / "instance").exists()


def test_given_secret_key_is_used_and_none_is_written(tmp_path: Path) -> None:
    assert load({"MYAPP_SECRET_KEY": KEY}, tmp_path / "instance").secret_key == KEY
    assert not (tmp_path / "instance").exists()


def test_relative_sqlite_file_lies_under_the_instance_folder(tmp_path: Path) -> None:
    app = make_app(tmp_path, "sqlite:///data/my.sqlite3")
    app.extensions["myapp"].database.close()
    assert (tmp_path / "instance" / "data" / "my.sqlite3").exists()

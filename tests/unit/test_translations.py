"""Every text that a person can meet is translated: the catalogue is whole, and nothing bypasses it."""

from __future__ import annotations

import ast
import gettext
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from babel.messages import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_keywords, parse_mapping_cfg
from babel.messages.pofile import read_po
from jinja2 import Environment, nodes

from myapp import errors, languages

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
MODULES = sorted((ROOT / "myapp").rglob("*.py"))
FOLDER = ROOT / "translations" / "zh_Hans" / "LC_MESSAGES"

#: A message's id: its text, or singular and plural.
Id = str | tuple[str, ...]


@cache
def catalogue() -> Catalog:
    with (FOLDER / "messages.po").open("rb") as file:
        return read_po(file, locale="zh_Hans")


def translations() -> dict[Id, str | tuple[str, ...]]:
    return {(tuple(m.id) if m.pluralizable else m.id): m.string for m in catalogue() if m.id}


@cache
def extracted() -> frozenset[Id]:
    """What `make translations` finds, found anew: by its own mapping and keywords."""
    given = re.findall(r"-k (\w+)", (ROOT / "Makefile").read_text())
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found = extract_from_dir(
        ROOT,
        methods,
        options,
        keywords={**DEFAULT_KEYWORDS, **parse_keywords(given)},
        directory_filter=lambda path: Path(path).relative_to(ROOT).parts[0] in ("myapp", "templates"),
    )
    return frozenset(tuple(text) if isinstance(text, (tuple, list)) else text for _, _, text, _, _ in found)


# -- the catalogue


def test_it_has_exactly_the_texts_of_the_sources() -> None:
    assert len(extracted()) > 150
    stale = "run `make translations`, then translate what is empty"
    assert extracted() - set(translations()) == set(), stale
    assert set(translations()) - extracted() == set(), stale


def test_every_text_is_translated_and_none_is_a_guess() -> None:
    assert [text for text, said in translations().items() if not said or not all(said)] == []
    assert [m.id for m in catalogue() if m.id and m.fuzzy] == []
    assert list(catalogue().obsolete) == []


def places(text: str) -> Counter[str]:
    """`%(name)s`, with how it is written, and `{name}`."""
    return Counter(re.findall(r"%\(\w+\)[a-z]|%[^(]|\{\w*\}", text))


def test_a_translation_has_the_places_of_its_text_and_no_other() -> None:
    for text, said in translations().items():
        for one in [said] if isinstance(said, str) else said:
            assert places(one) == places(text if isinstance(text, str) else text[-1]), text


def test_plurals_have_the_one_form_of_chinese() -> None:
    plurals = [said for said in translations().values() if not isinstance(said, str)]
    assert plurals
    assert {len(said) for said in plurals} == {1}


def test_punctuation_is_chinese() -> None:
    narrow = re.compile(r"[\u4e00-\u9fff“”）]\s*[,:;?!()]|[,;?!()]\s*[\u4e00-\u9fff]")
    assert [said for said in translations().values() if narrow.search("".join(said))] == []


def test_what_is_compiled_is_what_is_written() -> None:
    """The compiled catalogue is kept too, so that `make run` needs no step before it."""
    with (FOLDER / "messages.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]  # no other way to see all of it
    expected: dict[Any, str] = {}
    for text, said in translations().items():
        if isinstance(text, str):
            expected[text] = said
        else:
            expected.update({(text[0], number): form for number, form in enumerate(said)})
    assert {key: said for key, said in compiled.items() if key != ""} == expected, "run `make translations`"


def test_the_file_tells_nothing_of_who_wrote_it_and_where() -> None:
    text = (FOLDER / "messages.po").read_text()
    assert re.findall(r"^#(?!, python).*$", text, re.M) == [
        "# The texts of the pages and errors in Simplified Chinese."
    ]
    assert not re.search(r"[\w.]@[\w.]", text)
    assert str(ROOT) not in text


def test_english_needs_no_catalogue() -> None:
    folders = {path.name for path in (ROOT / "translations").iterdir()}
    assert folders == set(languages._LOCALES.values()) - {"en"}


# -- templates

WORDS = re.compile(r"[A-Za-z]{2,}")
SHOWN_ATTRIBUTES = ("title", "placeholder", "aria-label", "alt")
#: Words in templates that are no texts, and why.
NO_TEXTS = {
    "WebSocket": "the technology's name, in the list of transports",
    "hidden": "an attribute in one of two branches, both of which end the tag",
}
#: Blocks that stand within a tag.
_BLOCKS_OF_TAGS = re.compile(r"{% block (?:layout|main_attributes) %}.*?{% endblock %}")
_TRANSLATING = ("_", "gettext", "ngettext")


class Shown(HTMLParser):
    """Collects what of a page's source people read."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._hidden = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._hidden = tag in ("script", "style")
        self.texts.extend(value for name, value in attributes if name in SHOWN_ATTRIBUTES and value)

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.texts.append(data)


def literal_words(source: str) -> list[str]:
    """Words outside of Jinja's braces, between tags and in attributes that are shown."""
    tokens = Environment().lex(_BLOCKS_OF_TAGS.sub("", source))
    shown = Shown()
    shown.feed("".join(value if kind == "data" else " " for _, kind, value in tokens))
    return [word for text in shown.texts for word in WORDS.findall(text)]


def unwrapped_strings(source: str) -> list[str]:
    """Strings in Jinja's expressions that read like texts, with a capital or a blank, and are not given to `_`."""
    tree = Environment(extensions=["jinja2.ext.i18n"]).parse(source)
    wrapped = {
        id(const)
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name in _TRANSLATING
        for const in call.find_all(nodes.Const)
    }
    strings = [c.value for c in tree.find_all(nodes.Const) if isinstance(c.value, str) and id(c) not in wrapped]
    return [text for text in strings if re.search(r"^[A-Z][a-z]|[A-Za-z]{2} |…", text)]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_says_nothing_untranslated(path: Path) -> None:
    source = path.read_text()
    assert set(literal_words(source)) | set(unwrapped_strings(source)) <= set(NO_TEXTS)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>Hello</p>", ["Hello"]),
        ("<p {% if x %}class=a{% endif %}>{{ _('Hello') }} you</p>", ["you"]),
        ('<img alt="a cat" src="cat.png"><b title="{{ title }}">{# note #}×</b>', ["cat"]),
        ('<input placeholder="Write">', ["Write"]),
        ("<script>let x</script><style>p {}</style>", []),
    ],
)
def test_words_in_a_template_are_found(source: str, found: list[str]) -> None:
    assert literal_words(source) == found


def test_strings_in_expressions_are_found() -> None:
    source = "{{ ui.input(form.x, 'Name', autocomplete='off') }}{{ _('Sign in') if x == 'one' else 'Sign out' }}"
    assert unwrapped_strings(source) == ["Name", "Sign out"]


# -- errors

ERRORS = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.AppError)}
#: What a text is put together from elsewhere, by module and expression, and why that is right.
ELSEWHERE = {
    ("refusals.py", "problem.partition(' - at ')[0].replace('`', '').lower()"): "msgspec's words on a program's JSON",
    ("refusals.py", "problem.replace('`', '').lower()"): "msgspec's words on a program's JSON",
    (
        "web.py",
        "DETAILS.get(status) or Text(error.description or HTTPStatus(status).phrase)",
    ): "rare kinds of HTTP's own",
}
#: Modules whose plain texts only programs read.
FOR_PROGRAMS = {
    "messages/following.py": "asked by live.js and by clients, never opened as a page",
    "messages/watching.py": "the same",
    "operations.py": "asked by `flask live`",
}


def details(source: str) -> Iterator[ast.expr]:
    """What is given to errors as detail, problem or errors; what a name stands for in its place."""
    tree = ast.parse(source)
    named: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            named.setdefault(node.targets[0].id, []).append(node.value)
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        if name not in ERRORS | {"plain"}:
            continue
        values = call.args[1:2] if name in ("Invalid", "plain") else call.args[:1]
        for keyword in call.keywords:
            if keyword.arg == "errors" and isinstance(keyword.value, ast.Dict):
                values.extend(keyword.value.values)
        for value in values:
            yield from named.get(value.id, [value]) if isinstance(value, ast.Name) else [value]


def constant(value: ast.expr) -> str | None:
    """The text of "..." or Text("...", ...)."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "Text" and value.args:
        value = value.args[0]
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT / "myapp")))
def test_what_an_error_says_is_translated(path: Path) -> None:
    module = str(path.relative_to(ROOT / "myapp"))
    for value in details(path.read_text()):
        text = constant(value)
        is_wrapped = text is not None and not isinstance(value, ast.Constant)
        if not is_wrapped and module in FOR_PROGRAMS:
            continue
        said = text if text is not None else ast.unparse(value)
        assert said in translations() or (module, said) in ELSEWHERE, f"{module}:{value.lineno}: wrap it in Text()"


def test_details_of_errors_are_found() -> None:
    source = """
RULE = Text("write more", least=1)
def check():
    raise Invalid("field", RULE)
    raise NotFound("plain")
    raise Conflict(f"{x} is taken", errors={"name": Text("is taken")})
"""
    assert [constant(value) for value in details(source)] == ["write more", "plain", None, "is taken"]

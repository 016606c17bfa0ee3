"""README, docs and public docstrings are plain technical English: short sentences.

A reader takes in one thought after the other. On pages no word has to be decoded either, and links lead somewhere. Of
docstrings, the rule holds for modules, and for classes, functions and methods that are public, in FOLDERS.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from support import REPOSITORY

PAGES = ("README.md", *sorted(str(page.relative_to(REPOSITORY)) for page in (REPOSITORY / "docs").glob("*.md")))

#: Words of a sentence, on average over a page and at most. A code span or a link's target is one word.
MOST_ON_AVERAGE, MOST = 16, 18

#: Folders with docstrings for which the rule holds.
FOLDERS = ("benchmarks", "results", "search_space", "tuner", "velatune", "workers")

#: What was used once -> what is meant by it.
DECODED = {
    r"in front of": "before",
    r"behind": "after, past",
    r"(?:is|are|was|were) told(?! apart)": "is reported, is specified",
    r"gone on (?:with|from)": "resumed, extended",
    r"mends?": "workaround",
    r"dearer": "costs more",
    r"paying|@agreed": "profitable, profitable-by-both",
}

_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_CODE = re.compile(r"`[^`]*`")
_ITEM = re.compile(r"^\s*(?:[-*]|\d+\.)\s+", re.MULTILINE)
#: In a docstring: a section of entries, an entry, and what click prints as it stands.
_SECTION = re.compile(r"^(?:Args|Attributes|Raises|Returns|Yields):\n((?:(?: {4}.*)?(?:\n|$))*)", re.MULTILINE)
_ENTRY = re.compile(r"^(?=\*{0,2}\w+(?:, \*{0,2}\w+)*: )", re.MULTILINE)
_AS_IT_STANDS = re.compile(r"^\x08\n(?:.+\n?)*", re.MULTILINE)
_END = re.compile(r"(?<=[.!?:;])[*_\"')]*\s+(?=[\"'(*_]*[A-Z0-9§])|(?<=[.!?])[*_\"')]*\s+")


def sentences(text: str) -> Iterator[str]:
    """The sentences of a Markdown page: of its paragraphs and items, not of code, tables and headings."""
    text = re.sub(r"```.*?```", "\n\n", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "\n\n", text, flags=re.DOTALL)
    text = re.sub(r"^(\||#| {4,}(?![-*] )).*$", "\n\n", text, flags=re.MULTILINE)
    text = _CODE.sub("§", _LINK.sub(r"\1", text))
    for paragraph in re.split(r"\n\s*\n", _ITEM.sub("\n\n", text)):
        for sentence in _END.split(" ".join(paragraph.split())):
            if re.search(r"\w", sentence):
                yield sentence


def words(sentence: str) -> int:
    return sum(bool(re.search(r"[\w§]", word)) for word in sentence.split())


Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def as_page(docstring: str) -> str:
    """A docstring as a page: every entry of a section is a paragraph."""

    def unindented(section: re.Match[str]) -> str:
        return "\n\n" + re.sub(r"^ {4}(?: {4}(?![-*] ))?", "", section[1], flags=re.MULTILINE)

    text = _SECTION.sub(unindented, docstring)
    return _ENTRY.sub("\n\n", _AS_IT_STANDS.sub("\n\n", text))


def docstrings(node: Documented) -> Iterator[tuple[int, str]]:
    """Line and text of the public docstrings in a module."""
    text = ast.get_docstring(node)
    if text:
        yield getattr(node, "lineno", 1), text
    for one in node.body:
        if isinstance(one, Documented) and (one.name == "__init__" or not one.name.startswith("_")):
            yield from docstrings(one)


def long_sentences(source: str) -> Iterator[str]:
    """Line, words and text of what is too long in the public docstrings of a module."""
    for line, text in docstrings(ast.parse(source)):
        for one in sentences(as_page(text)):
            if words(one) > MOST:
                yield f"{line}: {words(one)} words: {one}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_sentences_of_docstrings_are_short(folder: str) -> None:
    files = sorted((REPOSITORY / folder).rglob("*.py"))
    assert files
    found = [f"{path.relative_to(REPOSITORY)}:{one}" for path in files for one in long_sentences(path.read_text())]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("page", PAGES)
def test_sentences_are_short(page: str) -> None:
    found = list(sentences((REPOSITORY / page).read_text()))
    assert found
    long = [f"{words(one)} words: {one}" for one in found if words(one) > MOST]
    assert not long, "\n".join(long)
    mean = sum(map(words, found)) / len(found)
    assert mean <= MOST_ON_AVERAGE, f"{mean:.1f} words in a sentence of {page}"


@pytest.mark.parametrize("page", PAGES)
def test_no_word_has_to_be_decoded(page: str) -> None:
    text = _CODE.sub("", re.sub(r"```.*?```", "", (REPOSITORY / page).read_text(), flags=re.DOTALL))
    found = [f"'{m[0]}': {plain}" for word, plain in DECODED.items() for m in re.finditer(rf"\b(?:{word})\b", text)]
    assert not found, "\n".join(found)


def test_the_index_lists_every_page() -> None:
    index = (REPOSITORY / "docs" / "README.md").read_text()
    listed = re.findall(r"^\| \[([\w-]+)\]\(\1\.md\) \|", index, re.MULTILINE)
    assert sorted(listed) == sorted({page.stem for page in (REPOSITORY / "docs").glob("*.md")} - {"README"})


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_a_page_and_heading(page: str) -> None:
    source = REPOSITORY / page
    text = _CODE.sub("", re.sub(r"```.*?```", "", source.read_text(), flags=re.DOTALL))
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    broken = []
    for link in links:
        path, _, anchor = link.partition("#")
        target = (source.parent / path).resolve() if path else source
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            broken.append(link)
    assert not broken, f"{page} links to what is not there"


def anchors(text: str) -> set[str]:
    """What links can name in a Markdown page, by GitHub's rule: its headings in small letters, joined by hyphens."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    plain = (_LINK.sub(r"\1", heading).lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).strip().replace(" ", "-") for heading in plain}


def test_sentences_are_found() -> None:
    page = "# A heading\n\nOne `x y` two. Three\nfour: five.\n\n- Six [seven](a b).\n\n| a cell. |\n\n```\ncode.\n```\n"
    assert list(sentences(page)) == ["One § two.", "Three four: five.", "Six seven."]
    assert words("One § two.") == 3


LONG = " ".join(["word"] * (MOST + 1))
MODULE = f'''
"""Short.

    a table {LONG}

It ends here.
"""

def f(a: int, b: int) -> None:
    """Add.

    \b
    as it stands {LONG}

    Args:
        a: {LONG.removesuffix(" word word word")}
            word
        b: short
            {LONG}
    """

def _g() -> None:
    """{LONG}"""
'''


def test_long_sentences_of_docstrings_are_found() -> None:
    """An entry counts with its name, and what is no prose or not public does not."""
    assert list(long_sentences(MODULE)) == [f"9: {MOST + 3} words: b: short {LONG}"]

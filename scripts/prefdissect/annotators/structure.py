"""The layout of a response: its Markdown elements, its prose without code, its sentences.

Responses are Markdown only loosely. Before parsing, bullets that Markdown does not know become ones it knows; indented
text is read as text, never as code; HTML tags are left as text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from markdown_it import MarkdownIt

# What one element adds to the amount of structure. Headings and blocks of code organise more than a single item.
STRUCTURE_POINTS = {"headings": 2.0, "items": 1.0, "table_rows": 1.0, "code_blocks": 2.0, "strong": 0.5}

_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("code")
_FOREIGN_BULLET = re.compile(r"(?m)^([ \t]*)(?:[•●▪‣◦○·][ \t]*(?=\S)|-(?=[A-Z]))")
_BRACKETED_NUMBER = re.compile(r"(?m)^([ \t]*)\((\d{1,2})\)(?=[ \t])")
_LIST_ITEM = r"(?:[-*+]|\d{1,9}[.)])[ \t]"
_TOP_ITEM = re.compile(rf"(?m)^ {{0,3}}{_LIST_ITEM}")
_INDENTED_ITEM = re.compile(rf"(?m)^[ \t]+(?={_LIST_ITEM})")
_MARKUP = re.compile(r"[*_`#|>~\[\\&]|^[ \t]*(?:[-+=]|\d{1,9}[.)])", re.MULTILINE)
_ORDINAL_LABEL = re.compile(
    r"\d{1,2}[.)]\s|(?:step|phase|stage|week|day)\s+(?:\d+|one|two|three|four|five|six)\b", re.IGNORECASE
)
_CODE_LINE = re.compile(
    r"""\s*(?: .*[;{}]$ | </?\w[^>]*> | (?:def|class|for|while|if|elif|else|try|except)\b.*:$ | import\s+[\w.]+$
        | from\s+[\w.]+\s+import\b | \#include\b | return\b\s+\S+$ | print\s*\( | [\w.]+\s*=\s*[\w.]+\( | \$\s+\w )""",
    re.VERBOSE,
)
# The blank after a sentence's end, except after titles and other common abbreviations, initials and list numbers.
_SENTENCE_END = re.compile(
    r"(?<=[.!?…])(?<!\b(?:Mr|Ms|Dr|St|vs|eg|ie|cf|No)\.)(?<!\b(?:Mrs|etc|e\.g|i\.e)\.)(?<!\b[A-HJ-Z]\.)(?<!^\d\.)"
    r"[\"'”’)\]*_]*\s+|(?<=[。！？])|\n+(?=[^a-z])"
)


@dataclass(frozen=True)
class Block:
    """One stretch of text: `kind` is paragraph, item, numbered, heading or table."""

    kind: str
    text: str


@dataclass
class Layout:
    """Elements of a response, counted, and its text by blocks (code left out)."""

    headings: int = 0
    bullets: int = 0
    numbered: int = 0
    table_rows: int = 0
    code_blocks: int = 0
    block_quotes: int = 0
    strong: int = 0
    loose_code_lines: int = 0
    blocks: list[Block] = field(default_factory=list)

    @property
    def items(self) -> int:
        return self.bullets + self.numbered


def read_layout(text: str) -> Layout:
    """Parse a response.

    Parameters
    ----------
    text
        Any text.

    Returns
    -------
    Layout
        Counts of elements and the blocks of prose in their order.
    """
    layout = Layout()
    text = _standardize(text)
    if _MARKUP.search(text):
        _walk(_PARSER.parse(text), layout)
    else:
        for paragraph in re.split(r"\n\s*\n", text):
            _add_block(layout, "paragraph", paragraph.strip())
    _drop_lone_bullet(layout)
    return layout


def structure_score(text: str) -> float:
    """Amount of structure in a response: elements counted with the weights of `STRUCTURE_POINTS`.

    Parameters
    ----------
    text
        Any text.

    Returns
    -------
    float
        0 for plain paragraphs; grows by 1 with each list item or table row, by 2 with each heading or code block
        and by 0.5 with each stretch of bold text. Not bounded and not relative to length.
    """
    layout = read_layout(text)
    return float(sum(points * getattr(layout, element) for element, points in STRUCTURE_POINTS.items()))


def split_sentences(text: str) -> list[str]:
    """Split prose into sentences; a new line starts a new one unless it goes on in lower case."""
    return [sentence.strip() for sentence in _SENTENCE_END.split(text) if sentence and sentence.strip()]


def _standardize(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _BRACKETED_NUMBER.sub(r"\1\2)", _FOREIGN_BULLET.sub(r"\1- ", text))
    # A list that is indented as a whole has no item for the parser to begin with.
    return text if _TOP_ITEM.search(text) else _INDENTED_ITEM.sub("", text)


def _walk(tokens, layout: Layout) -> None:
    kinds = {"heading_open": "heading", "th_open": "table", "td_open": "table"}
    lists, kind = [], "paragraph"
    for token in tokens:
        if token.type in ("bullet_list_open", "ordered_list_open"):
            lists.append("item" if token.type.startswith("bullet") else "numbered")
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            lists.pop()
        elif token.type == "list_item_open":
            _count_item(layout, lists[-1])
            kind = lists[-1]
        elif token.type == "fence":
            layout.code_blocks += 1
        elif token.type == "blockquote_open":
            layout.block_quotes += 1
        elif token.type == "tr_open":
            layout.table_rows += 1
        elif token.type == "heading_open":
            layout.headings += 1
        elif token.type == "inline":
            _add_inline(token, layout, kind)
            kind = "paragraph"
        kind = kinds.get(token.type, kind)


def _count_item(layout: Layout, kind: str) -> None:
    if kind == "numbered":
        layout.numbered += 1
    else:
        layout.bullets += 1


def _add_inline(token, layout: Layout, kind: str) -> None:
    pieces = []
    for child in token.children:
        if child.type == "text":
            pieces.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            pieces.append("\n")
        elif child.type == "strong_open":
            layout.strong += 1
    opened = len(token.children) > 2 and token.content.startswith(("**", "__")) and token.content.endswith(("**", "__"))
    if kind == "paragraph" and opened and token.content.count("**") <= 2 and "\n" not in token.content:
        kind = "heading"  # a line of its own in bold does the work of a heading
        layout.headings += 1
        layout.strong -= 1
    _add_block(layout, kind, "".join(pieces))


def _add_block(layout: Layout, kind: str, text: str) -> None:
    lines = text.split("\n")
    prose = [line for line in lines if not _CODE_LINE.match(line)]
    layout.loose_code_lines += len(lines) - len(prose)
    text = "\n".join(prose).strip()
    if not text:
        return
    if kind in ("paragraph", "heading") and _ORDINAL_LABEL.match(text):
        kind = "numbered"  # numbered by hand, outside a list
        layout.numbered += 1
    layout.blocks.append(Block(kind, text))


def _drop_lone_bullet(layout: Layout) -> None:
    """A single bullet is a dash of dialogue or an attribution, not a list."""
    if layout.bullets == 1:
        layout.bullets = 0
        layout.blocks = [Block("paragraph", b.text) if b.kind == "item" else b for b in layout.blocks]

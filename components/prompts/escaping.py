"""Untrusted text made safe to stand inside a prompt: other people's posts, captions, keywords.

Reads and writes strings only. `clean` removes what a reader cannot see but a model can (zero-width, bidi, tag and
control characters), so an instruction cannot hide in a text; `escape` also makes it impossible to close the tag it
stands in or to open a chat role. What a person can see stays: emoji sequences, Indic joiners.
"""

import html

import regex

_EMOJI_TAIL = r"[\p{Extended_Pictographic}\uFE0F\U0001F3FB-\U0001F3FF\u20E3]"
_JOINED_SCRIPTS = (
    r"[\p{Script=Arabic}\p{Script=Syriac}\p{Script=Mongolian}\p{Script=Devanagari}\p{Script=Bengali}"
    r"\p{Script=Gurmukhi}\p{Script=Gujarati}\p{Script=Oriya}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}"
    r"\p{Script=Malayalam}\p{Script=Sinhala}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}]"
)
# England, Scotland and Wales: the only flags spelled with tag characters; any other run of them is smuggled text.
_FLAGS = "|".join(
    "\U0001f3f4" + "".join(chr(0xE0000 + ord(letter)) for letter in region) + "\U000e007f"
    for region in ("gbeng", "gbsct", "gbwls")
)
_INVISIBLE = regex.compile(
    rf"(?P<keep>{_FLAGS}"
    rf"|(?<={_EMOJI_TAIL})\u200D(?=\p{{Extended_Pictographic}})"  # a family, a profession
    rf"|(?<={_JOINED_SCRIPTS}\p{{M}}*)[\u200C\u200D](?={_JOINED_SCRIPTS})"  # letters that join or do not
    r"|(?<=[\p{Emoji}\p{Extended_Pictographic}])[\uFE0E\uFE0F]"  # drawn as text or as emoji
    r"|[\u0600-\u0605\u06DD\u070F\u0890\u0891\u08E2\U000110BD\U000110CD]"  # format characters that are drawn
    r"|[\n\t])"
    r"|[\p{Cc}\p{Cf}\p{Co}\p{Default_Ignorable_Code_Point}\u2800\uFFFC]"
)
_MARKS = regex.compile(r"(\p{M}{6})\p{M}+")  # no language stacks more; towers of marks hide the lines around them
_ROLE_AT_LINE_START = regex.compile(
    r"^(?P<before>[ \t>*#\-_|]*)(?P<role>system|assistant|user|human|developer|tool|model|instructions?)"
    r"(?P<after>[ \t*_]*[:：])",
    regex.IGNORECASE | regex.MULTILINE,
)
_HEADING_ROLE = regex.compile(
    r"^[ \t]*#{1,6}[ \t]*(?P<role>system|assistant|user|human|developer|instructions?|response)\b"
    r"[ \t]*(?P<after>[:：]?)",
    regex.IGNORECASE | regex.MULTILINE,
)
_BRACKET_ROLE = regex.compile(
    r"\[(?P<role>/?(?:INST|SYS|SYSTEM|USER|ASSISTANT|TOOL_CALLS|TOOL_RESULTS))\]", regex.IGNORECASE
)
_TAG = regex.compile(r"[a-z][a-z0-9_]*")


def clean(text: str) -> str:
    """`text` without what cannot be seen; line ends become \\n, lone surrogates U+FFFD. Idempotent."""
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text = regex.sub(r"\r\n?|[\u2028\u2029\u0085\v\f]", "\n", text)
    while (cleaned := _INVISIBLE.sub(lambda match: match["keep"] or "", text)) != text:
        text = cleaned  # removing one character can orphan its neighbour
    return _MARKS.sub(r"\1", text)


def escape(text: str) -> str:
    """`clean(text)` that can neither close the tag it stands in nor pretend to be another speaker."""
    text = clean(text)
    text = _HEADING_ROLE.sub(lambda m: f"({m['role']}){m['after']}", text)
    text = _ROLE_AT_LINE_START.sub(lambda m: f"{m['before']}({m['role']}){m['after'].strip()}", text)
    text = _BRACKET_ROLE.sub(lambda m: f"({m['role']})", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """What a reader of an escaped text sees: &lt; &gt; and &amp; turned back (role tags stay neutralised)."""
    return html.unescape(text)


def delimit(tag: str, text: str) -> str:
    """`text`, escaped, between <tag> and </tag>; on lines of its own when it has several."""
    if not _TAG.fullmatch(tag):
        raise ValueError(f"a tag is lower-case letters, digits and underscores, not {tag!r}")
    body = escape(text).strip()
    return f"<{tag}>\n{body}\n</{tag}>" if "\n" in body else f"<{tag}>{body}</{tag}>"

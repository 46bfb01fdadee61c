"""Which language a short text is in, and the function words of it, which are never keywords.

Read: the lists below, which tell languages apart, and the longer ones that come with YAKE for 30 more languages.
"""

import re
import unicodedata
from functools import cache

STOP_WORDS: dict[str, frozenset[str]] = {
    code: frozenset(words.split())
    for code, words in {
        "en": """
            a about after again all also am an and any are as at be because been before being but by can
            could did do does don't for from get got had has have he her here him his how i if i'm in into
            is it it's its just like me more my no not now of off on one only or our out over really she
            should so some such than that that's the their them then there these they this those to too up
            us very was we were what when where which who will with would you your
            """,
        "de": """
            aber als am an auch auf aus bei bin bis bist da das dass dein dem den der des die doch du durch
            ein eine einem einen einer er es für haben hat ich ihr im in ist ja kann mal man mehr mein mich
            mir mit nach nicht noch nur oder schon sehr sein sich sie sind so über um und uns unter vom von
            vor war was wenn wer wie wir wird zu zum zur
            """,
        "nl": """
            aan al als bij dan dat de deze die dit door een en er ge het heb heeft hem hier hij hoe ik in is
            je kan maar me met mijn naar niet nog nu of om onder ook op over te toch tot uit van veel voor
            waar was wat we wel werd wie wij wordt worden ze zich zijn zo zou
            """,
        "fr": """
            à au aux avec c'est ce ces cette comme dans de des du elle en est et être eux fait il ils je
            j'ai l'on la le les leur lui ma mais me mes moi mon ne nos notre nous on ou où par pas plus pour
            qu'il que qui sa sans se ses si son sont sur ta te tes toi ton tout très tu un une vos votre
            vous
            """,
        "es": """
            al algo ante como con de del desde donde el ella en entre era es esta está este esto fue ha hay
            la las le les lo los más me mi muy nada ni no nos o para pero por porque que qué se sin sobre
            son su sus también te tiene todo tu un una uno unos y ya yo
            """,
        "it": """
            agli al alla anche che chi ci come con cui da dal dalla degli dei del della delle di dove e è ed
            era gli ha ho i il in io la le lei lo loro lui ma mi mia mio ne nei nel nella non noi o per
            perché più quando questa questo se sei si sia sono su sua sul sulla suo ti tra tu un una uno vi
            voi
            """,
        "pt": """
            ao aos as à com como da das de dela dele do dos e é ela ele em entre era essa esse esta este eu
            foi há isso isto já lhe mais mas me meu minha muito na não nas nem no nos nós o os ou para pela
            pelo por qual quando que quem se sem ser seu sua são só também te tem um uma você
            """,
    }.items()
}

EVERYWHERE: frozenset[str] = frozenset().union(*STOP_WORDS.values())
"""For texts in a language that is not known: one language's function word may be another's noun (war, door, son)."""

_GENERIC = """
    photo photos photograph picture pictures pic pics image images snapshot background thing things something
    anything everything nothing someone anyone everyone bit lot lots kind sort way other others own same such much
    many few several first last next new old good great big little rt via amp http https www com lol omg btw etc yes
    yeah yep nope ok okay hey hi hello wow haha hahaha oh ah ugh tbh imo imho fyi psa ama ftw y'all y’all wtf idc
    idk til smh lmao ngl pov tldr dm dms pm am et pt est pst edt pdt utc gmt thanks thank thx please congrats sure
    rest gonna wanna gotta tweet tweets tweeted tweeting retweet retweets today tonight tomorrow yesterday day time
    year years week going getting doing having being making taking coming looking couldn don doesn didn isn wasn
    weren won ain aren hasn haven wouldn shouldn bild foto fotos imagen immagine
"""
GENERIC: frozenset[str] = frozenset(_GENERIC.split())
"""Words that say nothing about what is in a picture."""

_NOT_SAID = frozenset({"", "und", "unknown", "zxx", "art", "mul", "qme", "qam", "qct", "qht", "qst"})
"""X's codes for texts of only mentions, hashtags, media, or too little to tell."""
_OLD_CODES = {"in": "id", "iw": "he", "nb": "no", "nn": "no"}
_LETTERS = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


@cache
def stop_words(code: str) -> frozenset[str]:
    """Of a language's code. One language's function word may be another's noun (war, door, son): only where nobody
    knows a list for the language, those of all are taken."""
    return STOP_WORDS.get(code, frozenset()) | _longer(code) or EVERYWHERE


@cache
def _longer(code: str) -> frozenset[str]:
    """The package stop-words'; not for languages whose words are tagged, where its rarer ones are fine keywords."""
    from stop_words import StopWordError, get_stop_words

    if code in {"en", "de", "nl"}:
        return frozenset()
    try:
        return frozenset(word.lower() for word in get_stop_words(code))
    except StopWordError:
        return frozenset()


def language_of(text: str, language: str | None) -> str:
    """`en`, `de`, `nl`, or another language's code; `und` for texts mostly in another script that say no language.

    As stated, unless none of its function words are in the text and English ones are (X takes a name for a language);
    where nothing is stated, by which language's most frequent words are in the text, English when none are, as in a
    list of hashtags.
    """
    code = re.split(r"[-_]", (language or "").lower())[0]
    code = _OLD_CODES.get(code, code)
    stated = code not in _NOT_SAID
    letters = [c for c in text if c.isalpha()]
    if sum("LATIN" in unicodedata.name(c, "") for c in letters) < len(letters) / 2:
        return code if stated and code not in STOP_WORDS else "und"
    words = {match[0].lower() for match in _LETTERS.finditer(text)}
    hits = {known: len(words & common) for known, common in STOP_WORDS.items()}
    if stated:
        own = hits.get(code, 0) + len(words & _longer(code))
        return "en" if own == 0 and hits["en"] >= (1 if code not in hits and _longer(code) else 2) else code
    best = max(hits, key=lambda known: hits[known])
    return "en" if hits["en"] == hits[best] else best

"""Frequent function words of seven languages: they tell a short text's language and are never keywords."""

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
    anything everything nothing someone anyone everyone bit lot lots kind sort way other others own same such
    much many few several first last next new old good great big little many rt via amp http https www com lol
    omg btw etc yes ok okay hey hi today tonight tomorrow yesterday day time year years week going getting doing
    having being making taking coming looking couldn don doesn didn isn wasn weren won ain aren hasn haven
    wouldn shouldn bild foto fotos photo imagen immagine
"""
GENERIC: frozenset[str] = frozenset(_GENERIC.split())
"""Words that say nothing about what is in a picture."""

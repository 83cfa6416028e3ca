"""The sentences that scripts of the page say, in both languages: they follow its switch at once."""

from typing import Any

from clip_app.errors import ClipAppError, Reason
from clip_app.strings import LANGUAGES, STRINGS, Language

Both = dict[Language, str]


def words(*topics: str) -> dict[Language, dict[str, str]]:
    """Every string whose key begins with one of `topics`, by language; placeholders are left in."""
    return {
        language: {key: pair[place] for key, pair in STRINGS.items() if key.startswith(topics)}
        for place, language in enumerate(LANGUAGES)
    }


def said_in_both(said: ClipAppError | Reason | Any) -> Both:
    """What has a `message(language)`, in every language; of an error, what visitors may read."""
    say = said.public_message if isinstance(said, ClipAppError) else said.message
    return {language: say(language) for language in LANGUAGES}

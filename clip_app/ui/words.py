"""The sentences that scripts of the page say, in both languages: they follow its switch at once."""

from typing import Any

from clip_app.errors import ClipAppError, Reason
from clip_app.strings import LANGUAGES, STRINGS, Language
from clip_app.ui.i18n import in_both

Both = dict[Language, str]

#: What `send` of assets/page/basics.js says of a file that is not uploaded.
SENDING = ("image_file_too_large", "sent_")


def words(*topics: str) -> dict[Language, dict[str, str]]:
    """Every string whose key begins with one of `topics`, as `in_both` gives them."""
    return in_both([key for key in STRINGS if key.startswith(topics)])


def said_in_both(said: ClipAppError | Reason | Any) -> Both:
    """What has a `message(language)`, in every language; of an error, what visitors may read."""
    say = said.public_message if isinstance(said, ClipAppError) else said.message
    return {language: say(language) for language in LANGUAGES}

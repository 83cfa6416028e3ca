"""How the numbers of a result come about: the strip under the card."""

STRINGS: dict[str, tuple[str, str]] = {
    "explain_shown": (
        "How many labels to tell in full must be a whole number from 1 to {limit}.",
        "要列出多少个候选词的细节，请填 1 到 {limit} 的整数。",
    ),
    "explain_labels_many": (
        "Other sentences are tried on {limit} labels at most; there are {number}.",
        "换句式来比，最多 {limit} 个候选词，现在有 {number} 个。",
    ),
}

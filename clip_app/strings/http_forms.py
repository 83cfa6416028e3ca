"""What callers of OpenAI's and the Hub's forms are told."""

STRINGS: dict[str, tuple[str, str]] = {
    "http_dimensions": (
        "This model's embeddings have {size} dimensions, not {given}; leave “dimensions” out.",
        "这个模型的特征是 {size} 维，不能改成 {given} 维；请去掉“dimensions”。",
    ),
}

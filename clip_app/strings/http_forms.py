"""What callers of OpenAI's and the Hub's forms are told."""

STRINGS: dict[str, tuple[str, str]] = {
    "http_dimensions": (
        "This model's embeddings have {size} dimensions, not {given}; leave “dimensions” out.",
        "这个模型的特征是 {size} 维，不能改成 {given} 维；请去掉“dimensions”。",
    ),
    "http_text_long": (
        "A text is longer than this model reads; leave “truncate” out to have it cut.",
        "有文本超出了这个模型的长度上限；去掉“truncate”，超出的部分会被截去。",
    ),
    "http_model": (
        "There is no model “{name}” here; /v1/models lists what there is.",
        "这里没有模型“{name}”，可用的模型见 /v1/models。",
    ),
}

"""Plain HTTP below `/v1`: the same functions and the same JSON as the API of the page."""

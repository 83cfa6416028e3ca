import pytest

from clip_app.sizes import beyond, megabytes


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0.00"),
        (40_000, "0.04"),
        (3_274_999, "3.27"),
        (12_340_000, "12.3"),
        (605_200_000, "605"),
        (1_463_600_000, "1,464"),
        (2**30, "1,074"),
    ],
)
def test_a_size_has_three_digits_or_whole_megabytes(size, shown):
    assert megabytes(size) == shown


@pytest.mark.parametrize("limit", [1, 4_999, 5_000_000, 9_999_999, 10_000_000, 10**9, 2**30, 2**31])
@pytest.mark.parametrize("more", [1, 2, 4_999, 999_999])
def test_what_is_over_a_limit_reads_as_more_than_it(limit, more):
    size, most = (float(one.replace(",", "")) for one in beyond(limit + more, limit))
    assert size > most

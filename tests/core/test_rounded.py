import pytest

from lstmlib.show.rounded import deviation


@pytest.mark.parametrize("error, said", [
    (0, "below 1e-14"), (9.9e-15, "below 1e-14"), (1.1e-14, "below 1e-12"), (9e-11, "below 1e-10"), (2e-9, "2e-09"),
    (0.98765, "0.99"), (7.04, "7")])
def test_an_error_of_rounding_is_told_by_an_even_power_of_ten_and_another_by_two_digits(error, said):
    assert deviation(error) == said

import pytest

from lstmlib.show.rounded import bound, deviation


@pytest.mark.parametrize("error, said", [(0, "1e-14"), (3.1e-16, "1e-14"), (9.9e-15, "1e-14"), (1.1e-14, "1e-12"),
                                         (2e-9, "1e-08"), (0.3, "1e+00"), (7, "1e+02"), (float("inf"), None)])
def test_a_rounding_error_is_told_by_an_even_power_of_ten(error, said):
    if said:
        assert bound(error) == f"below {said}" and error < float(said)
    else:
        with pytest.raises(OverflowError):
            bound(error)


@pytest.mark.parametrize("error, said", [
    (3.1e-16, "below 1e-14"), (9e-11, "below 1e-10"), (0.98765, "0.99"), (7.04, "7")])
def test_an_error_that_is_none_of_rounding_is_told_by_two_digits(error, said):
    assert deviation(error) == said

"""Inputs that a whole program is run on keep to what the calibration inputs span."""

import torch

from workers.ethos_u.lowering.checks.whole_check import whole_inputs


def test_an_input_without_elements_stays_as_it_is() -> None:
    """As the past of a decoder is before the first token."""
    samples = [(torch.tensor([[-1.0, 3.0]]), torch.zeros(1, 0, 4)), (torch.tensor([[0.0, 2.0]]), torch.zeros(1, 0, 4))]
    sets = dict(whole_inputs(samples, seed=0))
    assert {one[1].shape for one in sets.values()} == {(1, 0, 4)}
    # A quarter more than from -1 to 3.
    assert sets["minimum"][0].tolist() == [[-1.5, -1.5]] and sets["maximum"][0].tolist() == [[3.5, 3.5]]

"""The defences have teeth: for each layer there is an attack that succeeds without it and fails with it."""

import os

import pytest
from dlgrade.sandbox.confine import LAYERS
from dlgrade.sandbox.forks import Unconfined
from processes import linux_only
from teeth import TEETH, succeeds

pytestmark = linux_only


def tried(tooth, without):
    if tooth.layer == "capabilities" and os.getuid() != 0:
        pytest.skip("an ordinary user has no privileges to give up at this level")
    try:
        return succeeds(tooth, without)
    except Unconfined as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("tooth", TEETH, ids=lambda tooth: f"{tooth.layer}-{tooth.level}")
def test_the_attack_succeeds_without_the_layer_and_not_with_it(tooth):
    assert not tried(tooth, ()), "with everything"
    assert tried(tooth, (tooth.layer, *tooth.also)), "without it"
    assert not tried(tooth, tooth.also), "with it, and without what else would stop the attack"


def test_every_layer_has_a_tooth():
    assert {tooth.layer for tooth in TEETH} == set(LAYERS)

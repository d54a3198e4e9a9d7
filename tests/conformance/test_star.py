"""What ``from pyNN.brainscales import *`` brings."""

import pynn_brainscales as sim


def test_a_star_import_leaves_the_timer_of_pynn():
    """Examples of PyNN import that of ``pyNN.utility`` first: ours is ``sim.Timer`` only."""
    from pyNN.utility import Timer

    names = {"Timer": Timer}
    exec("from pynn_brainscales import *", names)
    assert names["Timer"] is Timer
    assert names["Population"] is sim.Population
    assert sim.Timer is not Timer

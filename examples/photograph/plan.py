"""Where the quay lies, in the scene's axes: x right, y away from the camera, z up, metres."""

EDGE_X = -1.9
"""The quay's edge runs straight away from the camera; to its left is water."""

FRONT_X = 6.2
"""House fronts of the row on the right."""

END_Y = 66.0
"""The quay across the end of the basin."""

BEHIND_Y = -14.0
"""How far the quay goes on behind the camera, for views that retreat."""

WATER_LEVEL_M = -1.1

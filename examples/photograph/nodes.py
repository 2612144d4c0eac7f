"""A thin layer over Blender's shader nodes, so that a material reads as a formula.

Positions are in metres, UV coordinates in metres along a face, `tint` is the colour that the
mesh carries per face.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import bpy

Colour: TypeAlias = tuple[float, float, float]
"""Linear light, 0 to 1."""

Material: TypeAlias = bpy.types.Material
Mesh: TypeAlias = bpy.types.Mesh
Socket: TypeAlias = bpy.types.NodeSocket

Value: TypeAlias = Socket | float | Sequence[float]
"""What a socket can be fed with."""

Stops: TypeAlias = Sequence[tuple[float, float | Colour]]
"""Positions in [0, 1] and the grey or colour there."""


class NodeTree:
    """Arithmetic on the sockets of one node tree."""

    def __init__(self, tree: bpy.types.NodeTree) -> None:
        self.tree = tree

    def connect(self, socket: Socket, value: Value) -> None:
        """Feed a socket from another socket, a number or a colour."""
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
            return
        takes_alpha = (
            hasattr(socket.default_value, "__len__") and len(socket.default_value) == 4
        )
        if takes_alpha and len(value) == 3:
            value = (*value, 1.0)
        socket.default_value = value

    def node(
        self, kind: str, inputs: dict[str | int, Value] | None = None, **properties: str
    ) -> bpy.types.Node:
        """A new node `ShaderNode<kind>` with its inputs connected."""
        node = self.tree.nodes.new("ShaderNode" + kind)
        for name, value in properties.items():
            setattr(node, name, value)
        for name, value in (inputs or {}).items():
            self.connect(node.inputs[name], value)
        return node

    def mapped(self, vector: Socket, scale: Sequence[float], turn_rad: float = 0.0) -> Socket:
        """Coordinates scaled per axis and turned about z."""
        inputs = {"Vector": vector, "Scale": scale, "Rotation": (0.0, 0.0, turn_rad)}
        return self.node("Mapping", inputs).outputs[0]

    def noise(
        self,
        vector: Socket,
        scale: float,
        *,
        detail: float = 3.0,
        roughness: float = 0.6,
        distortion: float = 0.0,
    ) -> Socket:
        """Fractal noise around 0.5."""
        inputs = {
            "Vector": vector,
            "Scale": scale,
            "Detail": detail,
            "Roughness": roughness,
            "Distortion": distortion,
        }
        return self.node("TexNoise", inputs).outputs[0]

    def ramp(self, value: Socket, stops: Stops) -> Socket:
        """A colour or grey by piecewise linear lookup."""
        node = self.node("ValToRGB", {0: value})
        elements = node.color_ramp.elements
        while len(elements) < len(stops):
            elements.new(0.5)
        for element, (position, colour) in zip(elements, stops, strict=True):
            element.position = position
            is_grey = not hasattr(colour, "__len__")
            element.color = (colour, colour, colour, 1.0) if is_grey else (*colour, 1.0)
        return node.outputs[0]

    def mix(self, a: Value, b: Value, amount: Value = 1.0, mode: str = "MIX") -> Socket:
        """Two colours blended by `amount`, in one of Blender's blend modes."""
        node = self.node("Mix", data_type="RGBA", blend_type=mode)
        for index, value in ((0, amount), (6, a), (7, b)):
            self.connect(node.inputs[index], value)
        return node.outputs[2]

    def times(self, a: Value, b: Value, amount: Value = 1.0) -> Socket:
        """Colour multiplied by colour, faded by `amount`."""
        return self.mix(a, b, amount, "MULTIPLY")

    def math(self, operation: str, a: Value, b: Value = 0.0, c: Value = 0.0) -> Socket:
        """One of Blender's scalar operations, for example ADD, POWER or MULTIPLY_ADD."""
        return self.node("Math", {0: a, 1: b, 2: c}, operation=operation).outputs[0]


class Surface(NodeTree):
    """A material under construction: a principled surface and the usual coordinates."""

    def __init__(self, name: str, *, roughness: float = 0.8, specular: float = 0.3) -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        super().__init__(self.material.node_tree)
        self.bsdf = self.tree.nodes["Principled BSDF"]
        self.feed({"Roughness": roughness, "Specular IOR Level": specular})
        self.uv = self.node("TexCoord").outputs["UV"]
        self.position = self.node("NewGeometry").outputs["Position"]
        self.tint = self.node("Attribute", attribute_name="tint").outputs["Color"]

    def feed(self, inputs: dict[str, Value]) -> None:
        """Set inputs of the principled surface."""
        for name, value in inputs.items():
            self.connect(self.bsdf.inputs[name], value)

    def jittered(self, vector: Socket, scale: float, amount: float) -> Socket:
        """Coordinates shaken by noise, so that straight joints look laid by hand."""
        shake = self.node("TexNoise", {"Vector": vector, "Scale": scale}).outputs[1]
        offset = self.mix((0.0, 0.0, 0.0), shake, amount)
        return self.node("Mapping", {"Vector": vector, "Location": offset}).outputs[0]

    def weathered(self, colour: Value, grime: float) -> Socket:
        """A colour with stains at three scales: metres, decimetres, millimetres."""
        large = self.ramp(self.noise(self.position, 0.45), [(0.3, 1 - grime), (0.55, 1.0)])
        medium = self.ramp(
            self.noise(self.position, 5.0), [(0.25, 1 - grime * 0.8), (0.7, 1.1)]
        )
        fine = self.ramp(self.noise(self.position, 70.0, detail=2.0), [(0.3, 0.8), (0.7, 1.12)])
        colour = self.times(colour, large, 0.8)
        return self.times(self.times(colour, medium, 0.8), fine, 0.7)

    def relief(self, height: Socket, strength: float, distance_m: float) -> None:
        """Bend the normals as if `height` (0 to 1) stood out by `distance_m`."""
        inputs = {"Height": height, "Strength": strength, "Distance": distance_m}
        self.feed({"Normal": self.node("Bump", inputs).outputs[0]})

    def painted(self, colour: Value, grime: float = 0.4) -> Material:
        """Finish with a colour times the mesh's tint, weathered; returns the material."""
        self.feed({"Base Color": self.weathered(self.times(colour, self.tint), grime)})
        return self.material

"""The bytes: what people point at, brought here."""

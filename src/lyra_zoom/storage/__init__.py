"""The bytes: what people point at, upload and download."""

"""The path of an image: photograph in, MP4 out."""

"""The hands: what runs a request, in a process of its own, and keeps it running."""

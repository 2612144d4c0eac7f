"""The queue: requests, their order, their events, and who works on them."""

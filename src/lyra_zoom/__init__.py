"""Turn one photograph into a camera-controlled video, on your own machine."""

"""How the bundled depth network was made: data, network, training, export, evaluation."""

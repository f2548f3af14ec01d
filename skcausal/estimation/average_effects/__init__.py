"""One number: average effects with the inference of the method that they come from."""

"""The parts of the Data page, one module for each card."""

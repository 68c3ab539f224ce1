"""A simulated city: bays, sensors, car parks and cameras that stand in for the hardware, and their truth."""

"""The parts that this site is made of, with nothing of ours in them: the least that they take."""

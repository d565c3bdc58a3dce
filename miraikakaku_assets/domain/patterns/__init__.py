"""Pattern definitions, the signals they give on bars, and what came after those. Messages belong to `application`."""

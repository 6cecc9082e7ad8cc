"""Who wears what: from the strap on the skin to whose each second is, live, later and corrected."""

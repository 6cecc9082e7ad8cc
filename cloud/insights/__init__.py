"""From facts to a coach's words: rules alone make a full report; nothing here predicts or advises."""

"""The pages a coach reads: server-rendered, no script of their own, one club only."""

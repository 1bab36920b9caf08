"""The services: every door calls these functions and nothing else."""

"""What may be done, one verb a file. Every front door calls these and nothing else."""

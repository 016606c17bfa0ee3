"""What choices and rewrites do, on the smallest programs and on whole models."""

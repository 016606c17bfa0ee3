"""Records, files and passes that tests take as they are."""

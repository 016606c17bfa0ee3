"""Commands, services and stand-ins that run in processes of their own."""

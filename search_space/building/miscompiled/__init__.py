"""Programs that Vela would compile wrongly, which no pass may lead to."""

"""Programs that measure velatune, check it at length, or write generated pages."""

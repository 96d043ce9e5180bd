"""The command line: reads what was asked, builds everything that answers it, tells errors. The only composition root."""

"""Drop-ins for other caches' clients: their names, signatures, results and exceptions, with no server behind them."""
